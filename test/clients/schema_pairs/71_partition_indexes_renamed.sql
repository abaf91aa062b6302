--- from
CREATE TABLE t (id int, at int, v text, PRIMARY KEY (at), UNIQUE (at, id)) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES FROM (10) TO (15);
CREATE INDEX t_v ON t (v);
CREATE INDEX t_vid ON t (v, id);
CREATE INDEX t_more ON t (v, id, at);
CREATE INDEX free ON t1 (v) WHERE id > 1;
--- to
CREATE TABLE t (id int, at int, v text, PRIMARY KEY (at), UNIQUE (at, id)) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES FROM (10) TO (15);
CREATE INDEX t_v ON t (v);
CREATE INDEX t_vid ON t (v, id);
CREATE INDEX t_more ON t (v, id, at);
-- to a new name, with one another's name, with that of one which goes
ALTER INDEX t1_v_idx RENAME TO aside;
ALTER INDEX t1_v_id_idx RENAME TO t1_v_idx;
ALTER INDEX aside RENAME TO t1_v_id_idx;
ALTER INDEX t1_v_id_at_idx RENAME TO free;
COMMENT ON INDEX t1_v_idx IS 'of v and id';
CREATE INDEX t1_v_id_at_idx ON t1 (id);
ALTER INDEX t2a_v_idx RENAME TO new;
ALTER INDEX t2_v_idx RENAME TO "new 2";
ALTER TABLE t1 RENAME CONSTRAINT t1_pkey TO first;
ALTER TABLE t2a RENAME CONSTRAINT t2a_at_id_key TO second;
COMMENT ON CONSTRAINT second ON t2a IS 'second';
--- rows
INSERT INTO t VALUES (1, 1, 'a'), (2, 12, 'b');
--- keep
SELECT id, at, v FROM t ORDER BY id
--- kept
DROP INDEX (?!public\.free|public\.t1_v_id_at_idx)|DROP CONSTRAINT

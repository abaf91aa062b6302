--- from
CREATE TABLE t (id int, at int, v text) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES FROM (10) TO (15);
CREATE INDEX t1_own ON t1 (v);
CREATE INDEX t1_stays ON t1 (v, id);
CREATE TABLE t4 (v text, id int, at int);
CREATE INDEX t4_v ON t4 (v);
CREATE TABLE w (id int, at int) PARTITION BY LIST (at);
--- to
CREATE TABLE t (id int, at int, v text) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES FROM (10) TO (15);
CREATE TABLE t3 (v text, id int, at int);
CREATE INDEX t3_named ON t3 (v);
ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (20) TO (30);
CREATE TABLE t4 (v text, id int, at int);
CREATE INDEX t4_named ON t4 (v);
ALTER TABLE t ATTACH PARTITION t4 FOR VALUES FROM (30) TO (40);
-- one is taken in, one is the partition's own, and others have their names changed
CREATE INDEX t_v ON t (v);
CREATE INDEX t1_stays ON t1 (v, id);
CREATE INDEX ON ONLY t (v, id);
CREATE INDEX t1_joins ON t1 (v, id);
ALTER INDEX t_v_id_idx ATTACH PARTITION t1_joins;
CREATE INDEX ON ONLY t2 (v, id);
CREATE INDEX t2a_joins ON t2a (v, id);
ALTER INDEX t2_v_id_idx ATTACH PARTITION t2a_joins;
ALTER INDEX t_v_id_idx ATTACH PARTITION t2_v_id_idx;
CREATE INDEX ON t3 (v, id);
ALTER INDEX t_v_id_idx ATTACH PARTITION t3_v_id_idx;
CREATE INDEX ON t4 (v, id);
ALTER INDEX t_v_id_idx ATTACH PARTITION t4_v_id_idx;
COMMENT ON INDEX t1_joins IS 'joins';
COMMENT ON INDEX t3_named IS 'named';
COMMENT ON INDEX t4_named IS 'named, too';
-- the same twice, under names in the other order
ALTER TABLE t ADD CONSTRAINT one UNIQUE (at, id);
ALTER TABLE t ADD CONSTRAINT two UNIQUE (at, id);
ALTER TABLE t1 RENAME CONSTRAINT t1_at_id_key TO aside;
ALTER TABLE t1 RENAME CONSTRAINT t1_at_id_key1 TO t1_at_id_key;
ALTER TABLE t1 RENAME CONSTRAINT aside TO t1_at_id_key1;
COMMENT ON CONSTRAINT t1_at_id_key1 ON t1 IS 'one';
-- of new tables, and what needs the whole of it
CREATE TABLE w (id int, at int, PRIMARY KEY (at, id)) PARTITION BY LIST (at);
CREATE TABLE w1 (id int NOT NULL, at int NOT NULL, CONSTRAINT w1_first PRIMARY KEY (at, id));
CREATE TABLE w2 (id int NOT NULL, at int NOT NULL, CONSTRAINT w2_first PRIMARY KEY (at, id));
ALTER TABLE w ATTACH PARTITION w1 FOR VALUES IN (1);
ALTER TABLE w ATTACH PARTITION w2 FOR VALUES IN (2);
ALTER TABLE w REPLICA IDENTITY USING INDEX w_pkey;
CREATE TABLE f (id int, at int, FOREIGN KEY (at, id) REFERENCES w);
ALTER TABLE w ADD COLUMN up int, ADD FOREIGN KEY (at, up) REFERENCES w;
--- rows
INSERT INTO t VALUES (1, 1, 'a'), (2, 12, 'b');
INSERT INTO t4 VALUES ('c', 3, 33);
--- keep
SELECT id, at, v FROM t WHERE at < 20 ORDER BY id
SELECT v, id, at FROM t4

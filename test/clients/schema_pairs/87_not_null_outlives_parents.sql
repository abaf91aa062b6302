--- server
18
--- lost
downgrade: a child table's own constraint stays its own when the parent gets one
--- from
CREATE TABLE p (v int NOT NULL, w int NOT NULL, x int NOT NULL);
CREATE TABLE c () INHERITS (p);
COMMENT ON CONSTRAINT p_v_not_null ON c IS 'kept';
CREATE TABLE t (at int, v int NOT NULL) PARTITION BY LIST (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1) PARTITION BY LIST (at);
CREATE TABLE t1a PARTITION OF t1 FOR VALUES IN (1);
COMMENT ON CONSTRAINT t_v_not_null ON t1a IS 'kept';
--- to
CREATE TABLE p (v int, w int, x int);
-- its own now, under another name or the same
CREATE TABLE c () INHERITS (p);
ALTER TABLE c ALTER v SET NOT NULL, ADD CONSTRAINT p_w_not_null NOT NULL w, ADD CONSTRAINT named NOT NULL x;
COMMENT ON CONSTRAINT c_v_not_null ON c IS 'kept';
CREATE TABLE t (at int, v int) PARTITION BY LIST (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1) PARTITION BY LIST (at);
CREATE TABLE t1a PARTITION OF t1 FOR VALUES IN (1);
ALTER TABLE t1a ALTER v SET NOT NULL;
COMMENT ON CONSTRAINT t1a_v_not_null ON t1a IS 'kept';
--- rows
INSERT INTO c VALUES (1, 2, 3);
INSERT INTO t VALUES (1, 2);
--- keep
SELECT * FROM c
SELECT * FROM t

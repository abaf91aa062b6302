--- from
CREATE TABLE t (id int CONSTRAINT t_pk PRIMARY KEY, a text, b text, c int) WITH (fillfactor = 80, autovacuum_enabled = off);
CREATE STATISTICS s1 ON a, b FROM t;
CREATE INDEX t_c ON t (c);
ALTER TABLE t CLUSTER ON t_c;
--- to
CREATE UNLOGGED TABLE t (id int CONSTRAINT t_pk PRIMARY KEY, a text COMPRESSION pglz, b text, c int NOT NULL) WITH (fillfactor = 90, toast.autovacuum_enabled = off);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STATISTICS 500, ALTER c SET (n_distinct = -0.5);
CREATE STATISTICS s1 (ndistinct) ON a, b, c FROM t;
CREATE STATISTICS s2 ON (c + 1) FROM t;
ALTER STATISTICS s2 SET STATISTICS 50;
CREATE UNIQUE INDEX t_c ON t (c);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_c;
ALTER TABLE t CLUSTER ON t_pk;
--- rows
INSERT INTO t VALUES (1, 'x', 'y', 1);
--- keep
SELECT * FROM t

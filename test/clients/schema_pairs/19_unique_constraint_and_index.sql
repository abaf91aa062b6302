--- from
CREATE TABLE t (a int, b int, CONSTRAINT t_a UNIQUE (a));
CREATE UNIQUE INDEX t_b ON t (b);
CREATE TABLE r (a int, CONSTRAINT r_fk FOREIGN KEY (a) REFERENCES t (a));
--- to
CREATE TABLE t (a int, b int, CONSTRAINT t_b UNIQUE (b));
CREATE UNIQUE INDEX t_a ON t (a);
CREATE TABLE r (a int, CONSTRAINT r_fk FOREIGN KEY (a) REFERENCES t (a));
--- rows
INSERT INTO t VALUES (1, 1), (2, 2);
INSERT INTO r VALUES (1);
--- keep
SELECT * FROM t ORDER BY a

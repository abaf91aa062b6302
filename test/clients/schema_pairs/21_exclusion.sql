--- from
CREATE EXTENSION btree_gist;
CREATE TABLE t (a int, r int4range, CONSTRAINT x1 EXCLUDE USING gist (r WITH &&));
--- to
CREATE EXTENSION btree_gist;
CREATE TABLE t (a int, r int4range, CONSTRAINT x1 EXCLUDE USING gist (r WITH -|-), CONSTRAINT x2 EXCLUDE USING gist (a WITH =, r WITH &&));
--- rows
INSERT INTO t VALUES (1, '[1,2]'), (2, '[5,6]');
--- keep
SELECT * FROM t ORDER BY a

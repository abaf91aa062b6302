--- from
CREATE TABLE t (id int PRIMARY KEY, a int, b int, "C" int);
CREATE TABLE u (id int PRIMARY KEY, a int);
--- to
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE u (id int PRIMARY KEY);
--- rows
INSERT INTO t VALUES (1, 2, 3, 4);
INSERT INTO u VALUES (1, 2);
CREATE PUBLICATION p FOR TABLE t (id, b, a, "C") WHERE (id > 0), TABLE u;
CREATE PUBLICATION q FOR TABLE t WHERE (b > 0);
--- keep
SELECT id, a FROM t
SELECT id FROM u
SELECT pubname, tablename, 'id' = ANY (attnames), rowfilter FROM pg_publication_tables WHERE pubname = 'p' ORDER BY 1, 2
--- lost
upgrade: the publication is not of the wanted schema
downgrade: the publication is not of the old schema

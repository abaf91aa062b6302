--- from
CREATE TABLE t (id int, a text, b text, c text);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
ALTER TABLE t ALTER c SET COMPRESSION pglz;
CREATE TABLE o (id int);
--- to
CREATE TABLE t (id int, a int, b bytea, c varchar(20));
ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
ALTER TABLE t ALTER c SET COMPRESSION pglz;
CREATE TABLE o (id int, v text) WITH (toast.autovacuum_enabled = off);
--- rows
INSERT INTO t VALUES (1, '2', '\x00', 'c');
INSERT INTO o VALUES (1);
--- keep
SELECT id, a::text, b::text, c::text FROM t
SELECT id FROM o

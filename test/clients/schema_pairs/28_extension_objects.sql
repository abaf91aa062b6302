--- from
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE TABLE t (id int, c citext);
--- to
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE TABLE t (id int, c citext, h hstore);
CREATE INDEX t_h ON t USING gin (h);
--- rows
INSERT INTO t VALUES (1, 'A');
--- keep
SELECT id, c FROM t
--- unsteady
its extensions come from files

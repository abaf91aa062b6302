--- from
CREATE TYPE c AS (a int, b text);
CREATE TABLE t (id int, c c);
CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE u (ts t[]);
--- to
CREATE TYPE c AS (a int, d int);
CREATE TABLE t (id int, c c, e int);
CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE u (ts t[]);
--- rows
INSERT INTO t VALUES (1, '(1,x)');
--- keep
SELECT id, (c).a FROM t

--- from
CREATE TYPE e AS ENUM ('x', 'a', 'b');
CREATE TYPE inner_type AS (v e, n int);
CREATE TYPE outer_type AS (i inner_type, many e[], t text);
CREATE TYPE unheld AS (v e);
CREATE TABLE t (id int, i inner_type, o outer_type, l outer_type[]);
CREATE VIEW w AS SELECT id, (o).t FROM t;
CREATE FUNCTION f(u unheld) RETURNS e LANGUAGE sql RETURN u.v;
COMMENT ON COLUMN inner_type.v IS 'one of e';
CREATE TYPE leaves AS ENUM ('a');
CREATE TYPE changing AS (v leaves, t varchar);
CREATE TABLE c (id int, v changing, l leaves);
--- to
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TYPE inner_type AS (v e, n int);
CREATE TYPE outer_type AS (i inner_type, many e[], t text);
CREATE TYPE unheld AS (v e);
CREATE TABLE t (id int, i inner_type, o outer_type, l outer_type[]);
CREATE VIEW w AS SELECT id, (o).t FROM t;
CREATE FUNCTION f(u unheld) RETURNS e LANGUAGE sql RETURN u.v;
COMMENT ON COLUMN inner_type.v IS 'one of e';
CREATE SCHEMA other;
CREATE TYPE other.comes AS ENUM ('a');
CREATE TYPE changing AS (v other.comes, t text);
CREATE TABLE c (id int, v changing, l other.comes);
--- rows
INSERT INTO c VALUES (1, '(a,x)', 'a');
INSERT INTO t VALUES (1, '(a,1)', '("(b,2)","{a,b}",z)',
	ARRAY[ROW(ROW('a', 3), '{b}', 'y')]::outer_type[]);
--- keep
SELECT * FROM t
SELECT * FROM w
SELECT * FROM c

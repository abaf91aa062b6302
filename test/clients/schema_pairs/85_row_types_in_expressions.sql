--- from
CREATE TYPE c AS (a int, b text);
CREATE FUNCTION atomic(v c) RETURNS text LANGUAGE sql STABLE RETURN v::text;
CREATE FUNCTION quoted(v c) RETURNS text LANGUAGE sql STABLE AS 'SELECT v::text';
CREATE FUNCTION many(v c[]) RETURNS text LANGUAGE sql STABLE RETURN v::text;
COMMENT ON FUNCTION many(c[]) IS 'many';
CREATE TYPE cc AS (x c, y int);
CREATE DOMAIN dc AS cc;
CREATE FUNCTION nested(v dc) RETURNS text LANGUAGE sql STABLE RETURN (v).y::text;
CREATE VIEW w AS SELECT '(1,x)'::c AS r, atomic(NULL) AS f;
GRANT SELECT ON w TO PUBLIC;
CREATE TABLE d (id int, v text DEFAULT ('(1,x)'::c)::text);
CREATE TABLE t (a int, b text);
CREATE FUNCTION part(v t) RETURNS text LANGUAGE sql RETURN (v).b;
CREATE FUNCTION given(v t DEFAULT '(1,x)') RETURNS text LANGUAGE sql AS 'SELECT v::text';
CREATE VIEW counted AS SELECT count(*) FROM t;
--- to
CREATE TYPE c AS (a bigint, b text);
CREATE FUNCTION atomic(v c) RETURNS text LANGUAGE sql STABLE RETURN v::text;
CREATE FUNCTION quoted(v c) RETURNS text LANGUAGE sql STABLE AS 'SELECT v::text';
CREATE FUNCTION many(v c[]) RETURNS text LANGUAGE sql STABLE RETURN v::text;
COMMENT ON FUNCTION many(c[]) IS 'many';
CREATE TYPE cc AS (x c, y int);
CREATE DOMAIN dc AS cc;
CREATE FUNCTION nested(v dc) RETURNS text LANGUAGE sql STABLE RETURN (v).y::text;
CREATE VIEW w AS SELECT '(1,x)'::c AS r, atomic(NULL) AS f;
GRANT SELECT ON w TO PUBLIC;
CREATE TABLE d (id int, v text DEFAULT ('(1,x)'::c)::text);
CREATE TABLE t (a bigint, b text);
CREATE FUNCTION part(v t) RETURNS text LANGUAGE sql RETURN (v).b;
CREATE FUNCTION given(v t DEFAULT '(1,x)') RETURNS text LANGUAGE sql AS 'SELECT v::text';
CREATE VIEW counted AS SELECT count(*) FROM t;
--- rows
INSERT INTO d VALUES (1);
INSERT INTO t VALUES (1, 'x');
--- keep
SELECT * FROM d
SELECT * FROM t
SELECT quoted(r), f FROM w
SELECT count FROM counted
--- kept
DROP (FUNCTION public.quoted|VIEW public.counted)

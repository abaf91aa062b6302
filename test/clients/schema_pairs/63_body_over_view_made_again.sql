--- from
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a AS old, b FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(old) FROM v);
CREATE VIEW w AS SELECT old + 1 AS n FROM v;
--- to
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a AS new, b FROM t;
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(new) FROM v);
CREATE VIEW w AS SELECT new + 2 AS n FROM v;

--- from
CREATE TYPE pair AS (a integer, gone text, b text);
COMMENT ON COLUMN pair.a IS 'first';
CREATE TABLE t (id integer PRIMARY KEY, p pair, many pair[]);
CREATE VIEW v AS SELECT id, (p).b FROM t;
--- to
CREATE TYPE pair AS (a numeric, b text, c date);
COMMENT ON COLUMN pair.a IS 'first';
CREATE TABLE t (id integer PRIMARY KEY, p pair, many pair[]);
CREATE VIEW v AS SELECT id, (p).b FROM t;
--- rows
INSERT INTO t VALUES (1, ROW(1, 'x', 'a,b'), ARRAY[ROW(2, 'y', 'c"d')::pair]), (2, NULL, '{}');
--- keep
SELECT id, (p).a, (p).b, (many[1]).a, (many[1]).b FROM t ORDER BY id

--- from
CREATE TYPE e AS ENUM ('b', 'd');
CREATE TYPE f AS ENUM ('x', 'y');
CREATE TABLE t (id int, e e DEFAULT 'b', f f);
--- to
CREATE TYPE e AS ENUM ('a', 'b', 'c', 'd', 'z');
CREATE TYPE f AS ENUM ('w', 'x', 'x1', 'y', 'z');
CREATE TABLE t (id int, e e DEFAULT 'c' CHECK (e <> 'a'), f f);
--- rows
INSERT INTO t VALUES (1, 'b', 'x'), (2, 'd', 'y');
--- keep
SELECT id, e, f FROM t ORDER BY id

--- from
CREATE TABLE t (id int, a int, gone text);
--- to
CREATE TABLE t (id int NOT NULL, a int NOT NULL DEFAULT 7, gone int, added int NOT NULL DEFAULT 0);
--- rows
INSERT INTO t VALUES (1, NULL, '5'), (2, 2, NULL);
--- keep
SELECT id, coalesce(a, 7), gone::int FROM t ORDER BY id

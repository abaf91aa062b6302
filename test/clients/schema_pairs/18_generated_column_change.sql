--- from
CREATE TABLE t (id int, a int GENERATED ALWAYS AS (id * 2) STORED, b int GENERATED ALWAYS AS (id * 3) STORED, c int);
--- to
CREATE TABLE t (id int, a int GENERATED ALWAYS AS (id * 5) STORED, b int, c int GENERATED ALWAYS AS (id + 1) STORED);
--- rows
INSERT INTO t (id) VALUES (1), (2);
--- keep
SELECT id, b FROM t ORDER BY id

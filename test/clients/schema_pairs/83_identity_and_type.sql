--- from
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a text NOT NULL, b bigint GENERATED ALWAYS AS IDENTITY);
--- to
CREATE TABLE t (id text NOT NULL, a smallint GENERATED ALWAYS AS IDENTITY, b int NOT NULL);
--- rows
INSERT INTO t (a) VALUES ('3'), ('7');
--- keep
SELECT id::text, a::text, b FROM t ORDER BY 1

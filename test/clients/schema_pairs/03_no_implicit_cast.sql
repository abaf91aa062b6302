--- from
CREATE TABLE t (id int, a text DEFAULT '5', b int DEFAULT 1, c text);
--- to
CREATE TABLE t (id int, a int DEFAULT 5, b bool DEFAULT true, c uuid);
--- rows
INSERT INTO t VALUES (1, '7', 1, '00000000-0000-0000-0000-000000000001');
--- keep
SELECT id, a::text, b::text::bool, c::text FROM t

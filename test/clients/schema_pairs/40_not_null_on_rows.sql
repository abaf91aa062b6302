--- from
CREATE TABLE t (id int, a int, gone text);
CREATE TABLE u (a int CONSTRAINT here CHECK (a IS NOT NULL), b int);
CREATE TABLE p (id int, "A b" int) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE base (n int);
CREATE TABLE child () INHERITS (base);
--- to
CREATE TABLE t (id int NOT NULL, a int NOT NULL DEFAULT 7, gone int, added int NOT NULL DEFAULT 0);
CREATE TABLE u (a int NOT NULL CONSTRAINT here CHECK (a IS NOT NULL), b int NOT NULL CONSTRAINT comes CHECK (b IS NOT NULL));
CREATE TABLE p (id int, "A b" int NOT NULL) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE base (n int NOT NULL);
CREATE TABLE child () INHERITS (base);
--- rows
INSERT INTO t VALUES (1, NULL, '5'), (2, 2, NULL);
INSERT INTO u VALUES (1, 2);
INSERT INTO p VALUES (1, 2);
INSERT INTO child VALUES (1);
--- keep
SELECT id, coalesce(a, 7), gone::int FROM t ORDER BY id
SELECT u, p, child FROM u, p, child

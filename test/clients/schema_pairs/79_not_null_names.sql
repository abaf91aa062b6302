--- server
18
--- from
CREATE TABLE t (id int CONSTRAINT foo NOT NULL, b int, c int);
ALTER TABLE t ADD CONSTRAINT bar NOT NULL b NOT VALID;
ALTER TABLE t ADD CONSTRAINT baz NOT NULL c NO INHERIT;
COMMENT ON CONSTRAINT foo ON t IS 'foo';
CREATE TABLE p (id int NOT NULL, n int NOT NULL) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE u (a int, b int, c int CONSTRAINT c NOT NULL NO INHERIT, d int CONSTRAINT d NOT NULL);
CREATE TABLE alllllllllllllllllllllllllllllllllllllllllllllllllllllll (blllllllllllllllllllllllllllllllllllllllllllllllllllllll int NOT NULL, d int);
--- to
CREATE TABLE t (id bigint CONSTRAINT foo NOT NULL, b bigint, c bigint);
ALTER TABLE t ADD CONSTRAINT bar NOT NULL b NOT VALID;
ALTER TABLE t ADD CONSTRAINT baz NOT NULL c NO INHERIT;
COMMENT ON CONSTRAINT foo ON t IS 'foo';
CREATE TABLE p (id int CONSTRAINT named NOT NULL, n bigint NOT NULL) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE u (a int CONSTRAINT a NOT NULL, b int CONSTRAINT b NOT NULL GENERATED ALWAYS AS IDENTITY, c int CONSTRAINT c2 NOT NULL, d int, e int CONSTRAINT e NOT NULL GENERATED ALWAYS AS IDENTITY, f int DEFAULT 1 CONSTRAINT f NOT NULL NO INHERIT);
COMMENT ON CONSTRAINT a ON u IS 'a';
CREATE TABLE alllllllllllllllllllllllllllllllllllllllllllllllllllllll (blllllllllllllllllllllllllllllllllllllllllllllllllllllll int NOT NULL, clllllllllllllllllllllllllllllllllllllllllllllllllllllll int DEFAULT 1 NOT NULL, d int NOT NULL);
--- rows
INSERT INTO t VALUES (1, 1, 1);
INSERT INTO p VALUES (1, 1);
INSERT INTO u VALUES (1, 1, 1, 1);
INSERT INTO alllllllllllllllllllllllllllllllllllllllllllllllllllllll VALUES (1, 1);
--- keep
SELECT * FROM t
SELECT * FROM p1
SELECT a, b, c FROM u
SELECT blllllllllllllllllllllllllllllllllllllllllllllllllllllll, d FROM alllllllllllllllllllllllllllllllllllllllllllllllllllllll

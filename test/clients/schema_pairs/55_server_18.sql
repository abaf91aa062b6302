--- server
18
--- from
CREATE TABLE t (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, s int GENERATED ALWAYS AS (a * 2) STORED, w int GENERATED ALWAYS AS (a) VIRTUAL);
CREATE TABLE u (id int REFERENCES t, b int CHECK (b > 0));
CREATE PUBLICATION pu FOR TABLE t;
CREATE EXTENSION btree_gist;
--- to
CREATE TABLE t (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 3) VIRTUAL, s int GENERATED ALWAYS AS (a * 2) VIRTUAL, w int, n int GENERATED ALWAYS AS (a + 1));
CREATE TABLE u (id int, b int);
ALTER TABLE u ADD FOREIGN KEY (id) REFERENCES t NOT ENFORCED;
ALTER TABLE u ADD CONSTRAINT u_b_check CHECK (b > 0) NOT ENFORCED;
CREATE PUBLICATION pu FOR TABLE t WITH (publish_generated_columns = stored);
CREATE EXTENSION btree_gist;
CREATE TABLE w (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE x (id int, during daterange, FOREIGN KEY (id, PERIOD during) REFERENCES w (id, PERIOD during));
--- rows
INSERT INTO t (id, a) VALUES (1, 2); INSERT INTO u VALUES (1, 1);
--- keep
SELECT id, a, s FROM t
SELECT id, b FROM u

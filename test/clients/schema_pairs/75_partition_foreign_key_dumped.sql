--- from
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int, at int) PARTITION BY LIST (at);
CREATE TABLE t1 (id int CONSTRAINT t1_to_r REFERENCES r, at int);
ALTER TABLE t ADD CONSTRAINT to_r FOREIGN KEY (id) REFERENCES r;
ALTER TABLE t ATTACH PARTITION t1 FOR VALUES IN (1);
--- to
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int, at int) PARTITION BY LIST (at);
CREATE TABLE t1 (id int, at int);
ALTER TABLE t ATTACH PARTITION t1 FOR VALUES IN (1);
ALTER TABLE t ADD CONSTRAINT to_r FOREIGN KEY (id) REFERENCES r;
--- nothing
pg_dump says nothing of the foreign keys of partitions

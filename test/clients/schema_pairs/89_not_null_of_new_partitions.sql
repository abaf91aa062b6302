--- server
18
--- from
CREATE TABLE p (id int CONSTRAINT p_has_id NOT NULL, at int NOT NULL, v text) PARTITION BY LIST (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX p_v ON p (v);
CREATE TABLE i (a int NOT NULL, b int);
--- to
CREATE TABLE p (id int CONSTRAINT p_has_id NOT NULL, at int NOT NULL, v text) PARTITION BY LIST (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX p_v ON p (v);
-- made with the parent's columns, under names of its own and the parent's
CREATE TABLE p2 PARTITION OF p (id CONSTRAINT p2_has_id NOT NULL) FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE TABLE p2a PARTITION OF p2 (at CONSTRAINT "p2a At" NOT NULL) FOR VALUES IN (1);
CREATE TABLE p3 PARTITION OF p (v CONSTRAINT p3_has_v NOT NULL) FOR VALUES IN (3);
-- made alone, since its index has a name of its own
CREATE TABLE p4 (id int CONSTRAINT p4_has_id NOT NULL, at int NOT NULL, v text CONSTRAINT p4_has_v NOT NULL);
CREATE INDEX p4_own ON p4 (v);
ALTER TABLE p ATTACH PARTITION p4 FOR VALUES IN (4);
-- NOT NULL by the parent's, and for a reason of its own
CREATE TABLE i (a int NOT NULL, b int);
CREATE TABLE i1 (a int, b int) INHERITS (i);
CREATE TABLE i2 (a int NOT NULL, b int NOT NULL) INHERITS (i);
--- rows
INSERT INTO p VALUES (1, 1, 'a');
--- keep
SELECT * FROM p

--- server
18
--- from
CREATE TABLE p (id int CONSTRAINT p_has_id NOT NULL, at int NOT NULL, v text) PARTITION BY LIST (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE INDEX p_v ON p (v);
CREATE TABLE i (a int NOT NULL, b int);
CREATE TABLE q (id int CONSTRAINT q_old NOT NULL, at int) PARTITION BY LIST (at);
CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE INDEX q_id ON q (id);
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
-- the parent's gets another name, and with it those that have the same
CREATE TABLE q (id int CONSTRAINT q_new NOT NULL, at int) PARTITION BY LIST (at);
CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE INDEX q_id ON q (id);
CREATE TABLE q1a PARTITION OF q1 (id CONSTRAINT q1a_own NOT NULL) FOR VALUES IN (1);
CREATE TABLE q2 PARTITION OF q (id CONSTRAINT q2_own NOT NULL) FOR VALUES IN (2);
CREATE TABLE q3 PARTITION OF q FOR VALUES IN (3);
ALTER INDEX q3_id_idx RENAME TO q3_own;
CREATE TABLE q4 PARTITION OF q (id CONSTRAINT q4_own NOT NULL) FOR VALUES IN (4);
ALTER INDEX q4_id_idx RENAME TO q4_own;
--- rows
INSERT INTO p VALUES (1, 1, 'a');
--- keep
SELECT * FROM p

--- from
CREATE TABLE p (a int NOT NULL, b int);
CREATE TABLE joins (b int, a int);
CREATE TABLE leaves (a int, b int) INHERITS (p);
CREATE TABLE l (a int NOT NULL, b int) PARTITION BY LIST (b);
CREATE TABLE l1 (a int, b int);
CREATE TABLE l2 PARTITION OF l FOR VALUES IN (2);
--- to
CREATE TABLE p (a int, b int NOT NULL);
CREATE TABLE joins (b int NOT NULL, a int) INHERITS (p);
CREATE TABLE leaves (a int NOT NULL, b int);
CREATE TABLE l (a int, b int NOT NULL) PARTITION BY LIST (b);
CREATE TABLE l1 PARTITION OF l FOR VALUES IN (1);
CREATE TABLE l2 (a int NOT NULL, b int);
--- rows
INSERT INTO p VALUES (1, 2);
INSERT INTO joins VALUES (1, 2);
INSERT INTO leaves VALUES (1, NULL);
INSERT INTO l1 VALUES (1, 1);
INSERT INTO l VALUES (1, 2);
--- keep
SELECT * FROM ONLY p
SELECT * FROM joins
SELECT * FROM leaves
SELECT * FROM l1
SELECT * FROM l2
--- lost
downgrade: a child table's own constraint stays its own when the parent gets one

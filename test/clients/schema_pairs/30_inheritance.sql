--- from
CREATE TABLE p (a int);
CREATE TABLE c1 (b int) INHERITS (p);
CREATE TABLE c2 (a int, b int);
CREATE TABLE c3 (x int) INHERITS (p);
--- to
CREATE TABLE p (a int, n text);
CREATE TABLE c1 (b int) INHERITS (p);
CREATE TABLE c2 (a int, b int, n text);
ALTER TABLE c2 INHERIT p;
CREATE TABLE c3 (x int, a int);
--- rows
INSERT INTO c1 VALUES (1, 2); INSERT INTO c2 VALUES (3, 4); INSERT INTO c3 VALUES (5, 6);
--- keep
SELECT a, b FROM c1
SELECT a, b FROM c2
SELECT a, x FROM c3
--- lost
downgrade: no ALTER makes a table's own column an inherited one only

--- from
CREATE TABLE a (id int, x text);
CREATE TABLE b (id int, y int);
CREATE TABLE c (m int, n text);
CREATE INDEX i1 ON c (m);
CREATE INDEX i2 ON c (n);
--- to
CREATE TABLE b (id int, x text);
CREATE TABLE a (id int, y int);
CREATE TABLE c (n int, m text);
CREATE INDEX i2 ON c (m);
CREATE INDEX i1 ON c (n);

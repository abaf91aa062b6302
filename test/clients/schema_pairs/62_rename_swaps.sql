--- from
CREATE SCHEMA s1;
CREATE SCHEMA s2;
CREATE TABLE a (id int PRIMARY KEY, x text);
CREATE TABLE b (id int PRIMARY KEY, y int);
CREATE TABLE c (m int, n text, o date);
CREATE INDEX i1 ON c (m);
CREATE INDEX i2 ON c (n);
CREATE TYPE e AS ENUM ('p', 'q', 'r');
CREATE TABLE s1.t (v e);
CREATE TABLE s2.t (w int);
CREATE TABLE s1.u (z int);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE d (id int CONSTRAINT k PRIMARY KEY, j int CONSTRAINT l UNIQUE);
--- to
CREATE SCHEMA s1;
CREATE SCHEMA s2;
CREATE SCHEMA s3;
CREATE TABLE b (id int PRIMARY KEY, x text);
CREATE TABLE a (id int PRIMARY KEY, y int);
CREATE TABLE c (n int, o text, m date);
CREATE INDEX i2 ON c (n);
CREATE INDEX i1 ON c (o);
CREATE TYPE e AS ENUM ('q', 'r', 'p');
CREATE TABLE s2.t (v e);
CREATE TABLE s1.t (w int);
CREATE TABLE s3.z (z int);
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE l (id int CONSTRAINT d PRIMARY KEY, j int CONSTRAINT k UNIQUE);
--- rows
INSERT INTO a VALUES (1, 'x');
INSERT INTO b VALUES (1, 2);
INSERT INTO c VALUES (1, 'n', '2001-01-01');
INSERT INTO s1.t VALUES ('p'), ('q'), ('r');
INSERT INTO s2.t VALUES (5);
INSERT INTO s1.u VALUES (6);
INSERT INTO d VALUES (1, 2);
--- renames
a -> b
b -> a
column c.m -> n
column c.n -> o
column c.o -> m
i1 -> i2
i2 -> i1
enum value e.p -> q
enum value e.q -> r
enum value e.r -> p
table s1.t -> s2.t
table s2.t -> s1.t
table s1.u -> s3.z
f -> g
g -> f
table d -> l
k -> d
d.l -> k
--- renames back
a -> b
b -> a
column c.n -> m
column c.o -> n
column c.m -> o
i1 -> i2
i2 -> i1
enum value e.q -> p
enum value e.r -> q
enum value e.p -> r
table s2.t -> s1.t
table s1.t -> s2.t
table s3.z -> s1.u
f -> g
g -> f
table l -> d
l.d -> k
l.k -> l
--- kept
DROP (TABLE|COLUMN|INDEX|TYPE|FUNCTION|CONSTRAINT)|CREATE (TABLE|TYPE|INDEX)
--- keep
SELECT query_to_xml('SELECT translate(t::text, ''pqr'', ''***'') AS x FROM ' || oid::regclass || ' t ORDER BY 1', false, true, '')::text FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 's1', 's2', 's3') AND relkind = 'r' ORDER BY 1

--- from
CREATE TYPE person AS (id int, name text, born date);
CREATE TABLE people OF person (id WITH OPTIONS PRIMARY KEY, name WITH OPTIONS DEFAULT 'nobody' NOT NULL);
CREATE TABLE others (id int, name text, born date);
CREATE TABLE leaves OF person;
CREATE TYPE gone AS (a int);
CREATE TABLE goes OF gone;
CREATE VIEW names AS SELECT name FROM people;
--- to
CREATE TYPE person AS (id bigint, name text, mail text COLLATE "C");
CREATE TABLE people OF person (id WITH OPTIONS PRIMARY KEY, name WITH OPTIONS DEFAULT 'somebody' NOT NULL);
CREATE TABLE others OF person (mail WITH OPTIONS UNIQUE);
CREATE TABLE leaves (id int, name text, born date);
CREATE TYPE fresh AS (a int);
CREATE TABLE comes OF fresh (a WITH OPTIONS DEFAULT 3 CHECK (a > 2));
CREATE VIEW names AS SELECT name FROM people;
--- rows
INSERT INTO people VALUES (1, 'x', '2000-01-01'); INSERT INTO others VALUES (2, 'y'); INSERT INTO leaves VALUES (3);
--- keep
SELECT id, name FROM people
SELECT id, name FROM others
SELECT id, name, born FROM leaves

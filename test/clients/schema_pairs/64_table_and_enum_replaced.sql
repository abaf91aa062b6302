--- from
CREATE TYPE state AS ENUM ('open', 'closed');
CREATE TABLE person (id int PRIMARY KEY, st state);
CREATE TABLE stays (st state);
CREATE VIEW v AS SELECT id FROM person;
CREATE FUNCTION f(state) RETURNS int LANGUAGE sql AS 'SELECT 1';
--- to
CREATE TYPE state AS ENUM ('opened', 'closed');
CREATE TABLE people (id int PRIMARY KEY, st state);
CREATE TABLE stays (st state);
CREATE VIEW v AS SELECT id FROM people;
CREATE FUNCTION f(state) RETURNS int LANGUAGE sql AS 'SELECT 1';
--- rows
INSERT INTO stays VALUES ('closed');
--- keep
SELECT * FROM stays

--- from
CREATE TABLE a (i int, j bigint);
CREATE SEQUENCE s OWNED BY a.i;
CREATE SEQUENCE u OWNED BY a.j;
CREATE SEQUENCE comes;
CREATE SEQUENCE goes OWNED BY a.i;
CREATE TABLE b (i int);
CREATE SEQUENCE t OWNED BY b.i;
ALTER TABLE b SET UNLOGGED;
ALTER SEQUENCE t SET LOGGED;
--- to
CREATE TABLE a (i int, j bigint);
ALTER TABLE a SET UNLOGGED;
CREATE SEQUENCE s OWNED BY a.i;
CREATE UNLOGGED SEQUENCE u OWNED BY a.j;
CREATE SEQUENCE comes OWNED BY a.i;
CREATE SEQUENCE goes;
CREATE TABLE b (i int);
CREATE UNLOGGED SEQUENCE t OWNED BY b.i;
--- rows
INSERT INTO a VALUES (nextval('s'), nextval('u'));
SELECT nextval('comes'), nextval('goes'), nextval('t');
--- keep
SELECT * FROM a
SELECT last_value FROM s
SELECT last_value FROM u
SELECT last_value FROM comes
SELECT last_value FROM goes

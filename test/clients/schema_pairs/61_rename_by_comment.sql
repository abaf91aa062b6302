--- from
CREATE SCHEMA old_app;
CREATE TYPE old_app.state AS ENUM ('open', 'on hold', 'closed');
CREATE TYPE old_app.pair AS (a int, b text);
CREATE DOMAIN old_app.age AS int CONSTRAINT sane CHECK (VALUE > 0);
CREATE FUNCTION old_app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION old_app.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE TABLE old_app.person (id int PRIMARY KEY, full_name text, st old_app.state,
    CONSTRAINT named CHECK (full_name <> ''));
CREATE INDEX by_name ON old_app.person (full_name);
CREATE VIEW old_app.v AS SELECT id FROM old_app.person;
CREATE MATERIALIZED VIEW old_app.m AS SELECT id FROM old_app.person;
CREATE SEQUENCE old_app.counter;
--- to
-- dbm: renamed from old_app
CREATE SCHEMA app;
/* a comment /* that says "-- dbm: nothing" */ */
CREATE TYPE app.state AS ENUM (
    -- dbm: renamed from open
    'opened',
    -- dbm: renamed from 'on hold'
    'held', 'closed');
CREATE TYPE app.pair AS (
    -- dbm: renamed from a
    first int, b text);
CREATE DOMAIN app.age AS int
    -- dbm: renamed from sane
    CONSTRAINT positive CHECK (VALUE > 0);
-- dbm: renamed from f
CREATE FUNCTION app.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 2';
SET search_path = app;

-- Name: people; Type: TABLE
-- dbm: renamed from person
-- a table of its own

CREATE TABLE people (
    id int PRIMARY KEY,
    -- what it is called
    -- dbm: renamed from full_name
    name text,
    st app.state,
    -- dbm: renamed from never_there
    added text,
    -- dbm: renamed from named
    CONSTRAINT has_name CHECK (name <> '')
);
-- dbm: renamed from by_name
CREATE INDEX people_by_name ON people (name);
-- dbm: renamed from v
CREATE VIEW w AS SELECT id FROM people;
-- dbm: renamed from old_app.m
CREATE MATERIALIZED VIEW mm AS SELECT id FROM app.people;
-- dbm: renamed from counter
CREATE SEQUENCE app."Number";
-- the end
--- rows
INSERT INTO old_app.person VALUES (1, 'x', 'open'), (2, 'y', 'on hold');
REFRESH MATERIALIZED VIEW old_app.m;
SELECT nextval('old_app.counter');
--- kept
DROP (TABLE|SCHEMA|COLUMN .?name|VIEW|MATERIALIZED|SEQUENCE|CONSTRAINT|INDEX|TYPE|FUNCTION)|CREATE
--- keep
SELECT query_to_xml('SELECT id FROM ' || oid::regclass || ' t ORDER BY 1', false, true, '')::text FROM pg_class WHERE relname IN ('person', 'people', 'm', 'mm') ORDER BY relname LIKE 'm%', 1
SELECT last_value FROM pg_sequences WHERE schemaname <> 'dbm' ORDER BY 1

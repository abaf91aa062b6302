--- from
CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('open', 'closed');
CREATE DOMAIN app.age AS int CONSTRAINT sane CHECK (VALUE > 0);
CREATE TYPE app.pair AS (a int, b text);
CREATE TABLE app.person (
    id serial PRIMARY KEY,
    full_name text UNIQUE,
    st app.state DEFAULT 'open',
    a int,
    b int,
    age app.age,
    p app.pair,
    CONSTRAINT c1 CHECK (a > 0)
);
COMMENT ON TABLE app.person IS 'who';
COMMENT ON COLUMN app.person.full_name IS 'all of it';
GRANT SELECT (full_name) ON app.person TO PUBLIC;
CREATE TABLE app.note (id int PRIMARY KEY, person int REFERENCES app.person ON DELETE CASCADE, txt text);
CREATE INDEX ON app.person (a);
CREATE INDEX by_note ON app.note (txt);
CREATE VIEW app.v AS SELECT full_name, a FROM app.person WHERE st = 'open';
CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION app.f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION app.who(app.person) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE SEQUENCE app.counter;
CREATE TABLE app.uses (n bigint DEFAULT nextval('app.counter'), m int DEFAULT app.f(1));
CREATE TRIGGER t1 BEFORE UPDATE ON app.note FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY p1 ON app.note USING (id > 0);
CREATE STATISTICS app.st1 ON id, person FROM app.note;
--- to
CREATE SCHEMA app;
CREATE TYPE app.status AS ENUM ('opened', 'closed');
CREATE DOMAIN app.years AS int CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE app.couple AS (first int, b text);
CREATE TABLE app.people (
    id serial PRIMARY KEY,
    name text UNIQUE,
    st app.status DEFAULT 'opened',
    a int,
    b int,
    age app.years,
    p app.couple,
    CONSTRAINT c2 CHECK (b > 0)
);
COMMENT ON TABLE app.people IS 'who';
COMMENT ON COLUMN app.people.name IS 'all of it';
GRANT SELECT (name) ON app.people TO PUBLIC;
CREATE TABLE app.remark (id int PRIMARY KEY, people int REFERENCES app.people ON DELETE CASCADE, txt text);
CREATE INDEX ON app.people (b);
CREATE INDEX by_remark ON app.remark (txt);
CREATE VIEW app.w AS SELECT name AS full_name, b AS a FROM app.people WHERE st = 'opened';
CREATE FUNCTION app.g(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION app.f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION app.whom(app.people) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE SEQUENCE app.number;
CREATE TABLE app.uses (n bigint DEFAULT nextval('app.number'), m int DEFAULT app.g(1));
CREATE TRIGGER t2 BEFORE UPDATE ON app.remark FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE app.remark ENABLE ROW LEVEL SECURITY;
CREATE POLICY p2 ON app.remark USING (id > 0);
CREATE STATISTICS app.st2 ON id, people FROM app.remark;
--- rows
INSERT INTO app.person (full_name, a, b, age, p) VALUES ('x', 1, 2, 3, '(4,five)'), ('y', 2, 1, NULL, NULL);
INSERT INTO app.note VALUES (1, 2, 'hello');
INSERT INTO app.uses DEFAULT VALUES;
INSERT INTO app.uses DEFAULT VALUES;
--- renames
table app.person -> people
column app.person.full_name -> name
enum value app.state.open -> opened
type app.state -> app.status
domain app.age -> years
constraint app.age.sane -> positive
app.pair -> couple
attribute app.pair.a -> first
column person.a -> b
column person.b -> a
constraint app.person.c1 -> c2
app.note -> remark
column note.person -> people
index app.by_note -> by_remark
app.v -> w
function app.f(int4) -> g
function app.who -> app.whom
app.counter -> number
trigger app.note.t1 -> app.remark.t2
p1 -> p2
statistics st1 -> st2
--- renames back
table people -> person
people.name -> full_name
enum value app.status.opened -> 'open'
type app.status -> app.state
domain app.years -> age
constraint app.years.positive -> sane
app.couple -> pair
attribute app.couple.first -> a
column people.a -> b
column people.b -> a
constraint app.people.c2 -> c1
app.remark -> note
column remark.people -> person
index app.by_remark -> by_note
app.w -> v
function app.g -> f
function app.whom(app.people) -> who
app.number -> counter
trigger app.remark.t2 -> t1
p2 -> p1
statistics st2 -> st1
--- kept
DROP|CREATE
--- keep
SELECT query_to_xml('SELECT replace(t::text, ''opened'', ''open'') AS x FROM ' || oid::regclass || ' t ORDER BY 1', false, true, '')::text FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind = 'r' ORDER BY 1
SELECT last_value FROM pg_sequences WHERE schemaname <> 'dbm' ORDER BY 1

-- Renames: every wrong use, what comments in a model may say, and what only
-- looks like a rename.  That renames keep what objects hold is proved by
-- test/clients/schema_diff.py.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT plan(58);

CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('open', 'closed', 'lost');
CREATE TABLE app.person (id int PRIMARY KEY, full_name text, nick text, st app.state);
CREATE TABLE app.other (id int, full_name text, gone int);
CREATE TABLE public.person (id int, a int, b text);
CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE VIEW app.v AS SELECT id FROM app.person;

SELECT dbm_set_model($$
CREATE SCHEMA app;
CREATE TYPE app.state AS ENUM ('opened', 'closed', 'lost');
CREATE TABLE app.people (id int PRIMARY KEY, name text, nick text, st app.state);
CREATE TABLE app.other (id int, full_name text, name text, gone int);
CREATE TABLE public.person (id int, c int, b text);
CREATE FUNCTION app.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE VIEW app.v AS SELECT id FROM app.people;
$$) \gset

CREATE FUNCTION diff(VARIADIC names text[]) RETURNS SETOF text LANGUAGE sql
	AS $$ SELECT statement FROM dbm_diff('live', 'model', renames => names) WHERE change = 'rename' $$;

-- form
SELECT throws_ok($$ SELECT diff(NULL::text) $$, '22004', 'renames must not contain nulls', 'null');
SELECT throws_ok(format('SELECT diff(%L)', wrong), '22023',
	format('rename "%s" is not understood', wrong), 'wrong form: ' || wrong)
FROM unnest(ARRAY['', 'app.person', 'app.person ->', '-> people', 'app.person -> people x',
	'tabel app.person -> people', 'app..person -> people', 'app."person -> people',
	'app.f(int -> g', 'app.person => people', 'enum value open -> opened',
	'column app.person.''full_name'' -> name']) AS wrong;

-- what is there and what is wanted
SELECT throws_ok($$ SELECT diff('table app.nope -> people') $$, '42704',
	'rename "table app.nope -> people": the old schema has no such object', 'unknown object');
SELECT throws_ok($$ SELECT diff('view app.person -> people') $$, '42704',
	'rename "view app.person -> people": the old schema has no such object', 'of another kind');
SELECT throws_ok($$ SELECT diff('enum value app.state.nope -> opened') $$, '42704',
	'rename "enum value app.state.nope -> opened": the old schema has no such object', 'unknown value');
SELECT throws_ok($$ SELECT diff('app.person -> nobody') $$, '42704',
	'rename "app.person -> nobody": the wanted schema has no such object', 'not wanted');
SELECT throws_ok($$ SELECT diff('app.person -> nowhere.people') $$, '42704',
	'rename "app.person -> nowhere.people": the wanted schema has no such object', 'not wanted there');
SELECT throws_ok($$ SELECT diff('app.person.full_name -> name') $$, '42704',
	'rename "app.person.full_name -> name": the wanted schema has no such object',
	'a column of a table that is not wanted');
SELECT throws_ok($$ SELECT diff('enum value app.state.open -> nope') $$, '42704',
	'rename "enum value app.state.open -> nope": the wanted schema has no such object', 'value not wanted');
SELECT throws_ok($$ SELECT diff('function app.f(date) -> g') $$, '42704',
	'rename "function app.f(date) -> g": the old schema has no such object', 'other arguments');
SELECT throws_ok($$ SELECT diff('table person -> people') $$, '22023',
	'rename "table person -> people" is ambiguous', 'two tables');
SELECT throws_ok($$ SELECT diff('app.f -> g') $$, '22023',
	'rename "app.f -> g" is ambiguous', 'two functions');
SELECT throws_ok($$ SELECT diff('column app.other.full_name -> name') $$, '42710',
	'rename "column app.other.full_name -> name": the old name is wanted too', 'both are wanted');
SELECT throws_ok($$ SELECT diff('enum value app.state.closed -> opened') $$, '42710',
	'rename "enum value app.state.closed -> opened": the old name is wanted too', 'both values');
SELECT throws_ok($$ SELECT diff('column public.person.a -> b') $$, '42710',
	'rename "column public.person.a -> b": the new name is taken in the old schema', 'taken');
SELECT throws_ok($$ SELECT diff('enum value app.state.open -> lost') $$, '42710',
	'rename "enum value app.state.open -> lost": the new name is taken in the old schema', 'value taken');
SELECT throws_ok($$ SELECT diff('app.person -> people', 'table app.person -> app.other') $$, '22023',
	'rename "table app.person -> app.other" contradicts another one', 'one object to two names');
SELECT throws_ok($$ SELECT diff('app.person -> people', 'app.person -> people') $$, '22023',
	'rename "app.person -> people" contradicts another one', 'the same twice');
SELECT throws_ok($$ SELECT diff('column public.person.a -> c', 'column public.person.b -> c') $$, '22023',
	'rename "column public.person.b -> c" contradicts another one', 'two objects to one name');
SELECT throws_ok($$ SELECT diff('column public.person.b -> public.person.b') $$, '22023',
	'rename "column public.person.b -> public.person.b" is not understood', 'to what it is');
SELECT throws_ok($$ SELECT diff('table app.person -> people', 'column app.person.full_name -> app.other.name') $$, '0A000',
	'rename "column app.person.full_name -> app.other.name" would move a part of app.person to app.other',
	'a column does not move');

-- forms that are right
SELECT results_eq($$ SELECT diff('"app"."person"->PEOPLE', 'Column App.Person.full_name -> app.people.name') $$,
	$$ VALUES ('ALTER TABLE app.person RENAME COLUMN full_name TO name'),
	('ALTER TABLE app.person RENAME TO people'),
	('ALTER TABLE app.people RENAME CONSTRAINT person_pkey TO people_pkey') $$,
	'quotes, case, and the name of a constraint');
SELECT results_eq($$ SELECT diff('app.f(int4) -> app.g(integer)', 'enum value state.open -> ''opened''') $$,
	$$ VALUES ('ALTER TYPE app.state RENAME VALUE ''open'' TO ''opened'''),
	('ALTER FUNCTION app.f(integer) RENAME TO g') $$,
	'the arguments of a function under other names, and a constant');

-- what looks like a rename
SELECT results_eq($$ SELECT identity, hazard FROM dbm_diff('live', 'model') WHERE hazard ~ 'looks like' ORDER BY 1 $$,
	$$ VALUES ('app.f(integer)', 'looks like a rename to g: declare it as "function app.f(integer) -> g"'),
	('app.state', 'looks like a rename to opened: declare it as "enum value app.state.open -> opened"'),
	('public.person.a', 'deletes the column''s values; looks like a rename to c: declare it as "column public.person.a -> c"') $$,
	'what has the same content');

SELECT is((SELECT string_agg(statement, '; ' ORDER BY ordinal) FROM dbm_diff('live', 'model', '{app,public}',
	renames => '{column person.a -> c}') WHERE identity LIKE 'public.person%'),
	'ALTER TABLE public.person RENAME COLUMN a TO c', 'in some schemas only');

-- values of an enum that look like renamed
CREATE TYPE public.phase AS ENUM ('a', 'In ''Progress', 'c', 'all', 'e');
CREATE FUNCTION hints(labels text, VARIADIC names text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_set_model(format('CREATE TYPE public.phase AS ENUM (%s)', labels));
	RETURN QUERY SELECT substring(hazard FROM 'looks like.*') FROM dbm_diff('live', 'model', '{public}', include => 'phase', renames => names)
		WHERE statement IS NOT NULL AND hazard ~ 'looks like';
END $$;
SELECT results_eq($$ SELECT hints($e$'a', 'Done', 'c', 'any', 'e', 'f'$e$) $$,
	$$ VALUES ($h$looks like a rename to 'Done': declare it as "enum value public.phase.'In ''Progress' -> 'Done'"; $h$ ||
	'looks like a rename to any: declare it as "enum value public.phase.all -> any"') $$, 'two values in the place of others');
SELECT is_empty($$ SELECT hints($e$'a', 'Done', 'c', 'any', 'e'$e$, $h$enum value public.phase.'In ''Progress' -> 'Done'$h$,
	'enum value public.phase.all -> any') $$, 'declared as it is written there');
SELECT is_empty($$ SELECT hints($e$'a', 'c', 'all', 'e'$e$) $$, 'values that go');
SELECT is_empty($$ SELECT hints($e$'a', 'x', 'y', 'c', 'all', 'e'$e$) $$, 'two in the place of one');
SELECT is_empty($$ SELECT hints($e$'a', 'c', 'x', 'all', 'e'$e$) $$, 'one in another place');
SELECT is_empty($$ SELECT hints($e$'x', 'y', 'z'$e$) $$, 'all of them');
SELECT is_empty($$ SELECT hints($e$'c', 'x', 'a', 'all', 'e'$e$) $$, 'another order');
DROP TYPE public.phase;

-- comments
CREATE FUNCTION with_model(text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_set_model('CREATE SCHEMA app; CREATE TYPE app.state AS ENUM (''open'', ''closed'', ''lost'');'
		' CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS ''SELECT 1'';' || E'\n' || $1);
	RETURN QUERY SELECT statement FROM dbm_diff('live', 'model') WHERE change = 'rename';
END $$;
CREATE FUNCTION context_of(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE context text;
BEGIN
	PERFORM with_model($1);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN SQLSTATE || ' ' || SQLERRM || ', ' || substring(context FROM 'model, line \d+');
END $$;
SELECT is(context_of(E'\n-- dbm: rename person\nCREATE TABLE app.people ();'),
	'42601 comment "dbm: rename person" is not understood, model, line 3', 'another word');
SELECT is(context_of(E'-- dbm: renamed from a b\nCREATE TABLE app.people ();'),
	'42601 comment "dbm: renamed from a b" is not understood, model, line 2', 'two names');
SELECT is(context_of(E'-- dbm: renamed from a\n-- dbm: renamed from b\nCREATE TABLE app.people ();'),
	'42601 comment "dbm: renamed from b" follows another one of its kind, model, line 3', 'two comments');
SELECT is(context_of(E'CREATE TABLE app.people (a int, -- dbm: renamed from b\n c int);'),
	'42601 comment "dbm: renamed from b" stands behind something, model, line 2', 'behind a column');
SELECT is(context_of(E'CREATE TABLE app.people (a int,\n-- dbm: renamed from b\n CHECK (a > 0));'),
	'42601 comment "dbm: renamed from b" stands before nothing that can be renamed, model, line 3',
	'before a constraint without a name');
SELECT is(context_of(E'CREATE TABLE app.people (a\n-- dbm: renamed from b\n int);'),
	'42601 comment "dbm: renamed from b" stands before nothing that can be renamed, model, line 3',
	'within a column');
SELECT is(context_of(E'-- dbm: renamed from b\nGRANT USAGE ON SCHEMA app TO PUBLIC;'),
	'42601 comment "dbm: renamed from b" stands before nothing that can be renamed, model, line 2',
	'before GRANT');
SELECT is(context_of(E'CREATE TABLE app.people ();\n\n-- dbm: renamed from b'),
	'42601 comment "dbm: renamed from b" stands before nothing that can be renamed, model, line 4',
	'at the end');
SELECT is(context_of(E'CREATE TABLE app.person (nick text,\n-- dbm: renamed from nick\n name text);'),
	'42710 rename "dbm: renamed from nick": the old name is wanted too, model, line 3', 'both');
SELECT is_empty($$ SELECT with_model(E'-- dbm: renamed from never\nCREATE TABLE app.people ();') $$,
	'the old object is gone');
SELECT is_empty($$ SELECT with_model(E'-- dbm: renamed from person\nCREATE TABLE app.other ();') $$,
	'the new one is there');
SELECT results_eq($$ SELECT with_model(E'SELECT ''-- dbm: x'', $a$\n-- dbm: y\n$a$;\n/*\n-- dbm: z\n*/ SET search_path = app;\n'
	'-- dbm: renamed from app.person\n-- else\nCREATE TABLE people (id int PRIMARY KEY, nick text, st app.state);\n'
	'-- dbm: renamed from full_name\nALTER TABLE people ADD COLUMN name text;') $$,
	$$ VALUES ('ALTER TABLE app.person RENAME COLUMN full_name TO name'),
	('ALTER TABLE app.person RENAME TO people'),
	('ALTER TABLE app.people RENAME CONSTRAINT person_pkey TO people_pkey') $$,
	'constants and other comments are none; a path is followed');

-- a revision, there and back
SET LOCAL databrain_migrate.project = 'shop';
SELECT dbm_set_model('CREATE SCHEMA shop; CREATE TABLE shop.item (id serial PRIMARY KEY, label text);') \gset
SELECT count(*) FROM dbm_revision('first', autogenerate => true, rev_id => 'aa11') \gset
SELECT count(*) FROM dbm_upgrade() \gset
INSERT INTO shop.item (label) VALUES ('x'), ('y');
SELECT dbm_set_model(E'CREATE SCHEMA shop;\n-- dbm: renamed from item\nCREATE TABLE shop.article (id serial PRIMARY KEY, name text NOT NULL);') \gset
SELECT count(*) FROM dbm_revision('second', autogenerate => true, rev_id => 'bb22',
	renames => '{column item.label -> name}') \gset
SELECT count(*) FROM dbm_upgrade() \gset
SELECT results_eq($$ SELECT id, name, nextval('shop.article_id_seq') FROM shop.article ORDER BY id $$,
	$$ VALUES (1, 'x', 3::bigint), (2, 'y', 4) $$, 'an upgrade keeps rows and counters');
SELECT count(*) FROM dbm_downgrade('-1') \gset
SELECT results_eq($$ SELECT id, label, nextval('shop.item_id_seq') FROM shop.item ORDER BY id $$,
	$$ VALUES (1, 'x', 5::bigint), (2, 'y', 6) $$, 'a downgrade as well');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is_empty($$ SELECT statement FROM dbm_diff('revision:heads', 'model') WHERE statement IS NOT NULL $$,
	'nothing is left to do');

SELECT * FROM finish();
ROLLBACK;

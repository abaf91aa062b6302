-- Models, differences between schemas, and what a sandbox leaves: nothing.
-- That generated scripts do what they should is proved in
-- test/clients/schema_diff.py.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
CREATE EXTENSION databrain;
SELECT plan(38);

SELECT throws_ok($$ SELECT dbm_model() $$, '42704', NULL, 'no model yet');
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'model') $$, '42704', NULL,
	'nothing to compare with');
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'nope') $$, '22023', NULL,
	'unknown source');
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'revision:nope') $$, '42704', NULL,
	'unknown revision');
SELECT throws_ok($$ SELECT * FROM dbm_diff(NULL, 'live') $$, '22004', NULL, 'no source');
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'empty', '{nope}') $$, '3F000', NULL,
	'unknown schema');

SELECT is((SELECT string_agg(DISTINCT problem, ',') FROM dbm_check()), 'pending',
	'revisions are pending');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is_empty($$ SELECT * FROM dbm_check() $$, 'all is well');
SELECT is_empty($$ SELECT * FROM dbm_diff('live', 'revision:head') WHERE statement IS NOT NULL $$,
	'the revisions build what they built');
CREATE TABLE public.byhand (a int);
SELECT results_eq($$ SELECT problem, object FROM dbm_check() $$,
	$$ VALUES ('drift', 'table public.byhand') $$, 'a table made by hand is drift');
SELECT results_eq($$ SELECT change, kind, identity, statement, hazard FROM dbm_diff('live', 'revision:head')
	WHERE statement IS NOT NULL $$,
	$$ VALUES ('drop', 'table', 'public.byhand', 'DROP TABLE public.byhand', 'deletes the table''s rows') $$,
	'dropping it is a hazard');
DROP TABLE public.byhand;

SELECT dbm_set_model('CREATE TABLE t (a int)') \gset
SELECT is(dbm_model(), 'CREATE TABLE t (a int)', 'the model is kept');
SELECT is((SELECT statement FROM dbm_diff('empty', 'model') WHERE kind = 'table'),
	E'CREATE TABLE public.t (\n    a integer\n)', 'from nothing to the model');

-- bad models
PREPARE compare AS SELECT * FROM dbm_diff('live', 'model');
SELECT dbm_set_model('CREATE TABEL t ()') \gset
SELECT throws_ok('compare', '42601', NULL, 'syntax error');
SELECT dbm_set_model('CREATE TABLE t (); BEGIN') \gset
SELECT throws_ok('compare', '0A000', NULL, 'transaction control');
SELECT dbm_set_model('CREATE TABLE t (a nope)') \gset
SELECT throws_ok('compare', '42704', NULL, 'missing type');
SELECT dbm_set_model('CREATE EXTENSION nope') \gset
SELECT throws_ok('compare', NULL, NULL, 'missing extension');
SELECT dbm_set_model('CREATE TEMP TABLE t ()') \gset
SELECT throws_ok('compare', '42501', NULL, 'temporary table');
SELECT dbm_set_model('SET ROLE postgres') \gset
SELECT throws_ok('compare', '42501', NULL, 'another role');
SELECT dbm_set_model('DROP TABLE dbm.applied') \gset
SELECT throws_ok('compare', '2BP01', NULL, 'the engine''s own tables');
SELECT dbm_set_model('DROP TABLE tenant') \gset
SELECT throws_ok('compare', '42P01', NULL, 'live tables are out of reach');

-- what may stand in a model
SELECT dbm_set_model('CREATE SCHEMA public; CREATE EXTENSION databrain_migrate; CREATE TABLE t (a int);
	CREATE INDEX CONCURRENTLY i ON t (a); VACUUM; REINDEX TABLE t; SET search_path = pg_catalog') \gset
SELECT lives_ok('compare', 'what would need no transaction is done without, or skipped');
SELECT dbm_set_model(E'\\restrict abc\nCREATE TABLE t (a int);\n\\unrestrict abc\n') \gset
SELECT lives_ok('compare', 'psql''s protection of a dump');
SELECT dbm_set_model('') \gset
SELECT lives_ok('compare', 'an empty model');
SELECT dbm_set_model('CREATE SUBSCRIPTION s CONNECTION ''dbname=nowhere'' PUBLICATION p') \gset
SELECT is((SELECT string_agg(kind || ' ' || identity, ', ' ORDER BY kind) FROM dbm_diff('empty', 'model')
	WHERE change = 'not managed'), 'subscription s', 'what is not managed is named');

-- every revision up, down and up
SELECT dbm_set_model($$ CREATE TABLE t (a int) $$) \gset
SELECT is((SELECT count(*)::int FROM dbm_test() AS line WHERE line ~ '^ok'), 10, 'the revisions are right');
SELECT matches((SELECT line FROM dbm_test() AS line WHERE line ~ '^not ok'), 'not ok 11 - the model', 'the model is not');
SELECT dbm_register('probe--base--aa11.sql', E'-- x\n--\n-- Revision ID: aa11\n-- Revises: base\nCREATE EXTENSION IF NOT EXISTS hstore; CREATE TABLE p1 (); CREATE TABLE p2 ();'),
	dbm_register('probe--aa11--base.sql', E'-- x\n--\n-- Revision ID: aa11\n-- Revises: base\nDROP TABLE p1; DROP EXTENSION hstore;') \gset
SELECT matches((SELECT string_agg(line, E'\n') FROM dbm_test('probe') AS line WHERE line !~ '^ok'),
	'^1\.\.4\nnot ok 3 .*\n# DROP TABLE public\.p2;\nnot ok 4 .*\n# probe--base--aa11\.sql: Line 5: .*42P07',
	'the second upgrade stumbles over what the downgrade forgot');
SELECT dbm_register('probe--aa11--base.sql', E'-- x\n--\n-- Revision ID: aa11\n-- Revises: base\nDROP TABLE p1, p2; DROP EXTENSION hstore;') \gset
SELECT is((SELECT string_agg(left(line, 6), ',') FROM dbm_test('probe') AS line), '1..4,ok 1 -,ok 2 -,ok 3 -,ok 4 -',
	'a downgrade that does not');
SELECT is((SELECT count(*)::int FROM pg_class WHERE relname IN ('p1', 'p2')), 0, 'nothing of it stays');

-- what is left
SELECT is((SELECT count(*)::int FROM pg_namespace WHERE nspname ~ '^dbm_aside'), 0, 'no schema');
SELECT is(current_setting('session_replication_role'), 'origin', 'no setting');
SELECT is((SELECT count(*)::int FROM pg_class WHERE relname = 'tenant'), 1, 'the live schema');

-- new columns come in the order of the model
CREATE SCHEMA ordered
	CREATE TABLE t (zulu int);
CREATE TYPE ordered.c AS (zulu int);
SELECT dbm_set_model('CREATE SCHEMA ordered; CREATE TABLE ordered.t (zulu text, yankee int, alpha int, xray int NOT NULL); CREATE TABLE ordered.s (b int, a int);
	CREATE TYPE ordered.c AS (zulu text, yankee int, alpha int);') \gset
SELECT is((SELECT string_agg(regexp_replace(statement, 'ALTER TABLE ordered\.t (ADD COLUMN|ALTER COLUMN) (\w+).*', '\2'), ' ' ORDER BY ordinal)
	FROM dbm_diff('live', 'model', schemas => '{ordered}') WHERE kind = 'column'), 'zulu yankee alpha xray', 'columns as in the model');
SELECT is((SELECT string_agg(regexp_replace(statement, 'ALTER TYPE ordered\.c (ADD ATTRIBUTE|ALTER ATTRIBUTE) (\w+).*', '\2'), ' ' ORDER BY ordinal)
	FROM dbm_diff('live', 'model', schemas => '{ordered}') WHERE kind = 'attribute'), 'zulu yankee alpha', 'attributes as in the model');
DROP SCHEMA ordered CASCADE;

-- who may
CREATE ROLE regress_model;
SELECT dbm_set_model('CREATE TABLE t (a int)') \gset
SET LOCAL ROLE regress_model;
SELECT throws_ok($$ SELECT dbm_model() $$, '42501', NULL, 'reading a model takes a grant');
SELECT throws_ok('compare', '42501', NULL, 'and so does comparing');
RESET ROLE;
GRANT EXECUTE ON FUNCTION dbm_set_model(text, text) TO regress_model;
SET LOCAL ROLE regress_model;
SELECT dbm_set_model('CREATE TABLE t (a int)') \gset
RESET ROLE;
SELECT throws_ok('compare', '42501', NULL, 'a model of somebody with fewer rights');

SELECT * FROM finish();
ROLLBACK;

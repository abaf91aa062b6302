-- Default privileges: those that a text states itself hold from where it says
-- so, those that it does not mention are as in the database.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT no_plan();

CREATE ROLE dbm_test_reader;
CREATE ROLE dbm_test_maker;
GRANT CREATE ON SCHEMA public TO dbm_test_maker;
CREATE SCHEMA app;
CREATE SCHEMA other;

-- What leads from the live schema to a model.
CREATE FUNCTION pg_temp.to_model(ddl text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_set_model('CREATE SCHEMA app; CREATE SCHEMA other;' || ddl);
	RETURN QUERY SELECT statement FROM dbm_diff('live', 'model') WHERE statement IS NOT NULL;
END $$;

-- The live schema: tables from before default privileges, from after them, and
-- one that lost what it had by them.
CREATE TABLE app.before (id int);
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE app.after (id int);
CREATE TABLE app.revoked (id int);
REVOKE ALL ON app.revoked FROM dbm_test_reader;
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION app.g() TO PUBLIC;

SELECT is_empty($$ SELECT pg_temp.to_model($m$
CREATE TABLE app.before (id int);
CREATE TABLE app.after (id int);
CREATE TABLE app.revoked (id int);
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION app.f() FROM PUBLIC;
GRANT SELECT ON TABLE app.after TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader;
$m$) $$, 'as pg_dump writes it, with default privileges at its end');
SELECT is_empty($$ SELECT pg_temp.to_model($m$
CREATE TABLE app.before (id int);
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE app.after (id int);
CREATE TABLE app.revoked (id int);
REVOKE ALL ON app.revoked FROM dbm_test_reader;
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION app.g() TO PUBLIC;
$m$) $$, 'as it was made');

-- silent
CREATE FUNCTION pg_temp.silent(ddl text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT pg_temp.to_model($m$
CREATE TABLE app.before (id int);
REVOKE ALL ON app.before FROM dbm_test_reader;
CREATE TABLE app.after (id int);
CREATE TABLE app.revoked (id int);
REVOKE ALL ON app.revoked FROM dbm_test_reader;
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.g() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION app.g() TO PUBLIC;
$m$ || ddl) $$;
SELECT is_empty($$ SELECT pg_temp.silent('') $$, 'a model that is silent has those of the database');
SELECT is_empty($$ SELECT pg_temp.silent(text) FROM unnest(ARRAY[
	'ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON SEQUENCES FROM dbm_test_reader',
	'ALTER DEFAULT PRIVILEGES IN SCHEMA other REVOKE SELECT ON TABLES FROM dbm_test_reader',
	'ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM dbm_test_reader',
	'ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_maker IN SCHEMA app REVOKE SELECT ON TABLES FROM dbm_test_reader']) AS text $$,
	'one that speaks of another type, another schema, of all schemas or of another role is silent of them');
SELECT is_empty($$ SELECT pg_temp.silent($m$DO $d$ BEGIN
	ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader; END $d$ $m$) $$,
	'so is one that hides its words in DO');
SELECT results_eq($$ SELECT pg_temp.silent('ALTER DEFAULT /**/ privileges IN SCHEMA other, app REVOKE SELECT ON TABLES FROM dbm_test_reader') $$,
	format($$ VALUES ('REVOKE SELECT ON TABLE app.after FROM dbm_test_reader'),
	('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA app REVOKE SELECT ON TABLES FROM dbm_test_reader') $$, current_user),
	'one that speaks of them has only what it says');

-- "empty"
CREATE FUNCTION pg_temp.defaults(VARIADIC sources text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(statement, format(' FOR ROLE %I', current_user), '') FROM dbm_diff(sources[1], sources[2])
	WHERE kind = 'default privileges' ORDER BY 1 $$;
SELECT results_eq($$ SELECT pg_temp.defaults('empty', 'live') $$,
	$$ VALUES ('ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader'),
	('ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC') $$, 'there are none in an empty schema');
SELECT results_eq($$ SELECT pg_temp.defaults('live', 'empty') $$,
	$$ VALUES ('ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC') $$,
	'nor will there be; those of a schema fall with it');
SELECT dbm_set_model('CREATE TABLE public.x (id int)') \gset
SELECT is_empty($$ SELECT pg_temp.defaults('empty', 'model') $$,
	'what a model does not mention is no difference from nothing');
SELECT dbm_set_model('CREATE SCHEMA app; CREATE TABLE app.x (id int); ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader') \gset
SELECT results_eq($$ SELECT pg_temp.defaults('empty', 'model') $$,
	$$ VALUES ('ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO dbm_test_reader') $$,
	'what it mentions is one');
SELECT is_empty($$ SELECT * FROM dbm_diff('empty', 'model') WHERE statement LIKE 'GRANT %' $$,
	'and not yet there for what comes before');
DROP SCHEMA app CASCADE;
DROP SCHEMA other;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

-- revisions: what one of them states holds from there on
SET LOCAL databrain_migrate.project = 'shop';
SELECT dbm_register('shop--base--aaaa0001.sql', $$-- one
-- Revision ID: aaaa0001
-- Revises: base
CREATE TABLE public.one (id int);$$),
	dbm_register('shop--aaaa0001--base.sql', $$-- one
-- Revision ID: aaaa0001
-- Revises: base
DROP TABLE public.one;$$),
	dbm_register('shop--aaaa0001--aaaa0002.sql', $$-- two
-- Revision ID: aaaa0002
-- Revises: aaaa0001
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dbm_test_reader;
SET ROLE dbm_test_maker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO dbm_test_reader;
RESET ROLE;
CREATE TABLE public.two (id int);
SET ROLE dbm_test_maker;
CREATE TABLE public.made (id int);$$),
	dbm_register('shop--aaaa0002--aaaa0001.sql', $$-- two
-- Revision ID: aaaa0002
-- Revises: aaaa0001
DROP TABLE public.two, public.made;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM dbm_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_maker IN SCHEMA public REVOKE INSERT ON TABLES FROM dbm_test_reader;$$),
	dbm_register('shop--aaaa0002--aaaa0003.sql', $$-- three
-- Revision ID: aaaa0003
-- Revises: aaaa0002
CREATE TABLE public.three (id int);
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO dbm_test_reader;$$),
	dbm_register('shop--aaaa0003--aaaa0002.sql', $$-- three
-- Revision ID: aaaa0003
-- Revises: aaaa0002
DROP TABLE public.three;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE USAGE ON SEQUENCES FROM dbm_test_reader;$$) \gset
SELECT count(*) FROM dbm_diff('empty', 'revision:aaaa0001') \gset
SELECT count(*) FROM dbm_upgrade('aaaa0002') \gset
CREATE TEMP VIEW grants AS SELECT statement FROM dbm_diff('empty', 'revision:heads')
	WHERE statement ~ '^(GRANT|ALTER DEFAULT)' AND NOT statement ~ 'SEQUENCES' ORDER BY 1;
SELECT is_empty('SELECT * FROM dbm_drift()', 'no drift of what was made before');
SELECT results_eq('TABLE grants', format($$ VALUES ('GRANT SELECT ON TABLE public.three TO dbm_test_reader'),
	('GRANT SELECT ON TABLE public.two TO dbm_test_reader'),
	('GRANT INSERT ON TABLE public.made TO dbm_test_reader'),
	('ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_maker IN SCHEMA public GRANT INSERT ON TABLES TO dbm_test_reader'),
	('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT SELECT ON TABLES TO dbm_test_reader')
	ORDER BY 1 $$, current_user),
	'what the revisions build from nothing');
SELECT is_empty($$ SELECT * FROM dbm_diff('revision:aaaa0001', 'revision:aaaa0002') WHERE statement ~ 'public.one' $$,
	'what came before is as it was');
SELECT is_empty($$ SELECT * FROM dbm_diff('empty', 'revision:aaaa0001') WHERE statement ~ 'dbm_test_reader' $$,
	'and has nothing of what came later');
SELECT is_empty($$ SELECT line FROM dbm_test() AS line WHERE line LIKE 'not ok%' $$, 'every revision leaves what it found');
-- those that no revision states are around all of them, until one that does is applied
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO dbm_test_reader;
SELECT is_empty('SELECT * FROM dbm_drift()', 'those of the database are no drift');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is_empty('SELECT * FROM dbm_drift()', 'nor when a revision states them');
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE USAGE ON SEQUENCES FROM dbm_test_reader;
SELECT is((SELECT string_agg(repair, '; ') FROM dbm_drift()),
	format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT USAGE ON SEQUENCES TO dbm_test_reader;', current_user),
	'then they are missed');

-- what another role deployed has that role's, whoever looks at it
SELECT count(*) FROM dbm_downgrade('base') \gset
CREATE ROLE dbm_test_deploy;
GRANT CREATE ON SCHEMA public TO dbm_test_deploy;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO dbm_test_deploy;
GRANT dbm_test_maker TO dbm_test_deploy;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT DELETE ON TABLES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_deploy IN SCHEMA public GRANT SELECT ON TABLES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_deploy REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL databrain_migrate.project = 'deployed';
SELECT dbm_register('deployed--base--bbbb0001.sql', $$-- one
-- Revision ID: bbbb0001
-- Revises: base
CREATE TABLE public.d_one (id int);
CREATE FUNCTION public.d_f() RETURNS int LANGUAGE sql AS 'SELECT 1';
SET ROLE dbm_test_maker;
CREATE TABLE public.d_made (id int);$$),
	dbm_register('deployed--bbbb0001--bbbb0002.sql', $$-- two
-- Revision ID: bbbb0002
-- Revises: bbbb0001
CREATE SEQUENCE public.d_before;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO dbm_test_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_deploy IN SCHEMA public GRANT USAGE ON TYPES TO dbm_test_reader;
CREATE SEQUENCE public.d_after;
CREATE TYPE public.d_type AS ENUM ();
SET ROLE dbm_test_deploy;
CREATE TABLE public.d_two (id int);
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC;
CREATE TYPE public.d_last AS ENUM ();$$) \gset
SELECT dbm_adopt('bbbb0001'), dbm_adopt('bbbb0002') \gset
SET LOCAL ROLE dbm_test_deploy;
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is_empty('SELECT identity, repair FROM dbm_drift()', 'no drift to the role itself');
RESET ROLE;
SELECT is_empty('SELECT identity, repair FROM dbm_drift()', 'nor to another one, with default privileges of its own');
ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_deploy IN SCHEMA public REVOKE USAGE ON TYPES FROM dbm_test_reader;
SELECT results_eq('SELECT repair FROM dbm_drift()',
	$$ VALUES ('ALTER DEFAULT PRIVILEGES FOR ROLE dbm_test_deploy IN SCHEMA public GRANT USAGE ON TYPES TO dbm_test_reader;') $$,
	'what its revisions lack');

SELECT * FROM finish();
ROLLBACK;

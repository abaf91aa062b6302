-- Models that cannot be run, or that try what a model may not: SQLSTATE,
-- message, detail, hint and place of each error, and that nothing is left.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
CREATE EXTENSION hstore;
SET LOCAL databrain_migrate.project = 'shop';
SELECT plan(66);

CREATE TABLE live (a int);
CREATE SCHEMA app;
CREATE VIEW app.v AS SELECT a FROM live;
CREATE ROLE regress_model;
INSERT INTO live VALUES (1);

-- what comparing with a model says
CREATE FUNCTION pg_temp.error_of(ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
BEGIN
	PERFORM dbm_set_model(ddl);
	PERFORM * FROM dbm_diff('live', 'model');
	RETURN 'none';
EXCEPTION WHEN query_canceled OR OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', sqlstate || ' ' || sqlerrm, 'detail: ' || nullif(detail, ''), 'hint: ' || nullif(hint, ''),
		substring(context FROM '(?:file "model"|model), line \d+'));
END $$;

-- syntax
SELECT is(pg_temp.error_of(E'SELECT 1;\nCREATE TABEL t ();'), E'42601 syntax error at or near "TABEL"\nfile "model", line 2', 'syntax error');
SELECT is(pg_temp.error_of(E'\n\nCREATE TABLE t (a int'), E'42601 syntax error at end of input\nfile "model", line 3', 'an unfinished statement');
SELECT is(pg_temp.error_of(E'SELECT 1;\nCREATE TABLE "t'), E'42601 unterminated quoted identifier at or near ""t"\nfile "model", line 2', 'an unfinished identifier');

-- transactions
SELECT is(pg_temp.error_of(E'CREATE TABLE t ();\n' || command), '0A000 ' || command || ' is not supported in a model
detail: A model is run in a subtransaction that is rolled back.
hint: Leave it out.
file "model", line 2', command) FROM unnest('{BEGIN,COMMIT,ROLLBACK,SAVEPOINT}'::text[]) AS word,
	LATERAL (SELECT word || CASE word WHEN 'SAVEPOINT' THEN ' s' ELSE '' END) AS c (written), LATERAL (SELECT CASE word WHEN 'SAVEPOINT' THEN word ELSE written END) AS d (command)
	WHERE word <> 'SAVEPOINT';
SELECT is(pg_temp.error_of('DO $_$ BEGIN COMMIT; END $_$'), E'2D000 invalid transaction termination\nmodel, line 1', 'COMMIT in a block');

-- psql
SELECT is(pg_temp.error_of(E'CREATE TABLE t ();\n' || command || E'\nSELECT 1;'), '42601 psql command "' || split_part(command, ' ', 1) || '" is not supported in a model
detail: Models are run by the server, which knows no psql command but \echo, \restrict and \unrestrict, on lines between the statements.
file "model", line 2', command) FROM unnest(ARRAY['\connect other', '\i file.sql', '\! ls', '\restrictx a', '\copy t from x']) AS command;
SELECT is(pg_temp.error_of(E'CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n\\.\n'), '0A000 COPY with the client is not supported in a model
detail: Models are run by the server, without a client to exchange rows with.
hint: A model needs no rows: leave it out.
file "model", line 2', 'COPY FROM stdin');
SELECT is(pg_temp.error_of(E'\\echo hello\n\\restrict abc\nCREATE TABLE t ();\n\\unrestrict abc\n'), 'none', 'what dumps contain');

-- what is not there
SELECT is(pg_temp.error_of(E'CREATE TABLE t ();\nCREATE VIEW v AS\n\tSELECT * FROM nope'), E'42P01 relation "nope" does not exist\nmodel, line 3', 'a missing table');
SELECT is(pg_temp.error_of('CREATE TABLE t (a nope)'), E'42704 type "nope" does not exist\nmodel, line 1', 'a missing type');
SELECT is(pg_temp.error_of(E'CREATE TABLE t (a int\n DEFAULT nope())'), E'42883 function nope() does not exist\nhint: No function matches the given name and argument types. You might need to add explicit type casts.\nmodel, line 2', 'a missing function');
SELECT is(pg_temp.error_of('CREATE TABLE nope.t ()'), E'3F000 schema "nope" does not exist\nmodel, line 1', 'a missing schema');
SELECT alike(pg_temp.error_of('CREATE EXTENSION nope'), '% extension "nope" is not available%hint: The extension must first be installed%model, line 1', 'a missing extension');
SELECT is(pg_temp.error_of('CREATE VIEW v AS SELECT * FROM live'), E'42P01 relation "live" does not exist\nmodel, line 1', 'live tables are not there');

-- what lives
SELECT is(pg_temp.error_of('DROP TABLE live'), E'42P01 table "live" does not exist\nmodel, line 1', 'DROP TABLE of a live one');
SELECT is(pg_temp.error_of(ddl), 'none', ddl || ': drops what it sees, which is not live')
	FROM unnest('{DROP SCHEMA app,DROP SCHEMA app CASCADE,DROP EXTENSION hstore,DROP EXTENSION databrain_migrate CASCADE,DROP ROLE regress_model,DROP SCHEMA dbm_aside_1 CASCADE}'::text[]) AS ddl;
SELECT alike(pg_temp.error_of('DROP SCHEMA dbm CASCADE'), '2BP01 cannot drop schema dbm because extension databrain_migrate requires it%model, line 1', 'the engine''s schema');
SELECT is(array(SELECT a FROM app.v), '{1}', 'the live schema is there with its rows');
SELECT has_role('regress_model', 'the role, too');
SELECT has_extension('hstore', 'and the extension');

-- what no transaction holds
SELECT is(pg_temp.error_of(ddl), '25001 ' || command || E' cannot run inside a transaction block\nmodel, line 1', ddl)
	FROM (VALUES ('ALTER SYSTEM SET work_mem = 1000', 'ALTER SYSTEM'), ('CREATE DATABASE x', 'CREATE DATABASE'),
	('DROP DATABASE postgres', 'DROP DATABASE'), ('CREATE TABLESPACE x LOCATION ''/x''', 'CREATE TABLESPACE')) AS v (ddl, command);
SELECT is(pg_temp.error_of('VACUUM; VACUUM pg_class; REINDEX DATABASE x; CLUSTER; CHECKPOINT'), 'none', 'VACUUM and its kin are skipped');

-- other roles
SELECT is(pg_temp.error_of(ddl), E'42501 cannot set parameter "' || name || E'" within security-definer function\nmodel, line 1', ddl)
	FROM (VALUES ('SET ROLE regress_model', 'role'), ('RESET ROLE', 'role'), ('SET SESSION AUTHORIZATION regress_model', 'session_authorization'),
	('RESET SESSION AUTHORIZATION', 'session_authorization'), ('DO $_$ BEGIN EXECUTE ''RESET ROLE''; END $_$', 'role'),
	('SELECT set_config(''role'', ''regress_model'', false)', 'role')) AS v (ddl, name);
SELECT is(current_user || ' ' || session_user, current_user || ' ' || current_user, 'the same role as before');

-- the session
SELECT alike(pg_temp.error_of(ddl), '42501 cannot%within security-restricted operation%model, line 1', ddl)
	FROM unnest(ARRAY['DISCARD ALL', 'LISTEN x', 'PREPARE x AS SELECT 1', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1']) AS ddl;
SELECT is(pg_temp.error_of('SET work_mem = ''77kB''; SET search_path = app; SET session_replication_role = origin'), 'none', 'settings may be changed');
SELECT isnt(current_setting('work_mem'), '77kB', 'and end with the model');

-- the engine
SELECT is(pg_temp.error_of('SELECT * FROM dbm_diff(''live'', ''model'')'),
	E'55000 schemas cannot be compared by a model or a revision that is tried\nmodel, line 1', 'a model that compares itself');
CREATE EXTENSION databrain;
SELECT is(pg_temp.error_of('SELECT dbm_upgrade(project => ''databrain'')'),
	E'55000 dbm_upgrade() cannot be called by a model or a revision that is tried\nmodel, line 1', 'a model that upgrades');
DROP EXTENSION databrain;

-- time
SET LOCAL statement_timeout = '500ms';
SELECT alike(pg_temp.error_of('SELECT pg_sleep(60)'), '57014 canceling statement due to statement timeout%', 'a model that sleeps');
SET LOCAL statement_timeout = '500ms';
SELECT alike(pg_temp.error_of('DO $_$ BEGIN LOOP END LOOP; END $_$'), '57014 canceling statement due to statement timeout%', 'a model that runs for ever');
RESET statement_timeout;

-- nothing
SELECT dbm_set_model('-- nothing') \gset
SELECT is((SELECT string_agg(statement, ';') FROM dbm_diff('live', 'model') WHERE hazard IS NOT NULL), 'DROP TABLE public.live', 'an empty model drops all, and names the hazard');

-- event triggers of others
CREATE FUNCTION app.audit() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit'; END $$;
CREATE EVENT TRIGGER regress_audit ON ddl_command_end EXECUTE FUNCTION app.audit();
CREATE EVENT TRIGGER regress_audit_always ON ddl_command_end EXECUTE FUNCTION app.audit();
CREATE EVENT TRIGGER regress_audit_drop ON sql_drop EXECUTE FUNCTION app.audit();
ALTER EVENT TRIGGER regress_audit_always ENABLE ALWAYS;
ALTER EVENT TRIGGER regress_audit_drop ENABLE REPLICA;
SELECT is(pg_temp.error_of('SET session_replication_role = origin; CREATE TABLE t (); DROP TABLE t'), 'none', 'they do not fire');
SELECT throws_ok('CREATE TABLE t ()', 'P0001', 'audit', 'but do outside');
SELECT is((SELECT string_agg(evtenabled::text, '' ORDER BY evtname) FROM pg_event_trigger WHERE evtname ~ '^regress'), 'OAR', 'and are as they were');
DROP EVENT TRIGGER regress_audit;
DROP EVENT TRIGGER regress_audit_always;
DROP EVENT TRIGGER regress_audit_drop;
DROP FUNCTION app.audit();

-- who may not create
GRANT EXECUTE ON FUNCTION dbm_set_model(text, text), dbm_diff TO regress_model;
SET LOCAL ROLE regress_model;
SELECT is(pg_temp.error_of('CREATE TABLE app.t ()'), E'42501 permission denied for schema app\nmodel, line 1', 'in a schema of somebody else');
RESET ROLE;
GRANT CREATE, USAGE ON SCHEMA app TO regress_model;
SET LOCAL ROLE regress_model;
SELECT is(pg_temp.error_of('CREATE TABLE app.t ()'), 'none', 'and with the privilege');
RESET ROLE;
UPDATE dbm.model SET author = 'regress_gone';
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'model') $$, '42501', 'the model of project "shop" was written by another role', 'a model of a dropped role');

-- size and encoding
SELECT dbm_set_model('CREATE TABLE t (a int);' || repeat(format('COMMENT ON TABLE t IS %L;', repeat('x', 5000)), 4000) || E'\nCREATE TABLE u (a nope)') \gset
SELECT is((SELECT length(dbm_model()) > 20000000), true, 'a model of 20 MB');
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'model') $$, '42704', 'type "nope" does not exist', 'runs to its last line');
\encoding LATIN1
SELECT dbm_set_model('CREATE TABLE "é" ()') \gset
SELECT is((SELECT identity || ' ' || octet_length(identity) FROM dbm_diff('empty', 'model') WHERE kind = 'table'), 'public."é" 13', 'a model in another encoding');
\encoding UTF8

-- a revision that is applied, but whose script is gone
SELECT dbm_register('shop--base--aaaa0001.sql', E'-- Revision ID: aaaa0001\n-- Revises: base\nCREATE TABLE one ();') \gset
SELECT count(*) FROM dbm_upgrade() \gset
UPDATE dbm.applied SET upgrade_script = NULL;
DELETE FROM dbm.script;
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'revision:aaaa0001') $$, '55000',
	'revision "aaaa0001" of project "shop" cannot be applied', 'a revision without a script');

-- read only
SET LOCAL transaction_read_only = on;
SELECT throws_ok($$ SELECT * FROM dbm_diff('live', 'model') $$, '25006', 'cannot execute a schema comparison in a read-only transaction', 'a read-only transaction');
SELECT is((SELECT count(*)::int FROM pg_namespace WHERE nspname ~ '^dbm_aside'), 0, 'nothing is left');
SELECT * FROM finish();
ROLLBACK;

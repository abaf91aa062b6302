-- The door: CREATE EXTENSION and ALTER EXTENSION of a project are done by the
-- engine, and by nobody else.  Wants a database with pgtap in it and nothing
-- else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

SELECT plan(132);

\ir include/errors.sql

-- The version that the server shows.
CREATE FUNCTION pg_temp.mirror() RETURNS text LANGUAGE sql AS $$
	SELECT extversion FROM pg_extension WHERE extname = 'databrain'
$$;

-- The mirror, the state, and which tables there are.
CREATE FUNCTION pg_temp.summary() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN format('mirror %s, state %s, tables %s', pg_temp.mirror(),
		(SELECT coalesce(string_agg(revision, ',' ORDER BY revision), 'base') FROM dbm_current()),
		(SELECT count(*) FROM pg_tables WHERE tablename IN ('tenant', 'source', 'document', 'chunk')));
END
$$;

-- Run a statement; the summary after it, or its error.
CREATE FUNCTION pg_temp.after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	error text := pg_temp.error_of(statement);
BEGIN
	RETURN CASE error WHEN 'no error' THEN pg_temp.summary() ELSE error END;
END
$$;

--
-- A database without the engine.  This comes first: the session has not loaded
-- the library yet.
--

SELECT is(pg_temp.error_of($$CREATE EXTENSION databrain VERSION '39015ae510e0' CASCADE$$), $e$55000 revisions of project "databrain" cannot be run by the server
detail: Its update script to version "750bcd1e35fa" would run past the engine.
hint: Create the extension "databrain_migrate" in a command of its own first, and do not turn event triggers off.$e$,
	'VERSION with CASCADE is refused: the event triggers come too late for it');
SELECT is((SELECT count(*) FROM pg_extension WHERE extname ~ 'databrain'), 0::bigint, 'nothing was installed');
SELECT is(to_regclass('tenant'), NULL, 'and no revision ran');
SELECT is(pg_temp.error_of($$CREATE EXTENSION databrain VERSION 'head' CASCADE$$), $e$22023 extension "databrain" has no installation script nor update path for version "head"$e$, 'nor does the server know head');
SELECT is(pg_temp.error_of($$CREATE EXTENSION databrain$$), $e$42704 required extension "databrain_migrate" is not installed
hint: Use CREATE EXTENSION ... CASCADE to install required extensions too.$e$, 'the engine is required');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE$$), $e$42704 extension "databrain" does not exist$e$, 'nothing there to update');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain CASCADE$$), 'mirror base, state base, tables 0', 'CASCADE brings the engine');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state base, tables 0', 'the engine stays');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain$$), 'mirror base, state base, tables 0', 'without VERSION: base');

--
-- ALTER EXTENSION ... UPDATE
--

SELECT is(pg_temp.after('ALTER EXTENSION databrain UPDATE ' || clause), expected, 'UPDATE ' || clause)
FROM (VALUES
	('', 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4'),
	('', 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4'),
	('TO ''-1''', 'mirror 39015ae510e0, state 39015ae510e0, tables 4'),
	('TO ''-2''', 'mirror base, state base, tables 0'),
	('TO base', 'mirror base, state base, tables 0'),
	('TO ''+1''', 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4'),
	('TO ''3901''', 'mirror 39015ae510e0, state 39015ae510e0, tables 4'),
	('TO ''750b''', 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4'),
	('TO "heads"', 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4'),
	('TO ''base''', 'mirror base, state base, tables 0'),
	('TO ''base+2''', 'mirror 39015ae510e0, state 39015ae510e0, tables 4'),
	('TO ''39015ae510e0''', 'mirror 39015ae510e0, state 39015ae510e0, tables 4'),
	('TO ''head''', 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4'),
	('TO ''750bcd1e35fa''', 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4')) AS calls (clause, expected);
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'nowhere1'$$), $e$42704 revision "nowhere1" does not exist in project "databrain"
hint: dbm_history() lists all revisions and branch labels.$e$, 'unknown version');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO ''$$), $e$22023 target must not be empty
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'empty version');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '+3'$$), $e$22003 relative target "+3" asks for more revisions than project "databrain" has there
detail: Steps possible above revision "750bcd1e35fa": 2.$e$, 'too far');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'head' TO 'base'$$), $e$42601 conflicting or redundant options$e$, 'two versions');
SELECT is(pg_temp.summary(), 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4', 'none of which moved anything');
SELECT is((SELECT count(*) FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND extname = 'databrain'), 0::bigint,
	'the application''s tables are no members');
SELECT is((SELECT count(*) FROM dbm_log()), 19::bigint, 'the log has a row for each step up or down');

-- what is run more than once
CREATE FUNCTION pg_temp.up_and_down() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text := '';
BEGIN
	ALTER EXTENSION databrain UPDATE TO '+1';
	seen := pg_temp.mirror();
	ALTER EXTENSION databrain UPDATE TO '-1';
	RETURN seen || ' ' || pg_temp.mirror();
END
$$;
SELECT is(pg_temp.up_and_down(), '39015ae510e0 750bcd1e35fa', format('the same parse tree, execution %s', i)) FROM generate_series(1, 3) AS i;
DO $$ BEGIN FOR i IN 1..2 LOOP ALTER EXTENSION databrain UPDATE TO '+1'; END LOOP; END $$;
SELECT is(pg_temp.summary(), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'a loop whose target is relative goes on from where it is');

-- subtransactions
SAVEPOINT s;
ALTER EXTENSION databrain UPDATE TO 'base';
SELECT is(pg_temp.summary(), 'mirror base, state base, tables 0', 'down to base');
ROLLBACK TO s;
SELECT is(pg_temp.summary(), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'a savepoint brings all of it back');

-- session_replication_role
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '-1'$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'as a replica: down');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'as a replica: up');
RESET session_replication_role;

-- a read-only transaction
SELECT is(pg_temp.read_only_error_of('ALTER EXTENSION databrain UPDATE'), '25006 cannot execute ALTER EXTENSION in a read-only transaction', 'read-only');

--
-- DROP EXTENSION and CREATE EXTENSION ... VERSION
--

SELECT is(pg_temp.after($$CREATE EXTENSION databrain$$), '42710 extension "databrain" already exists', 'created twice');
SELECT is(pg_temp.after($$CREATE EXTENSION IF NOT EXISTS databrain VERSION 'base'$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'IF NOT EXISTS moves nothing');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 29e0e8f6dd42, tables 4', 'tables and state stay');
SELECT is(pg_temp.after($$SELECT dbm_downgrade('-1')$$), 'mirror , state 39015ae510e0, tables 4', 'the engine needs no extension of the project');
SELECT is((SELECT extension FROM dbm_projects() WHERE project = 'databrain'), false, 'and says that there is none');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'created again, it shows the state');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 39015ae510e0, tables 4', 'dropped once more');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION 'head'$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'VERSION head');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 29e0e8f6dd42, tables 4', 'dropped');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION '750b'$$), 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4', 'VERSION with a prefix, downwards');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 750bcd1e35fa, tables 4', 'dropped');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION '+1'$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'VERSION +1');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 39015ae510e0, tables 4', 'dropped');
SELECT is(pg_temp.after($$CREATE EXTENSION IF NOT EXISTS databrain VERSION 'head'$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'IF NOT EXISTS where there is none');
SELECT is(pg_temp.after($$DROP EXTENSION databrain$$), 'mirror , state 29e0e8f6dd42, tables 4', 'dropped');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION 'nowhere1'$$), $e$42704 revision "nowhere1" does not exist in project "databrain"
hint: dbm_history() lists all revisions and branch labels.$e$, 'VERSION unknown');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION ''$$), $e$22023 target must not be empty
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'VERSION empty');
SELECT is(pg_temp.after($$CREATE EXTENSION databrain SCHEMA public VERSION 'head'$$), $e$0A000 extension "databrain" must be installed in schema "pg_catalog"$e$, 'another schema');
SELECT is(pg_temp.summary(), 'mirror , state 29e0e8f6dd42, tables 4', 'none of which created it');

-- what a failed CREATE EXTENSION wanted is forgotten
DO $$
BEGIN
	FOR i IN 1..10 LOOP
		BEGIN
			CREATE EXTENSION databrain VERSION 'base+1' SCHEMA public;
		EXCEPTION WHEN feature_not_supported THEN
			NULL;
		END;
		BEGIN
			EXECUTE 'CREATE EXTENSION databrain VERSION ''750b'' SCHEMA public';
		EXCEPTION WHEN feature_not_supported THEN
			NULL;
		END;
		EXECUTE 'CREATE EXTENSION databrain';
		ASSERT pg_temp.mirror() = '29e0e8f6dd42', pg_temp.mirror();
		DROP EXTENSION databrain;
	END LOOP;
END
$$;
CREATE EXTENSION databrain;
SELECT is(pg_temp.summary(), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'and does not meet a later one');

--
-- Who may
--

CREATE ROLE dbm_test_owner;
CREATE ROLE dbm_test_other;
GRANT CREATE ON SCHEMA public TO dbm_test_owner;
GRANT EXECUTE ON FUNCTION dbm_upgrade(text, text), dbm_downgrade(text, text) TO dbm_test_other;

SET LOCAL ROLE dbm_test_other;
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE TO '-1'$$), '42501 must be owner of extension databrain', 'EXECUTE does not make an owner');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE$$), '42501 must be owner of extension databrain', 'not even where there is nothing to do');
RESET ROLE;
SET LOCAL ROLE dbm_test_other;
SELECT is(pg_temp.error_of($$CREATE EXTENSION IF NOT EXISTS databrain$$), 'no error', 'anybody may find that it exists');
RESET ROLE;

-- the engine's own tables and sequences stay the superuser's
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '750b'$$), 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4', 'down, as the superuser');
DROP EXTENSION databrain;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO dbm_test_owner', current_database()); END $$;
SET LOCAL ROLE dbm_test_owner;
SELECT is(pg_temp.after($$CREATE EXTENSION databrain$$), 'mirror 750bcd1e35fa, state 750bcd1e35fa, tables 4', 'a plain role may create it');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE TO base$$), '42501 permission denied for function dbm_downgrade', 'but needs EXECUTE on dbm_downgrade');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE$$), '42501 permission denied for function dbm_upgrade', 'and on dbm_upgrade');
RESET ROLE;
GRANT EXECUTE ON FUNCTION dbm_upgrade(text, text), dbm_downgrade(text, text) TO dbm_test_owner;
SET LOCAL ROLE dbm_test_owner;
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE TO base$$), $e$42501 must be owner of table chunk
context: project "databrain", revision "750bcd1e35fa", file "databrain--750bcd1e35fa--base.sql", line 12, statement 1 of 4$e$, 'and the script runs with its rights');
RESET ROLE;
SELECT is(pg_temp.error_of('REASSIGN OWNED BY dbm_test_owner TO dbm_test_other'), 'no error', 'the guard lets the owner change');
SELECT is((SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'databrain'), 'dbm_test_other', 'which it did');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO base$$), 'mirror base, state base, tables 0', 'down to base');
DROP EXTENSION databrain;

SET LOCAL ROLE dbm_test_owner;
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION 'head'$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'a plain role creates it at head');
SELECT is((SELECT tableowner FROM pg_tables WHERE tablename = 'chunk')::text, 'dbm_test_owner', 'and owns what its revisions create');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO base$$), 'mirror base, state base, tables 0', 'and goes down again');
DROP EXTENSION databrain;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION dbm_upgrade(text, text) FROM dbm_test_owner;
SET LOCAL ROLE dbm_test_owner;
SELECT is(pg_temp.error_of($$CREATE EXTENSION databrain VERSION 'head'$$), '42501 permission denied for function dbm_upgrade', 'but not without EXECUTE');
SELECT is(pg_temp.mirror(), NULL, 'and then there is no extension');
RESET ROLE;
CREATE EXTENSION databrain VERSION 'head';

--
-- Scripts that fail, several heads
--

SELECT dbm_register('databrain--29e0e8f6dd42--bad00001.sql', E'CREATE TABLE half ();\nSELECT 1/0;') \g /dev/null
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$22012 division by zero
context: project "databrain", revision "bad00001", file "databrain--29e0e8f6dd42--bad00001.sql", line 2, statement 2 of 2$e$, 'a failing script');
SELECT is(pg_temp.summary() || coalesce(to_regclass('half')::text, ''), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'leaves everything');
ALTER EXTENSION databrain UPDATE TO base;
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$22012 division by zero
context: project "databrain", revision "bad00001", file "databrain--29e0e8f6dd42--bad00001.sql", line 2, statement 2 of 2$e$, 'a failing script, the last of four');
SELECT is(pg_temp.summary(), 'mirror base, state base, tables 0', 'undoes those before it');
DROP EXTENSION databrain;
SELECT is(regexp_replace(pg_temp.after($$CREATE EXTENSION databrain VERSION 'head'$$), '\n.*', ''), '22012 division by zero', 'CREATE EXTENSION fails with it');
SELECT is(pg_temp.mirror(), NULL, 'and creates nothing');
CREATE EXTENSION databrain VERSION '29e0';
SELECT dbm_unregister('bad00001') \g /dev/null

SELECT dbm_register('databrain--29e0e8f6dd42--zzzz0001.sql', 'SELECT 1'), dbm_register('databrain--29e0e8f6dd42--aaaa0001.sql', 'SELECT 1'),
	dbm_register('databrain--zzzz0001--29e0e8f6dd42.sql', 'SELECT 1'), dbm_register('databrain--aaaa0001--29e0e8f6dd42.sql', 'SELECT 1') \g /dev/null
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$21000 target "head" stands for several revisions of project "databrain", but one is needed
detail: The revisions are "aaaa0001", "zzzz0001".
hint: Use "heads" for all heads, "label@head" for one of them, or merge them with dbm_merge().$e$, 'two heads');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'zzzz0001'$$), 'mirror zzzz0001, state zzzz0001, tables 4', 'one of them');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'heads'$$), 'mirror aaaa0001,zzzz0001, state aaaa0001,zzzz0001, tables 4', 'both');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'heads'$$), 'mirror aaaa0001,zzzz0001, state aaaa0001,zzzz0001, tables 4', 'both again');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '-1'$$), $e$21000 target "-1" is ambiguous because project "databrain" has several current revisions
detail: The current revisions are "aaaa0001", "zzzz0001".
hint: Name the branch, as in "label@+1" or "label@-1", or the revision itself.$e$, 'one down from two');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'aaaa0001,zzzz0001'$$), 'mirror aaaa0001,zzzz0001, state aaaa0001,zzzz0001, tables 4', 'the version that is shown is a target');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO 'base'$$), 'mirror base, state base, tables 0', 'all the way down');
SELECT dbm_unregister('zzzz0001'), dbm_unregister('aaaa0001') \g /dev/null

-- a revision that uses the door
SELECT dbm_register('databrain--29e0e8f6dd42--deep0001.sql', 'ALTER EXTENSION databrain UPDATE') \g /dev/null
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$55000 ALTER EXTENSION cannot be called by a revision
context: project "databrain", revision "deep0001", file "databrain--29e0e8f6dd42--deep0001.sql", line 1, statement 1 of 1$e$, 'a revision cannot use the door');
SELECT dbm_register('databrain--29e0e8f6dd42--deep0001.sql', 'DROP EXTENSION databrain') \g /dev/null
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE$$), $e$42704 extension "databrain" does not exist$e$, 'and what drops the extension it runs for leaves nothing to update');
SELECT is(pg_temp.after($$SELECT dbm_upgrade()$$), 'mirror , state deep0001, tables 4', 'which is no business of dbm_upgrade');
SELECT dbm_stamp('29e0') \g /dev/null
SELECT dbm_unregister('deep0001') \g /dev/null
CREATE EXTENSION databrain;

--
-- Not ours
--

SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain_migrate UPDATE TO '750bcd1e35fa'$$), $e$22023 extension "databrain_migrate" has no version "750bcd1e35fa"
detail: The engine and the projects have versions of their own.
hint: For a revision of a project: ALTER EXTENSION databrain UPDATE TO '750bcd1e35fa', or SELECT * FROM dbm_upgrade('750bcd1e35fa').$e$, 'a revision is no version of the engine');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain_migrate UPDATE TO '1.0'$$), 'no error', 'its own version is');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain_migrate UPDATE$$), 'no error', 'and none as well');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain_migrate SET SCHEMA public$$), '0A000 extension "databrain_migrate" does not support SET SCHEMA', 'SET SCHEMA of the engine');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain SET SCHEMA public$$), '0A000 extension "databrain" does not support SET SCHEMA', 'SET SCHEMA of the project');
SELECT is(pg_temp.error_of($$ALTER EXTENSION pgtap UPDATE$$), 'no error', 'another extension');
SELECT is(pg_temp.error_of($$ALTER EXTENSION nowhere UPDATE$$), '42704 extension "nowhere" does not exist', 'and none');
CREATE TABLE member ();
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain ADD TABLE member$$), 'no error', 'ADD');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain DROP TABLE member$$), 'no error', 'DROP');
SELECT is(pg_temp.summary(), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'which moved nothing');
SELECT is(pg_temp.error_of($$SELECT dbm_project_base('databrain')$$), $e$55000 dbm_project_base() can only be called by the script "databrain--base.sql"$e$, 'dbm_project_base is for one script');
SELECT is(pg_temp.error_of($$SELECT dbm_ddl_command_start()$$), $e$39P03 not called by event trigger manager$e$, 'the event triggers are no functions');
SELECT is(pg_temp.error_of($$CREATE TRIGGER t BEFORE INSERT ON member EXECUTE FUNCTION dbm_ddl_command_end()$$),
	'42P17 function dbm_ddl_command_end must return type trigger', 'nor triggers of tables');

--
-- Event triggers of others
--

CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, event text, tag text);
CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen (event, tag) VALUES (tg_event, tg_tag); END $$;
CREATE EVENT TRIGGER a_first ON ddl_command_start EXECUTE FUNCTION see();
CREATE EVENT TRIGGER z_last ON ddl_command_end EXECUTE FUNCTION see();
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '-1'$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'with the event triggers of others');
SELECT is((SELECT string_agg(event || ' ' || tag, ', ' ORDER BY id) FROM seen), $e$ddl_command_start ALTER EXTENSION, ddl_command_start DROP INDEX, ddl_command_end DROP INDEX, ddl_command_start ALTER TABLE, ddl_command_end ALTER TABLE, ddl_command_end ALTER EXTENSION$e$, 'which see the command and what the script does');
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no indexes today'; END $$;
CREATE EVENT TRIGGER no_indexes ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION forbid();
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$P0001 no indexes today
context: PL/pgSQL function forbid() line 1 at RAISE
project "databrain", revision "29e0e8f6dd42", file "databrain--39015ae510e0--29e0e8f6dd42.sql", line 20, statement 3 of 4$e$, 'and may forbid it');
SELECT is(pg_temp.summary(), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'then nothing changes');
DROP EVENT TRIGGER no_indexes;
DROP EVENT TRIGGER a_first;
DROP EVENT TRIGGER z_last;

--
-- The guard: the server itself never runs a project's scripts
--

SAVEPOINT s;
ALTER EVENT TRIGGER dbm_ddl_command_start DISABLE;
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '29e0e8f6dd42'$$), $e$55000 revisions of project "databrain" cannot be run by the server
detail: Its update script to version "29e0e8f6dd42" would run past the engine.
hint: Create the extension "databrain_migrate" in a command of its own first, and do not turn event triggers off.$e$, 'the event trigger disabled: up');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '750bcd1e35fa'$$), $e$55000 revisions of project "databrain" cannot be run by the server
detail: Its update script to version "750bcd1e35fa" would run past the engine.
hint: Create the extension "databrain_migrate" in a command of its own first, and do not turn event triggers off.$e$, 'the event trigger disabled: down');
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), $e$55000 revisions of project "databrain" cannot be run by the server
detail: Its update script to version "750bcd1e35fa" would run past the engine.
hint: Create the extension "databrain_migrate" in a command of its own first, and do not turn event triggers off.$e$, 'the event trigger disabled: the default version');
SELECT is(pg_temp.summary(), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'nothing ran');
DROP EXTENSION databrain;
SELECT is(pg_temp.after($$CREATE EXTENSION databrain VERSION '750bcd1e35fa'$$), $e$55000 revisions of project "databrain" cannot be run by the server
detail: Its update script to version "750bcd1e35fa" would run past the engine.
hint: Create the extension "databrain_migrate" in a command of its own first, and do not turn event triggers off.$e$, 'the event trigger disabled: CREATE EXTENSION');
SELECT is(pg_temp.mirror(), NULL, 'which creates nothing');
ROLLBACK TO s;

-- what got past it is found: the mirror shows what the engine never reached
UPDATE pg_extension SET extversion = 'ffff0000' WHERE extname = 'databrain';
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade()$$), $e$55000 extension "databrain" is at version "ffff0000", which the engine never reached
detail: Its update scripts were run by the server itself, with event triggers off.  Revision "ffff0000" is not among the applied ones.
hint: If the schema is as that revision leaves it, record that with dbm_stamp('ffff0000', project => 'databrain').$e$, 'a mirror ahead of the state');
SELECT is(pg_temp.error_of($$ALTER EXTENSION databrain UPDATE$$), pg_temp.error_of($$SELECT dbm_upgrade()$$), 'the same by the door');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base')$$), pg_temp.error_of($$SELECT dbm_upgrade()$$), 'and downwards');
SELECT is((SELECT revision FROM dbm_current()), '39015ae510e0', 'looking still works');
SELECT is(pg_temp.mirror(), 'ffff0000', 'and mends nothing');
SELECT is(pg_temp.error_of($$CREATE EXTENSION IF NOT EXISTS databrain$$) || ' ' || pg_temp.mirror(), 'no error ffff0000', 'nor does a CREATE EXTENSION that creates nothing');
SELECT is(pg_temp.after($$SELECT dbm_stamp('39015ae510e0')$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'dbm_stamp mends it');
SELECT is(pg_temp.after($$SELECT dbm_upgrade()$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'and the engine goes on');
DELETE FROM dbm.applied WHERE project = 'databrain' AND revision = '29e0e8f6dd42';
DELETE FROM dbm.log WHERE project = 'databrain';
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade()$$), $e$55000 extension "databrain" is at version "29e0e8f6dd42", which the engine never reached
detail: Its update scripts were run by the server itself, with event triggers off.  Revision "29e0e8f6dd42" is not among the applied ones.
hint: If the schema is as that revision leaves it, record that with dbm_stamp('29e0e8f6dd42', project => 'databrain').$e$, 'a revision that exists, but was never reached');
SELECT is(pg_temp.after($$SELECT dbm_stamp('29e0e8f6dd42', project => 'databrain')$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'the hint''s own words mend it');

-- a mirror behind, as after a restore
UPDATE pg_extension SET extversion = 'base' WHERE extname = 'databrain';
SELECT is(pg_temp.after($$SELECT dbm_history()$$), 'mirror base, state 29e0e8f6dd42, tables 4', 'looking does not mend the mirror');
SELECT is(pg_temp.after($$SELECT dbm_upgrade()$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'an upgrade with nothing to do does');
UPDATE pg_extension SET extversion = 'base' WHERE extname = 'databrain';
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE$$), 'mirror 29e0e8f6dd42, state 29e0e8f6dd42, tables 4', 'so does the door');
UPDATE pg_extension SET extversion = '750bcd1e35fa' WHERE extname = 'databrain';
SELECT is(pg_temp.after($$ALTER EXTENSION databrain UPDATE TO '-1'$$), 'mirror 39015ae510e0, state 39015ae510e0, tables 4', 'what counts is the state');

-- without the engine
SELECT is(pg_temp.error_of($$DROP EXTENSION databrain_migrate$$), $e$2BP01 cannot drop extension databrain_migrate because other objects depend on it
detail: extension databrain depends on extension databrain_migrate
hint: Use DROP ... CASCADE to drop the dependent objects too.$e$, 'the project needs the engine');
SELECT is(pg_temp.error_of($$DROP EXTENSION databrain_migrate CASCADE$$), 'no error', 'both go');
SELECT has_table('chunk', 'the application''s tables stay');
SELECT hasnt_schema('dbm', 'the engine''s do not');

SELECT * FROM finish();
ROLLBACK;

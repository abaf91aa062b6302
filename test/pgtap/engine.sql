-- How revisions run: in the caller's transaction, all or nothing, and without
-- leaving anything behind but what they did.  Wants a database with pgtap in it
-- and nothing else.

\set QUIET on
SET client_min_messages = error;

-- an enum that is older than the transaction
CREATE TYPE public.mood AS ENUM ('sad', 'ok');

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT plan(71);

\ir include/errors.sql

-- Register a chain of scripts: a revision 0001, 0002, … each.
CREATE FUNCTION pg_temp.chain(project text, VARIADIC scripts text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	parent text := 'base';
	this text;
BEGIN
	FOR i IN 1..array_length(scripts, 1) LOOP
		this := 'rev' || lpad(i::text, 4, '0');
		PERFORM dbm_register(format('%s--%s--%s.sql', project, parent, this), scripts[i]);
		parent := this;
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.up(project text, target text DEFAULT 'head') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.error_of(format('SELECT * FROM dbm_upgrade(%L, %L)', target, project))
$$;
CREATE FUNCTION pg_temp.state(project text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision, ',') FROM dbm_current(project)
$$;

CREATE TABLE public.said (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION pg_temp.said() RETURNS text LANGUAGE sql AS $$
	WITH gone AS (DELETE FROM public.said RETURNING id, what) SELECT string_agg(what, ', ' ORDER BY id) FROM gone
$$;

--
-- A SET ends with its script
--

CREATE ROLE dbm_test_role;
GRANT INSERT ON public.said TO dbm_test_role;
SET LOCAL work_mem = '7MB';
SELECT pg_temp.chain('sets',
	'SET work_mem = ''1MB''; SET LOCAL maintenance_work_mem = ''2MB''; SELECT set_config(''application_name'', ''planted'', false);
	 SET search_path = pg_catalog; SET session_replication_role = replica; SET my.own = ''planted'';
	 SET TIME ZONE ''Asia/Tokyo''; SET standard_conforming_strings = off; SET ROLE dbm_test_role;',
	'INSERT INTO public.said (what) VALUES (current_setting(''work_mem'')), (current_user), (current_setting(''search_path'')),
		(current_setting(''session_replication_role''));') \g /dev/null
SELECT set_config('dbm.before', concat_ws(';', current_setting('maintenance_work_mem'), current_setting('application_name'),
	current_setting('search_path'), current_user, current_setting('TimeZone'), current_setting('standard_conforming_strings')), true) \g /dev/null
SELECT is(pg_temp.up('sets'), 'no error', 'scripts that set much');
SELECT is(pg_temp.said(), format('7MB, %s, %s, origin', current_user, current_setting('search_path')), 'the next revision sees the caller''s settings');
SELECT is(current_setting('work_mem'), '7MB', 'so does the caller');
SELECT is(concat_ws(';', current_setting('maintenance_work_mem'), current_setting('application_name'),
	current_setting('search_path'), current_user, current_setting('TimeZone'), current_setting('standard_conforming_strings')),
	current_setting('dbm.before'), 'all of them');
SELECT is(coalesce(current_setting('my.own', true), ''), '', 'a setting of one''s own is gone');

-- also when the script fails, and the caller goes on
SELECT pg_temp.chain('setfail', 'SET work_mem = ''1MB''; SET ROLE dbm_test_role; SET search_path = nowhere; SELECT 1/0;') \g /dev/null
SELECT is(pg_temp.up('setfail'), $e$22012 division by zero
context: project "setfail", revision "rev0001", file "setfail--base--rev0001.sql", line 1, statement 4 of 4$e$, 'a script that sets and fails');
SELECT is(current_setting('work_mem') || current_user || current_setting('search_path'), '7MB' || session_user || '"$user", public', 'leaves no setting');

-- what the caller sets is what a script has
SELECT pg_temp.chain('seen', 'INSERT INTO public.said (what) VALUES (current_setting(''search_path'')), (current_setting(''lock_timeout''));',
	'INSERT INTO public.said (what) VALUES (current_setting(''lock_timeout'')); SET lock_timeout = ''3s''; INSERT INTO public.said (what) VALUES (current_setting(''lock_timeout''));') \g /dev/null
SET LOCAL search_path = public, pg_temp;
SET LOCAL databrain_migrate.lock_timeout = '90s';
SELECT is(pg_temp.up('seen'), 'no error', 'scripts that look at settings');
SELECT is(pg_temp.said(), 'public, pg_temp, 90s, 90s, 3s', 'lock_timeout is databrain_migrate.lock_timeout, unless the script sets it');
SELECT is(current_setting('lock_timeout'), '0', 'and ends with the script');
RESET databrain_migrate.lock_timeout;
SET LOCAL search_path = "$user", public;

--
-- All or nothing
--

SELECT pg_temp.chain('atomic', 'CREATE TABLE atomic_1 ();', 'CREATE TABLE atomic_2 ();', E'\n\nCREATE TABLE atomic_3 ();\nCREATE TABLE atomic_1 ();') \g /dev/null
SELECT is(pg_temp.up('atomic'), $e$42P07 relation "atomic_1" already exists
context: project "atomic", revision "rev0003", file "atomic--rev0002--rev0003.sql", line 4, statement 2 of 2$e$, 'the third revision fails');
SELECT is(to_regclass('atomic_1'), NULL, 'the first is undone as well');
SELECT is(pg_temp.state('atomic'), NULL, 'no state');
SELECT is((SELECT count(*) FROM dbm_log('atomic')), 0::bigint, 'no log');
SELECT is(pg_temp.up('atomic', 'rev0002'), 'no error', 'the first two by themselves');
SELECT is(pg_temp.up('atomic'), $e$42P07 relation "atomic_1" already exists
context: project "atomic", revision "rev0003", file "atomic--rev0002--rev0003.sql", line 4, statement 2 of 2$e$, 'then the third');
SELECT is(pg_temp.state('atomic'), 'rev0002', 'leaves them');

-- what the script of an extension makes is that extension's
CREATE FUNCTION public.upgrade() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_upgrade(project => 'atomic');
END
$$;
CREATE EVENT TRIGGER upgrade ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION public.upgrade();
SELECT matches(pg_temp.error_of('CREATE EXTENSION hstore'), $e$^55000 revisions cannot be run by the script of an extension
detail: What they create would become members of extension "hstore".
$e$, 'within the script of an extension');
DROP EVENT TRIGGER upgrade;
SELECT is(pg_temp.error_of('CREATE EXTENSION hstore'), 'no error', 'which it has no other trouble with');

-- the caller may catch the error, and the engine goes on
SELECT pg_temp.chain('nested', 'SELECT dbm_upgrade(project => ''atomic'')') \g /dev/null
SELECT is(pg_temp.up('nested'), $e$55000 dbm_upgrade() cannot be called by a revision
context: project "nested", revision "rev0001", file "nested--base--rev0001.sql", line 1, statement 1 of 1$e$, 'a revision runs no other');
SELECT is(pg_temp.up('sets'), 'no error', 'after that error, others run');
SELECT pg_temp.chain('nested2', 'DO $x$ BEGIN PERFORM dbm_downgrade(''base'', ''sets''); EXCEPTION WHEN object_not_in_prerequisite_state THEN INSERT INTO public.said (what) VALUES (sqlerrm); END $x$',
	'SELECT dbm_stamp(''base'', project => ''sets'')') \g /dev/null
SELECT is(pg_temp.up('nested2', '+1'), 'no error', 'an error caught within the revision');
SELECT is(pg_temp.said(), 'dbm_downgrade() cannot be called by a revision', 'is that one');
SELECT is(split_part(pg_temp.up('nested2', '+1'), E'\n', 1), '55000 dbm_stamp() cannot be called by a revision', 'the run goes on meanwhile: still no nesting');
SELECT pg_temp.chain('looks', 'INSERT INTO public.said (what) SELECT revision FROM dbm_current(''sets'')',
	'SELECT dbm_require(''rev0001'', ''looks''); INSERT INTO public.said (what) SELECT concat_ws('' '', revision, outcome) FROM dbm_log(''looks'')') \g /dev/null
SELECT is(pg_temp.up('looks'), 'no error', 'a revision may look');
SELECT is(pg_temp.said(), 'rev0002, rev0001 done', 'also at what the run itself did');

-- a revision that takes the engine away from under itself
SELECT pg_temp.chain('suicide', 'DROP EXTENSION databrain_migrate CASCADE;') \g /dev/null
SELECT is(split_part(pg_temp.up('suicide'), E'\n', 1), '42P01 relation "dbm.applied" does not exist', 'a revision cannot drop the engine');
SELECT is(pg_temp.state('atomic'), 'rev0002', 'which is there as before');

--
-- Constraints
--

SELECT pg_temp.chain('deferred', 'CREATE TABLE parent (a int PRIMARY KEY);
	CREATE TABLE child (a int CONSTRAINT child_fk REFERENCES parent DEFERRABLE INITIALLY DEFERRED);',
	'INSERT INTO child VALUES (1); INSERT INTO parent VALUES (1);',
	'ALTER TABLE child ADD b int; INSERT INTO child VALUES (2);',
	'INSERT INTO parent VALUES (2);') \g /dev/null
SELECT is(pg_temp.up('deferred', 'rev0002'), 'no error', 'deferred constraints wait within a revision');
SELECT is(pg_temp.up('deferred', 'head'), $e$23503 insert or update on table "child" violates foreign key constraint "child_fk"
detail: Key (a)=(2) is not present in table "parent".
context: project "deferred", revision "rev0003", file "deferred--rev0002--rev0003.sql", line 1, statement 2 of 2$e$, 'but not for the next one');
SELECT dbm_register('deferred--rev0002--rev0003.sql', 'UPDATE parent SET a = a; ALTER TABLE child ADD b int; INSERT INTO child VALUES (2); INSERT INTO parent VALUES (2);') \g /dev/null
SELECT is(pg_temp.up('deferred', 'rev0003'), 'no error', 'pending events of an earlier revision do not block ALTER TABLE');
SELECT is(pg_temp.error_of('INSERT INTO child VALUES (3)'), 'no error', 'the constraint is deferred for the caller as it was');
SELECT is(pg_temp.error_of('SET CONSTRAINTS child_fk IMMEDIATE'), $e$23503 insert or update on table "child" violates foreign key constraint "child_fk"
detail: Key (a)=(3) is not present in table "parent".$e$, 'and checks at the end');
DELETE FROM child WHERE a = 3;

--
-- What cannot run in one transaction
--

SELECT pg_temp.chain('enum', 'ALTER TYPE public.mood ADD VALUE ''happy'';', E'SELECT 1;\nSELECT ''happy''::public.mood;') \g /dev/null
SELECT is(pg_temp.up('enum'), $e$55P04 unsafe use of new value "happy" of enum type mood
hint: CALL dbm_migrate() commits after each revision, so that a later one can use the value.
context: project "enum", revision "rev0002", file "enum--rev0001--rev0002.sql", line 2, statement 2 of 2$e$, 'a new enum value used by the next revision');
SELECT is(enum_range(NULL::public.mood)::text, '{sad,ok}', 'the value is not there');
SELECT is(pg_temp.up('enum', 'rev0001'), 'no error', 'adding it alone works');
SELECT dbm_register('concurrently--base--rev0001.sql', E'-- index\n-- Revision ID: rev0001\n-- Transactional: no\nCREATE INDEX CONCURRENTLY ON public.said (what);'),
	dbm_register('concurrently--rev0001--base.sql', E'-- index\n-- Revision ID: rev0001\n-- Transactional: no\nDROP INDEX CONCURRENTLY said_what_idx;') \g /dev/null
SELECT is(pg_temp.up('concurrently'), $e$25001 revision "rev0001" of project "concurrently" cannot run in a transaction
detail: Its header says "Transactional: no".
hint: Run it by CALL dbm_migrate(), outside of a transaction block.$e$, 'Transactional: no');
SELECT dbm_stamp('head', project => 'concurrently') \g /dev/null
SELECT is(pg_temp.error_of('SELECT dbm_downgrade(''base'', ''concurrently'')'), $e$25001 revision "rev0001" of project "concurrently" cannot run in a transaction
detail: Its header says "Transactional: no".
hint: Run it by CALL dbm_migrate(), outside of a transaction block.$e$, 'downwards, too');
SELECT pg_temp.chain('mixed', 'INSERT INTO public.said (what) VALUES (''ran'')', E'-- Transactional: no\nVACUUM') \g /dev/null
SELECT is(split_part(pg_temp.up('mixed'), E'\n', 1), '25001 revision "rev0002" of project "mixed" cannot run in a transaction', 'one of two');
SELECT is(pg_temp.said(), NULL, 'is refused before the other runs');
SELECT pg_temp.chain('index', E'-- index\n\nCREATE INDEX CONCURRENTLY ON public.said (what);') \g /dev/null
SELECT is(pg_temp.up('index'), $e$25001 CREATE INDEX CONCURRENTLY cannot run inside a transaction block
hint: Write "-- Transactional: no" into the script's header, and run it by CALL dbm_migrate().
context: project "index", revision "rev0001", file "index--base--rev0001.sql", line 3, statement 1 of 1$e$, 'CREATE INDEX CONCURRENTLY without the header');
SELECT pg_temp.chain('commit', E'CREATE PROCEDURE public.p() LANGUAGE plpgsql AS $x$ BEGIN COMMIT; END $x$;\nCALL public.p();') \g /dev/null
SELECT is(pg_temp.up('commit'), $e$2D000 invalid transaction termination
context: PL/pgSQL function p() line 1 at COMMIT
project "commit", revision "rev0001", file "commit--base--rev0001.sql", line 2, statement 2 of 2$e$, 'a procedure that commits');

--
-- Statements of all kinds
--

SELECT pg_temp.chain('kinds', $script$-- many kinds
-- Revision ID: rev0001
\echo Use "ALTER EXTENSION" to load this file. \quit
DO $do$ BEGIN CREATE TABLE public.kinds (a int, b text DEFAULT ';'); END $do$;
CREATE FUNCTION public.kinds_sql(int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT $1 + 1; END;
CREATE FUNCTION public.kinds_plpgsql() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN public.kinds_sql(41); END';
INSERT INTO public.kinds (a) SELECT public.kinds_plpgsql();
WITH moved AS (DELETE FROM public.kinds RETURNING a) INSERT INTO public.kinds (a) SELECT a + 1 FROM moved;
PREPARE kinds_statement (int) AS INSERT INTO public.kinds (a) VALUES ($1);
EXECUTE kinds_statement (7);
DEALLOCATE kinds_statement;
CREATE TEMP TABLE kinds_temp ON COMMIT DROP AS SELECT 8 AS a;
INSERT INTO public.kinds (a) TABLE kinds_temp;
DROP TABLE kinds_temp;
CREATE VIEW public.kinds_view AS SELECT a FROM public.kinds; CREATE RULE kinds_rule AS ON INSERT TO public.kinds_view DO INSTEAD INSERT INTO public.kinds (a) VALUES (new.a), (new.a + 1);
INSERT INTO public.kinds_view VALUES (20);
EXPLAIN ANALYZE INSERT INTO public.kinds (a) VALUES (9);
DECLARE kinds_cursor CURSOR FOR SELECT a FROM public.kinds;
FETCH ALL FROM kinds_cursor;
CLOSE kinds_cursor;
LOCK TABLE public.kinds;
MERGE INTO public.kinds USING (VALUES (9)) AS v (a) ON kinds.a = v.a WHEN MATCHED THEN UPDATE SET a = 10;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null';
SHOW work_mem;
COMMENT ON TABLE public.kinds IS $$-- not a comment; /* nor this */ "$$;
CREATE SCHEMA kinds_schema CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t;
TRUNCATE kinds_schema.t; ; ;
SELECT E'a\\b', U&'\0041', 'o''clock', B'1', X'F', 1e3
	-- no semicolon at the end$script$) \g /dev/null
SELECT is(pg_temp.up('kinds'), 'no error', 'statements of all kinds');
SELECT is((SELECT array_agg(a ORDER BY a) FROM public.kinds), '{7,8,10,20,21,43}', 'do what they say');
SELECT is((SELECT statements FROM dbm_log('kinds')), 26, 'and are counted');
SELECT is(obj_description('public.kinds'::regclass), '-- not a comment; /* nor this */ "', 'quoting is the server''s');

--
-- Where an error happened
--

SELECT pg_temp.chain('lines', E'\\echo x\n-- ä\nSELECT \'ö\',\n  (SELECT 1\n     FROM nowhere);\n') \g /dev/null
SELECT is(pg_temp.up('lines'), $e$42P01 relation "nowhere" does not exist
context: project "lines", revision "rev0001", file "lines--base--rev0001.sql", line 5, statement 1 of 1$e$, 'the line of the error, not of the statement');
SELECT pg_temp.chain('inside', E'SELECT 1; SELECT 2;\n\nDO $x$\nDECLARE\n  n int;\nBEGIN\n  n := 1 / (n - n);\n  SELECT 1 / 0 INTO n;\nEND $x$;') \g /dev/null
SELECT is(pg_temp.up('inside'), $e$22012 division by zero
context: SQL statement "SELECT 1 / 0"
PL/pgSQL function inline_code_block line 6 at SQL statement
project "inside", revision "rev0001", file "inside--base--rev0001.sql", line 3, statement 3 of 3$e$, 'an error in a block: its own context first');
SELECT pg_temp.chain('constraint', E'CREATE TABLE public.con (a int CONSTRAINT positive CHECK (a > 0));\nINSERT INTO public.con VALUES (-1);') \g /dev/null
SELECT is(pg_temp.up('constraint'), $e$23514 new row for relation "con" violates check constraint "positive"
detail: Failing row contains (-1).
context: project "constraint", revision "rev0001", file "constraint--base--rev0001.sql", line 2, statement 2 of 2$e$, 'the server''s detail is kept');
SELECT pg_temp.chain('raised', E'DO $x$ BEGIN RAISE ''told'' USING ERRCODE = ''ZZ001'', DETAIL = ''more'', HINT = ''do''; END $x$;') \g /dev/null
SELECT is(pg_temp.up('raised'), $e$ZZ001 told
detail: more
hint: do
context: PL/pgSQL function inline_code_block line 1 at RAISE
project "raised", revision "rev0001", file "raised--base--rev0001.sql", line 1, statement 1 of 1$e$, 'and its hint, and any SQLSTATE');
SELECT pg_temp.chain('oom', E'DO $x$ BEGIN RAISE out_of_memory; END $x$;') \g /dev/null
SELECT is(pg_temp.up('oom'), $e$53200 out_of_memory
hint: If the lock table is full: CALL dbm_migrate() commits after each revision, or increase max_locks_per_transaction.
context: PL/pgSQL function inline_code_block line 1 at RAISE
project "oom", revision "rev0001", file "oom--base--rev0001.sql", line 1, statement 1 of 1$e$, 'out of memory may be the lock table');

--
-- The gate, the log, several projects
--

SELECT is(pg_temp.error_of('SELECT dbm_require(''rev0002'', ''atomic'')'), 'no error', 'applied');
SELECT is(pg_temp.error_of('SELECT dbm_require(''rev0001'', ''atomic'')'), 'no error', 'applied, not a head');
SELECT is(pg_temp.error_of('SELECT dbm_require(''head'', ''atomic'')'), $e$55000 revision "rev0003" of project "atomic" is not applied
detail: The database is at rev0002.
hint: Run dbm_upgrade() first.$e$, 'the head is not');
SELECT is(pg_temp.error_of('SELECT dbm_require(''rev0001,rev0003'', ''atomic'')'), pg_temp.error_of('SELECT dbm_require(''head'', ''atomic'')'), 'one of a list');
SELECT is(pg_temp.error_of('SELECT dbm_require(''rev0001'', ''suicide'')') ~ 'detail: The database is at base\.', true, 'nothing applied');

SELECT pg_temp.chain('one', 'SELECT 1', 'SELECT 1; SELECT 2', 'SELECT 3'), pg_temp.chain('two', 'SELECT 1') \g /dev/null
SELECT dbm_register('one--rev0003--rev0002.sql', E'-- Revision ID: rev0003\nSELECT 1;'), dbm_register('one--rev0002--rev0001.sql', E'-- Revision ID: rev0002\nSELECT 1;') \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', step, direction, revision, from_revisions, message, statements), '; ') FROM dbm_upgrade('rev0002', 'one')),
	'1 upgrade rev0001 {}  1; 2 upgrade rev0002 {rev0001}  2', 'rows of dbm_upgrade');
SELECT is((SELECT string_agg(concat_ws(' ', step, direction, revision, from_revisions, message, statements), '; ') FROM dbm_stamp('rev0003', project => 'one')),
	'1 stamp rev0003 {rev0002}  0', 'of dbm_stamp');
SELECT is((SELECT string_agg(concat_ws(' ', step, direction, revision, from_revisions, message, statements), '; ') FROM dbm_downgrade('-2', 'one')),
	'1 downgrade rev0003 {rev0003}  1; 2 downgrade rev0002 {rev0002}  1', 'of dbm_downgrade');
SELECT is((SELECT count(*) FROM dbm_downgrade('rev0001', 'one')), 0::bigint, 'nothing to do');
SELECT is(pg_temp.up('two'), 'no error', 'another project');
SELECT is((SELECT string_agg(concat_ws(' ', project, revision, direction, from_revisions, to_revisions, statements, outcome, file), '; ' ORDER BY id) FROM dbm_log('one')),
	'one rev0001 upgrade {} {rev0001} 1 done one--base--rev0001.sql; one rev0002 upgrade {rev0001} {rev0002} 2 done one--rev0001--rev0002.sql; '
	'one rev0003 stamp {rev0002} {rev0003} 0 done; one rev0003 downgrade {rev0003} {rev0002} 1 done one--rev0003--rev0002.sql; '
	'one rev0002 downgrade {rev0002} {rev0001} 1 done one--rev0002--rev0001.sql', 'the log of one project alone');
SELECT is((SELECT bool_and(role = current_user AND session_role = session_user AND application_name = current_setting('application_name')
	AND elapsed >= '0' AND elapsed < '1 minute' AND started_at BETWEEN now() AND clock_timestamp()
	AND sqlstate IS NULL AND error IS NULL AND line IS NULL) FROM dbm_log('one')), true, 'who, when and from where');
SELECT is((SELECT bool_and(checksum ~ '^1:[0-9a-f]{64}$' OR direction = 'stamp') FROM dbm_log('one')), true, 'and which text');
SELECT results_eq($$SELECT project, heads, current, extension, pending FROM dbm_projects() WHERE project IN ('one', 'two')$$,
	$$VALUES ('one', '{rev0003}'::text[], '{rev0001}'::text[], false, 2), ('two', '{rev0001}', '{rev0001}', false, 0)$$, 'projects side by side');
SELECT is((SELECT count(*) FROM dbm_current('one') WHERE applied_at <= clock_timestamp() AND applied_by = current_user AND NOT is_head), 1::bigint, 'columns of dbm_current');

-- stamping
SELECT is((SELECT string_agg(revision, ',' ORDER BY revision) FROM dbm_stamp('head', project => 'one')), 'rev0003', 'stamp to head');
SELECT is(pg_temp.error_of('SELECT dbm_downgrade(''rev0001'', ''one'')'), 'no error', 'a stamped revision is downgraded as any other');
SELECT is((SELECT count(*) FROM dbm_stamp('rev0001', project => 'one')), 0::bigint, 'a stamp of what is');
SELECT is((SELECT revision FROM dbm_stamp('base', true, 'one')), 'base', 'purge to base');
SELECT is(pg_temp.state('one'), NULL, 'nothing is applied then');

SELECT * FROM finish();
ROLLBACK;

DROP TYPE public.mood;

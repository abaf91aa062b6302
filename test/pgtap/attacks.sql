-- Attacks by way of schemas: who may compare, check or test them must not come
-- to rights by it, and who has rights must not lend them to what others have
-- planted.  Wants a database with pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT no_plan();

CREATE ROLE dbm_test_mallory;
CREATE ROLE dbm_test_owner;
CREATE ROLE dbm_test_super SUPERUSER;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO dbm_test_owner', current_database()); END $$;
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE proname ~ '^dbm_' AND proacl IS NOT NULL LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO dbm_test_mallory', f);
	END LOOP;
END $$;
CREATE SCHEMA mine AUTHORIZATION dbm_test_mallory;

-- What a statement comes to in a session of a role: "ok", or SQLSTATE and
-- message.  What it did is rolled back unless it shall stay.
CREATE FUNCTION public.as_role(role text, statement text, stay boolean DEFAULT false)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('session_authorization', role, true);
	EXECUTE statement;
	IF NOT stay THEN
		RAISE EXCEPTION USING errcode = 'P0099', message = 'undo';
	END IF;
	RESET SESSION AUTHORIZATION;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'P0099' THEN 'ok' ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;

-- What mallory would have run by others.
CREATE FUNCTION mine.evil(anyelement) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'dbm_test_mallory' THEN
		RAISE EXCEPTION 'run as %', current_user;
	END IF;
	RETURN true;
END
$$;
ALTER FUNCTION mine.evil(anyelement) OWNER TO dbm_test_mallory;

--
-- A type in the caller's temporary schema, which is searched before pg_catalog
--

CREATE FUNCTION public.with_planted_type(name text, statement text) RETURNS text LANGUAGE sql AS $$
	SELECT public.as_role('dbm_test_mallory', format(
		'CREATE DOMAIN pg_temp.%1$s AS pg_catalog.%1$s CHECK (mine.evil(VALUE)); %2$s', name, statement))
$$;

SELECT is(public.with_planted_type('text', 'SELECT dbm_set_model(''CREATE TABLE mine.t (a pg_catalog.int4)''); ' || call), 'ok',
	'planted text: ' || call)
FROM unnest(array[
	$$SELECT * FROM dbm_diff('empty', 'model')$$,
	$$SELECT * FROM dbm_diff('live', 'model')$$]) AS call;
-- the model of somebody with more rights does not lend them
SELECT public.as_role('dbm_test_super', $$SELECT dbm_set_model('CREATE TABLE mine.t (a text); INSERT INTO mine.t VALUES (''a'')', 'super')$$, stay => true) \g /dev/null
SELECT is(public.with_planted_type('text', $$SELECT * FROM dbm_diff('empty', 'model', schemas => '{mine}', project => 'super')$$), 'ok',
	'planted text in a superuser''s model');
SELECT is(public.with_planted_type('text', $$SELECT * FROM dbm_check('super')$$), 'ok', 'the same by dbm_check');

--
-- What a superuser compares is not run with a superuser's rights.  The mark is a
-- lock that no rollback of a subtransaction takes back.
--

CREATE FUNCTION mine.mark(anyelement) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'dbm_test_mallory' THEN
		PERFORM pg_advisory_lock(6110, 1);
	END IF;
	RETURN true;
END
$$;
ALTER FUNCTION mine.mark(anyelement) OWNER TO dbm_test_mallory;
CREATE FUNCTION public.marked() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN EXISTS (SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND classid = 6110 AND objid = 1 AND pid = pg_backend_pid());
END
$$;
SELECT mine.mark(1) \g /dev/null
SELECT is(public.marked(), true, 'the mark is seen where it is made');
SELECT pg_advisory_unlock_all() \g /dev/null
SELECT is(public.marked(), false, 'and taken away');

SELECT is(public.as_role('dbm_test_mallory', $$
	CREATE TABLE mine.plain (a int, b int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT c CHECK (a > 0));
	CREATE MATERIALIZED VIEW mine.seen AS SELECT 1 AS a;
	CREATE MATERIALIZED VIEW mine.builtin AS SELECT 1 AS a;
	CREATE VIEW mine.view AS SELECT 1 AS a;
	CREATE DOMAIN mine.dom AS int CHECK (VALUE > 0);
	CREATE INDEX ix ON mine.plain (a) WHERE a > 0;
	SELECT dbm_set_model('
		CREATE TABLE mine.plain (a int, b int GENERATED ALWAYS AS (a + 1) STORED, CONSTRAINT c CHECK (a > 0));
		CREATE MATERIALIZED VIEW mine.seen AS SELECT 1 AS a;
		CREATE MATERIALIZED VIEW mine.builtin AS SELECT 1 AS a;
	CREATE VIEW mine.view AS SELECT 1 AS a;
		CREATE DOMAIN mine.dom AS int CHECK (VALUE > 0);
		CREATE INDEX ix ON mine.plain (a) WHERE a > 0;', 'mine');
	SELECT dbm_snapshot('before', project => 'mine')$$, stay => true), 'ok', 'harmless objects');
SELECT public.as_role('dbm_test_super', $$SELECT dbm_set_model(dbm_model('mine'), 'trusted')$$, stay => true) \g /dev/null
SELECT is(public.as_role('dbm_test_mallory', $$
	ALTER TABLE mine.plain DROP b, DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (mine.mark(1) OR a > 0);
	ALTER TABLE mine.plain ADD b int GENERATED ALWAYS AS (CASE WHEN mine.mark(2) THEN a ELSE 1 END) STORED;
	DROP MATERIALIZED VIEW mine.seen;
	CREATE MATERIALIZED VIEW mine.seen AS SELECT 1 AS a WHERE mine.mark(3);
	DROP MATERIALIZED VIEW mine.builtin;
	CREATE MATERIALIZED VIEW mine.builtin AS SELECT 1 AS a WHERE pg_try_advisory_lock(6110, 1);
	CREATE OR REPLACE VIEW mine.view AS SELECT 1 AS a WHERE mine.mark(4);
	DROP DOMAIN mine.dom;
	CREATE DOMAIN mine.dom AS int DEFAULT CASE WHEN mine.mark(5) THEN 1 END CHECK (mine.mark(6) OR VALUE > 0);
	DROP INDEX mine.ix;
	CREATE INDEX ix ON mine.plain ((mine.mark(a))) WHERE mine.mark(7);
	SELECT pg_advisory_unlock_all(); SELECT dbm_snapshot('after', project => 'mine')$$, stay => true), 'ok', 'become traps');

-- what a superuser may call on them
CREATE FUNCTION public.sprung(call text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_advisory_unlock_all();
	SELECT public.as_role('dbm_test_super', call) || CASE WHEN public.marked() THEN ', and the trap is sprung' ELSE '' END
$$;
SELECT is(public.sprung(call), 'ok', 'a superuser calls ' || call)
FROM unnest(array[
	$$SELECT * FROM dbm_diff('live', 'snapshot:before', project => 'mine')$$,
	$$SELECT * FROM dbm_diff('snapshot:before', 'live', project => 'mine')$$,
	$$SELECT * FROM dbm_diff('snapshot:before', 'snapshot:after', project => 'mine')$$,
	$$SELECT * FROM dbm_diff('live', 'snapshot:after', project => 'mine')$$,
	$$SELECT * FROM dbm_snapshots('mine')$$,
	$$SELECT * FROM dbm_diff('live', 'model', project => 'trusted')$$,
	$$SELECT * FROM dbm_diff('model', 'live', project => 'trusted')$$,
	$$SELECT * FROM dbm_diff('live', 'empty', project => 'trusted')$$,
	$$SELECT * FROM dbm_check('trusted')$$,
	$$SELECT * FROM dbm_revision('new', autogenerate => true, project => 'trusted')$$]) AS call;

--
-- A table that looks like Alembic's, in the search_path
--

SELECT is(public.as_role('dbm_test_mallory', $$
	CREATE TYPE mine.version AS ENUM ('a');
	CREATE FUNCTION mine.shown(mine.version) RETURNS text LANGUAGE sql AS 'SELECT mine.mark(1)::text';
	CREATE CAST (mine.version AS text) WITH FUNCTION mine.shown(mine.version);
	CREATE TABLE mine.alembic_version (version_num mine.version);
	INSERT INTO mine.alembic_version VALUES ('a')$$, stay => true), 'ok', 'a table with a cast of its own');
SET LOCAL search_path = mine, public;
CREATE FUNCTION public.imported() RETURNS text LANGUAGE sql AS $$
	SELECT public.sprung($i$SELECT dbm_import_alembic(E'-- Running upgrade  -> 5d6a3d1fd74e\n\nCREATE TABLE a (b int);\n\n'
		'INSERT INTO alembic_version (version_num) VALUES (''5d6a3d1fd74e'');', project => 'alembic')$i$)
$$;
SELECT is(public.imported(), '42809 mine.alembic_version is not a table of Alembic', 'is not read');
DROP TABLE mine.alembic_version;
SELECT is(public.as_role('dbm_test_mallory', $$CREATE VIEW mine.alembic_version AS SELECT mine.mark(1)::text AS version_num$$, stay => true), 'ok', 'a view');
SELECT is(public.imported(), '42809 mine.alembic_version is not a table of Alembic', 'neither');
DROP VIEW mine.alembic_version;
SELECT is(public.imported(), 'ok', 'without one nothing is wrong');
RESET search_path;

--
-- Names with line ends in what people run: repairs and generated scripts have
-- comments, which such a name must not end
--

SELECT public.as_role('dbm_test_super', $$
	SELECT dbm_register('names--base--aaaa0001.sql', 'CREATE TABLE mine.names (a int)');
	SELECT dbm_upgrade(project => 'names');
	ALTER TABLE mine.names ADD b int;
	CREATE PUBLICATION "p
SELECT 'run';--" FOR TABLE mine.names (a, b)$$, stay => true) \g /dev/null
SELECT is((SELECT string_agg(repair, '') FROM dbm_drift('names') WHERE identity = 'mine.names.b') ~ 'Hazard: [^\n]*publication "p SELECT', true,
	'a name in the hazard of a repair stays in its line');
SELECT is((SELECT string_agg(script, '') FROM dbm_revision('names', autogenerate => true, compare_with => 'drift', project => 'names')) ~ '\n[^-\n]*SELECT ''run'';--"[^\n]*tells', false,
	'and in that of a generated script');

--
-- databrain_migrate.lock_first takes the locks that statements will take, and
-- none that they could not take
--

CREATE TABLE public.locking AS SELECT * FROM (VALUES
	('ALTER TABLE pg_seclabel ADD a int', 'AccessExclusiveLock'),
	('ALTER TABLE pg_seclabel RENAME TO mine', 'AccessExclusiveLock'),
	('CREATE INDEX ON pg_seclabel (objoid)', 'ShareLock'),
	('CREATE POLICY mine ON pg_seclabel', 'AccessExclusiveLock'),
	('TRUNCATE pg_seclabel', 'AccessExclusiveLock'),
	('DROP TABLE pg_seclabel', 'AccessExclusiveLock'),
	('CREATE TABLE mine.r (a oid REFERENCES pg_seclabel (objoid))', 'ShareRowExclusiveLock'),
	('CREATE TABLE mine.r (a oid, FOREIGN KEY (a) REFERENCES pg_seclabel (objoid))', 'ShareRowExclusiveLock'),
	('ALTER TABLE mine.t ADD r oid REFERENCES pg_seclabel (objoid)', 'ShareRowExclusiveLock'),
	('CREATE TRIGGER mine AFTER INSERT ON pg_seclabel EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'ShareRowExclusiveLock'),
	('COMMENT ON TABLE pg_seclabel IS NULL', NULL)) AS l (statement, mode);
-- Run a statement behind one that raises the locks that are held by then.
CREATE FUNCTION public.locks_first(role text, statement text) RETURNS text LANGUAGE sql AS $$
	SELECT public.as_role(role, format($s$
		SET LOCAL databrain_migrate.lock_first = on;
		SELECT dbm_register('greedy--base--aaaa0001.sql', %L);
		SELECT dbm_upgrade(project => 'greedy')$s$,
		format($s$DO $d$
			DECLARE
				modes text := (SELECT string_agg(mode, ' ') FROM pg_locks WHERE pid = pg_backend_pid()
					AND relation = 'pg_seclabel'::regclass AND mode NOT IN ('AccessShareLock', 'RowExclusiveLock'));
			BEGIN
				IF modes IS NOT NULL THEN
					RAISE EXCEPTION '%%', modes;
				END IF;
			END $d$;
			%s;$s$, statement)))
$$;
CREATE TABLE mine.t (a int);
ALTER TABLE mine.t OWNER TO dbm_test_mallory;
SELECT is(public.locks_first('dbm_test_super', statement), coalesce('P0001 ' || mode, 'ok'), 'lock_first: ' || statement)
FROM public.locking;
SELECT is(public.locks_first('dbm_test_mallory', statement) ~ '^42501 ', true, 'none for who may not: ' || statement)
FROM public.locking;

SELECT * FROM finish();
ROLLBACK;

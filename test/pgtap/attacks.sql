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

SELECT * FROM finish();
ROLLBACK;

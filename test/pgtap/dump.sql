-- Dumps: the functions' signatures and rights, and what they refuse before
-- anything is run.  test/t/060_dump.pl does the rest, which takes directories
-- and programs.  Wants a database with pgtap in it.

\set QUIET on
SET client_min_messages = warning;

BEGIN;
CREATE EXTENSION databrain_migrate;
CREATE ROLE dbm_test_anybody;
CREATE ROLE dbm_test_runner IN ROLE pg_execute_server_program;
CREATE ROLE dbm_test_writer IN ROLE pg_write_server_files, pg_read_server_files;
CREATE ROLE dbm_test_both IN ROLE pg_execute_server_program, pg_write_server_files, pg_read_server_files;
GRANT EXECUTE ON FUNCTION dbm_dump, dbm_dumps, dbm_restore TO dbm_test_runner, dbm_test_writer, dbm_test_both;

SELECT plan(46);

-- Who may call them
SELECT ok(NOT has_function_privilege('dbm_test_anybody', p.oid, 'EXECUTE'), p.proname || ' is not for everybody')
FROM pg_proc p WHERE proname IN ('dbm_dump', 'dbm_dumps', 'dbm_restore', 'dbm_migrate') ORDER BY proname;
SELECT isnt(obj_description(p.oid, 'pg_proc'), NULL, p.proname || ' has a comment')
FROM pg_proc p WHERE proname IN ('dbm_dump', 'dbm_dumps', 'dbm_restore', 'dbm_migrate') ORDER BY proname;
SELECT is((SELECT context FROM pg_settings WHERE name = 'databrain_migrate.dump_path'), 'superuser', 'the directory is for superusers to set');

CREATE FUNCTION pg_temp.refused_to(who text, call text, state text, what text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', who);
	BEGIN
		EXECUTE 'SELECT * FROM ' || call;
		result := 'no error';
	EXCEPTION WHEN OTHERS THEN
		result := SQLSTATE;
	END;
	RESET ROLE;
	RETURN is(result, state, format('%s by %s', what, who));
END
$$;

SELECT pg_temp.refused_to('dbm_test_anybody', 'dbm_dump()', '42501', 'a dump');
SELECT pg_temp.refused_to('dbm_test_runner', 'dbm_dump()', '42501', 'a dump');
SELECT pg_temp.refused_to('dbm_test_writer', 'dbm_dump()', '42501', 'a dump');
SELECT pg_temp.refused_to('dbm_test_both', 'dbm_dump()', '25001', 'a dump in a subtransaction');
SELECT pg_temp.refused_to('dbm_test_anybody', 'dbm_dumps()', '42501', 'the list');
SELECT pg_temp.refused_to('dbm_test_both', 'dbm_dumps()', 'no error', 'the list');
SELECT pg_temp.refused_to('dbm_test_anybody', $$dbm_restore('x', 'x')$$, '42501', 'a restore');
SELECT pg_temp.refused_to('dbm_test_runner', $$dbm_restore('x', 'x')$$, '42501', 'a restore');
SELECT pg_temp.refused_to('dbm_test_writer', $$dbm_restore('x', 'x')$$, '42501', 'a restore');
SELECT pg_temp.refused_to('dbm_test_both', $$dbm_restore('x', 'x')$$, '55000', 'a restore without a directory');

-- Arguments
SELECT throws_ok('SELECT dbm_dump(NULL)', '22004', 'format must not be null');
SELECT throws_ok($$SELECT dbm_dump('tar')$$, '22023', 'unknown dump format "tar"');
SELECT throws_ok($$SELECT dbm_dump('PLAIN')$$, '22023', 'unknown dump format "PLAIN"');
SELECT throws_ok($$SELECT dbm_dump('')$$, '22023', 'unknown dump format ""');
SELECT throws_ok($$SELECT dbm_dump(schemas => '{}')$$, '22023', 'schemas must not be empty');
SELECT throws_ok($$SELECT dbm_dump(schemas => '{NULL}')$$, '22004', 'schemas must not contain nulls');
SELECT throws_ok($$SELECT dbm_dump(schemas => '{public,nosuch}')$$, '3F000', 'schema "nosuch" does not exist');
SELECT throws_ok($$SELECT dbm_dump(schemas => '{pub*}')$$, '3F000', 'schema "pub*" does not exist');
SELECT throws_ok($$SELECT dbm_dump(schemas => '{public}', all_databases => true)$$, '22023',
	'a dump of all databases is always plain, and of all schemas');
SELECT throws_ok($$SELECT dbm_dump('custom', all_databases => true)$$, '22023',
	'a dump of all databases is always plain, and of all schemas');
SELECT throws_ok($$SELECT dbm_dump(project => '../x')$$, '42602', NULL, 'a project that cannot be');
SELECT throws_ok('SELECT dbm_dump()', '25001', 'cannot dump in a subtransaction');
SELECT throws_ok($$SELECT dbm_restore(NULL, 'x')$$, '22004', 'dump must not be null');
SELECT throws_ok($$SELECT dbm_restore('x', NULL)$$, '22004', 'into_database must not be null');
SELECT throws_ok($$SELECT dbm_restore('x', '')$$, '42602', 'invalid name of a database: ""');
SELECT throws_ok($$SELECT dbm_restore('x', repeat('x', 64))$$, '42602', NULL, 'a name of 64 bytes');
SELECT throws_ok(format('SELECT dbm_restore(%L, current_database())', 'x'), '55006', 'cannot restore into the current database');
SELECT throws_ok(format('SELECT dbm_restore(%L, current_database(), true)', 'x'), '55006', 'cannot restore into the current database');
SELECT throws_ok($$SELECT dbm_restore('x', 'template0')$$, '42P04', 'database "template0" already exists');
SELECT throws_ok($$SELECT dbm_restore('x', 'template0', true)$$, '42809', 'cannot replace template database "template0"');
SELECT throws_ok($$SELECT dbm_restore('x', 'dbm_nosuch')$$, '55000', 'no directory for dumps is set');
SET databrain_migrate.dump_path = '/tmp';
SELECT throws_ok($$SELECT dbm_restore('../x', 'dbm_nosuch')$$, '22023', 'invalid name of a dump: "../x"');
SELECT throws_ok($$SELECT dbm_restore('/etc/passwd', 'dbm_nosuch')$$, '22023', 'invalid name of a dump: "/etc/passwd"');
SELECT throws_ok($$SELECT dbm_restore('.x.part', 'dbm_nosuch')$$, '22023', 'invalid name of a dump: ".x.part"');
SELECT throws_ok($$SELECT dbm_restore('', 'dbm_nosuch')$$, '22023', 'invalid name of a dump: ""');
SELECT throws_ok($$SELECT dbm_restore('dbm nosuch', 'dbm_nosuch')$$, '58P01', NULL, 'a dump that is not there');

SELECT is_empty('SELECT * FROM dbm_dumps()', 'no dump is on record');

SELECT * FROM finish();
ROLLBACK;

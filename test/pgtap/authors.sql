-- Who wrote a registered script decides who may run it.  Wants a database with
-- pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT plan(96);

\ir include/errors.sql

-- What a role gets for a statement.
CREATE FUNCTION pg_temp.as_role(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('role', role, true);
	result := pg_temp.error_of(statement);
	PERFORM set_config('role', 'none', true);
	RETURN result;
END
$$;

-- Register a script that says who runs it.
CREATE TABLE public.ran (id int GENERATED ALWAYS AS IDENTITY, role name DEFAULT current_user, what text);
GRANT INSERT ON public.ran TO PUBLIC;
CREATE FUNCTION pg_temp.put(role text, project text, "from" text, "to" text, force bool DEFAULT false) RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.as_role(role, format('SELECT dbm_register(%L, %L, %L)',
		format('%s--%s--%s.sql', project, "from", "to"),
		format('INSERT INTO public.ran (what) VALUES (%L)', "from" || ' to ' || "to"), force))
$$;
CREATE FUNCTION pg_temp.ran() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(role || ' ' || what, ', ' ORDER BY id) FROM public.ran
$$;

CREATE ROLE dbm_test_super SUPERUSER;
CREATE ROLE dbm_test_team;
CREATE ROLE dbm_test_alice IN ROLE dbm_test_team;
CREATE ROLE dbm_test_bob IN ROLE dbm_test_team;
CREATE ROLE dbm_test_noinherit NOINHERIT IN ROLE dbm_test_team;
CREATE ROLE dbm_test_gone;
GRANT EXECUTE ON FUNCTION dbm_upgrade(text, text), dbm_downgrade(text, text), dbm_register(text, text, bool),
	dbm_unregister(text, text), dbm_adopt(text, text), dbm_stamp(text, bool, text), dbm_show(text, text)
	TO dbm_test_team, dbm_test_noinherit, dbm_test_gone;

--
-- Running what somebody else registered
--

SELECT is(pg_temp.put('dbm_test_alice', 'a', 'base', 'aaaa0001'), 'no error', 'alice registers an upgrade');
SELECT is(pg_temp.put('dbm_test_alice', 'a', 'aaaa0001', 'base'), 'no error', 'and a downgrade');
SELECT is((SELECT author FROM dbm_show('aaaa0001', 'a')), 'dbm_test_alice', 'dbm_show says who wrote it');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'a')$$), $e$42501 revision "aaaa0001" of project "a" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "self".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'a') and take it over with dbm_adopt('aaaa0001', 'a').$e$, 'a superuser does not run it');
SELECT is(pg_temp.as_role('dbm_test_super', $$SELECT dbm_upgrade(project => 'a')$$), $e$42501 revision "aaaa0001" of project "a" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "dbm_test_super".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'a') and take it over with dbm_adopt('aaaa0001', 'a').$e$, 'nor does another one');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_upgrade(project => 'a')$$), $e$42501 revision "aaaa0001" of project "a" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "dbm_test_bob".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'a') and take it over with dbm_adopt('aaaa0001', 'a').$e$, 'nor a colleague');
SELECT is(pg_temp.ran(), NULL, 'none of it ran');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'a')$$), 'no error', 'alice does');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'a')$$), $e$42501 revision "aaaa0001" of project "a" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "self".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'a') and take it over with dbm_adopt('aaaa0001', 'a').$e$, 'nor is it undone by a superuser');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_downgrade('base', 'a')$$), 'no error', 'but by alice');
SELECT is(pg_temp.ran(), 'dbm_test_alice base to aaaa0001, dbm_test_alice aaaa0001 to base', 'as whom it ran');
SELECT is(pg_temp.as_role('dbm_test_team', $$SELECT dbm_upgrade(project => 'a')$$), 'no error', 'a group runs what its member wrote: alice has the group''s rights');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'a')$$), $e$42501 revision "aaaa0001" of project "a" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "self".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'a') and take it over with dbm_adopt('aaaa0001', 'a').$e$, 'who applied it does not matter');
SELECT is(pg_temp.as_role('dbm_test_team', $$SELECT dbm_downgrade('base', 'a')$$), 'no error', 'only who wrote it');

SELECT is(pg_temp.put('dbm_test_team', 'b', 'base', 'aaaa0001'), 'no error', 'a group registers');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'b')$$), $e$42501 revision "aaaa0001" of project "b" was written by another role
detail: Role "dbm_test_team" registered it, which does not have the privileges of role "dbm_test_alice".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'b') and take it over with dbm_adopt('aaaa0001', 'b').$e$, 'its members do not run that: the group has not their rights');
SELECT is(pg_temp.put('dbm_test_noinherit', 'c', 'base', 'aaaa0001'), 'no error', 'a member without the group''s rights registers');
SELECT is(regexp_replace(pg_temp.as_role('dbm_test_team', $$SELECT dbm_upgrade(project => 'c')$$), '\n.*', ''),
	'42501 revision "aaaa0001" of project "c" was written by another role', 'the group does not run it');

SELECT is(pg_temp.put('dbm_test_super', 'd', 'base', 'aaaa0001'), 'no error', 'a superuser registers');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'd')$$), 'no error', 'everybody may run it who may run anything');
SELECT is((SELECT role::text FROM public.ran ORDER BY id DESC LIMIT 1), 'dbm_test_alice', 'with rights of their own');

-- one script among many
SELECT is(pg_temp.put(NULL, 'e', 'base', 'aaaa0001'), 'no error', 'ours');
SELECT is(pg_temp.put('dbm_test_alice', 'e', 'aaaa0001', 'bbbb0002'), 'no error', 'alice''s');
DELETE FROM public.ran;
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'e')$$), $e$42501 revision "bbbb0002" of project "e" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "self".
hint: Run it as its author with SET ROLE, or read it with dbm_show('bbbb0002', 'e') and take it over with dbm_adopt('bbbb0002', 'e').$e$, 'one script of another role stops all');
SELECT is(pg_temp.ran(), NULL, 'before anything runs');
SELECT is(pg_temp.error_of($$SELECT dbm_stamp('head', project => 'e')$$), 'no error', 'stamping runs nothing, so it is free');
SELECT is(pg_temp.ran(), NULL, 'indeed');
SELECT is(pg_temp.error_of($$SELECT dbm_stamp('base', project => 'e')$$), 'no error', 'and back');

--
-- Taking over
--

SELECT is(pg_temp.error_of($$SELECT dbm_adopt('bbbb', 'e')$$), 'no error', 'adopting by a prefix');
SELECT is((SELECT author FROM dbm_show('bbbb0002', 'e')), current_user::text, 'makes us the author');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'e')$$), 'no error', 'who may run it');
SELECT is((SELECT string_agg(what, ', ' ORDER BY id) FROM public.ran), 'base to aaaa0001, aaaa0001 to bbbb0002', 'which ran');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_adopt('aaaa0001', 'a')$$), 'no error', 'bob takes over what alice wrote');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'a')$$) ~ '^42501 .* written by another role\ndetail: Role "dbm_test_bob"', true, 'which is now bob''s');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_upgrade(project => 'a')$$), 'no error', 'up');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_downgrade('base', 'a')$$), 'no error', 'and down');

-- registering again
SELECT is(pg_temp.put('dbm_test_alice', 'a', 'base', 'aaaa0001'), 'no error', 'the same text again');
SELECT is((SELECT author FROM dbm_show('aaaa0001', 'a')), 'dbm_test_bob', 'has no effect on the author');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_register('a--base--aaaa0001.sql', '-- another comment' || E'\n' || 'SELECT 1')$$), 'no error', 'another text');
SELECT is((SELECT author FROM dbm_show('aaaa0001', 'a')), 'dbm_test_alice', 'has another author');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_upgrade(project => 'a')$$) ~ '^42501', true, 'and bob runs it no more');

-- an author that is gone
SELECT is(pg_temp.put('dbm_test_gone', 'f', 'base', 'aaaa0001'), 'no error', 'a role registers');
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pg_catalog FROM dbm_test_gone;
DROP ROLE dbm_test_gone;
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'f')$$), $e$42501 revision "aaaa0001" of project "f" was written by another role
detail: Role "dbm_test_gone" registered it, which does not exist any more.
hint: Read it with dbm_show('aaaa0001', 'f') and take it over with dbm_adopt('aaaa0001', 'f').$e$, 'and is dropped');
SELECT is((SELECT author FROM dbm_show('aaaa0001', 'f')), 'dbm_test_gone', 'dbm_show still names it');
SELECT is(pg_temp.error_of($$SELECT dbm_adopt('aaaa0001', 'f')$$), 'no error', 'its script can be adopted');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'f')$$), 'no error', 'and run');

--
-- The texts that the state keeps
--

SELECT is(pg_temp.put('dbm_test_alice', 'g', 'base', 'aaaa0001'), 'no error', 'alice writes an upgrade');
SELECT is(pg_temp.put('dbm_test_alice', 'g', 'aaaa0001', 'base'), 'no error', 'and a downgrade');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'g')$$), 'no error', 'and runs the upgrade');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_unregister('aaaa0001', 'g')$$), $e$55006 revision "aaaa0001" of project "g" is applied
hint: Downgrade below it first.$e$, 'what is applied is not unregistered');
DELETE FROM dbm.script WHERE project = 'g';
SELECT is((SELECT source || ' ' || author FROM dbm_show('aaaa0001', 'g')), 'applied dbm_test_alice', 'with the scripts gone, the state has them');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'g')$$), $e$42501 revision "aaaa0001" of project "g" was written by another role
detail: Role "dbm_test_alice" registered it, which does not have the privileges of role "self".
hint: Run it as its author with SET ROLE, or read it with dbm_show('aaaa0001', 'g') and take it over with dbm_adopt('aaaa0001', 'g').$e$, 'their author counts all the same');
SELECT is(pg_temp.error_of($$SELECT dbm_adopt('aaaa0001', 'g')$$), 'no error', 'they can be adopted');
SELECT is((SELECT source || ' ' || author FROM dbm_show('aaaa0001', 'g')), 'applied ' || current_user, 'as dbm_show says');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'g')$$), 'no error', 'and run');
SELECT is(pg_temp.error_of($$SELECT dbm_history(project => 'g')$$) ~ '^42704 project "g" does not exist', true, 'then the project is no more');

-- a kept text of a server file has no author, whoever adopts what
SELECT is(pg_temp.put('dbm_test_alice', 'h', 'base', 'aaaa0001'), 'no error', 'alice once more');
SELECT is(pg_temp.put('dbm_test_bob', 'h', 'aaaa0001', 'base'), 'no error', 'with a downgrade by bob');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_upgrade(project => 'h')$$), 'no error', 'she may upgrade');
SELECT is(pg_temp.as_role('dbm_test_alice', $$SELECT dbm_downgrade('base', 'h')$$) ~ '^42501 .*\ndetail: Role "dbm_test_bob" registered it', true, 'but not run bob''s downgrade');
SELECT is(pg_temp.as_role('dbm_test_bob', $$SELECT dbm_downgrade('base', 'h')$$), 'no error', 'which bob may');

--
-- Changing what is applied
--

SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\nCREATE TABLE public.i (a int);')$$), 'no error', 'a script');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'i')$$), 'no error', 'that is applied');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\nCREATE TABLE public.i (a int, b int);')$$), $e$55006 revision "aaaa0001" of project "i" is applied
detail: Script "i--base--aaaa0001.sql" differs from the one known when it was applied.
hint: Write a new revision, or register this one with force => true.$e$, 'is not changed');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- First!\n-- Revision ID: aaaa0001\ncreate table public.I (A int) /* lower case */')$$), 'no error', 'but may be written otherwise');
SELECT is((SELECT message FROM dbm_history(project => 'i')), 'First!', 'with another message');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\n-- Depends On: zzzz0009\nCREATE TABLE public.i (a int);')$$), $e$55000 parents of applied revision "aaaa0001" were changed
detail: It was applied with parents base and dependencies none; registered script "i--base--aaaa0001.sql" gives parents base and dependencies zzzz0009.
hint: Restore the script's header, or give the changed script a revision identifier of its own.$e$, 'its place in the graph is no comment');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\n-- Depends On: zzzz0009\nCREATE TABLE public.i (a int);', true)$$) ~ '^55000 parents of applied', true, 'not even by force');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\n-- Revises: base, zzzz0009\nCREATE TABLE public.i (a int);')$$) ~ '^42602', true, 'nor are more parents');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--base--aaaa0001.sql', 'CREATE TABLE public.i (a int, b int)', force => true)$$), 'no error', 'force changes it');
SELECT is((SELECT checksum FROM dbm_show('aaaa0001', 'i')) = (SELECT checksum FROM dbm.applied WHERE project = 'i'), false, 'so that it is not what ran');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--aaaa0001--base.sql', 'DROP TABLE public.i')$$), 'no error', 'a downgrade script where there was none is welcome');
SELECT is(pg_temp.error_of($$SELECT dbm_register('i--aaaa0001--base.sql', 'DROP TABLE public.i CASCADE')$$) ~ '^55006', true, 'another one is not');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'i')$$), 'no error', 'and works');
SELECT hasnt_table('i', 'it does');
SELECT is(pg_temp.error_of($$SELECT dbm_unregister('aaaa0001', 'i')$$), 'no error', 'what is not applied is unregistered');
SELECT is((SELECT count(*) FROM dbm.script WHERE project = 'i'), 0::bigint, 'both directions are');

-- EXECUTE is not passed on
SELECT is(pg_temp.as_role('dbm_test_noinherit', $$SELECT dbm_log('a')$$), '42501 permission denied for function dbm_log', 'no EXECUTE');
CREATE ROLE dbm_test_nobody;
SELECT is(pg_temp.put('dbm_test_nobody', 'a', 'base', 'aaaa0001'), '42501 permission denied for function dbm_register', 'registering takes EXECUTE');
SELECT is(pg_temp.as_role('dbm_test_nobody', $$SELECT dbm_adopt('aaaa0001', 'a')$$), '42501 permission denied for function dbm_adopt', 'adopting as well');

-- SECURITY DEFINER: the caller is the function's owner
CREATE FUNCTION public.deploy() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$ SELECT revision FROM dbm_upgrade(project => 'j') $$;
ALTER FUNCTION public.deploy() OWNER TO dbm_test_alice;
SELECT is(pg_temp.put('dbm_test_alice', 'j', 'base', 'aaaa0001'), 'no error', 'alice''s script');
DELETE FROM public.ran;
SELECT is(pg_temp.as_role('dbm_test_nobody', 'SELECT public.deploy()'), 'no error', 'run by anybody through alice''s function');
SELECT is(pg_temp.ran(), 'dbm_test_alice base to aaaa0001', 'runs as alice');
SELECT is((SELECT applied_by FROM dbm_current('j')), 'dbm_test_alice', 'and is applied by her');

--
-- A superuser who runs a script as its author: the script cannot get back
--

CREATE FUNCTION pg_temp.attack(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM pg_temp.as_role('dbm_test_alice', format('SELECT dbm_register(%L, %L, true)', 'k--base--aaaa0001.sql',
		statement || '; INSERT INTO public.ran (what) VALUES (''attack'')'));
	DELETE FROM public.ran;
	PERFORM dbm_stamp('base', project => 'k');
	result := pg_temp.as_role('dbm_test_alice', 'SELECT dbm_upgrade(project => ''k'')');
	RETURN coalesce((SELECT role::text FROM public.ran), split_part(result, E'\n', 1));
END
$$;
SELECT is(pg_temp.attack('RESET ROLE'), $e$42501 cannot set parameter "role" within security-definer function$e$, 'RESET ROLE');
SELECT is(pg_temp.attack('SET ROLE NONE'), $e$42501 cannot set parameter "role" within security-definer function$e$, 'SET ROLE NONE');
SELECT is(pg_temp.attack(format('SET LOCAL ROLE %I', session_user)), $e$42501 cannot set parameter "role" within security-definer function$e$, 'SET LOCAL ROLE');
SELECT is(pg_temp.attack('SELECT set_config(''role'', ''none'', false)'), $e$42501 cannot set parameter "role" within security-definer function$e$, 'set_config');
SELECT is(pg_temp.attack('DO $x$ BEGIN EXECUTE ''reset role''; END $x$'), $e$42501 cannot set parameter "role" within security-definer function$e$, 'in a block');
SELECT is(pg_temp.attack('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET role = ''none'' AS ''SELECT 1''; SELECT pg_temp.f()'), $e$42501 cannot set parameter "role" within security-definer function$e$, 'as a function''s setting');
SELECT is(pg_temp.attack(format('SET SESSION AUTHORIZATION %I', session_user)), $e$42501 cannot set parameter "session_authorization" within security-definer function$e$, 'SET SESSION AUTHORIZATION');
SELECT is(pg_temp.attack('RESET SESSION AUTHORIZATION'), $e$42501 cannot set parameter "session_authorization" within security-definer function$e$, 'RESET SESSION AUTHORIZATION');
SELECT is(pg_temp.attack('RESET ALL'), 'dbm_test_alice', 'RESET ALL leaves the role alone');
SELECT dbm_register('l--base--aaaa0001.sql', 'SET ROLE dbm_test_alice; INSERT INTO public.ran (what) VALUES (''as alice''); RESET ROLE;
	INSERT INTO public.ran (what) VALUES (''as ourselves''); SET ROLE dbm_test_bob') \g /dev/null
DELETE FROM public.ran;
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'l')$$), 'no error', 'our own scripts may change roles');
SELECT is(pg_temp.ran(), format('dbm_test_alice as alice, %s as ourselves', session_user), 'which works');
SELECT is(current_user, session_user, 'and ends with the script');

SELECT * FROM finish();
ROLLBACK;

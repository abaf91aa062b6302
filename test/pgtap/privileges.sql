-- Who may call what, and attacks: a table of outcomes for every function and
-- four roles, planted objects, hostile names, ways for a script to keep or gain
-- rights.  Wants a database with pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT no_plan();

CREATE ROLE dbm_test_owner;
CREATE ROLE dbm_test_deploy;
CREATE ROLE dbm_test_plain;
CREATE ROLE dbm_test_super SUPERUSER;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO dbm_test_owner', current_database()); END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What a statement comes to in a session of a role: "ok", or SQLSTATE and
-- message.  What it did is rolled back unless it shall stay.
CREATE FUNCTION pg_temp.as_role(role text, statement text, stay boolean DEFAULT false)
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

-- Does a statement of a role end with this SQLSTATE, or "ok"?
CREATE FUNCTION pg_temp.outcome(role text, statement text, wanted text, what text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT is(left(outcome, length(wanted)), wanted, coalesce(what, role || ': ' || statement)) ||
		CASE WHEN starts_with(outcome, wanted) THEN '' ELSE E'\n# ' || outcome END
	FROM pg_temp.as_role(role, statement) AS outcome
$$;

-- The project that the calls below are about: one revision is applied, one not.
CREATE SCHEMA app;
CREATE TABLE app.done (what text);
GRANT USAGE ON SCHEMA app TO dbm_test_deploy;
GRANT INSERT ON app.done TO dbm_test_deploy;
CREATE FUNCTION pg_temp.put(project text, "from" text, "to" text, body text) RETURNS text LANGUAGE sql AS $$
	SELECT dbm_register(format('%s--%s--%s.sql', project, "from", "to"),
		format(E'-- a message\n-- Revision ID: %s\n%s', CASE "to" WHEN 'base' THEN "from" ELSE "to" END, body))
$$;
SELECT pg_temp.put('priv', 'base', 'aaaa0001', 'INSERT INTO app.done VALUES (''up'');'),
	pg_temp.put('priv', 'aaaa0001', 'base', 'INSERT INTO app.done VALUES (''down'');'),
	pg_temp.put('priv', 'aaaa0001', 'bbbb0002', 'INSERT INTO app.done VALUES (''up 2'');') \g /dev/null
SELECT * FROM dbm_upgrade('aaaa0001', 'priv') \g /dev/null

--
-- Every function and every role
--
-- "deploy" has EXECUTE on everything that PUBLIC has not.  Whoever adds a
-- function adds a row here.
--

CREATE TEMP TABLE matrix (
	function text PRIMARY KEY,
	call text,
	super text,
	owner text,
	deploy text,
	plain text
);

INSERT INTO matrix VALUES
	-- running
	('dbm_upgrade(text,text)', $$SELECT * FROM dbm_upgrade('head', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_downgrade(text,text)', $$SELECT * FROM dbm_downgrade('base', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_migrate(text,text,boolean)', $$CALL dbm_migrate('head', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_stamp(text,boolean,text)', $$SELECT * FROM dbm_stamp('base', project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	-- looking
	('dbm_require(text,text)', $$SELECT dbm_require('aaaa0001', 'priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_current(text)', $$SELECT * FROM dbm_current('priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_history(text,text)', $$SELECT * FROM dbm_history(project => 'priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_heads(text)', $$SELECT * FROM dbm_heads('priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_branches(text)', $$SELECT * FROM dbm_branches('priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_graph(text,text)', $$SELECT dbm_graph('text', 'priv')$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_projects()', $$SELECT * FROM dbm_projects()$$, 'ok', 'ok', 'ok', 'ok'),
	('dbm_progress()', $$SELECT * FROM dbm_progress()$$, 'ok', 'ok', 'ok', 'ok'),
	-- looking at scripts, and at who did what
	('dbm_show(text,text)', $$SELECT * FROM dbm_show('aaaa0001', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_log(text)', $$SELECT * FROM dbm_log('priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_export(text,text)', $$SELECT * FROM dbm_export(project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_sql(text,text,text)', $$SELECT dbm_sql('head', project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_template(text)', $$SELECT dbm_template('priv')$$, 'ok', '42501', 'ok', '42501'),
	-- dumps: EXECUTE is not enough to have the server run programs and write files;
	-- who may is told that a dump cannot be made in a subtransaction
	('dbm_dump(text,text[],boolean,boolean,text)', $$SELECT * FROM dbm_dump()$$, '25001', '42501', '42501', '42501'),
	('dbm_dumps(boolean)', $$SELECT * FROM dbm_dumps()$$, 'ok', '42501', 'ok', '42501'),
	('dbm_restore(text,text,boolean)', $$SELECT * FROM dbm_restore('a', 'b')$$, '55000', '42501', '42501', '42501'),
	-- the store
	('dbm_register(text,text,boolean)', $$SELECT dbm_register('priv--bbbb0002--cccc0003.sql', 'SELECT 1')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_unregister(text,text)', $$SELECT dbm_unregister('bbbb0002', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_adopt(text,text)', $$SELECT dbm_adopt('bbbb0002', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_revision(text,boolean,text,text,text,boolean,text,text[],text,boolean,text,text[],text[],text,text,text[],boolean,text)', $$SELECT * FROM dbm_revision('new', project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_merge(text,text,text,text,boolean,text)', $$SELECT * FROM dbm_merge('aaaa0001', project => 'priv')$$, '55000', '42501', '55000', '42501'),
	('dbm_squash(text,text,text,text)', $$SELECT * FROM dbm_squash('aaaa0001', 'aaaa0001', project => 'priv')$$, '22023', '42501', '22023', '42501'),
	('dbm_import_alembic(text,text,text)', $$SELECT * FROM dbm_import_alembic('SELECT 1', project => 'priv')$$, '22023', '42501', '22023', '42501'),
	('dbm_set_template(text,text)', $$SELECT dbm_set_template(NULL, 'priv')$$, 'ok', '42501', 'ok', '42501'),
	-- the schema; the revisions use a table that none of them creates
	('dbm_set_model(text,text)', $$SELECT dbm_set_model('CREATE TABLE t ()', 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_model(text)', $$SELECT dbm_model('priv')$$, '42704', '42501', '42704', '42501'),
	('dbm_diff(text,text,text[],text[],text,text,text[],boolean,text)', $$SELECT * FROM dbm_diff('live', 'empty', project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_check(text)', $$SELECT * FROM dbm_check('priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_test(text)', $$SELECT * FROM dbm_test('priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_snapshot(text,boolean,text)', $$SELECT dbm_snapshot('now', project => 'priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_snapshots(text)', $$SELECT dbm_snapshots('priv')$$, 'ok', '42501', 'ok', '42501'),
	('dbm_drop_snapshot(text,text)', $$SELECT dbm_drop_snapshot('none', 'priv')$$, '42704', '42501', '42704', '42501'),
	-- what was changed without the engine
	('dbm_drift(text)', $$SELECT * FROM dbm_drift('priv')$$, '42P01', '42501', '42P01', '42501'),
	('dbm_ddl()', $$SELECT * FROM dbm_ddl()$$, 'ok', '42501', 'ok', '42501'),
	('dbm_forget_ddl(timestamp with time zone)', $$SELECT dbm_forget_ddl()$$, 'ok', '42501', 'ok', '42501'),
	-- not for calling
	('dbm_watch_ddl()', $$SELECT dbm_watch_ddl()$$, '39P03', '39P03', '39P03', '39P03'),
	('dbm_project_base(text)', $$SELECT dbm_project_base('priv')$$, '55000', '55000', '55000', '55000'),
	('dbm_ddl_command_start()', $$SELECT dbm_ddl_command_start()$$, '39P03', '39P03', '39P03', '39P03'),
	('dbm_ddl_command_end()', $$SELECT dbm_ddl_command_end()$$, '39P03', '39P03', '39P03', '39P03');

SELECT is(array(SELECT oid::regprocedure::text FROM pg_proc WHERE proname ~ '^dbm_' ORDER BY 1),
	array(SELECT function FROM matrix ORDER BY 1), 'the table has a row for every function');
SELECT is(array(SELECT function FROM matrix JOIN pg_proc ON oid = function::regprocedure
		WHERE pronamespace <> 'pg_catalog'::regnamespace OR prosecdef OR proparallel <> 'u'
			OR obj_description(oid, 'pg_proc') IS NULL
			OR NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = oid AND deptype = 'e')),
	'{}', 'all are commented members of the extension in pg_catalog, none SECURITY DEFINER or parallel safe');
SELECT is(array(SELECT function FROM matrix JOIN pg_proc ON oid = function::regprocedure, aclexplode(proacl)
		WHERE grantee <> proowner), '{}', 'nobody has been granted anything');

DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT function FROM matrix WHERE NOT has_function_privilege('dbm_test_plain', function, 'EXECUTE') LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO dbm_test_deploy', f);
	END LOOP;
END $$;

SELECT pg_temp.outcome(role, call, wanted)
FROM matrix, LATERAL (VALUES ('dbm_test_super', super), ('dbm_test_owner', owner),
	('dbm_test_deploy', deploy), ('dbm_test_plain', plain)) AS roles (role, wanted)
ORDER BY function, role;

-- moving by the procedure takes the right to move by the function
REVOKE EXECUTE ON FUNCTION dbm_downgrade FROM dbm_test_deploy;
SELECT pg_temp.outcome('dbm_test_deploy', $$CALL dbm_migrate('base', 'priv')$$, '42501 permission denied for function dbm_downgrade');
GRANT EXECUTE ON FUNCTION dbm_downgrade TO dbm_test_deploy;

-- settings
SELECT pg_temp.outcome(role, $$SET databrain_migrate.versions_path = '/tmp'$$, '42501') FROM unnest('{dbm_test_owner,dbm_test_deploy,dbm_test_plain}'::text[]) AS role;
SELECT pg_temp.outcome('dbm_test_plain', $$SET databrain_migrate.project = '../x'$$, '22023');
SELECT pg_temp.outcome('dbm_test_plain', $$SET databrain_migrate.project = 'x'$$, 'ok');

--
-- The engine's tables and the engine itself.  The owner reads what is in dumps;
-- kept inventories are not, and may hold options of others' user mappings.
--

SELECT pg_temp.outcome(role, statement, CASE WHEN role = 'dbm_test_owner' AND statement ~ '^SELECT' AND relname <> 'inventory' THEN 'ok' ELSE '42501' END)
FROM unnest('{dbm_test_owner,dbm_test_deploy,dbm_test_plain}'::text[]) AS role,
	pg_class, LATERAL unnest(CASE relkind
		WHEN 'S' THEN array[format('SELECT last_value FROM %s', oid::regclass), format('SELECT setval(%L, 1)', oid::regclass)]
		ELSE array[
			format('SELECT * FROM %s', oid::regclass),
			format('INSERT INTO %s DEFAULT VALUES', oid::regclass),
			format('UPDATE %s SET %I = %2$I', oid::regclass, (SELECT attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum = 1)),
			format('DELETE FROM %s', oid::regclass),
			format('TRUNCATE %s', oid::regclass),
			format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', oid::regclass),
			format('CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', oid::regclass),
			format('ALTER TABLE %s ADD COLUMN x int', oid::regclass),
			format('DROP TABLE %s', oid::regclass)]
		END) AS statement
WHERE relnamespace = 'dbm'::regnamespace AND relkind IN ('r', 'S')
	AND NOT (relkind = 'S' AND role = 'dbm_test_owner' AND statement ~ 'setval');
SELECT pg_temp.outcome('dbm_test_owner', $$SELECT setval('dbm.log_id_seq', 1)$$, '42501');

SELECT pg_temp.outcome(role, statement, '42501')
FROM unnest('{dbm_test_owner,dbm_test_deploy,dbm_test_plain}'::text[]) AS role, unnest(array[
	'CREATE TABLE dbm.x (a int)',
	'DROP SCHEMA dbm CASCADE',
	'ALTER SCHEMA dbm RENAME TO x',
	'DROP EXTENSION databrain_migrate CASCADE',
	'ALTER EXTENSION databrain_migrate UPDATE',
	'ALTER EXTENSION databrain_migrate DROP TABLE dbm.applied',
	'DROP EVENT TRIGGER dbm_ddl_command_start',
	'ALTER EVENT TRIGGER dbm_ddl_command_end DISABLE',
	'DROP FUNCTION dbm_upgrade(text, text)',
	'ALTER FUNCTION dbm_upgrade(text, text) SECURITY DEFINER',
	'CREATE OR REPLACE FUNCTION pg_catalog.dbm_current(text) RETURNS int LANGUAGE sql AS ''SELECT 1''',
	'CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION dbm_ddl_command_start()']) AS statement;

-- a trigger function of ours is good for nothing else
SELECT pg_temp.outcome('dbm_test_super', 'CREATE TRIGGER t BEFORE INSERT ON app.done FOR EACH ROW EXECUTE FUNCTION dbm_ddl_command_start()', '42P17');
SELECT pg_temp.outcome('dbm_test_super', 'CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION dbm_ddl_command_end(); CREATE TABLE app.x (a int)', 'ok',
	'our function as another event trigger does nothing');

--
-- The door
--

-- a project's extension can be squatted by nobody
SELECT pg_temp.outcome('dbm_test_plain', 'CREATE EXTENSION databrain', '42501 permission denied to create extension "databrain"');
SELECT pg_temp.outcome('dbm_test_plain', 'CREATE EXTENSION databrain VERSION ''head''', '42501');
SELECT pg_temp.outcome('dbm_test_owner', 'CREATE EXTENSION databrain', 'ok');
SELECT pg_temp.outcome('dbm_test_deploy', 'CREATE EXTENSION databrain', 'ok');
SELECT pg_temp.outcome('dbm_test_owner', 'CREATE EXTENSION databrain VERSION ''head''', '42501 permission denied for function dbm_upgrade');
SELECT pg_temp.outcome('dbm_test_owner', 'CREATE EXTENSION databrain; ALTER EXTENSION databrain UPDATE', '42501 permission denied for function dbm_upgrade');
SELECT pg_temp.outcome('dbm_test_deploy', 'CREATE EXTENSION databrain; ALTER EXTENSION databrain UPDATE', '42501 permission denied for schema public');
SELECT pg_temp.as_role('dbm_test_owner', 'CREATE EXTENSION databrain', stay => true) \g /dev/null
SELECT pg_temp.outcome('dbm_test_deploy', 'ALTER EXTENSION databrain UPDATE', '42501 must be owner of extension databrain');
SELECT pg_temp.outcome('dbm_test_plain', 'ALTER EXTENSION databrain UPDATE', '42501 must be owner of extension databrain');
SELECT pg_temp.outcome('dbm_test_plain', 'CREATE EXTENSION IF NOT EXISTS databrain', 'ok');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass AND objsubid > 0
	AND objid = (hashtext('databrain')::bigint & 4294967295)::oid), 0::bigint, 'which leaves the project unlocked');

--
-- Planted objects: in front of pg_catalog, and operators in public
--

CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.trap() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION evil.op(a anyelement, b anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
DO $$
DECLARE
	name text;
	type text;
BEGIN
	FOR type IN SELECT unnest('{int4,int8,text,oid,name,bool,timestamptz,"char"}'::text[]) LOOP
		EXECUTE format('CREATE FUNCTION evil.op(pg_catalog.%1$s, pg_catalog.%1$s) RETURNS pg_catalog.bool LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION $x$trapped$x$; END''', type);
		FOR name IN SELECT unnest('{=,<>,<,>,<=,>=,~,||}'::text[]) LOOP
			EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%2$s, FUNCTION = evil.op)', name, type);
		END LOOP;
	END LOOP;
	-- types, tables and functions with the names of those that are used
	FOR name IN SELECT unnest('{applied,script,step,log,template,pg_extension,pg_depend,pg_class,pg_proc,pg_stat_activity,pg_stat_progress_create_index,pg_constraint,pg_namespace,text,int4,interval,timestamptz}'::text[]) LOOP
		EXECUTE format('CREATE TABLE evil.%I (project pg_catalog.bool)', name);
	END LOOP;
	FOR name IN SELECT unnest('{format,string_agg,left,nextval,now,quote_ident,unnest,array_agg,pg_blocking_pids,hashtext,pg_extension_config_dump,dbm_project_base,dbm_current}'::text[]) LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(VARIADIC "any") RETURNS pg_catalog.text LANGUAGE internal AS ''pg_num_nulls''', name);
	END LOOP;
	EXECUTE 'CREATE FUNCTION evil.dbm_upgrade(pg_catalog.text, pg_catalog.text) RETURNS pg_catalog.void LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION $x$trapped$x$; END''';
END $$;

CREATE TEMP TABLE applied (project text);
CREATE TEMP TABLE log (project text);
CREATE TEMP TABLE pg_extension (oid int);

-- that the traps work
SELECT pg_temp.outcome('dbm_test_super', $$SET LOCAL search_path = evil, pg_catalog; SELECT 1 = 1$$, 'P0001 trapped');
SELECT pg_temp.outcome('dbm_test_super', $$SET LOCAL search_path = evil, pg_catalog; SELECT dbm_upgrade('head'::pg_catalog.text, 'priv'::pg_catalog.text)$$, 'P0001 trapped');

-- our functions, called by their full names
SELECT pg_temp.outcome('dbm_test_super', format('SET LOCAL search_path = %s; %s', path, replace(call, ' dbm_', ' pg_catalog.dbm_')), super,
	format('search_path %s: %s', path, function))
FROM matrix, unnest(array['evil, pg_temp, pg_catalog, public', 'pg_temp, evil, dbm, pg_catalog']) AS path
ORDER BY function, path;
SELECT pg_temp.outcome('dbm_test_super', 'SET LOCAL search_path = evil, pg_temp, pg_catalog; ' || statement, 'ok')
FROM unnest(array['DROP EXTENSION databrain; CREATE EXTENSION databrain', 'ALTER EXTENSION databrain UPDATE TO ''base''',
	'DROP EXTENSION databrain; DROP EXTENSION databrain_migrate; CREATE EXTENSION databrain CASCADE']) AS statement;

-- the same objects in public, which is where anybody could plant them once
ALTER SCHEMA public RENAME TO saved;
ALTER SCHEMA evil RENAME TO public;
CREATE TEMP TABLE planted AS
	SELECT function, super, pg_temp.as_role('dbm_test_super', call) AS outcome FROM matrix;
ALTER SCHEMA public RENAME TO evil;
ALTER SCHEMA saved RENAME TO public;
SELECT is(split_part(outcome, ' ', 1), super, 'planted in public: ' || function) FROM planted ORDER BY function;

DROP TABLE pg_temp.applied, pg_temp.log, pg_temp.pg_extension;

--
-- Hostile names
--

-- Letters of other scripts than Latin may stand in all names; identifiers may
-- be longer than a project's name, and hold dots.
CREATE TEMP TABLE hostile (name text, project boolean DEFAULT true, identifier boolean DEFAULT true);
INSERT INTO hostile (name) VALUES (''), (' '), ('a b'), ($$'; DROP TABLE app.done; --$$), ('a''b'), ('a"b'), ('a$$b'), ('a$x$b'),
	('a\b'), ('a;b'), ('..'), ('../priv'), ('a/b'), ('a--b'), ('-a'), ('a-'), ('.a'), (E'a\nb'), (E'a\rb'), (E'\x01'),
	(E'a\x1b[31m'), (E'a\x7f'), ('a%s%n'), ('a*'), ('a(b)'), ('a,b'), ('a:b'), ('a@b'), ('a+b'), (repeat('a', 100000)),
	(repeat('../', 1000)), ('/etc/passwd'), ('C:\x');
INSERT INTO hostile VALUES (repeat('a', 64), true, false), ('a..b', true, false), (U&'\202E', false, false);

-- as a project, to every function that takes one
SELECT is(array(SELECT DISTINCT left(outcome, 5) || CASE WHEN outcome ~ '^42602 invalid project name: ' THEN '' ELSE ' ' || outcome END
	FROM hostile, LATERAL (SELECT pg_temp.as_role('dbm_test_super', replace(call, '''priv''', quote_literal(name)))) AS o (outcome)
	WHERE project AND NOT (function ~ 'dbm_project_base' AND outcome ~ '^55000')), '{42602}', 'hostile project names: ' || function)
FROM matrix WHERE call ~ '''priv''' ORDER BY function;
SELECT is(array(SELECT name FROM hostile WHERE project
	AND pg_temp.as_role('dbm_test_plain', format('SET databrain_migrate.project = %L', name)) !~ '^22023 '), '{}', 'hostile project names in the setting');

-- as a part of a file name, and as a name in a header
SELECT is(array(SELECT DISTINCT left(pg_temp.as_role('dbm_test_super', format('SELECT dbm_register(%L, %L)', format(pattern, name), 'SELECT 1')), 5)
	FROM hostile WHERE CASE WHEN pattern ~ '^%' THEN project ELSE identifier END), '{42602}', 'hostile file names: ' || pattern)
FROM unnest(array['%s--base--aaaa0001.sql', 'priv--%s--aaaa0001.sql', 'priv--aaaa0001--%s.sql']) AS pattern;
SELECT is(array(SELECT name FROM hostile
	WHERE identifier AND name !~ '[\r\n,]' AND trim(name) <> ''
	AND pg_temp.as_role('dbm_test_super', format('SELECT dbm_register(%L, %L)', 'priv--bbbb0002--cccc0003.sql',
		format(E'-- m\n-- %s: %s\nSELECT 1', key, name))) !~ '^42602 '), '{}', 'hostile names in a header: ' || key)
FROM unnest(array['Revision ID', 'Revises', 'Branch Labels', 'Depends On']) AS key;

-- as a target: an error, or what the target means, and nothing is run for it
SELECT is(array(SELECT DISTINCT left(outcome, 5)
	FROM hostile, LATERAL (SELECT pg_temp.as_role('dbm_test_super', replace(call, quote_literal(argument), quote_literal(name)))) AS o (outcome)
	WHERE left(outcome, 5) NOT IN ('22023', '42704')), '{}', 'hostile targets: ' || function)
FROM (VALUES ('dbm_upgrade(text,text)', 'head'), ('dbm_downgrade(text,text)', 'base'), ('dbm_migrate(text,text,boolean)', 'head'),
	('dbm_stamp(text,boolean,text)', 'base'), ('dbm_require(text,text)', 'aaaa0001'), ('dbm_show(text,text)', 'aaaa0001'),
	('dbm_unregister(text,text)', 'bbbb0002'), ('dbm_adopt(text,text)', 'bbbb0002')) AS targets (function, argument) JOIN matrix USING (function);

-- a message may be anything; it is data wherever it is shown
SELECT pg_temp.outcome('dbm_test_super', format($x$SELECT dbm_register('odd--base--aaaa0001.sql', %L); SELECT * FROM dbm_upgrade(project => 'odd');
	SELECT * FROM dbm_history(project => 'odd'); SELECT dbm_graph(f, 'odd') FROM unnest('{text,dot,mermaid}'::text[]) AS f;
	SELECT * FROM dbm_export(project => 'odd'); SELECT 1 / (message = %L)::int FROM dbm_current('odd')$x$,
	format(E'-- %s\nSELECT 1', message), message), 'ok', 'a message of ' || length(message))
FROM (SELECT regexp_replace(string_agg(name, ''), '[\r\n]|^\s+|\s+$', '', 'g') FROM hostile) AS all_in_one (message);

SELECT is((SELECT string_agg(what, ',') FROM app.done), 'up', 'nothing of this has run anything');

--
-- What a script of a role can do to who runs it
--

-- A superuser runs a script as its author, by SET ROLE; it shall neither get
-- the superuser's rights nor leave anything that would have them later.
CREATE FUNCTION pg_temp.attack(script text, later text DEFAULT 'SELECT 1') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM pg_temp.as_role('dbm_test_deploy', format('SELECT dbm_register(%L, %L)', 'attack--base--aaaa0001.sql', script), stay => true);
	BEGIN
		SET LOCAL ROLE dbm_test_deploy;
		PERFORM dbm_upgrade(project => 'attack');
		RESET ROLE;
		SET CONSTRAINTS ALL IMMEDIATE;
		EXECUTE later;
		RAISE EXCEPTION USING errcode = 'P0099', message = 'undo';
	EXCEPTION WHEN OTHERS THEN
		result := CASE SQLSTATE WHEN 'P0099' THEN 'ok' ELSE SQLSTATE || ' ' || SQLERRM END;
	END;
	PERFORM dbm_unregister('aaaa0001', 'attack');
	RETURN result;
END
$$;
CREATE SCHEMA work AUTHORIZATION dbm_test_deploy;
CREATE TABLE work.session (role text);
GRANT ALL ON work.session TO PUBLIC;
-- what a script leaves behind calls this: it gets the session's rights if it can
SET LOCAL ROLE dbm_test_deploy;
CREATE FUNCTION work.grab() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE 'RESET ROLE';
	EXCEPTION WHEN insufficient_privilege THEN
		NULL;
	END;
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
		RAISE EXCEPTION 'grabbed by %', current_user USING errcode = 'P0666';
	END IF;
	RETURN NULL;
END $$;
CREATE TABLE work.t (a int);
CREATE CONSTRAINT TRIGGER grab AFTER INSERT ON work.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION work.grab();
CREATE FUNCTION work.insert() RETURNS int LANGUAGE sql AS 'INSERT INTO work.t VALUES (1) RETURNING a';
RESET ROLE;

SELECT is(pg_temp.attack('INSERT INTO work.session VALUES (current_user)'), 'ok', 'an honest script runs');
SELECT is(pg_temp.attack('CREATE TABLE work.x (a int); CREATE INDEX ON work.x (a); ALTER TABLE work.x ADD b text; SET search_path = work; COMMENT ON TABLE x IS ''x'''), 'ok', 'with all that it needs');
SELECT matches(pg_temp.attack(script), '^42501 cannot set parameter', script)
FROM unnest(array['RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'DO $x$ BEGIN EXECUTE ''reset role''; END $x$']) AS script;
SELECT matches(pg_temp.attack('ALTER TABLE app.done ADD x int'), '^42501 must be owner of table done', 'it has no rights of the superuser');
SELECT matches(pg_temp.attack('GRANT dbm_test_super TO dbm_test_deploy'), '^42501', 'nor gives itself any');
SELECT matches(pg_temp.attack('INSERT INTO work.t VALUES (1)'), '^42501 cannot fire deferred trigger within security-restricted operation', 'deferred triggers would run later');
SELECT matches(pg_temp.attack('CREATE TABLE work.u AS SELECT work.insert()'), '^42501 cannot fire deferred trigger', 'also of rows that a function inserts');
SELECT matches(pg_temp.attack('REVOKE USAGE ON SCHEMA work FROM dbm_test_deploy; DO $x$ BEGIN GRANT USAGE ON SCHEMA work TO dbm_test_deploy; PERFORM work.insert(); REVOKE USAGE ON SCHEMA work FROM dbm_test_deploy; END $x$'),
	'^42501 cannot fire deferred trigger', 'also where the schema is closed meanwhile');
SELECT matches(pg_temp.attack('PREPARE p AS SELECT 1'), '^42501', 'no prepared statement is left');
SELECT matches(pg_temp.attack('DECLARE c CURSOR WITH HOLD FOR SELECT work.insert()'), '^42501', 'nor a cursor');
SELECT matches(pg_temp.attack('CREATE TEMP TABLE pg_class (a int)'), '^42501', 'nor a temporary table');
SELECT matches(pg_temp.attack('LISTEN x'), '^42501', 'nor a channel');
SELECT is(pg_temp.attack('SET search_path = work; SET application_name = ''x''; SET databrain_migrate.project = ''x''',
	$$DO $x$ BEGIN ASSERT current_setting('search_path') !~ 'work' AND current_setting('application_name') <> 'x'
		AND current_setting('databrain_migrate.project') <> 'x'; END $x$ $$), 'ok', 'nor a setting');
SELECT is(pg_temp.attack('SELECT 1', $$DO $x$ BEGIN CREATE TEMP TABLE ok (a int); SET LOCAL ROLE dbm_test_plain; RESET ROLE; END $x$ $$), 'ok',
	'the session itself is as free as before');
SELECT is(current_user, session_user, 'and is its own');

-- who has the session's rights is not restricted
SELECT pg_temp.outcome('dbm_test_super', $$SELECT dbm_register('attack--base--aaaa0001.sql', 'INSERT INTO work.t VALUES (1); PREPARE p AS SELECT 1; DEALLOCATE p; DECLARE c CURSOR WITH HOLD FOR SELECT 1; CLOSE c');
	SELECT * FROM dbm_upgrade(project => 'attack')$$, 'P0666', 'a superuser''s own script is not restricted');

-- deferred triggers of rows that a function inserted fire with the revision
SELECT pg_temp.as_role('dbm_test_super', $$SELECT dbm_register('attack--base--aaaa0001.sql', 'CREATE TABLE work.u AS SELECT work.insert()')$$, stay => true) \g /dev/null
SELECT pg_temp.outcome('dbm_test_super', $$SELECT * FROM dbm_upgrade(project => 'attack')$$, 'P0666', 'deferred triggers of CREATE TABLE AS fire with the revision');
SELECT dbm_unregister('aaaa0001', 'attack') \g /dev/null

-- SECURITY DEFINER: the caller is the function's owner, and scripts of others are not for it
SELECT pg_temp.as_role('dbm_test_deploy', $$SELECT dbm_register('attack--base--aaaa0001.sql', 'INSERT INTO work.session VALUES (current_user)')$$, stay => true) \g /dev/null
CREATE FUNCTION work.definer() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$ SELECT revision FROM dbm_upgrade(project => 'attack') $$;
GRANT USAGE ON SCHEMA work TO PUBLIC;
SELECT pg_temp.outcome('dbm_test_plain', 'SELECT work.definer()', '42501 revision "aaaa0001" of project "attack" was written by another role', 'a superuser''s function does not lend its rights to a script');
ALTER FUNCTION work.definer() OWNER TO dbm_test_deploy;
SELECT pg_temp.outcome('dbm_test_plain', $$SELECT work.definer(); SELECT 1 / (role = 'dbm_test_deploy')::int FROM work.session$$, 'ok', 'the author''s function does');
ALTER FUNCTION work.definer() OWNER TO dbm_test_plain;
SELECT pg_temp.outcome('dbm_test_deploy', 'SELECT work.definer()', '42501 permission denied for function dbm_upgrade', 'a plain role''s function has no right to lend');
SELECT dbm_unregister('aaaa0001', 'attack') \g /dev/null

-- somebody who may only register cannot wait for a superuser
SELECT pg_temp.as_role('dbm_test_deploy', $$SELECT dbm_register('priv--bbbb0002--cccc0003.sql', 'ALTER ROLE dbm_test_deploy SUPERUSER')$$, stay => true) \g /dev/null
SELECT pg_temp.outcome('dbm_test_super', statement, '42501 revision "cccc0003" of project "priv" was written by another role')
FROM unnest(array[$$SELECT * FROM dbm_upgrade('head', 'priv')$$, $$CALL dbm_migrate('head', 'priv')$$]) AS statement;
SELECT pg_temp.outcome('dbm_test_deploy', $$SELECT * FROM dbm_upgrade('head', 'priv')$$, '42501');
SELECT pg_temp.outcome('dbm_test_super', $$SELECT * FROM dbm_upgrade('bbbb0002', 'priv')$$, 'ok', 'what stands before it is not concerned');

SELECT * FROM finish();
ROLLBACK;

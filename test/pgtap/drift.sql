-- DDL that does not come from the engine: what is recorded, what is refused,
-- and what is nobody's business.  Wants a database with pgtap in it and nothing
-- else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT no_plan();

CREATE ROLE dbm_test_maker;
CREATE ROLE dbm_test_owner;
GRANT ALL ON SCHEMA public TO dbm_test_maker;

-- The objects recorded since the last call, each once.
CREATE FUNCTION pg_temp.recorded() RETURNS text LANGUAGE sql AS $$
	WITH r AS (SELECT DISTINCT command, kind, identity FROM dbm_ddl()), forgotten AS (
		SELECT dbm_forget_ddl(clock_timestamp() + interval '1 hour') FROM (SELECT count(*) FROM r) AS first OFFSET 0)
	SELECT coalesce(string_agg(format('%s: %s %s', command, kind, identity), E'\n' ORDER BY command COLLATE "C", kind COLLATE "C", identity COLLATE "C"), '')
	FROM r, forgotten
$$;

-- before anything is applied
CREATE TABLE early (a int);
DROP TABLE early;
SELECT is(pg_temp.recorded(), '', 'a database without applied revisions has no drift');

-- what the engine does
SELECT dbm_register('shop--base--aaaa0001.sql', $$-- a
-- Revision ID: aaaa0001
-- Revises: base
CREATE TABLE item (id int PRIMARY KEY);
CREATE FUNCTION make(what text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE format(''CREATE TABLE %I (a int)'', what); END';
SELECT make('made_by_script');$$),
	dbm_register('shop--aaaa0001--base.sql', $$-- a
-- Revision ID: aaaa0001
-- Revises: base
DROP TABLE made_by_script; DROP FUNCTION make; DROP TABLE item;$$) \g /dev/null
SET databrain_migrate.project = 'shop';
SELECT count(*) FROM dbm_upgrade() \g /dev/null
SELECT is(pg_temp.recorded(), '', 'a script is no drift, nor is what its functions do');
SELECT dbm_set_model('CREATE TABLE item (id bigint PRIMARY KEY)') \g /dev/null
SELECT count(*) FROM dbm_diff('live', 'model') \g /dev/null
SELECT count(*) FROM dbm_test() \g /dev/null
SELECT is(pg_temp.recorded(), '', 'a sandbox is none');

--
-- What is recorded
--

CREATE TABLE t (a serial PRIMARY KEY, b text);
SELECT is(pg_temp.recorded(), 'CREATE TABLE: index public.t_pkey
CREATE TABLE: sequence public.t_a_seq
CREATE TABLE: table public.t', 'CREATE TABLE');
ALTER TABLE t ADD COLUMN c int DEFAULT 1, ADD CONSTRAINT ck CHECK (c > 0);
SELECT is(pg_temp.recorded(), 'ALTER TABLE: table public.t
ALTER TABLE: table column public.t.c
ALTER TABLE: table constraint ck on public.t', 'ALTER TABLE tells its parts');
ALTER TABLE t DROP COLUMN c;
SELECT is(pg_temp.recorded(), 'ALTER TABLE: table public.t
ALTER TABLE: table column public.t.c
ALTER TABLE: table constraint ck on public.t', 'a column that is dropped, and what falls with it');
ALTER TABLE t RENAME COLUMN b TO "B b";
SELECT is(pg_temp.recorded(), 'ALTER TABLE: table column public.t."B b"
ALTER TABLE: table column public.t.b', 'a column by both its names');
CREATE SCHEMA other;
ALTER TABLE t RENAME TO t2;
ALTER TABLE t2 SET SCHEMA other;
SELECT is(pg_temp.recorded(), 'ALTER TABLE: table other.t2
ALTER TABLE: table public.t
ALTER TABLE: table public.t2
CREATE SCHEMA: schema other', 'a table by its old and new names');
CREATE INDEX i ON other.t2 ("B b");
CREATE VIEW v AS SELECT a FROM other.t2;
CREATE MATERIALIZED VIEW mv AS SELECT a FROM other.t2;
REFRESH MATERIALIZED VIEW mv;
CREATE RULE r AS ON DELETE TO other.t2 DO INSTEAD NOTHING;
CREATE POLICY p ON other.t2;
CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER tr AFTER INSERT ON other.t2 EXECUTE FUNCTION tf();
SELECT is(pg_temp.recorded(), 'CREATE FUNCTION: function public.f(integer,pg_catalog.text)
CREATE FUNCTION: function public.tf()
CREATE INDEX: index other.i
CREATE MATERIALIZED VIEW: materialized view public.mv
CREATE POLICY: policy p on other.t2
CREATE RULE: rule r on other.t2
CREATE TRIGGER: trigger tr on other.t2
CREATE VIEW: view public.v', 'other kinds; a refresh changes no schema');
COMMENT ON COLUMN other.t2.a IS 'x';
GRANT SELECT ON ALL TABLES IN SCHEMA other TO dbm_test_maker;
REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO dbm_test_maker;
SELECT is(pg_temp.recorded(), 'ALTER DEFAULT PRIVILEGES: default privileges TABLES
COMMENT: table column other.t2.a
GRANT: table other.t2
REVOKE: function public.f(integer,pg_catalog.text)', 'comments and privileges');
DROP TRIGGER tr ON other.t2;
DROP RULE r ON other.t2;
DROP TABLE other.t2 CASCADE;
SELECT is(pg_temp.recorded(), 'DROP RULE: rule r on other.t2
DROP TABLE: default value for other.t2.a
DROP TABLE: materialized view public.mv
DROP TABLE: table other.t2
DROP TABLE: view public.v
DROP TRIGGER: trigger tr on other.t2', 'DROP, and what it cascades to');
CREATE TABLE IF NOT EXISTS item (a int);
DROP TABLE IF EXISTS nothing_there;
SELECT is(pg_temp.recorded(), '', 'what does nothing');

-- who, and what they sent
SET application_name = 'a test';
SET ROLE dbm_test_maker;
CREATE TABLE who (a int);
RESET ROLE;
SELECT results_eq($$ SELECT role, session_role, application_name, statement, transaction_id, glass_broken FROM dbm_ddl() $$,
	$$ SELECT 'dbm_test_maker'::text, session_user::text COLLATE "default", 'a test'::text, 'CREATE TABLE who (a int)'::text, pg_current_xact_id(), false $$,
	'who did it, from where, and how; no right on the engine is needed');
DROP TABLE who\; CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE inner_table (a int); END'\; SELECT g() \g /dev/null
SELECT results_eq($$ SELECT DISTINCT command, statement FROM dbm_ddl() WHERE command LIKE '% TABLE' AND identity <> 'public.who' OR command LIKE 'DROP %' $$,
	$$ VALUES ('CREATE TABLE', 'SELECT g()'), ('DROP TABLE', 'DROP TABLE who') $$,
	'of several statements the one that ran, and what called a function');
SELECT pg_temp.recorded() \g /dev/null
DO $$ BEGIN
	EXECUTE 'CREATE ROLE dbm_test_secret PASSWORD ''secret''';
	EXECUTE 'CREATE TABLE beside (a int)';
END $$;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (password 'secret');
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (key 'secret');
ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET key 'secret');
SELECT is((SELECT count(*) FROM dbm_ddl()), 5::bigint, 'foreign objects are recorded');
SELECT is((SELECT count(*) FROM dbm_ddl() WHERE statement ~ 'secret'), 0::bigint, 'passwords are not kept');
SELECT pg_temp.recorded() \g /dev/null
SELECT format('CREATE TABLE long (%s)', string_agg('column_' || n || ' int', ', ')) AS statement FROM generate_series(1, 300) AS n \gset
:statement;
SELECT is((SELECT max(length(statement)) FROM dbm_ddl()), 2000, 'a long statement is cut');
DROP TABLE long;
SELECT pg_temp.recorded() \g /dev/null

-- hidden from the usual triggers
SET session_replication_role = replica;
CREATE TABLE hidden (a int);
RESET session_replication_role;
SELECT is(pg_temp.recorded(), 'CREATE TABLE: table public.hidden', 'session_replication_role hides nothing');

--
-- What is nobody's business
--

CREATE TEMP TABLE tt (a serial PRIMARY KEY, b text);
ALTER TABLE tt ADD COLUMN c int;
CREATE INDEX ti ON tt (c);
CREATE TEMP VIEW tv AS SELECT 1 AS x;
CREATE FUNCTION pg_temp.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER tr AFTER INSERT ON tt EXECUTE FUNCTION pg_temp.tf();
CREATE RULE r AS ON DELETE TO tt DO INSTEAD NOTHING;
CREATE POLICY p ON tt;
GRANT SELECT ON tt TO PUBLIC;
COMMENT ON TABLE tt IS 'x';
ALTER TABLE tt RENAME TO tt2;
ALTER TABLE tt2 RENAME COLUMN c TO d;
DROP POLICY p ON tt2;
DROP RULE r ON tt2;
DROP TRIGGER tr ON tt2;
DROP INDEX ti;
DROP TABLE tt2;
DROP VIEW tv;
SET search_path = pg_temp, public;
CREATE TABLE by_path (a int);
ALTER TABLE by_path ADD COLUMN b int;
DROP TABLE by_path;
RESET search_path;
CREATE TEMP TABLE tc ON COMMIT DROP AS SELECT 1 AS a;
SELECT 1 AS a INTO TEMP ti2;
SELECT is(pg_temp.recorded(), '', 'temporary objects');

SET databrain_migrate.schemas = 'other';
CREATE TABLE unlisted (a int);
DROP TABLE unlisted;
CREATE TABLE other.listed (a int);
RESET databrain_migrate.schemas;
SELECT is(pg_temp.recorded(), 'CREATE TABLE: table other.listed', 'schemas that the setting leaves out');

CREATE EXTENSION databrain;
DROP EXTENSION databrain;
COMMENT ON SCHEMA dbm IS 'x';
SELECT is(pg_temp.recorded(), '', 'the engine''s own extensions and schema');
DO $$ BEGIN
	CREATE EXTENSION plperl;
EXCEPTION WHEN OTHERS THEN
	CREATE EXTENSION hstore;
END $$;
SELECT matches(pg_temp.recorded(), '^CREATE EXTENSION: extension \w+$', 'an extension, but not what its script does');
CREATE ROLE dbm_test_other;
DROP ROLE dbm_test_other;
SELECT is(pg_temp.recorded(), '', 'what belongs to no database');

-- a dump that is restored
SET LOCAL check_function_bodies = off;
SET LOCAL client_min_messages = warning;
SELECT set_config('search_path', '', true) \g /dev/null
CREATE TABLE public.restored (a int);
SET ROLE dbm_test_maker;
CREATE TABLE public.not_restored (a int);
RESET ROLE;
SET LOCAL search_path = public;
SET LOCAL client_min_messages = error;
SET LOCAL check_function_bodies = on;
SELECT is(pg_temp.recorded(), 'CREATE TABLE: table public.not_restored', 'a restore by the owner, but nobody else''s');

--
-- The setting
--

SET databrain_migrate.drift = off;
CREATE TABLE off (a int);
SELECT is(pg_temp.recorded(), '', 'off');
SET databrain_migrate.drift = warn;
CREATE TABLE warn (a int);
SELECT is(pg_temp.recorded(), 'CREATE TABLE: table public.warn', 'warn records');
SET databrain_migrate.drift = refuse;
SELECT throws_ok('CREATE TABLE no (a int)', '42501',
	'table public.no cannot be changed outside of the migration engine', 'refuse: CREATE');
SELECT throws_ok('ALTER TABLE item ADD COLUMN b int', '42501',
	'table public.item cannot be changed outside of the migration engine', 'refuse: ALTER');
SELECT throws_ok('DROP TABLE item', '42501',
	'table public.item cannot be changed outside of the migration engine', 'refuse: DROP');
SELECT throws_ok('GRANT SELECT ON item TO PUBLIC', '42501',
	'table public.item cannot be changed outside of the migration engine', 'refuse: GRANT');
SELECT throws_ok('CREATE INDEX CONCURRENTLY ON item (id)', '42501',
	'relation public.item cannot be changed outside of the migration engine', 'refuse: CONCURRENTLY, at its start');
SELECT throws_ok('DROP INDEX CONCURRENTLY item_pkey', '42501',
	'relation public.item_pkey cannot be changed outside of the migration engine', 'refuse: DROP INDEX CONCURRENTLY');
SELECT throws_ok('DO $$ BEGIN CREATE TABLE no (a int); END $$', '42501', NULL, 'refuse: in a block');
SELECT lives_ok('CREATE TEMP TABLE yes (a int)', 'refuse: temporary tables are free');
SELECT lives_ok('DROP TABLE yes', 'to go, too');
SELECT is(pg_temp.recorded(), '', 'nothing happened, nothing is recorded');
SELECT lives_ok($$ SELECT * FROM dbm_downgrade('base') $$, 'refuse: not the engine');
SELECT lives_ok('CREATE TABLE yes (a int)', 'refuse: nothing when nothing is applied');
DROP TABLE yes;
SELECT lives_ok($$ SELECT * FROM dbm_upgrade() $$, 'refuse: nor an upgrade');
SELECT lives_ok('CREATE EXTENSION databrain', 'refuse: nor the door');
SET databrain_migrate.break_glass = on;
CREATE TABLE emergency (a int);
SELECT results_eq('SELECT identity, glass_broken FROM dbm_ddl()', $$ VALUES ('public.emergency', true) $$,
	'breaking the glass, and a trace of it');
RESET databrain_migrate.break_glass;
SELECT throws_ok('DROP TABLE emergency', '42501', NULL, 'refused again');
SELECT pg_temp.recorded() \g /dev/null
-- what looks like a restore is let through, but not without a trace
CREATE FUNCTION pg_temp.as_restored(role text, ddl text) RETURNS void LANGUAGE plpgsql
	SET check_function_bodies = off SET client_min_messages = warning SET search_path FROM CURRENT AS $$
BEGIN
	PERFORM set_config('search_path', '', true);
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE ddl;
	RESET ROLE;
END $$;
SELECT lives_ok(format('SELECT pg_temp.as_restored(%L, ''DROP TABLE public.emergency'')', current_user), 'refuse: nor what looks like a restore');
SELECT results_eq('SELECT command, identity, role, glass_broken FROM dbm_ddl()',
	format($$ VALUES ('DROP TABLE', 'public.emergency', %L, true) $$, current_user), 'which is recorded');
SELECT throws_ok($$ SELECT pg_temp.as_restored('dbm_test_maker', 'CREATE TABLE public.no (a int)') $$, '42501',
	'table public.no cannot be changed outside of the migration engine', 'refuse: who may not restore');
SET databrain_migrate.drift = log;

-- who may set them
SET ROLE dbm_test_maker;
SELECT throws_ok('SET databrain_migrate.drift = off', '42501', NULL, 'drift is a superuser''s setting');
SELECT throws_ok('SET databrain_migrate.break_glass = on', '42501', NULL, 'so is the glass');
RESET ROLE;
GRANT SET ON PARAMETER databrain_migrate.break_glass TO dbm_test_maker;
SET ROLE dbm_test_maker;
SELECT lives_ok('SET LOCAL databrain_migrate.break_glass = on', 'which can be granted');
RESET ROLE;
SELECT throws_ok('SET databrain_migrate.drift = maybe', '22023', NULL, 'unknown value');

-- forgetting
SELECT throws_ok('SELECT dbm_forget_ddl(NULL)', '22004', NULL, 'forgetting takes a time');
SELECT is(dbm_forget_ddl('2000-01-01'), 0::bigint, 'nothing is that old');

--
-- dbm_drift
--

SELECT dbm_forget_ddl(clock_timestamp() + interval '1 hour') \g /dev/null
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM dbm_test_maker;
DO $$
DECLARE
	t text;
BEGIN
	-- away with all that was made above
	SET LOCAL databrain_migrate.drift = off;
	FOR t IN SELECT repair FROM dbm_drift() WITH ORDINALITY AS d (a, b, c, repair, e, f, g, n) WHERE repair IS NOT NULL ORDER BY n LOOP
		EXECUTE t;
	END LOOP;
END $$;
SET databrain_migrate.drift = log;
SELECT is_empty('SELECT * FROM dbm_drift()', 'run from the first to the last, the repairs leave no drift');

SET ROLE dbm_test_maker;
CREATE TABLE extra (a int PRIMARY KEY);
RESET ROLE;
CREATE VIEW item_view AS SELECT id FROM item;
ALTER TABLE item ADD COLUMN name text;
SET databrain_migrate.drift = off;
ALTER TABLE item ADD COLUMN quiet text;
SET databrain_migrate.drift = log;
ALTER TABLE item ALTER COLUMN name SET DEFAULT 'x';
ALTER TABLE made_by_script RENAME TO renamed;
COMMENT ON TABLE item IS 'drifted';
CREATE OR REPLACE FUNCTION make(what text) RETURNS void LANGUAGE sql AS 'SELECT';
SELECT set_eq('SELECT kind, identity, difference, changed_by FROM dbm_drift()',
	format($$ VALUES ('table', 'public.extra', 'unexpected', 'dbm_test_maker'),
		('view', 'public.item_view', 'unexpected', %1$L),
		('column', 'public.item.name', 'unexpected', %1$L),
		('column', 'public.item.quiet', 'unexpected', %1$L),
		('table', 'public.item', 'changed: comment is ''drifted'' instead of none', %1$L),
		('table', 'public.made_by_script', 'missing', %1$L),
		('table', 'public.renamed', 'unexpected', %1$L),
		('function', 'public.make(text)', 'changed: definition', %1$L) $$, current_user),
	'what differs, object by object, and who did it');
SELECT results_eq($$ SELECT repair, adopt FROM dbm_drift() WHERE identity = 'public.item.name' $$,
	$$ VALUES (E'-- Hazard: deletes the column\'s values\nALTER TABLE public.item DROP COLUMN name;',
		'ALTER TABLE public.item ADD COLUMN name text DEFAULT ''x''::text;') $$, 'both ways out');
SELECT ok((SELECT changed_at BETWEEN now() AND clock_timestamp() FROM dbm_drift() WHERE identity = 'public.extra'), 'when');
SELECT dbm_forget_ddl(clock_timestamp() + interval '1 hour') \g /dev/null
SELECT is((SELECT count(changed_by) + count(changed_at) FROM dbm_drift()), 0::bigint, 'what is forgotten is not known');

-- what is made again on account of something else is no drift
ALTER TABLE item DROP COLUMN quiet;
DROP VIEW item_view;
ALTER TABLE item ALTER COLUMN id TYPE bigint;
CREATE VIEW item_view AS SELECT id FROM item;
SELECT dbm_stamp('base') \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'where nothing is applied nothing has drifted');
SELECT dbm_stamp('head') \g /dev/null

-- adopting it: a revision, stamped here, run elsewhere
SELECT file_name FROM (SELECT string_agg(adopt, E'\n' ORDER BY n DESC) AS up, string_agg(repair, E'\n' ORDER BY n) AS down
	FROM dbm_drift() WITH ORDINALITY AS d (kind, identity, difference, repair, adopt, changed_by, changed_at, n)) AS d,
	dbm_revision('adopt what was done by hand', upgrade_sql => up, downgrade_sql => down, rev_id => 'bbbb0002') \g /dev/null
SELECT isnt_empty('SELECT * FROM dbm_drift()', 'a revision that is not applied changes nothing');
SELECT dbm_stamp('head') \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'once it is stamped, it is no drift any more');
SELECT is_empty($$ SELECT * FROM dbm_check() WHERE problem <> 'model' $$, 'all is well, but the model');
SELECT count(*) FROM dbm_downgrade('aaaa0001') \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'its downgrade undoes it');
SELECT hasnt_table('public', 'extra', 'indeed');
SELECT count(*) FROM dbm_upgrade() \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'its upgrade does it again');
SELECT col_type_is('public', 'item', 'id', 'bigint', 'as it was done by hand');

-- a view that only stands on what changed
SET databrain_migrate.drift = log;
ALTER TABLE item ALTER COLUMN name TYPE varchar(10);
DROP VIEW item_view;
ALTER TABLE item ALTER COLUMN id TYPE int;
CREATE VIEW item_view AS SELECT id FROM item;
SELECT set_eq('SELECT kind, identity FROM dbm_drift()',
	$$ VALUES ('column', 'public.item.id'), ('column', 'public.item.name') $$,
	'a view that has to be made again is not listed');
SELECT matches((SELECT repair FROM dbm_drift() WHERE identity = 'public.item.id'),
	'^DROP VIEW.*TYPE bigint.*CREATE VIEW', 'but its statements stand where they are needed');

-- the same by dbm_revision
SELECT count(*) FROM dbm_revision('adopt the rest', autogenerate => true, compare_with => 'drift', rev_id => 'cccc0003') \g /dev/null
SELECT dbm_stamp('head') \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'dbm_revision adopts drift');
SELECT is_empty($$ SELECT * FROM dbm_revision('none', autogenerate => true, compare_with => 'drift') $$, 'where there is none, there is no revision');
SELECT count(*) FROM dbm_downgrade('bbbb0002') \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'its downgrade leads back');
SELECT col_type_is('public', 'item', 'id', 'bigint', 'to what the revision before it builds');
SELECT count(*) FROM dbm_upgrade() \g /dev/null
SELECT is_empty('SELECT * FROM dbm_drift()', 'and its upgrade to what was adopted');
SELECT throws_ok($$ SELECT * FROM dbm_drift('nope') $$, '42704', NULL, 'unknown project');

-- what one of them needs of the other is one row's
ALTER TABLE renamed ADD COLUMN v text;
ALTER TABLE renamed SET (toast.autovacuum_enabled = off);
ALTER TABLE item ADD COLUMN more int;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SELECT is((SELECT string_agg(adopt, E'\n') FROM dbm_drift() WHERE identity ~ 'renamed'), 'ALTER TABLE public.renamed ADD COLUMN v text;
ALTER TABLE public.renamed SET (toast.autovacuum_enabled=''off'');', 'options of the TOAST table come after the column that brings it');
SELECT is((SELECT count(adopt) FROM dbm_drift() WHERE identity ~ 'renamed'), 1::bigint, 'in one row, for the repairs go the other way');
SELECT is((SELECT count(adopt) FROM dbm_drift() WHERE identity ~ 'item'), 2::bigint, 'what can change anytime keeps a row of its own');

SELECT * FROM finish();
ROLLBACK;

-- Snapshots: taken, listed, compared, dropped; what is kept when a run has
-- reached its target.  Wants a database with pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = error;

BEGIN;
CREATE SCHEMA tap;
ALTER EXTENSION pgtap SET SCHEMA tap;
SET search_path = public, tap;
CREATE EXTENSION databrain_migrate;
SELECT no_plan();

-- The rows of a comparison
CREATE FUNCTION pg_temp.way(text, text, schemas text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(statement, E'\n' ORDER BY ordinal), '')
	FROM dbm_diff($1, $2, schemas => $3) WHERE statement IS NOT NULL
$$;

-- Names
SELECT throws_ok($$ SELECT dbm_snapshot('') $$, '42602', 'invalid snapshot name: ""', 'an empty name');
SELECT throws_ok($$ SELECT dbm_snapshot(repeat('x', 129)) $$, '42602', NULL, 'a long name');
SELECT throws_ok($$ SELECT dbm_snapshot(E'a\nb') $$, '42602', NULL, 'a name with a line break');
SELECT throws_ok($$ SELECT dbm_snapshot(NULL) $$, '22004', NULL, 'no name');
SELECT throws_ok($$ SELECT dbm_drop_snapshot('none') $$, '42704', 'snapshot "none" of project "databrain" does not exist', 'dropping what is not there');
SELECT throws_ok($$ SELECT * FROM dbm_diff('snapshot:none', 'live') $$, '42704', 'snapshot "none" of project "databrain" does not exist', 'comparing with what is not there');
SELECT throws_ok($$ SELECT * FROM dbm_diff('snapshot:', 'live') $$, '42704', NULL, 'comparing with no name');
SELECT throws_ok($$ SELECT dbm_snapshot('a', with_data => true) $$, '25001', NULL, 'with data, which pg_dump cannot see from a subtransaction');

-- Taking and comparing
SELECT is((SELECT count(*) FROM dbm_snapshots()), 0::bigint, 'none at first');
CREATE SCHEMA app;
CREATE DOMAIN app.word AS varchar(20) CHECK (VALUE IN ('one', 'two'));
CREATE TABLE t (a int PRIMARY KEY, b app.word DEFAULT 'one', c text CHECK (c IN ('x', 'y')), d varchar CHECK (d IN ('p', 'q')));
COMMENT ON COLUMN t.b IS E'it''s a \\ word';
CREATE TABLE app.u (a int REFERENCES t, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE VIEW app.v AS SELECT a, d FROM t WHERE d IN ('p', 'q');
CREATE INDEX ON app.u (g) WHERE a > 0;
SELECT row_eq($$ SELECT snapshot, heads, dump FROM dbm_snapshot('one "quoted" name') $$,
	ROW('one "quoted" name'::text, '{}'::text[], NULL::text), 'one is taken');
SELECT throws_ok($$ SELECT dbm_snapshot('one "quoted" name') $$, '42710', NULL, 'not twice by the same name');
SELECT lives_ok($$ SELECT dbm_snapshot('one "quoted" name', project => 'other') $$, 'but for another project');
SELECT is((SELECT objects FROM dbm_snapshots()), (SELECT jsonb_array_length(inventory->'facts') + jsonb_array_length(inventory->'not_managed') FROM dbm.snapshot WHERE project = 'databrain'), 'it says how many objects it has');
SELECT is(pg_temp.way('snapshot:one "quoted" name', 'live'), '', 'nothing has changed');
SELECT is(pg_temp.way('live', 'snapshot:one "quoted" name'), '', 'in either direction');
SELECT is(pg_temp.way('empty', 'snapshot:one "quoted" name'), pg_temp.way('empty', 'live'), 'what was read back says what was written');
SELECT is(pg_temp.way('snapshot:one "quoted" name', 'empty'), pg_temp.way('live', 'empty'), 'and takes away what was written');
SELECT ok((SELECT is_live FROM dbm_snapshots()), 'its fingerprint is that of the database');

ALTER TABLE t ADD COLUMN e int;
DROP INDEX app.u_g_idx;
SELECT dbm_snapshot('two') \g /dev/null
SELECT is(pg_temp.way('snapshot:one "quoted" name', 'snapshot:two'),
	E'DROP INDEX app.u_g_idx\nALTER TABLE public.t ADD COLUMN e integer', 'between two snapshots');
SELECT is(pg_temp.way('snapshot:two', 'snapshot:one "quoted" name'),
	E'ALTER TABLE public.t DROP COLUMN e\nCREATE INDEX u_g_idx ON app.u USING btree (g) WHERE (a > 0)', 'and back');
SELECT is(pg_temp.way('live', 'snapshot:one "quoted" name', '{app}'),
	'CREATE INDEX u_g_idx ON app.u USING btree (g) WHERE (a > 0)', 'in one schema only');
SELECT results_eq($$ SELECT name, is_live, has_inventory FROM dbm_snapshots() $$,
	$$ VALUES ('one "quoted" name', false, true), ('two', true, true) $$, 'which of them is the schema as it is');
SELECT is((SELECT taken_by FROM dbm_snapshots() WHERE name = 'two'), current_user::text, 'who took it');

-- Against a text; what is spelled in another way is no difference
SELECT dbm_set_model($m$
CREATE SCHEMA app;
CREATE DOMAIN app.word AS varchar(20) CHECK (VALUE IN ('one', 'two'));
CREATE TABLE t (a int PRIMARY KEY, b app.word DEFAULT 'one', c text CHECK (c IN ('x', 'y')), d varchar CHECK (d IN ('p', 'q')), e int);
COMMENT ON COLUMN t.b IS E'it''s a \\ word';
CREATE TABLE app.u (a int REFERENCES t, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE VIEW app.v AS SELECT a, d FROM t WHERE d IN ('p', 'q');
$m$) \g /dev/null
SELECT is(pg_temp.way('snapshot:two', 'model'), '', 'a model');
SELECT is(pg_temp.way('model', 'snapshot:one "quoted" name'),
	E'ALTER TABLE public.t DROP COLUMN e\nCREATE INDEX u_g_idx ON app.u USING btree (g) WHERE (a > 0)', 'and from a model');

-- Two that need no sandbox, but differ in the spelling of an expression
SELECT pg_get_constraintdef(oid) AS d_check FROM pg_constraint WHERE conname = 't_d_check' \gset
ALTER TABLE t DROP CONSTRAINT t_d_check;
SELECT format('ALTER TABLE t ADD CONSTRAINT t_d_check %s', :'d_check') \gexec
SELECT isnt((SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_d_check'), :'d_check', 'the server spells it in two ways');
SELECT is(pg_temp.way('live', 'snapshot:two'), '', 'which is no difference');
SELECT is(pg_temp.way('snapshot:two', 'live'), '', 'nor back');
ALTER TABLE t DROP CONSTRAINT t_d_check;
ALTER TABLE t ADD CONSTRAINT t_d_check CHECK (d IN ('p', 'q'));

-- User mappings may hold passwords
CREATE ROLE dbm_test_taker;
CREATE ROLE dbm_test_reader;
GRANT EXECUTE ON FUNCTION dbm_diff TO dbm_test_reader;
CREATE FUNCTION pg_temp.as_reader(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE dbm_test_reader;
	EXECUTE statement;
	RESET ROLE;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT is(pg_temp.as_reader($$ SELECT dbm_diff('snapshot:one "quoted" name', 'snapshot:two') $$), 'ok', 'a snapshot without any is open to who may compare');
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR dbm_test_taker SERVER s OPTIONS (password 'secret');
SELECT dbm_snapshot('secrets') \g /dev/null
SELECT is(pg_temp.as_reader($$ SELECT dbm_diff('empty', 'snapshot:secrets') $$), 'ok', 'so is one with user mappings');
SELECT is((SELECT statement FROM dbm_diff('empty', 'snapshot:secrets') WHERE kind = 'user mapping'), 'CREATE USER MAPPING FOR dbm_test_taker SERVER s', 'which has not their options');
SELECT is((SELECT bool_or(t::text LIKE '%secret''%') FROM dbm.snapshot AS t), false, 'nowhere');
SELECT is(pg_temp.way('live', 'snapshot:secrets'), '', 'and finds no difference in them');
SELECT is(pg_temp.way('snapshot:secrets', 'live'), '', 'nor back');
GRANT EXECUTE ON FUNCTION dbm_snapshots TO dbm_test_reader;
SELECT is(pg_temp.as_reader($$ SELECT 1 / (SELECT count(*) FROM dbm_snapshots() WHERE name = 'secrets' AND is_live) $$), 'ok', 'the fingerprint does not depend on the reader');
DROP USER MAPPING FOR dbm_test_taker SERVER s;
DROP SERVER s;
DROP FOREIGN DATA WRAPPER w;

SELECT lives_ok($$ SELECT dbm_drop_snapshot('secrets') $$, 'dropped');
SELECT lives_ok($$ SELECT dbm_drop_snapshot('two') $$, 'dropped, too');
SELECT is((SELECT array_agg(name) FROM dbm_snapshots()), ARRAY['one "quoted" name'], 'one is left');

-- An inventory that cannot be read says so
UPDATE dbm.snapshot SET inventory = jsonb_set(inventory, '{format}', '2');
SELECT throws_ok($$ SELECT dbm_diff('empty', 'snapshot:one "quoted" name') $$, '0A000', 'stored inventory has format 2, which is not supported', 'another format');
UPDATE dbm.snapshot SET inventory = jsonb_set(jsonb_set(inventory, '{format}', '1'), '{facts,0,kind}', '"hologram"');
SELECT throws_ok($$ SELECT dbm_diff('empty', 'snapshot:one "quoted" name') $$, '0A000', 'stored inventory holds objects of kind "hologram", which are not known', 'another kind');
UPDATE dbm.snapshot SET inventory = jsonb_set(inventory, '{facts,0}', '{"kind": "schema"}');
SELECT throws_ok($$ SELECT dbm_diff('empty', 'snapshot:one "quoted" name') $$, 'XX001', 'stored inventory is malformed', 'not as it was written');
UPDATE dbm.snapshot SET inventory = '[]';
SELECT throws_ok($$ SELECT dbm_diff('empty', 'snapshot:one "quoted" name') $$, 'XX001', 'stored inventory is malformed', 'nothing like it');
UPDATE dbm.snapshot SET inventory = '{"format": 1, "facts": [{"kind": "schema", "id": "x", "references": [7], "attributes": {}}], "not_managed": []}';
SELECT throws_ok($$ SELECT dbm_diff('empty', 'snapshot:one "quoted" name') $$, 'XX001', 'stored inventory is malformed', 'a reference to nothing');
DELETE FROM dbm.snapshot;

-- What a run keeps
CREATE FUNCTION pg_temp.put(file text, body text) RETURNS text LANGUAGE sql AS $$
	SELECT dbm_register(file, format(E'-- m\n-- Revision ID: %s\n%s', CASE WHEN split_part(file, '--', 3) = 'base.sql' OR file LIKE '%%--b--a.sql' THEN split_part(file, '--', 2) ELSE replace(split_part(file, '--', 3), '.sql', '') END, body))
$$;
SELECT pg_temp.put('p--base--a.sql', 'CREATE TABLE app.a ();'), pg_temp.put('p--a--base.sql', 'DROP TABLE app.a;'),
	pg_temp.put('p--a--b.sql', 'CREATE TABLE app.b ();'), pg_temp.put('p--b--a.sql', 'DROP TABLE app.b;') \g /dev/null
CREATE FUNCTION pg_temp.kept() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(format('%s%s%s', array_to_string(heads, '+'), CASE WHEN is_live THEN ' live' END, CASE WHEN has_inventory THEN ' inventory' END), ', ' ORDER BY taken_at), 'none')
	FROM dbm_snapshots('p') WHERE name IS NULL
$$;
SELECT dbm_upgrade('a', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a live', 'a fingerprint of where a run led to');
SELECT dbm_upgrade('b', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a, b live', 'of each of them');
SELECT dbm_upgrade('b', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a, b live', 'nothing to do, nothing to keep');
SELECT throws_ok($$ SELECT dbm_diff('snapshot:b', 'live', project => 'p') $$, '55000', 'only a fingerprint was kept of revision "b"', 'which cannot be compared');
CREATE TABLE app.c ();
SELECT is(pg_temp.kept(), 'a, b', 'a table more is seen');
DROP TABLE app.c;
SET databrain_migrate.step_snapshot = 'inventory';
SELECT dbm_downgrade('a', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'b, a live inventory', 'the inventory, if it is wanted');
SELECT is(pg_temp.way('live', 'live'), '', 'nothing between what is the same');
SELECT is((SELECT count(*) FROM dbm_diff('snapshot:a', 'live', project => 'p')), 0::bigint, 'which can be compared');
SET databrain_migrate.step_snapshot = 'off';
SELECT dbm_upgrade('b', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a inventory', 'off: what was kept of that state before is not kept on');
SET databrain_migrate.step_snapshot = 'fingerprint';
SELECT dbm_downgrade('base', 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a inventory,  live', 'base, too');
SELECT dbm_stamp('b', project => 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a inventory,  live, b live', 'and where a stamp said it was');
SELECT dbm_stamp('base', project => 'p') \g /dev/null
DELETE FROM dbm.fingerprint;
SET databrain_migrate.snapshot_each_step = on;
SELECT dbm_upgrade(project => 'p') \g /dev/null
SELECT is(pg_temp.kept(), 'a, b live', 'each revision of a run, if that is wanted');
SET databrain_migrate.snapshot_each_step = off;
SELECT throws_ok($$ SET databrain_migrate.step_snapshot = 'maybe' $$, '22023', NULL, 'no other values');

-- What cannot be kept is a warning, and no failure of the run
ALTER TABLE dbm.fingerprint RENAME CONSTRAINT fingerprint_pkey TO elsewhere;
SELECT lives_ok($$ SELECT dbm_downgrade('base', 'p') $$, 'a run whose fingerprint cannot be kept');
ALTER TABLE dbm.fingerprint RENAME CONSTRAINT elsewhere TO fingerprint_pkey;
SELECT is(pg_temp.kept(), 'a, b', 'has kept none');
SELECT is((SELECT count(*) FROM dbm_current('p')), 0::bigint, 'and is done');

-- Nothing in a read-only transaction
SELECT throws_ok($$ SET TRANSACTION READ ONLY; SELECT dbm_snapshot('x') $$, '25006', NULL, 'no snapshot is taken when reading');
SELECT throws_ok($$ SET TRANSACTION READ ONLY; SELECT dbm_drop_snapshot('x') $$, '25006', NULL, 'nor dropped');

SELECT * FROM finish();
ROLLBACK;

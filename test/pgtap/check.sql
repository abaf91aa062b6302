-- dbm_check: each kind of trouble, alone; and that nothing is wrong once its
-- hint was followed.  dbm_test: what fails is a line and not an error.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT plan(78);
SET LOCAL databrain_migrate.project = 'shop';

CREATE FUNCTION pg_temp.put(name text, down text, script text, more text DEFAULT '') RETURNS text LANGUAGE sql AS
$$ SELECT dbm_register(name, format(E'-- of %s\n--\n-- Revision ID: %s\n-- Revises: %s\n%s%s', name, r.id, down, more, script), true)
	FROM (SELECT CASE WHEN split_part(replace(name, '.sql', ''), '--', 2) = split_part(down, ', ', 1)
		THEN split_part(replace(name, '.sql', ''), '--', 3) ELSE split_part(replace(name, '.sql', ''), '--', 2) END) AS r(id) $$;

-- what dbm_check says, in one text; detail as a pattern is tested apart
CREATE FUNCTION pg_temp.trouble(project text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(string_agg(concat_ws('|', problem, coalesce(revision, ''), coalesce(object, '')), E'\n'), 'none')
	FROM dbm_check(project) $$;
CREATE FUNCTION pg_temp.first(what text, project text DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT CASE what WHEN 'hint' THEN hint WHEN 'detail' THEN detail END FROM dbm_check(project) LIMIT 1 $$;

CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'none';
EXCEPTION WHEN query_canceled OR OTHERS THEN
	RETURN sqlstate;
END $$;

SELECT throws_ok($$ SELECT * FROM dbm_check() $$, '42704', 'project "shop" does not exist', 'an unknown project is an error');
SELECT throws_ok($$ SELECT * FROM dbm_test() $$, '42704', 'project "shop" does not exist', 'in dbm_test, too');

SELECT pg_temp.put('shop--base--aaaa1.sql', 'base', 'CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY);'),
	pg_temp.put('shop--aaaa1--base.sql', 'base', 'DROP SCHEMA app CASCADE;'),
	pg_temp.put('shop--aaaa1--bbbb1.sql', 'aaaa1', 'ALTER TABLE app.item ADD COLUMN name text NOT NULL;'),
	pg_temp.put('shop--bbbb1--aaaa1.sql', 'aaaa1', 'ALTER TABLE app.item DROP COLUMN name;') \gset

-- pending
SELECT is(pg_temp.trouble(), E'pending|aaaa1|\npending|bbbb1|', 'pending: both');
SELECT is(pg_temp.first('hint'), 'Run dbm_upgrade().', 'its hint');
SELECT is((SELECT array_agg(line) FROM dbm_test() AS line WHERE line !~ '^ok'), '{1..7}', 'dbm_test: all is well');
SELECT count(*) FROM dbm_upgrade('aaaa1') \gset
SELECT is(pg_temp.trouble(), 'pending|bbbb1|', 'pending: one');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- several heads
SELECT pg_temp.put('shop--bbbb1--cccc1.sql', 'bbbb1', ''), pg_temp.put('shop--bbbb1--cccc2.sql', 'bbbb1', '') \gset
SELECT count(*) FROM dbm_upgrade('heads') \gset
SELECT is(pg_temp.trouble(), E'several heads|cccc1|\nseveral heads|cccc2|', 'several heads');
SELECT is(pg_temp.first('hint'), 'Join them with dbm_merge().', 'its hint');
SELECT is((SELECT string_agg(line, ',') FROM dbm_test() AS line WHERE line ~ '^(not ok|# There are)'),
	'not ok 1 - there is one head,# There are 2.,not ok 8 - revision cccc1 has a downgrade script,not ok 9 - revision cccc2 has a downgrade script',
	'dbm_test: several heads, no downgrade scripts');
SELECT count(*) FROM dbm_merge(rev_id => 'dddd1') \gset
SELECT is(pg_temp.trouble(), 'pending|dddd1|', 'joined');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- drift
CREATE INDEX byhand ON app.item (name);
SELECT is(pg_temp.trouble(), 'drift||index app.byhand', 'drift');
SELECT is((SELECT detail FROM dbm_check()), 'DROP INDEX app.byhand', 'with what undoes it');
SELECT detail AS repair FROM dbm_check() \gset
:repair;
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- model
SELECT dbm_set_model('CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY, name text NOT NULL, price int)') \gset
SELECT is(pg_temp.trouble(), 'model||column app.item.price', 'model');
SELECT is((SELECT detail FROM dbm_check()), 'ALTER TABLE app.item ADD COLUMN price integer', 'with what is missing');
SELECT dbm_set_model('CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY, name text NOT NULL)') \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- broken model
SELECT dbm_set_model(E'CREATE SCHEMA app;\nCREATE TABLE app.item (id int PRIMARY KEY,\n\tname txt)') \gset
SELECT is(pg_temp.trouble(), 'broken model||model', 'broken model');
SELECT is(pg_temp.first('detail'), 'Line 3: type "txt" does not exist (SQLSTATE 42704).', 'with its line');
SELECT is(pg_temp.first('hint'), 'Correct the model, and set it with dbm_set_model().', 'its hint');
SELECT is((SELECT string_agg(line, ',') FROM dbm_test() AS line WHERE line ~ 'model'),
	'not ok 13 - the model is what the revisions build,# model: Line 3: type "txt" does not exist (SQLSTATE 42704).',
	'a line of dbm_test');
CREATE ROLE regress_check;
GRANT EXECUTE ON FUNCTION dbm_set_model(text, text) TO regress_check;
SET LOCAL ROLE regress_check;
SELECT dbm_set_model('') \gset
RESET ROLE;
SELECT is(pg_temp.trouble(), 'broken model||model', 'a model of somebody with fewer rights');
SELECT alike(pg_temp.first('hint'), 'Use it as its author with SET ROLE,%', 'its hint');
SELECT dbm_set_model('CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY, name text NOT NULL)') \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- changed script
SELECT pg_temp.put('shop--aaaa1--bbbb1.sql', 'aaaa1', 'ALTER TABLE app.item ADD COLUMN name text NOT NULL CHECK (true);') \gset
SELECT is(pg_temp.trouble(), E'drift||constraint app.item item_check\nchanged script|bbbb1|shop--aaaa1--bbbb1.sql', 'changed script');
SELECT pg_temp.put('shop--aaaa1--bbbb1.sql', 'aaaa1', 'ALTER TABLE app.item /* more */ ADD COLUMN name text NOT NULL ;') \gset
SELECT is(pg_temp.trouble(), 'none', 'another format is no change');
UPDATE dbm.script SET script = script || ' SELECT ''' WHERE to_revision = 'bbbb1';
SELECT is((SELECT problem || ': ' || detail FROM dbm_check() WHERE problem LIKE 'ch%'),
	'changed script: Line 5: unterminated quoted string at or near "''" (SQLSTATE 42601).', 'one that cannot be read any more');
UPDATE dbm.script SET script = replace(script, ' SELECT ''', '') WHERE to_revision = 'bbbb1';
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- missing file
CREATE TABLE pg_temp.kept AS SELECT * FROM dbm_export('aaaa1:bbbb1');
DELETE FROM dbm.script WHERE 'bbbb1' IN (from_revision, to_revision) AND 'aaaa1' IN (from_revision, to_revision);
SELECT is(pg_temp.trouble(), E'missing file|bbbb1|shop--aaaa1--bbbb1.sql\nmissing file|bbbb1|shop--bbbb1--aaaa1.sql', 'missing files');
SELECT alike(pg_temp.first('hint'), '%dbm_export()%', 'their hint');
SELECT dbm_register(file_name, script) FROM dbm_export('aaaa1:bbbb1') WHERE file_name LIKE '%aaaa1--bbbb1%' \gset
SELECT is(pg_temp.trouble(), 'missing file|bbbb1|shop--bbbb1--aaaa1.sql', 'a downgrade script alone');
SELECT dbm_register(file_name, script) FROM dbm_export('aaaa1:bbbb1') WHERE file_name LIKE '%bbbb1--aaaa1%' \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- unfinished
INSERT INTO dbm.step VALUES ('shop', 'eeee1', 'upgrade', 2, 3, 'x');
SELECT is(pg_temp.trouble(), 'unfinished|eeee1|', 'unfinished');
SELECT is(pg_temp.first('detail'), 'Its upgrade stopped after 2 statements, and does not run in a transaction.', 'how far it got');
DELETE FROM dbm.step;

-- state lost
CREATE TABLE pg_temp.state AS SELECT * FROM dbm.applied;
DELETE FROM dbm.applied;
SELECT is(pg_temp.trouble(), 'state lost||', 'state lost');
SELECT is(pg_temp.first('hint'), 'Set the state with dbm_stamp(''heads'').', 'its hint');
SELECT count(*) FROM dbm_stamp('heads') \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');
DELETE FROM dbm.applied;
ALTER TABLE app.item DROP COLUMN name;
SELECT is(pg_temp.trouble(), 'state lost|aaaa1|', 'state lost in the middle');
SELECT is(pg_temp.first('hint'), 'Set the state with dbm_stamp(''aaaa1'').', 'its hint');
CREATE TABLE app.other ();
SELECT is(pg_temp.trouble(), 'state lost||', 'with drift besides');
SELECT alike(pg_temp.first('hint'), 'Find with dbm_diff(''live'', ''revision:ID'')%', 'its hint');
DROP TABLE app.other;
SELECT count(*) FROM dbm_stamp('aaaa1'), dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- schema lost
DROP SCHEMA app CASCADE;
SELECT is(pg_temp.trouble(), 'schema lost||', 'schema lost');
SELECT alike(pg_temp.first('hint'), '%dbm_stamp(''base'')%dbm_upgrade()%', 'its hint');
SELECT count(*) FROM dbm_stamp('base') \gset
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- broken revision
SELECT pg_temp.put('shop--dddd1--ffff1.sql', 'dddd1', E'\n\nCREATE VIEW app.v AS\nSELECT * FROM elsewhere.t;') \gset
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.t (a int);
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), E'broken revision|ffff1|shop--dddd1--ffff1.sql\nmodel||view app.v\nmodel||table elsewhere.t\nmodel||schema elsewhere', 'broken revision');
SELECT is(pg_temp.first('detail'), 'Line 8: relation "elsewhere.t" does not exist (SQLSTATE 42P01).', 'with its line');
SELECT is((SELECT string_agg(line, ',') FROM dbm_test() AS line WHERE line ~ 'ffff1|model'),
	'not ok 13 - upgrade to ffff1,# shop--dddd1--ffff1.sql: Line 8: relation "elsewhere.t" does not exist (SQLSTATE 42P01).,not ok 14 - the model is what the revisions build,# shop--dddd1--ffff1.sql: Line 8: relation "elsewhere.t" does not exist (SQLSTATE 42P01).',
	'a line of dbm_test');
SELECT is((SELECT line FROM dbm_test() AS line LIMIT 1), '1..' || (SELECT count(*) FROM dbm_test() AS line WHERE line ~ '^(not )?ok'), 'its plan is right');
DROP SCHEMA elsewhere CASCADE;
DELETE FROM dbm.applied WHERE revision = 'ffff1';
DELETE FROM dbm.script WHERE to_revision = 'ffff1';
SELECT is(pg_temp.trouble(), 'none', 'healthy');

-- dbm_test: what stands on a revision that fails, and what does not
SELECT dbm_register('tree--base--aaaa1.sql', 'CREATE TABLE t1 ();'), dbm_register('tree--aaaa1--base.sql', E'\nDROP TABLE t2;'),
	dbm_register('tree--aaaa1--bbbb1.sql', 'CREATE TABLE t1 ();'), dbm_register('tree--bbbb1--aaaa1.sql', '--'),
	dbm_register('tree--bbbb1--bbbb2.sql', '--'), dbm_register('tree--bbbb2--bbbb1.sql', '--'),
	dbm_register('tree--aaaa1--cccc1.sql', 'CREATE TABLE t3 ();'), dbm_register('tree--cccc1--aaaa1.sql', 'DROP TABLE t3;') \gset
SELECT is((SELECT string_agg(line, E'\n') FROM dbm_test('tree') AS line), '1..8
not ok 1 - there is one head
# There are 2.
ok 2 - revision aaaa1 has a downgrade script
not ok 3 - downgrade of aaaa1 leaves what its upgrade found
# tree--aaaa1--base.sql: Line 2: table "t2" does not exist (SQLSTATE 42P01).
not ok 4 - upgrade to bbbb1
# tree--aaaa1--bbbb1.sql: Line 1: relation "t1" already exists (SQLSTATE 42P07).
not ok 5 - upgrade to bbbb2
# It needs bbbb1, which could not be built.
ok 6 - revision cccc1 has a downgrade script
ok 7 - downgrade of cccc1 leaves what its upgrade found
ok 8 - upgrade to cccc1 after its downgrade does the same again', 'dbm_test goes on where it can');

-- broken project
INSERT INTO dbm.script SELECT project, 'bbbb1', 'aaaa1', '-- Revision ID: aaaa1', '', author, now() FROM dbm.script WHERE project = 'tree' LIMIT 1
	ON CONFLICT (project, from_revision, to_revision) DO UPDATE SET script = EXCLUDED.script;
SELECT is(pg_temp.trouble('tree'), 'broken project||', 'broken project');
SELECT is(pg_temp.first('detail', 'tree'), 'revision "aaaa1" is defined twice (SQLSTATE 42710).  '
	'One upgrade script is registered script "tree--bbbb1--aaaa1.sql", the other is registered script "tree--base--aaaa1.sql".', 'what is broken');
SELECT is((SELECT array_agg(line) FROM dbm_test('tree') AS line WHERE line !~ '^#'), '{1..1,not ok 1 - the scripts make a project}', 'dbm_test: one line');
SELECT dbm_register('ring--aaaa1--bbbb1.sql', E'-- Revision ID: bbbb1'), dbm_register('ring--bbbb1--aaaa1.sql', E'-- Revision ID: aaaa1', true) \gset
SELECT alike(pg_temp.first('detail', 'ring'), '%form a cycle (SQLSTATE 42P17).  The cycle runs through revisions "aaaa1", "bbbb1".', 'a cycle');
SELECT is(pg_temp.first('hint', 'ring'), 'Look at the lines "Revises" and "Depends On" of these scripts.', 'its hint');

-- a project that has a model and nothing else
SELECT dbm_set_model('CREATE SCHEMA app; CREATE TABLE app.item (id int PRIMARY KEY, name text NOT NULL)', 'modelonly') \gset
SELECT is(pg_temp.trouble('modelonly'), 'none', 'a model alone makes a project');

-- what is no text's fault stays an error, and leaves nothing
CREATE FUNCTION pg_temp.model_raises(sqlstate text) RETURNS text LANGUAGE sql AS
$$ SELECT dbm_set_model(format('DO $_$ BEGIN RAISE SQLSTATE %L; END $_$', sqlstate), 'modelonly')::text $$;
SELECT pg_temp.model_raises('57014') \gset
SELECT is(pg_temp.error_of($$ SELECT dbm_check('modelonly') $$), '57014', 'a cancelled query');
SELECT is(pg_temp.error_of($$ SELECT dbm_test('modelonly') $$), '57014', 'in dbm_test, too');
SELECT pg_temp.model_raises('53200') \gset
SELECT throws_ok($$ SELECT * FROM dbm_check('modelonly') $$, '53200', NULL, 'no memory');
SELECT pg_temp.model_raises('XX000') \gset
SELECT throws_ok($$ SELECT * FROM dbm_check('modelonly') $$, 'XX000', NULL, 'an internal error');
SELECT pg_temp.model_raises('40P01') \gset
SELECT throws_ok($$ SELECT * FROM dbm_check('modelonly') $$, '40P01', NULL, 'a deadlock');
SELECT pg_temp.model_raises('P0001') \gset
SELECT is(pg_temp.trouble('modelonly'), 'broken model||model', 'but what the text raises by itself is its own');
SELECT dbm_set_model('SELECT pg_sleep(60)', 'modelonly') \gset
SET LOCAL statement_timeout = '200ms';
SELECT is(pg_temp.error_of($$ SELECT dbm_check('modelonly') $$), '57014', 'statement_timeout');
RESET statement_timeout;
SELECT is((SELECT count(*)::int FROM pg_namespace WHERE nspname ~ '^dbm_aside'), 0, 'nothing is left');

-- mirror
DROP SCHEMA app CASCADE;
CREATE EXTENSION databrain;
SET LOCAL databrain_migrate.project = 'databrain';
SELECT count(*) FROM dbm_upgrade('39015ae510e0') \gset
SELECT is(pg_temp.trouble(), 'pending|29e0e8f6dd42|', 'in the middle of the project');
UPDATE pg_extension SET extversion = 'base' WHERE extname = 'databrain';
SELECT is(pg_temp.trouble(), E'pending|29e0e8f6dd42|\nmirror|39015ae510e0|databrain', 'mirror, after a restore');
SELECT is((SELECT hint FROM dbm_check() WHERE problem = 'mirror'), 'The next dbm_upgrade() or dbm_downgrade() corrects it.', 'its hint');
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');
UPDATE pg_extension SET extversion = 'base' WHERE extname = 'databrain';
SELECT count(*) FROM dbm_upgrade() \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy also when nothing is to be upgraded');
UPDATE pg_extension SET extversion = 'nowhere' WHERE extname = 'databrain';
SELECT is(pg_temp.trouble(), 'mirror|29e0e8f6dd42|databrain', 'mirror, ahead of the state');
SELECT is(pg_temp.first('hint'), 'If the schema is as that revision leaves it, record it with dbm_stamp(''nowhere''); otherwise with dbm_stamp(''29e0e8f6dd42'').', 'its hint');
SELECT count(*) FROM dbm_stamp('29e0e8f6dd42') \gset
SELECT is(pg_temp.trouble(), 'none', 'healthy');
-- one role deploys, another one looks
CREATE ROLE regress_deployer;
CREATE ROLE regress_dba SUPERUSER;
GRANT ALL ON SCHEMA public TO regress_deployer;
GRANT EXECUTE ON FUNCTION dbm_upgrade(text, text), dbm_register(text, text, boolean) TO regress_deployer;
SET LOCAL ROLE regress_deployer;
SELECT dbm_register('owned--base--aaaa0001.sql', E'-- x\n-- Revision ID: aaaa0001\nCREATE TABLE held (a int); GRANT SELECT ON held TO pg_monitor; CREATE VIEW seen AS SELECT a FROM held; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$SELECT 1$f$; REVOKE ALL ON FUNCTION f() FROM PUBLIC;'),
	dbm_register('owned--aaaa0001--base.sql', E'-- x\n-- Revision ID: aaaa0001\nDROP FUNCTION f(); DROP VIEW seen; DROP TABLE held;') \gset
SELECT dbm_upgrade(project => 'owned') \gset
SET LOCAL ROLE regress_dba;
SELECT dbm_adopt('aaaa0001', 'owned') \gset
SELECT is((SELECT string_agg(format('%s: %s %s', problem, object, detail), E'\n') FROM dbm_check('owned') WHERE object ~ 'held|seen|f\('), NULL,
	'what a deploy role made is no drift for a superuser');
SELECT dbm_set_model('CREATE TABLE held (a int, b int); GRANT SELECT ON held TO pg_monitor; CREATE VIEW seen AS SELECT a FROM held; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$SELECT 1$f$; REVOKE ALL ON FUNCTION f() FROM PUBLIC; CREATE TABLE more (a int);', 'owned') \gset
SELECT is((SELECT string_agg(statement, E'\n' ORDER BY ordinal) FROM dbm_diff('live', 'model', include => 'held|seen|more|f\(', project => 'owned')),
	E'CREATE TABLE public.more (\n    a integer\n)\nALTER TABLE public.more OWNER TO regress_deployer\nALTER TABLE public.held ADD COLUMN b integer',
	'nor is a model of the superuser''s; what is new belongs to the deploy role');
SELECT unalike((SELECT string_agg(script, '') FROM dbm_revision('more', true, include => 'held|seen|more|f\(', project => 'owned')),
	'%OWNER%', 'which runs the script');
ALTER TABLE held OWNER TO regress_dba;
SELECT ok(EXISTS (SELECT FROM dbm_check('owned') WHERE problem = 'drift' AND object = 'table public.held'),
	'but another owner than the deploy role is drift');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;

-- Writing revisions: what dbm_revision, dbm_merge and templates make, that
-- each refusal has its SQLSTATE and leaves nothing behind, and that a directory
-- of files can be pushed in any order.  Wants a database with pgtap in it.

\set QUIET on
SET client_min_messages = warning;

BEGIN;
CREATE EXTENSION databrain_migrate;
CREATE ROLE dbm_test_author;
SET LOCAL databrain_migrate.project = 'shop';

SELECT plan(187);

-- Does the call fail with this SQLSTATE, and leave nothing?
CREATE FUNCTION pg_temp.refused(call text, state text, what text)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	before text;
BEGIN
	SELECT string_agg(s::text, E'\n' ORDER BY s) INTO before FROM dbm.script s;
	RETURN NEXT throws_ok('SELECT * FROM ' || call, state, NULL, what);
	RETURN NEXT is((SELECT string_agg(s::text, E'\n' ORDER BY s) FROM dbm.script s),
		before, what || ': nothing left');
END
$$;

-- Where an error says that it is.
CREATE FUNCTION pg_temp.place(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE 'SELECT * FROM ' || call;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN split_part(context, E'\n', 1);
END
$$;

--
-- What comes out
--

PREPARE new AS SELECT file_name, regexp_replace(script, '[0-9:-]+ [0-9:]+\+00', 'NOW')
FROM dbm_revision('  first tables ', rev_id => 'aaaa1',
	upgrade_sql => E'CREATE TABLE t (a int);\n\n', downgrade_sql => 'DROP TABLE t');
SELECT results_eq('new', $$ VALUES
	('shop--base--aaaa1.sql', '-- first tables
--
-- Revision ID: aaaa1
-- Revises: base
-- Create Date: NOW
\echo Use "ALTER EXTENSION shop UPDATE TO ''aaaa1''" to load this file. \quit

CREATE TABLE t (a int);
'), ('shop--aaaa1--base.sql', '-- first tables
--
-- Revision ID: aaaa1
-- Revises: base
-- Create Date: NOW
\echo Use "ALTER EXTENSION shop UPDATE TO ''base''" to load this file. \quit

DROP TABLE t
') $$, 'a revision is two files');
SELECT results_eq($$ SELECT * FROM dbm_export() $$,
	$$ SELECT format('shop--%s--%s.sql', from_revision, to_revision) COLLATE "default", script FROM dbm.script
		ORDER BY from_revision <> 'base' $$, 'they are registered as returned');
SELECT is((SELECT author FROM dbm.script LIMIT 1), current_user::text, 'by the caller');
SELECT ok((SELECT create_date BETWEEN now() - interval '1 minute' AND clock_timestamp() FROM dbm_history()),
	'the date is now');

SELECT lives_ok($$ SELECT dbm_revision('second', branch_label => 'lib', depends_on => '{aaaa}',
	transactional => false, head => 'base', rev_id => 'bbbb1') $$, 'everything a header can say');
SELECT results_eq($$ SELECT down_revisions, depends_on, branch_labels, message FROM dbm_history('bbbb1') $$,
	$$ VALUES ('{}'::text[], '{aaaa1}'::text[], '{lib}'::text[], 'second') $$,
	'is read back, abbreviations written in full');
SELECT is((SELECT transactional FROM dbm_show('bbbb1')), false, 'Transactional too');
SELECT is((SELECT count(*)::int FROM dbm_export('bbbb1')), 2, 'without statements both files are made');
SELECT lives_ok($$ SELECT dbm_revision('third', head => 'aaaa1', rev_id => 'cccc1', depends_on => '{lib}') $$,
	'a dependency on a label');
SELECT is((SELECT depends_on FROM dbm_history('cccc1')), '{lib}', 'stays one');

SELECT matches((SELECT file_name FROM dbm_revision('random', head => 'cccc1') LIMIT 1),
	'^shop--cccc1--[0-9a-f]{12}\.sql$', 'an identifier is 12 hex digits');
SELECT is((SELECT count(*)::int FROM dbm_heads()), 1, 'and is a head now');
SELECT lives_ok($$ SELECT dbm_revision('downgrade only', downgrade_sql => 'SELECT 1', head => 'lib@head', rev_id => 'dddd1') $$,
	'statements for the way back only');
SELECT is((SELECT count(*)::int FROM dbm_export('dddd1')), 2, 'make two files');
SELECT lives_ok($$ SELECT dbm_revision('no way back', upgrade_sql => '', head => 'dddd1', rev_id => 'eeee1') $$,
	'statements for the way up only');
SELECT is((SELECT array_agg(file_name) FROM dbm_export('eeee1')), '{shop--dddd1--eeee1.sql}', 'make one file');
SELECT matches((SELECT script FROM dbm_export('eeee1')), E'\\\\quit\\n$', 'which ends with its header if there are none');

-- merges
SELECT set_eq($$ SELECT file_name FROM dbm_merge('cccc1@head,eeee1', rev_id => 'ffff1') $$,
	$$ SELECT format(t, (SELECT down_revisions[1] FROM dbm_history('ffff1')))
		FROM unnest(ARRAY['shop--%s--ffff1.sql', 'shop--ffff1--%s.sql']) t $$,
	'a merge is two files, from its first parent and back');
SELECT matches((SELECT message FROM dbm_history('ffff1')), '^merge [0-9a-f]{12} and eeee1$', 'it names its parents');
SELECT is((SELECT is_merge_point FROM dbm_history('ffff1')), true, 'and is a merge point');
SELECT is((SELECT array_agg(revision) FROM dbm_heads()), '{ffff1}', 'the only head now');
SELECT lives_ok($$ SELECT dbm_revision('two', project => 'm', head => 'base', rev_id => h) FROM unnest(ARRAY['h1', 'h2', 'h3']) h $$,
	'three heads');
SELECT is((SELECT message FROM dbm_merge(project => 'm', rev_id => 'm1'), dbm_history('m1', 'm') LIMIT 1),
	'merge h1, h2 and h3', 'merge means all heads');

-- what is made can be run
SELECT lives_ok($$ SELECT dbm_revision('a', project => 'run', rev_id => 'aaaa1',
		upgrade_sql => 'CREATE TABLE ran (a int);', downgrade_sql => 'DROP TABLE ran;') $$, 'a revision to run');
SELECT lives_ok($$ SELECT dbm_revision('b', project => 'run', rev_id => 'bbbb1') $$, 'and one without statements');
SELECT is((SELECT array_agg(revision) FROM dbm_upgrade(project => 'run')), '{aaaa1,bbbb1}', 'both run');
SELECT has_table('ran');
SELECT is((SELECT array_agg(revision) FROM dbm_downgrade('base', project => 'run')), '{bbbb1,aaaa1}', 'and back');
SELECT hasnt_table('ran');

--
-- What is refused
--

SELECT pg_temp.refused($$ dbm_revision('x', autogenerate => true) $$, '42704', 'autogenerate without a model');
SELECT pg_temp.refused($$ dbm_revision(NULL) $$, '22004', 'no message');
SELECT pg_temp.refused($$ dbm_revision(E' \n') $$, '22023', 'blank message');
SELECT pg_temp.refused($$ dbm_revision(E'x\nDROP TABLE t;') $$, '22023', 'message of two lines');
SELECT pg_temp.refused($$ dbm_revision(E'x\rDROP TABLE t;') $$, '22023', 'message with a carriage return');
SELECT pg_temp.refused($$ dbm_revision('Depends On: aaaa1') $$, '22023', 'message that is a header line');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => E'-- Transactional: no\nSELECT 1') $$, '22023', 'statements that begin with a header line');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => E'-- Revises: base\nSELECT 1') $$, '42601', 'and with one given twice');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => E'SELECT 1;\nSELEC 2;') $$, '42601', 'syntax error');
SELECT is(pg_temp.place($$ dbm_revision('x', rev_id => 'x1', upgrade_sql => E'SELECT 1;\nSELEC 2;') $$),
	'file "shop--ffff1--x1.sql", line 9', 'which tells file and line');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => 'SELECT 1', downgrade_sql => 'SELEC 2;') $$, '42601', 'syntax error on the way back');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => '/* ') $$, '42601', 'comment without end');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => 'COMMIT;') $$, '0A000', 'transaction control');
SELECT pg_temp.refused($$ dbm_revision('x', upgrade_sql => '\! ls') $$, '42601', 'psql command');

SELECT pg_temp.refused($$ dbm_revision('x', head => NULL) $$, '22004', 'head is null');
SELECT pg_temp.refused($$ dbm_revision('x', head => 'nosuch') $$, '42704', 'unknown head');
SELECT pg_temp.refused($$ dbm_revision('x', head => 'cccc1') $$, '55000', 'parent is not a head');
SELECT pg_temp.refused($$ dbm_revision('x', head => 'current') $$, '22023', 'head that stands for nothing');
SELECT pg_temp.refused($$ dbm_revision('x', head => 'aaaa1,cccc1', splice => true) $$, '22023', 'redundant parent');
SELECT pg_temp.refused($$ dbm_revision('x', head => 'ffff1,head') $$, '22023', 'parent twice');
SELECT pg_temp.refused($$ dbm_revision('x', rev_id => 'aaaa1') $$, '42710', 'identifier taken');
SELECT pg_temp.refused($$ dbm_revision('x', rev_id => 'lib') $$, '42710', 'identifier is a label');
SELECT pg_temp.refused(format($$ dbm_revision('x', rev_id => %L) $$, id), '42602', 'identifier ' || id)
	FROM unnest(ARRAY['', 'head', 'heads', 'base', 'current', 'a@b', 'a:b', 'a+b', 'a,b', 'a b', '-a', 'a.', 'a--b', '../a', repeat('a', 129)]) id;
SELECT pg_temp.refused($$ dbm_revision('x', branch_label => 'a@b') $$, '42602', 'label with a bad character');
SELECT pg_temp.refused($$ dbm_revision('x', branch_label => 'heads') $$, '42602', 'reserved label');
SELECT pg_temp.refused($$ dbm_revision('x', branch_label => 'lib') $$, '42710', 'label taken');
SELECT pg_temp.refused($$ dbm_revision('x', branch_label => 'cccc1') $$, '42710', 'label is an identifier');
SELECT pg_temp.refused($$ dbm_revision('x', branch_label => 'same', rev_id => 'same') $$, '42710', 'label is its identifier');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{nosuch}') $$, '42704', 'unknown dependency');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{aaa}') $$, '42704', 'dependency abbreviated too much');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{base}') $$, '22023', 'dependency on base');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{aaaa1,aaaa}') $$, '22023', 'dependency twice');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{NULL}') $$, '22004', 'dependency null');
SELECT pg_temp.refused($$ dbm_revision('x', project => 'a/b') $$, '42602', 'bad project');
SELECT pg_temp.refused($$ dbm_merge() $$, '22023', 'merge of one head');
SELECT pg_temp.refused($$ dbm_merge('base') $$, '22023', 'merge of nothing');
SELECT pg_temp.refused($$ dbm_merge('ffff1,ffff1') $$, '22023', 'merge of the same twice');
SELECT pg_temp.refused($$ dbm_merge('aaaa1,bbbb1') $$, '55000', 'merge of others than heads');
SELECT pg_temp.refused($$ dbm_merge('aaaa1,cccc1', splice => true) $$, '22023', 'merge with an ancestor');
SELECT pg_temp.refused($$ dbm_export('nosuch') $$, '42704', 'export of what is not there');
SELECT lives_ok($$ SELECT dbm_merge('aaaa1,bbbb1', splice => true, rev_id => 'spliced') $$, 'splice allows others than heads');
SELECT pg_temp.refused($$ dbm_revision('x') $$, '21000', 'several heads');
SELECT pg_temp.refused($$ dbm_revision('x', depends_on => '{heads}') $$, '21000', 'several dependencies in one');
SAVEPOINT s;
SET LOCAL transaction_read_only = on;
SELECT throws_ok($$ SELECT dbm_revision('x') $$, '25006', NULL, 'read-only transaction');
ROLLBACK TO s;

--
-- Templates
--

SELECT is(dbm_template('other'), dbm_template(), 'the default template is the same everywhere');
SELECT lives_ok($$ SELECT dbm_set_template(E'-- ${message}\n-- Copyright DataBrain, ${author}, ${create_date}\n'
	'-- Revision ID: ${revision}\n-- Revises: ${down_revision}\n-- Transactional: ${transactional}\n-- Depends On: ${depends_on}\n'
	'-- Branch Labels: ${branch_labels}\n-- ${file_name} of ${project} to ${target}\nSET LOCAL lock_timeout = 1000;\n${body}\nSELECT 1;\n', 'tpl') $$,
	'a template can be set');
SELECT is((SELECT regexp_replace(script, '[0-9-]+ [0-9:]+\+00', 'NOW')
		FROM dbm_revision('x ${body}', upgrade_sql => E'SELECT ''${message}'';', rev_id => 'aaaa1', project => 'tpl')),
	format($$-- x ${body}
-- Copyright DataBrain, %s, NOW
-- Revision ID: aaaa1
-- Revises: base
-- tpl--base--aaaa1.sql of tpl to aaaa1
SET LOCAL lock_timeout = 1000;
SELECT '${message}';
SELECT 1;
$$, current_user), 'it is filled in once, and lines with nothing in them are left out');
SELECT is(dbm_template() LIKE '%Copyright%', false, 'other projects keep theirs');
SELECT throws_ok(format('SELECT dbm_set_template(%L)', t), s, NULL, 'template ' || what)
FROM (VALUES
	(replace(dbm_template(), '${body}', ''), '22023', 'without a body'),
	(dbm_template() || '${body}', '22023', 'with two bodies'),
	(replace(dbm_template(), '${body}', 'SELECT ${body}'), '22023', 'with a body inside a line'),
	(replace(dbm_template(), '${message}', 'fixed'), '22023', 'with another message'),
	(replace(dbm_template(), 'Revision ID', 'Revision'), '22023', 'without Revision ID'),
	(replace(dbm_template(), 'Revises:', '-'), '22023', 'without Revises'),
	(replace(dbm_template(), '${depends_on}', ''), '22023', 'without dependencies'),
	(replace(dbm_template(), '${branch_labels}', 'x'), '22023', 'with a label of its own'),
	(replace(dbm_template(), '${transactional}', 'yes'), '22023', 'that is always transactional'),
	(dbm_template() || 'SELEC;', '42601', 'with a syntax error'),
	(dbm_template() || 'COMMIT;', '0A000', 'with transaction control'),
	(dbm_template() || '${nosuch}', '42P02', 'with an unknown placeholder'),
	(dbm_template() || '-- ${body', '42601', 'with an open placeholder')) v(t, s, what);
SELECT lives_ok($$ SELECT dbm_set_template(replace(dbm_template(), E'\n', E'\r\n'), 'crlf') $$, 'template with carriage returns');
SELECT lives_ok($$ SELECT dbm_revision('x', project => 'crlf') $$, 'works');

-- who wrote it matters
GRANT EXECUTE ON FUNCTION dbm_set_template, dbm_revision, dbm_merge, dbm_export TO dbm_test_author;
SET LOCAL ROLE dbm_test_author;
SELECT throws_ok($$ SELECT dbm_template() $$, '42501', NULL, 'dbm_template is revoked from PUBLIC');
SELECT lives_ok($$ SELECT dbm_set_template(E'-- ${message}\n-- Revision ID: ${revision}\n-- Revises: ${down_revision}\n-- Transactional: ${transactional}\n'
	'-- Depends On: ${depends_on}\n-- Branch Labels: ${branch_labels}\nALTER ROLE dbm_test_author SUPERUSER;\n${body}\n', 'theirs') $$, 'a plain role sets a template');
SELECT lives_ok($$ SELECT dbm_revision('x', project => 'theirs', rev_id => 'aaaa1') $$, 'and uses it');
SELECT is((SELECT count(*)::int FROM dbm_export(project => 'theirs')), 2, 'and exports');
RESET ROLE;
SELECT is((SELECT array_agg(DISTINCT author) FROM dbm.script WHERE project = 'theirs'), '{dbm_test_author}', 'its scripts are its own');
SELECT pg_temp.refused($$ dbm_revision('x', project => 'theirs') $$, '42501', 'a superuser does not use it');
SELECT throws_ok($$ SELECT dbm_upgrade(project => 'theirs') $$, '42501', NULL, 'nor runs what was made of it');
SELECT lives_ok($$ SELECT dbm_set_template(NULL, 'theirs') $$, 'a template can be taken away');
SELECT lives_ok($$ SELECT dbm_revision('x', project => 'theirs') $$, 'then the default one is used');
SELECT is(dbm_template('theirs'), dbm_template(), 'and shown');

--
-- Pushing a directory
--

SELECT lives_ok($$ SELECT dbm_unregister('spliced') $$, 'one less');
CREATE TEMP TABLE pushed AS
SELECT row_number() OVER () AS n, replace(file_name, 'shop--', 'copy--') AS file_name, script FROM dbm_export();
SELECT is((SELECT count(*)::int FROM (SELECT dbm_register(file_name, script) FROM pushed ORDER BY n DESC) r),
	(SELECT count(*)::int FROM pushed), 'newest first');
SELECT results_eq($$ SELECT file_name, script FROM dbm_export(project => 'copy') $$,
	$$ SELECT file_name, script FROM pushed ORDER BY n $$, 'what was pushed comes back, oldest first');
SELECT is((SELECT count(*)::int FROM (SELECT dbm_register(replace(file_name, 'copy--', 'cop2--'), script) FROM pushed ORDER BY md5(file_name)) r),
	(SELECT count(*)::int FROM pushed), 'in any order');
SELECT is((SELECT array_agg(script) FROM dbm_export(project => 'cop2')), (SELECT array_agg(script ORDER BY n) FROM pushed), 'the same comes back');
CREATE TEMP TABLE before AS SELECT ctid AS place, * FROM dbm.script;
SELECT lives_ok($$ SELECT dbm_register(file_name, script) FROM pushed $$, 'again');
SELECT results_eq($$ SELECT ctid, * FROM dbm.script ORDER BY 1 $$, $$ SELECT * FROM before ORDER BY 1 $$, 'has no effect');
SELECT lives_ok($$ SELECT dbm_register(file_name, script || 'SELECT 2;') FROM pushed WHERE file_name = 'copy--base--bbbb1.sql' $$,
	'a changed script of a revision that is not applied');
SELECT matches((SELECT upgrade_script FROM dbm_show('bbbb1', 'copy')), 'SELECT 2;$', 'replaces the old one');
SELECT lives_ok($$ SELECT dbm_stamp('bbbb1', project => 'copy') $$, 'once it counts as applied');
SELECT throws_ok($$ SELECT dbm_register(file_name, script || 'SELECT 3;') FROM pushed WHERE file_name = 'copy--base--bbbb1.sql' $$,
	'55006', NULL, 'another change is refused');
SELECT lives_ok($$ SELECT dbm_register(file_name, script || 'SELECT 3;', force => true) FROM pushed WHERE file_name = 'copy--base--bbbb1.sql' $$,
	'unless forced');

-- what is only in the state is exported too
SELECT lives_ok($$ SELECT dbm_upgrade(project => 'run') $$, 'applied revisions');
DELETE FROM dbm.script WHERE project = 'run';
SELECT is((SELECT array_agg(file_name) FROM dbm_export(project => 'run')),
	'{run--base--aaaa1.sql,run--aaaa1--base.sql,run--aaaa1--bbbb1.sql,run--bbbb1--aaaa1.sql}',
	'whose scripts are gone are exported from the state');
SELECT is((SELECT array_agg(file_name) FROM dbm_export('bbbb1', project => 'run')),
	'{run--aaaa1--bbbb1.sql,run--bbbb1--aaaa1.sql}', 'or one of them');

SELECT * FROM finish();
ROLLBACK;

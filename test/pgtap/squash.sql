-- Squashing revisions: one that replaces a range, in databases before, inside
-- and past it, with and without the old scripts; what cannot be squashed; what
-- a comparison of schemas cannot carry.  Wants a database with pgtap in it.

\set QUIET on
SET client_min_messages = error;

BEGIN;
CREATE EXTENSION databrain_migrate;
SET LOCAL databrain_migrate.project = 'shop';
SELECT plan(157);

-- Put both scripts of a revision into the catalog.
CREATE FUNCTION pg_temp.put(id text, revises text, up text, down text, more text DEFAULT '', project text DEFAULT 'shop')
RETURNS void LANGUAGE sql AS $$
	SELECT dbm_register(format('%s--%s--%s.sql', project, split_part(revises, ',', 1), id),
			format(E'-- message of %1$s\n--\n-- Revision ID: %1$s\n-- Revises: %2$s\n%3$s\n%4$s', id, revises, more, up)),
		dbm_register(format('%s--%s--%s.sql', project, id, split_part(revises, ',', 1)),
			format(E'-- message of %1$s\n--\n-- Revision ID: %1$s\n-- Revises: %2$s\n%3$s\n%4$s', id, revises, more, down));
$$;
-- Take the old scripts away, as if their files had been deleted.
CREATE FUNCTION pg_temp.delete_scripts(VARIADIC pairs text[]) RETURNS void LANGUAGE sql AS $$
	DELETE FROM dbm.script s USING unnest(pairs) AS p
	WHERE (s.from_revision, s.to_revision) IN ((split_part(p, '>', 1), split_part(p, '>', 2)),
		(split_part(p, '>', 2), split_part(p, '>', 1)));
$$;
-- What is applied, and what counts as history.
CREATE FUNCTION pg_temp.rows() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision || '<' || array_to_string(down_revisions, '+'), ' ' ORDER BY revision)
	FROM dbm.applied WHERE project = current_setting('databrain_migrate.project')
$$;
CREATE FUNCTION pg_temp.history() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(revision || '<' || array_to_string(down_revisions, '+') || CASE WHEN is_applied THEN '*' ELSE '' END,
		' ' ORDER BY revision) FROM dbm_history()
$$;
-- Do something, look, and undo it.
CREATE FUNCTION pg_temp.steps(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT string_agg(direction || '' '' || revision, '', '' ORDER BY step) FROM ' || call INTO result;
	RETURN result;
END
$$;
-- The message, detail and hint of an error.
CREATE FUNCTION pg_temp.error(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	m text; d text; h text;
BEGIN
	EXECUTE 'SELECT * FROM ' || call;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || m, nullif(d, ''), nullif(h, ''));
END
$$;
-- The tables of the project, with their columns.
CREATE FUNCTION pg_temp.tables() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(t, ' ' ORDER BY t) FROM (
		SELECT relname || '(' || string_agg(attname, ',' ORDER BY attname) || ')' AS t
		FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
		GROUP BY relname) AS s
$$;

--
-- A chain: a0 <- b1 <- c2 <- d3 <- e4, of which b1 to d3 are squashed
--

SELECT pg_temp.put('a0', 'base', 'CREATE TABLE a (x int);', 'DROP TABLE a;'),
	pg_temp.put('b1', 'a0', 'CREATE TABLE b (x int);', 'DROP TABLE b;', '-- Branch Labels: lb'),
	pg_temp.put('c2', 'b1', E'ALTER TABLE b ADD y int;\nINSERT INTO b\n-- Revises: nothing\nVALUES (1, 2);', 'ALTER TABLE b DROP y;'),
	pg_temp.put('d3', 'c2', E'CREATE INDEX CONCURRENTLY b_y ON b (y);', 'DROP INDEX b_y;', '-- Transactional: no'),
	pg_temp.put('e4', 'd3', 'ALTER TABLE a ADD z int;', 'ALTER TABLE a DROP z;') \g /dev/null

SELECT is(pg_temp.error($$dbm_squash('c2', 'c2')$$),
	E'22023 nothing to squash\nThe range has no revision but "c2".', 'one revision');
SELECT is(pg_temp.error($$dbm_squash('d3', 'b1')$$),
	E'22023 revision "b1" does not follow revision "d3"\nName the older end of the range first.', 'the wrong way round');
SELECT throws_ok($$SELECT * FROM dbm_squash('b1', 'nope')$$, '42704', NULL, 'no such end');
SELECT throws_ok($$SELECT * FROM dbm_squash('nope', 'b1')$$, '42704', NULL, 'no such beginning');
SELECT throws_ok($$SELECT * FROM dbm_squash('b1', 'base')$$, '22023', NULL, 'base is no end');
SELECT throws_ok($$SELECT * FROM dbm_squash(NULL, 'b1')$$, '22004', NULL, 'null');
SELECT throws_ok($$SELECT * FROM dbm_squash('b1', 'd3', E'two\nlines')$$, '22023', NULL, 'a message of two lines');
SELECT throws_ok($$SELECT * FROM dbm_squash('b1', 'd3', ' ')$$, '22023', NULL, 'an empty message');
SELECT is(pg_temp.history(), 'a0< b1<a0 c2<b1 d3<c2 e4<d3', 'nothing came of it');

SAVEPOINT unsquashed;
CREATE TEMP TABLE files AS SELECT * FROM dbm_squash('b1', 'd3', 'all of b');
SELECT is((SELECT string_agg(file_name, ' ') FROM pg_temp.files), 'shop--a0--d3.sql shop--d3--a0.sql', 'file names');
SELECT is((SELECT regexp_replace(script, E'-- Create Date: [^\n]*\n', '') FROM pg_temp.files LIMIT 1), '-- all of b
--
-- Revision ID: d3
-- Revises: a0
-- Branch Labels: lb
-- Replaces: b1, c2
\echo Use "ALTER EXTENSION shop UPDATE TO ''d3''" to load this file. \quit

CREATE TABLE public.b (
    x integer,
    y integer
);
CREATE INDEX b_y ON public.b USING btree (y);

-- Ran outside of a transaction, but are plain statements here, with stronger
-- locks: what of d3 is concurrent work.

-- Statements of the replaced scripts that may do to rows what a comparison
-- of schemas does not show.  Take over what is needed.
--
-- Revision c2, shop--b1--c2.sql, line 7:
-- | INSERT INTO b
-- | -- Revises: nothing
-- | VALUES (1, 2)
', 'the upgrade script');
SELECT matches((SELECT script FROM pg_temp.files OFFSET 1),
	E'quit\n\n(DROP INDEX public.b_y;\n)?-- \\| table public.b: deletes the table''s rows\nDROP TABLE public.b;\n\n-- Ran outside', 'the downgrade script');
SELECT is(pg_temp.history(), 'a0< d3<a0 e4<d3', 'the history has one in the place of three');
SELECT is(pg_temp.error($$dbm_squash('b1', 'd3')$$),
	E'42704 revision "b1" does not exist any more in project "shop"\nRevision "d3" replaces it.', 'not again');
SELECT throws_ok($$SELECT * FROM dbm_revision('x', rev_id => 'c2', head => 'e4')$$, '42710', NULL, 'an identifier is not given twice');
SELECT is((SELECT string_agg(line, E'\n') FROM dbm_test() AS line WHERE line ~ '^not'), NULL, 'dbm_test finds no fault');
SAVEPOINT squashed;

-- before the range
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade a0, upgrade d3, upgrade e4', 'before: the squashed one runs');
SELECT is(pg_temp.tables(), 'a(x,z) b(x,y)', 'before: what it made');
SELECT is(pg_temp.rows(), 'a0< d3<a0 e4<d3', 'before: what is recorded');
SELECT is(pg_temp.steps($$dbm_downgrade('a0')$$), 'downgrade e4, downgrade d3', 'and back');
SELECT is(pg_temp.tables(), 'a(x)', 'and back: what it left');
SELECT is(pg_temp.steps($$dbm_upgrade('lb@head')$$), 'upgrade d3, upgrade e4', 'the label is still one');
SELECT is_empty('SELECT * FROM dbm_check()', 'before: all is well');
ROLLBACK TO squashed;
SELECT is(pg_temp.error($$dbm_require('c2')$$),
	E'55000 revision "d3" of project "shop" is not applied\nThe database is at base.\nRun dbm_upgrade() first.', 'what was replaced is not applied either');
SELECT is(pg_temp.error($$dbm_upgrade('c2')$$),
	E'42704 revision "c2" does not exist any more in project "shop"\nRevision "d3" replaces it.', 'no way to the middle');
ROLLBACK TO squashed;

-- inside, the old scripts are there
DELETE FROM dbm.script WHERE (from_revision, to_revision) IN (('a0', 'd3'), ('d3', 'a0'));
UPDATE dbm.script SET script = replace(script, '-- Transactional: no', '') WHERE script ~ 'Transactional';
UPDATE dbm.script SET script = replace(script, 'CONCURRENTLY', '') WHERE to_revision = 'd3';
SELECT is(pg_temp.steps($$dbm_upgrade('c2')$$), 'upgrade a0, upgrade b1, upgrade c2', 'with the old scripts');
SELECT dbm_register(file_name, script) FROM pg_temp.files \g /dev/null
SAVEPOINT inside;
SELECT is(pg_temp.history(), 'a0<* b1<a0* c2<b1* d3<c2 e4<d3', 'inside: the old ones count');
SELECT is(pg_temp.steps($$dbm_downgrade('b1')$$), 'downgrade c2', 'inside: one back');
SELECT is(pg_temp.steps($$dbm_downgrade('a0')$$), 'downgrade b1', 'inside: out at the beginning');
SELECT is(pg_temp.history(), 'a0<* d3<a0 e4<d3', 'before again: the squashed one counts');
ROLLBACK TO inside;
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade d3, upgrade e4', 'inside: to the end with the old scripts');
SELECT is(pg_temp.rows(), 'a0< b1<a0 c2<b1 d3<c2 e4<d3', 'as they are');
SAVEPOINT past;
SELECT applied_at || applied_by AS applied FROM dbm.applied WHERE revision = 'd3' \gset

-- past: the next call that writes
SELECT is(pg_temp.history(), 'a0<* d3<a0* e4<d3*', 'past: the state is shown in its new shape');
SELECT is_empty('SELECT * FROM dbm_check()', 'past: all is well');
SELECT is(pg_temp.error($$dbm_sql('base')$$),
	E'55000 state of project "shop" has revisions that were replaced\nA script can be made when the ones that replace them have taken their place.\nCall dbm_upgrade(\'e4\', \'shop\'), which does that and runs nothing.',
	'past: no script to be run elsewhere');
SELECT is((SELECT downgrade_script ~ 'DROP TABLE public.b' FROM dbm_show('d3')), true, 'past: the new scripts are shown');
SELECT lives_ok($$SELECT dbm_require('b1, c2,d3')$$, 'past: what an application requires is there');
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'past: nothing runs');
SELECT is(pg_temp.rows(), 'a0< d3<a0 e4<d3', 'past: but the state is relabelled');
SELECT results_eq($$SELECT direction, revision, from_revisions, to_revisions, statements, file, outcome FROM dbm_log() ORDER BY id DESC LIMIT 1$$,
	$$VALUES ('relabel', 'd3', '{b1,c2,d3}'::text[], '{d3}'::text[], 0, 'shop--a0--d3.sql', 'done')$$, 'past: it is logged');
SELECT is((SELECT count(*)::int FROM dbm_log() WHERE direction = 'relabel'), 1, 'past: once');
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'past: again nothing');
SELECT is((SELECT count(*)::int FROM dbm_log() WHERE direction = 'relabel'), 1, 'past: and no log');
SELECT is((SELECT applied_at || applied_by FROM dbm.applied WHERE revision = 'd3'), :'applied', 'past: when it was applied, and by whom, stays');
SELECT lives_ok($$SELECT dbm_require('b1')$$, 'past: an application may still require an old one');
SELECT is(pg_temp.steps($$dbm_downgrade('a0')$$), 'downgrade e4, downgrade d3', 'past: down by the new script');
SELECT is(pg_temp.tables(), 'a(x)', 'past: what is left');
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade d3, upgrade e4', 'past: up by the new script');
SELECT is((SELECT count(*)::int FROM b), 0, 'which has no rows to insert');
ROLLBACK TO past;
SELECT is(pg_temp.steps($$dbm_downgrade('d3')$$), 'downgrade e4', 'past: to its end');
SELECT is(pg_temp.rows(), 'a0< d3<a0', 'past: relabelled by a downgrade too');
ROLLBACK TO past;
SELECT is(pg_temp.steps($$dbm_downgrade('a0')$$), 'downgrade e4, downgrade d3', 'past: down at once, relabelled first');
SELECT is(pg_temp.tables(), 'a(x)', 'past: what is left then');
SELECT is(pg_temp.rows(), 'a0<', 'past: and recorded');
ROLLBACK TO past;
SELECT is(pg_temp.steps($$dbm_stamp('d3')$$), 'stamp d3', 'past: a stamp');
SELECT is(pg_temp.rows(), 'a0< d3<a0', 'past: relabels as well');
ROLLBACK TO past;
SELECT is(pg_temp.error($$dbm_downgrade('c2')$$),
	E'42704 revision "c2" does not exist any more in project "shop"\nRevision "d3" replaces it.', 'past: no way into the range');
ROLLBACK TO past;

-- past, and the old files are deleted
SELECT pg_temp.delete_scripts('a0>b1', 'b1>c2', 'c2>d3') \g /dev/null
SELECT is(pg_temp.history(), 'a0<* d3<a0* e4<d3*', 'old scripts deleted: the same');
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'old scripts deleted: nothing runs');
SELECT is(pg_temp.rows(), 'a0< d3<a0 e4<d3', 'old scripts deleted: relabelled');
SELECT is_empty('SELECT * FROM dbm_check()', 'old scripts deleted: all is well');
-- an old program's scripts come back, the new ones are gone
SELECT pg_temp.delete_scripts('a0>d3') \g /dev/null
SELECT dbm_register('shop--c2--d3.sql', E'-- x\n-- Revision ID: d3\n-- Revises: c2\n;') \g /dev/null
SELECT matches(pg_temp.error('dbm_upgrade()'), '^55000 parents of applied revision "d3" were changed', 'the old scripts alone are refused');
ROLLBACK TO past;

-- a squashed script of a role with fewer rights
CREATE ROLE dbm_test_squash;
UPDATE dbm.script SET author = 'dbm_test_squash' WHERE to_revision = 'd3' AND from_revision = 'a0';
SELECT matches(pg_temp.error('dbm_upgrade()'), '^42501 revision "d3" of project "shop" was written by another role', 'past: nobody else tells what the state is');
SELECT is(pg_temp.rows(), 'a0< b1<a0 c2<b1 d3<c2 e4<d3', 'past: then it stays');
SELECT dbm_adopt('d3') \g /dev/null
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'past: having read it, one may adopt it');
SELECT is(pg_temp.rows(), 'a0< d3<a0 e4<d3', 'past: then it is done');
ROLLBACK TO past;

-- taking the old scripts out of the catalog
SELECT dbm_upgrade() \g /dev/null
SELECT lives_ok($$SELECT dbm_unregister('b1'), dbm_unregister('c2'), dbm_unregister('d3')$$, 'replaced scripts can go');
SELECT is((SELECT string_agg(from_revision || '>' || to_revision, ' ' ORDER BY from_revision, to_revision) FROM dbm.script),
	'a0>base a0>d3 base>a0 d3>a0 d3>e4 e4>d3', 'the others stay');
SELECT throws_ok($$SELECT dbm_unregister('d3')$$, '55006', NULL, 'the applied shape stays');
SELECT lives_ok($$SELECT dbm_register('shop--c2--d3.sql', E'-- x\n-- Revision ID: d3\n-- Revises: c2\n;')$$, 'old scripts may be registered again');
SELECT is(pg_temp.history(), 'a0<* d3<a0* e4<d3*', 'without effect');
SELECT throws_ok($$SELECT dbm_register('shop--a0--d3.sql', E'-- x\n-- Revision ID: d3\n-- Revises: a0\n-- Replaces: b1, c2\nDROP TABLE b;')$$, '55006', NULL,
	'but no other content of the applied shape');
ROLLBACK TO inside;

-- inside, and an old script is missing
SELECT pg_temp.delete_scripts('a0>b1', 'c2>d3') \g /dev/null
SELECT is(pg_temp.error('dbm_upgrade()'),
	E'55000 database is inside the range of revisions that "d3" of project "shop" replaces\n' ||
	E'Applied or begun: "b1", "c2".  Without an upgrade script: "d3".\n' ||
	E'Put the scripts of the replaced revisions back and upgrade to "d3" with them.  If the schema is what that builds, say so with dbm_stamp(''d3'', project => ''shop'').',
	'inside without the old scripts');
SELECT throws_ok('SELECT * FROM dbm_current()', '55000', NULL, 'nor is a state shown that nobody can leave');
SELECT is(pg_temp.rows(), 'a0< b1<a0 c2<b1', 'nothing changed');
SELECT lives_ok($$SELECT dbm_register('shop--c2--d3.sql', E'-- x\n-- Revision ID: d3\n-- Revises: c2\nCREATE INDEX b_y ON b (y);')$$, 'the script is put back');
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade d3, upgrade e4', 'and leads out');
SELECT is(pg_temp.history(), 'a0<* d3<a0* e4<d3*', 'past');
ROLLBACK TO inside;
SELECT pg_temp.delete_scripts('a0>b1', 'b1>c2', 'c2>d3') \g /dev/null
CREATE INDEX b_y ON b (y);
SELECT is(pg_temp.steps($$dbm_stamp('d3')$$), 'stamp d3', 'or somebody says that it was done by hand');
SELECT is(pg_temp.rows(), 'a0< d3<a0', 'then it is so');
SELECT is((SELECT string_agg(direction || ' ' || from_revisions::text || to_revisions::text, ' ' ORDER BY id) FROM dbm_log() WHERE direction <> 'upgrade'),
	'relabel {b1,c2}{} stamp {a0}{d3}', 'and the log says who');
ROLLBACK TO inside;

-- half of the range's first revision is done
SELECT dbm_downgrade('a0') \g /dev/null
SELECT is(pg_temp.history(), 'a0<* d3<a0 e4<d3', 'before the range');
INSERT INTO dbm.step VALUES ('shop', 'b1', 'upgrade', 1, 1, 'x');
SELECT is(pg_temp.history(), 'a0<* b1<a0 c2<b1 d3<c2 e4<d3', 'in the middle of its first revision the old ones count');
SELECT pg_temp.delete_scripts('b1>c2') \g /dev/null
SELECT matches(pg_temp.error('dbm_upgrade()'), E'^55000 database is inside .*\nApplied or begun: "b1".  Without an upgrade script: "c2".\n', 'and have to be there');
ROLLBACK TO squashed;

-- scripts that still build on the inside
SAVEPOINT s;
SELECT pg_temp.put('f5', 'c2', '', '') \g /dev/null
SELECT is(pg_temp.error('dbm_history()'),
	E'42P17 revision "f5" revises "c2", which does not exist in project "shop"\nRevision "f5" was read from registered script "shop--c2--f5.sql".\nRevision "d3" replaces it: name that instead.',
	'a revision that follows a replaced one');
ROLLBACK TO s;
SELECT pg_temp.put('f5', 'a0', '', '', '-- Depends On: b1') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), E'^42P17 revision "f5" depends on revision "b1", .*\nRevision "d3" replaces it: name that instead.', 'one that depends on it');
ROLLBACK TO s;
SELECT pg_temp.put('c9', 'e4', '', '', '-- Branch Labels: b1') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), '^42710 revision "d3" replaces "b1", which is already used by revision "c9"', 'a label of that name');
ROLLBACK TO s;

-- headers that make no sense
SELECT dbm_register('shop--e4--f5.sql', E'-- x\n-- Revision ID: f5\n-- Replaces: f5\n;') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), '^42P17 header of script file "shop--e4--f5.sql" cannot replace revisions\nIt names the revision itself', 'itself');
ROLLBACK TO s;
SELECT dbm_register('shop--e4--f5.sql', E'-- x\n-- Revision ID: f5\n-- Replaces: e4\n;') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), 'It names a parent', 'its parent');
ROLLBACK TO s;
SELECT dbm_register('shop--e4--f5.sql', E'-- x\n-- Replaces: nn\n;') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), 'It has no Revision ID', 'nobody');
ROLLBACK TO s;
SELECT throws_ok($$SELECT dbm_register('shop--e4--f5.sql', E'-- x\n-- Revision ID: f5\n-- Replaces: a+b\n;')$$, '42602', NULL, 'an illegal name');
SELECT dbm_register('shop--b1--e4.sql', E'-- x\n-- Revision ID: e4\n-- Revises: b1\n-- Replaces: c2, d3\n;') \g /dev/null
SELECT matches(pg_temp.error('dbm_history()'), '^42710 revision "c2" of project "shop" is replaced twice', 'ranges that overlap');
ROLLBACK TO s;

-- a template without a place for it
SELECT dbm_set_template(E'-- ${message}\n-- Revision ID: ${revision}\n-- Revises: ${down_revision}\n-- Branch Labels: ${branch_labels}\n-- Depends On: ${depends_on}\n-- Transactional: ${transactional}\n${body}') \g /dev/null
SELECT matches(pg_temp.error($$dbm_squash('d3', 'e4')$$), 'Its "Replaces" would be read as "" instead of "b1, c2, d3"', 'a template has to have the line');
ROLLBACK TO s;

--
-- A squashed revision in a range
--

SELECT is((SELECT string_agg(file_name, ' ') FROM dbm_squash('base', 'e4')), 'shop--base--e4.sql shop--e4--base.sql', 'squash what was squashed');
SELECT is((SELECT (regexp_match(upgrade_script, 'Replaces: (.*?)\n'))[1] FROM dbm_show('e4')), 'a0, b1, c2, d3', 'all of it is replaced');
SELECT is(pg_temp.history(), 'e4<', 'one is left');
SAVEPOINT twice;
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade e4', 'one step');
SELECT is(pg_temp.tables(), 'a(x,z) b(x,y)', 'makes it all');
SELECT is(pg_temp.steps($$dbm_downgrade('base')$$), 'downgrade e4', 'one step back');
SELECT is(pg_temp.tables(), NULL, 'takes it all');
ROLLBACK TO twice;
-- a database that was left in the first range, all scripts there
INSERT INTO dbm.applied (project, revision, down_revisions, depends_on, branch_labels, message, transactional, applied_at, applied_by, stamped)
VALUES ('shop', 'a0', '{}', '{}', '{}', '', true, now(), 'me', false), ('shop', 'b1', '{a0}', '{}', '{lb}', '', true, now(), 'me', false);
SELECT is(pg_temp.history(), 'a0<* b1<a0* c2<b1 d3<c2 e4<d3', 'inside both');
CREATE TABLE a (x int);
SAVEPOINT deep;
DELETE FROM dbm.applied WHERE revision = 'b1';
SELECT is(pg_temp.history(), 'a0<* d3<a0 e4<d3', 'inside the bigger, before the smaller');
SELECT pg_temp.delete_scripts('a0>b1', 'b1>c2', 'c2>d3') \g /dev/null
SELECT is(pg_temp.history(), 'a0<* d3<a0 e4<d3', 'the smaller one needs no old scripts then');
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade d3, upgrade e4', 'and leads out of the bigger');
SELECT is(pg_temp.history(), 'e4<*', 'past both');
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'nothing to do there');
SELECT is(pg_temp.rows(), 'e4<', 'but to relabel');
ROLLBACK TO deep;
INSERT INTO dbm.applied SELECT project, 'c2', '{b1}', depends_on, '{}', message, create_date, upgrade_script, downgrade_script,
	upgrade_author, downgrade_author, transactional, checksum, applied_at, applied_by, stamped FROM dbm.applied WHERE revision = 'b1';
INSERT INTO dbm.applied SELECT project, 'd3', '{c2}', depends_on, '{}', message, create_date, upgrade_script, downgrade_script,
	upgrade_author, downgrade_author, transactional, checksum, applied_at, applied_by, stamped FROM dbm.applied WHERE revision = 'b1';
SELECT is(pg_temp.history(), 'a0<* d3<a0* e4<d3', 'past the smaller, inside the bigger');
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade e4', 'one step to the end');
SELECT is((SELECT string_agg(revision || from_revisions::text, ' ' ORDER BY id) FROM dbm_log() WHERE direction = 'relabel'), 'd3{b1,c2,d3}', 'the smaller one was relabelled');
SELECT is(pg_temp.steps('dbm_upgrade()'), NULL, 'then nothing');
SELECT is((SELECT string_agg(revision || from_revisions::text, ' ' ORDER BY id) FROM dbm_log() WHERE direction = 'relabel'), 'd3{b1,c2,d3} e4{a0,d3,e4}', 'and the bigger one');
ROLLBACK TO unsquashed;

--
-- Branches, merges and dependencies
--
--		r0 <- m1 <- n2a <------- p3 <- q4		z0 (another root)
--				 <- n2b <- o2b <-/				n2b depends on z0
--

SELECT pg_temp.put('r0', 'base', 'CREATE TABLE r (id int PRIMARY KEY);', 'DROP TABLE r;', '', 'tree'),
	pg_temp.put('m1', 'r0', 'CREATE TABLE m (id int REFERENCES r);', 'DROP TABLE m;', '', 'tree'),
	pg_temp.put('n2a', 'm1', 'ALTER TABLE m ADD a int;', 'ALTER TABLE m DROP a;', '-- Branch Labels: left', 'tree'),
	pg_temp.put('n2b', 'm1', 'ALTER TABLE m ADD b mood;', 'ALTER TABLE m DROP b;', E'-- Branch Labels: right\n-- Depends On: z0', 'tree'),
	pg_temp.put('o2b', 'n2b', 'CREATE VIEW v AS SELECT b FROM m; TRUNCATE m; SELECT setval(''s'', 1) WHERE false; UPDATE m SET b = ''ok'';', 'DROP VIEW v;', '', 'tree'),
	pg_temp.put('p3', 'n2a,o2b', 'CREATE FUNCTION f() RETURNS SETOF v LANGUAGE sql AS ''SELECT * FROM v''; DO ''BEGIN END'';', 'DROP FUNCTION f();', '', 'tree'),
	pg_temp.put('q4', 'p3', 'ALTER TABLE r ADD q int;', 'ALTER TABLE r DROP q;', '', 'tree'),
	pg_temp.put('z0', 'base', 'CREATE TYPE mood AS ENUM (''ok'', ''bad''); CREATE SEQUENCE s;', 'DROP TYPE mood; DROP SEQUENCE s;', '', 'tree') \g /dev/null
SET LOCAL databrain_migrate.project = 'tree';

SELECT is(pg_temp.error($$dbm_squash('m1', 'n2a')$$),
	E'55000 revision "m1" of project "tree" cannot be squashed with the others\nRevision "n2b", which lies outside of the range, follows it.\nEnd the range there, or behind the revision that joins the branches.',
	'a branch goes out of the range');
SELECT is(pg_temp.error($$dbm_squash('n2b', 'q4')$$),
	E'55000 revision "p3" of project "tree" cannot be squashed with the others\nIt joins the range with revision "n2a", which lies outside.\nBegin the range at a revision that all of it follows, or behind the merge.',
	'a branch comes into the range');
SAVEPOINT t;
SELECT pg_temp.put('y0', 'z0', '', '', '-- Depends On: right', 'tree') \g /dev/null
SELECT is(pg_temp.error($$dbm_squash('m1', 'p3')$$),
	E'55000 revision "n2b" of project "tree" cannot be squashed with the others\nRevision "y0", which lies outside of the range, depends on it.\nEnd the range there, or let that revision depend on the end of the range.',
	'a dependency goes into the range');
ROLLBACK TO t;
SELECT pg_temp.put('y0', 'z0', '', '', '-- Depends On: p3', 'tree') \g /dev/null
SELECT lives_ok($$SELECT * FROM dbm_squash('m1', 'p3')$$, 'on its end it is welcome');
SELECT is(pg_temp.steps($$dbm_upgrade('y0')$$), 'upgrade r0, upgrade z0, upgrade p3, upgrade y0', 'and still met');
ROLLBACK TO t;

CREATE TEMP TABLE tree AS SELECT * FROM dbm_squash('m1', 'p3');
SELECT matches((SELECT script FROM pg_temp.tree LIMIT 1),
	E'^-- squash m1 to p3\n--\n-- Revision ID: p3\n-- Revises: r0\n-- Create Date: .*?\n-- Branch Labels: left, right\n-- Depends On: z0\n-- Replaces: m1, n2a, n2b, o2b\n', 'its header');
SELECT is((SELECT string_agg(m[1] || ' ' || m[2], '; ') FROM pg_temp.tree, regexp_matches(script, E'-- Revision (\\w+), tree[^\n]*\n-- \\| (\\w+)', 'g') AS m),
	'o2b TRUNCATE; o2b SELECT; o2b UPDATE; p3 DO', 'statements that are lost');
SELECT unalike((SELECT script FROM pg_temp.tree LIMIT 1), '%CREATE TYPE%', 'what it depends on is not in it');
SELECT is(pg_temp.history(), 'p3<r0 q4<p3 r0< z0<', 'the graph');
SELECT is((SELECT string_agg(line, E'\n') FROM dbm_test('tree') AS line WHERE line ~ '^not' AND line !~ 'one head'), NULL, 'dbm_test finds no fault in it');
SELECT is(pg_temp.steps($$dbm_upgrade('heads')$$), 'upgrade r0, upgrade z0, upgrade p3, upgrade q4', 'it runs behind its dependency');
SELECT is(pg_temp.tables(), 'm(a,b,id) r(id,q)', 'what it makes');
SELECT is_empty($$SELECT * FROM dbm_check() WHERE problem <> 'several heads'$$, 'all is well');
SELECT is(pg_temp.steps($$dbm_downgrade('r0')$$), 'downgrade q4, downgrade p3', 'and back');
SELECT is(pg_temp.tables(), 'r(id)', 'what it leaves');
ROLLBACK TO t;
-- a database in each place of the old graph, then the squashed revision comes
CREATE FUNCTION pg_temp.at(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM dbm_upgrade(target, 'tree');
	PERFORM dbm_register(file_name, script) FROM pg_temp.tree;
	result := coalesce(pg_temp.steps($s$dbm_upgrade('heads')$s$), 'nothing') || ' ';
	PERFORM dbm_upgrade('heads');
	result := result || pg_temp.rows();
	PERFORM dbm_downgrade('base');
	IF pg_temp.tables() IS NOT NULL THEN
		RAISE EXCEPTION 'left: %', pg_temp.tables();
	END IF;
	RAISE EXCEPTION USING errcode = 'P0099', message = result;
EXCEPTION WHEN SQLSTATE 'P0099' THEN
	RETURN result;
END
$$;
CREATE TEMP TABLE tree AS SELECT * FROM dbm_squash('m1', 'p3');
DELETE FROM dbm.script s USING pg_temp.tree t WHERE s.script = t.script;
SELECT is(pg_temp.at('z0'), 'upgrade r0, upgrade p3, upgrade q4 p3<r0 q4<p3 r0< z0<', 'at z0');
SELECT is(pg_temp.at('r0'), 'upgrade z0, upgrade p3, upgrade q4 p3<r0 q4<p3 r0< z0<', 'at r0');
SELECT is(pg_temp.at('m1'), 'upgrade n2a, upgrade z0, upgrade n2b, upgrade o2b, upgrade p3, upgrade q4 p3<r0 q4<p3 r0< z0<', 'at m1');
SELECT is(pg_temp.at('n2a'), 'upgrade z0, upgrade n2b, upgrade o2b, upgrade p3, upgrade q4 p3<r0 q4<p3 r0< z0<', 'at n2a');
SELECT is(pg_temp.at('n2a,o2b'), 'upgrade p3, upgrade q4 p3<r0 q4<p3 r0< z0<', 'at n2a and o2b');
SELECT is(pg_temp.at('p3'), 'upgrade q4 p3<r0 q4<p3 r0< z0<', 'at p3');
SELECT is(pg_temp.at('q4'), 'nothing p3<r0 q4<p3 r0< z0<', 'at q4');
ROLLBACK TO t;

-- what becomes of rows that are there before the range
SELECT pg_temp.put('u1', 'r0', 'ALTER TABLE r RENAME id TO nr;', 'ALTER TABLE r RENAME nr TO id;', '', 'tree'),
	pg_temp.put('u2', 'u1', 'ALTER TABLE r ALTER nr TYPE text USING ''n'' || nr;', 'ALTER TABLE r ALTER nr TYPE int USING substr(nr, 2)::int;', '', 'tree'),
	pg_temp.put('u3', 'u2', 'CREATE SCHEMA s2; ALTER TABLE r ALTER nr TYPE varchar; ALTER TABLE r SET SCHEMA s2;', 'ALTER TABLE s2.r SET SCHEMA public; DROP SCHEMA s2;', '', 'tree') \g /dev/null
CREATE TEMP TABLE renamed AS SELECT * FROM dbm_squash('u1', 'u3');
SELECT is((SELECT string_agg(m[1] || ' ' || m[2], '; ') FROM pg_temp.renamed, regexp_matches(script, E'-- Revision (\\w+), tree[^\n]*\n-- \\| ALTER TABLE (?:s2.)?r (\\w+)', 'g') AS m WHERE file_name ~ 'u3.sql'),
	'u1 RENAME; u2 ALTER; u3 SET', 'renaming and converting are named');
SELECT matches((SELECT script FROM pg_temp.renamed LIMIT 1), E'-- \\| [^\n]*deletes', 'and what it comes to otherwise');
ROLLBACK TO t;

-- scripts without a header
SELECT dbm_register('plain--base--a.sql', 'CREATE TABLE pa ();'), dbm_register('plain--a--base.sql', 'DROP TABLE pa;'),
	dbm_register('plain--a--b.sql', 'CREATE TABLE pb ();'), dbm_register('plain--b--a.sql', 'DROP TABLE pb;'),
	dbm_register('plain--b--c.sql', 'CREATE TABLE pc ();'), dbm_register('plain--c--b.sql', 'DROP TABLE pc;') \g /dev/null
SET LOCAL databrain_migrate.project = 'plain';
SELECT is((SELECT string_agg(file_name, ' ') FROM dbm_squash('a', 'b')), 'plain--base--b.sql plain--b--base.sql', 'scripts without a header can be squashed');
SELECT is(pg_temp.history(), 'b< c<b', 'and are hidden then');
INSERT INTO dbm.applied (project, revision, down_revisions, depends_on, branch_labels, message, transactional, applied_at, applied_by, stamped)
VALUES ('plain', 'a', '{}', '{}', '{}', '', true, now(), 'me', false);
SELECT is(pg_temp.history(), 'a<* b<a c<b', 'and count inside');
ROLLBACK TO t;

-- a revision that cannot be downgraded
DELETE FROM dbm.script WHERE project = 'tree' AND from_revision = 'o2b' AND to_revision = 'n2b';
SELECT is((SELECT string_agg(file_name, ' ') FROM dbm_squash('m1', 'p3')), 'tree--r0--p3.sql', 'then neither can the squashed one');
ROLLBACK TO t;

-- a script made for elsewhere
SELECT dbm_squash('m1', 'p3') \g /dev/null
SELECT matches(dbm_sql('r0,z0:p3'), $e$Already applied(.|\n)*BEGIN$e$, 'a script for elsewhere looks whether something of the range is there');
SELECT matches(dbm_sql('r0,z0:p3'), '''p3'', ''m1'', ''n2a'', ''n2b'', ''o2b''', 'by name');
SELECT matches(dbm_sql('p3:r0'), '''m1'', ''n2a'', ''n2b'', ''o2b''', 'downwards too');
ROLLBACK TO t;

--
-- DataBrain's revisions, and the door
--

SET LOCAL databrain_migrate.project = 'databrain';
CREATE EXTENSION databrain;
SAVEPOINT d;
CREATE TEMP TABLE brain AS SELECT * FROM dbm_squash('750bcd1e35fa', 'head', 'the first three');
DELETE FROM dbm.script s USING pg_temp.brain b WHERE s.script = b.script;
CREATE TEMP TABLE built AS SELECT * FROM dbm_diff('empty', 'revision:head');
SAVEPOINT files;
SELECT dbm_register(file_name, script) FROM pg_temp.brain \g /dev/null
SELECT is(pg_temp.history(), '29e0e8f6dd42<', 'one revision');
SELECT results_eq($$SELECT * FROM dbm_diff('empty', 'revision:head')$$, 'SELECT * FROM pg_temp.built', 'builds what the three built');
SELECT is((SELECT string_agg(line, E'\n') FROM dbm_test() AS line WHERE line ~ '^not'), NULL, 'dbm_test finds no fault in it either');
ALTER EXTENSION databrain UPDATE TO '29e0e8f6dd42';
SELECT is(pg_temp.rows(), '29e0e8f6dd42<', 'before, by the door');
SELECT is_empty('SELECT * FROM dbm_check()', 'before, by the door: all is well');
ALTER EXTENSION databrain UPDATE TO 'base';
SELECT is(pg_temp.tables(), NULL, 'and back');
SELECT throws_ok($$ALTER EXTENSION databrain UPDATE TO '39015ae510e0'$$, '42704', NULL, 'not to the middle');
ROLLBACK TO files;
ALTER EXTENSION databrain UPDATE TO '39015ae510e0';
SELECT dbm_register(file_name, script) FROM pg_temp.brain \g /dev/null
SELECT is(pg_temp.steps('dbm_upgrade()'), 'upgrade 29e0e8f6dd42', 'inside: with the files that are there');
SELECT is((SELECT extversion FROM pg_extension WHERE extname = 'databrain'), '29e0e8f6dd42', 'the mirror');
ALTER EXTENSION databrain UPDATE TO '29e0e8f6dd42';
SELECT is(pg_temp.rows(), '29e0e8f6dd42<', 'past: relabelled by the door');
SELECT is((SELECT extversion FROM pg_extension WHERE extname = 'databrain'), '29e0e8f6dd42', 'the mirror stays');
SELECT is_empty('SELECT * FROM dbm_check()', 'past: all is well here too');
INSERT INTO tenant (name) VALUES ('kept');
SELECT is((SELECT count(*)::int FROM tenant), 1, 'with the tables in use');
ALTER EXTENSION databrain UPDATE TO 'base';
SELECT is(pg_temp.tables(), NULL, 'past: down to base');
ROLLBACK TO files;

-- no finish(): it would not count what savepoints took back
ROLLBACK;

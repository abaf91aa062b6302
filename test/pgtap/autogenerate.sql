-- Revisions generated from the model: what is written, what is refused, and
-- what filters leave out.  That generated scripts lead where they should is
-- proved in test/clients/autogenerate.py.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
CREATE EXTENSION databrain;
SELECT plan(81);

CREATE FUNCTION pg_temp.refused(call text, sqlstate text, description text)
RETURNS text LANGUAGE sql AS $$
	SELECT public.throws_ok('SELECT * FROM ' || call, sqlstate, NULL, description) $$;

-- arguments
SELECT pg_temp.refused($$ dbm_revision('x', true) $$, '42704', 'no model');
SELECT dbm_set_model('CREATE TABLE t (a int)') \gset
SELECT pg_temp.refused($$ dbm_revision('x', true, upgrade_sql => 'SELECT 1') $$, '22023', 'statements besides');
SELECT pg_temp.refused($$ dbm_revision('x', true, downgrade_sql => 'SELECT 1') $$, '22023', 'downgrade statements besides');
SELECT throws_like($$ SELECT dbm_revision('x', true, transactional => false) $$, '%decides itself%', 'not transactional');
SELECT pg_temp.refused($$ dbm_revision('x', true, compare_with => 'model') $$, '22023', 'unknown base');
SELECT pg_temp.refused($$ dbm_revision('x', true, compare_with => NULL) $$, '22004', 'no base');
SELECT pg_temp.refused($$ dbm_revision('x', true, schemas => '{nosuch}') $$, '3F000', 'unknown schema');
SELECT pg_temp.refused($$ dbm_revision('x', true, kinds => '{table,nosuch}') $$, '22023', 'unknown kind');
SELECT pg_temp.refused($$ dbm_revision('x', true, kinds => '{NULL}') $$, '22004', 'null among the kinds');
SELECT pg_temp.refused($$ dbm_revision('x', true, include => '(') $$, '2201B', 'include is no regular expression');
SELECT pg_temp.refused($$ dbm_revision('x', true, exclude => '(') $$, '2201B', 'exclude is no regular expression');
SELECT pg_temp.refused($$ dbm_revision('x', true, head => 'nosuch') $$, '42704', 'unknown parent');
SELECT pg_temp.refused($$ dbm_diff('live', 'model', kinds => '{nosuch}') $$, '22023', 'the same of dbm_diff: kinds');
SELECT pg_temp.refused($$ dbm_diff('live', 'model', include => '(') $$, '2201B', 'include');
SELECT pg_temp.refused($$ dbm_diff('live', 'model', exclude => '(') $$, '2201B', 'exclude');

-- settings
SELECT throws_ok($$ SET databrain_migrate.include = '(' $$, '2201B', NULL, 'setting include');
SELECT throws_ok($$ SET databrain_migrate.exclude = '[a' $$, '2201B', NULL, 'setting exclude');
SELECT throws_ok($$ SET databrain_migrate.schemas = 'a,,b' $$, '22023', NULL, 'setting schemas');
CREATE ROLE regress_filter;
SET LOCAL ROLE regress_filter;
SELECT throws_ok($$ SET databrain_migrate.schemas = 'public' $$, '42501', NULL, 'schemas is for superusers');
SELECT lives_ok($$ SET LOCAL databrain_migrate.exclude = '^x' $$, 'exclude is for all');
RESET ROLE;
SET LOCAL databrain_migrate.exclude = '';

-- a project that has no revision yet
SELECT dbm_set_model($$
	CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
	COMMENT ON TABLE author IS 'Who writes';
	CREATE TABLE book (id int PRIMARY KEY, author_id int REFERENCES author, title text);
	CREATE INDEX book_title_idx ON book (title);
	CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql AS 'SELECT upper(t)';
$$, 'lib') \gset
SELECT is((SELECT count(*)::int FROM dbm_revision('first', true, rev_id => 'aaaa1', project => 'lib')), 2, 'two files');
SELECT is((SELECT regexp_replace(upgrade_script, '\A.*quit\n', '') FROM dbm_show('aaaa1', 'lib')), $script$
-- Generated: from "empty" to "model".

SET check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.shout(t text)
 RETURNS text
 LANGUAGE sql
AS $function$SELECT upper(t)$function$;

CREATE TABLE public.author (
    id integer NOT NULL,
    name text NOT NULL
);

COMMENT ON TABLE public.author IS 'Who writes';

CREATE TABLE public.book (
    id integer NOT NULL,
    author_id integer,
    title text
);

ALTER TABLE public.author ADD CONSTRAINT author_pkey PRIMARY KEY (id);
ALTER TABLE public.book ADD CONSTRAINT book_pkey PRIMARY KEY (id);
CREATE INDEX book_title_idx ON public.book USING btree (title);
ALTER TABLE public.book ADD CONSTRAINT book_author_id_fkey FOREIGN KEY (author_id) REFERENCES public.author(id);
$script$, 'an upgrade worth reading');
SELECT is((SELECT regexp_replace(downgrade_script, '\A.*quit\n', '') FROM dbm_show('aaaa1', 'lib')), $script$
-- Generated: the way back.
-- It deletes data; see below.
--
-- Hazards:
--   table public.author: deletes the table's rows
--   table public.book: deletes the table's rows

ALTER TABLE public.book DROP CONSTRAINT book_author_id_fkey;

-- Hazard: deletes the table's rows
DROP TABLE public.author;

-- Hazard: deletes the table's rows
DROP TABLE public.book;

DROP FUNCTION public.shout(text);
$script$, 'and a downgrade that says what it costs');
SELECT is_empty($$ SELECT * FROM dbm_revision('again', true, project => 'lib') $$, 'nothing more to write');
SELECT is((SELECT count(*)::int FROM dbm_history(project => 'lib')), 1, 'and nothing is written');
SELECT is((SELECT count(*)::int FROM dbm_upgrade(project => 'lib')), 1, 'up');
SELECT is((SELECT count(*)::int FROM dbm_downgrade('base', 'lib')), 1, 'down');
SELECT is((SELECT count(*)::int FROM dbm_upgrade(project => 'lib')), 1, 'up again');
SELECT is_empty($$ SELECT * FROM dbm_test('lib') AS line WHERE line ~ '^not' $$, 'dbm_test finds nothing wrong');
SELECT is_empty($$ SELECT * FROM dbm_check('lib') $$, 'nor does dbm_check');

-- the next one
SELECT dbm_set_model($$
	CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL, born date);
	COMMENT ON TABLE author IS 'Who writes';
	CREATE TABLE book (id int PRIMARY KEY, author_id int REFERENCES author, pages int);
	CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql AS 'SELECT upper(t)';
$$, 'lib') \gset
SELECT is((SELECT count(*)::int FROM dbm_revision('second', true, rev_id => 'bbbb1', project => 'lib')), 2, 'the next one');
SELECT matches((SELECT upgrade_script FROM dbm_show('bbbb1', 'lib')),
	E'\n-- Generated: from "revision:aaaa1".*\n--   column public.book.title: deletes the column''s values\n.*\n-- Hazard: deletes the column''s values\nALTER TABLE public.book DROP COLUMN title;\n',
	'hazards stand at the top, and above their statements');
SELECT matches((SELECT downgrade_script FROM dbm_show('bbbb1', 'lib')),
	E'\n-- It deletes data; see below\\.\n--\n-- Gone with the upgrade, and made again without its data:\n--   column public.book.title\n--\n-- Hazards:\n',
	'a downgrade says what it cannot bring back');
SELECT is((SELECT count(*)::int FROM dbm_upgrade(project => 'lib')), 1, 'up');
SELECT is((SELECT count(*)::int FROM dbm_downgrade('-1', 'lib')), 1, 'down');
SELECT is((SELECT count(*)::int FROM dbm_upgrade(project => 'lib')), 1, 'up again');
SELECT is_empty($$ SELECT * FROM dbm_test('lib') AS line WHERE line ~ '^not' $$, 'dbm_test');

-- what somebody did by hand
CREATE TABLE public.byhand (a int);
SELECT is_empty($$ SELECT * FROM dbm_revision('x', true, project => 'lib') $$,
	'the revisions have nothing of what was done by hand');
SELECT matches((SELECT script FROM dbm_revision('x', true, compare_with => 'live', rev_id => 'live1', project => 'lib') LIMIT 1),
	'Generated: from "live".*DROP TABLE public.byhand;', 'the database has');
SELECT dbm_unregister('live1', 'lib') \gset

-- parents, labels and dependencies
SELECT dbm_set_model('CREATE TABLE t1 (a int); CREATE TABLE t2 (a int); CREATE TABLE t3 (a int)', 'deps') \gset
SELECT count(*) FROM dbm_revision('1', upgrade_sql => 'CREATE TABLE t1 (a int)', downgrade_sql => 'DROP TABLE t1', rev_id => 'one1', project => 'deps') \gset
SELECT count(*) FROM dbm_revision('2', upgrade_sql => 'CREATE TABLE t2 (a int)', downgrade_sql => 'DROP TABLE t2', rev_id => 'two1', head => 'base', project => 'deps') \gset
SELECT count(*) FROM dbm_revision('3', true, head => 'one1', depends_on => '{two1}', branch_label => 'lib', rev_id => 'three1', project => 'deps') \gset
SELECT results_eq($$ SELECT upgrade_script ~ 'TABLE public.t3', upgrade_script ~ 'TABLE public.t[12]', down_revisions, branch_labels, depends_on FROM dbm_show('three1', 'deps') $$,
	$$ VALUES (true, false, '{one1}'::text[], '{lib}'::text[], '{two1}'::text[]) $$, 'what parents and dependencies build counts');

-- several units
CREATE TYPE public.mood AS ENUM ('sad', 'happy');
SELECT count(*) FROM dbm_revision('1', upgrade_sql => $$CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE p (m mood)$$,
	downgrade_sql => 'DROP TABLE p; DROP TYPE mood', rev_id => 'mood1', project => 'units') \gset
SELECT dbm_set_model($$CREATE TYPE mood AS ENUM ('sad', 'soso', 'happy'); CREATE TABLE p (m mood)$$, 'units') \gset
SELECT is((SELECT count(DISTINCT unit)::int FROM dbm_diff('revision:mood1', 'model', project => 'units')), 1, 'a value that nothing uses');
SELECT dbm_set_model($$CREATE TYPE mood AS ENUM ('sad', 'soso', 'happy'); CREATE TABLE p (m mood DEFAULT 'soso'); CREATE TABLE q (a int)$$, 'units') \gset
SELECT results_eq($$ SELECT unit, transactional, statement FROM dbm_diff('revision:mood1', 'model', project => 'units') $$,
	$$ VALUES (1, true, 'ALTER TYPE public.mood ADD VALUE ''soso'' AFTER ''sad'''),
		(1, true, E'CREATE TABLE public.q (\n    a integer\n)'),
		(2, true, 'ALTER TABLE ONLY public.p ALTER COLUMN m SET DEFAULT ''soso''::public.mood') $$, 'one that is used at once');
SELECT count(*) FROM dbm_revision('mind', true, rev_id => 'mood3', branch_label => 'minds', project => 'units') \gset
SELECT results_eq($$ SELECT message, is_head, branch_labels, down_revisions = '{mood1}' FROM dbm_history('mood1:', 'units') WHERE revision <> 'mood1' $$,
	$$ VALUES ('mind (2 of 2)', true, '{minds}'::text[], false), ('mind (1 of 2)', false, '{minds}', true) $$, 'makes two revisions');
SELECT is((SELECT is_head FROM dbm_show('mood3', 'units')), true, 'the given identifier is that of the last');
SELECT is((SELECT regexp_replace(downgrade_script, '\A.*quit\n', '') FROM dbm_show('mood3', 'units')),
	E'\n-- Generated: the way back.\n\nALTER TABLE ONLY public.p ALTER COLUMN m DROP DEFAULT;\n', 'each leads back to the one before');
SELECT matches((SELECT upgrade_script FROM dbm_show('mood3', 'units')), 'can be used only once it is committed', 'and says why it is one of several');
SELECT is_empty($$ SELECT * FROM dbm_test('units') AS line WHERE line ~ '^not' $$, 'the sandbox can run them all');
SELECT throws_ok($$ ALTER TYPE public.mood ADD VALUE 'tmp'; SELECT count(*) FROM dbm_test('units'); SELECT 'tmp'::public.mood $$,
	'55P04', NULL, 'and lifts the rule for nobody else');
DROP TYPE public.mood;

-- concurrent forms
CREATE TABLE public.big (id int PRIMARY KEY, a int, b int);
CREATE INDEX big_a_idx ON public.big (a);
CREATE INDEX big_b_idx ON public.big (b);
SELECT dbm_set_model($$
	CREATE TABLE big (id int PRIMARY KEY, a int, b int, CONSTRAINT big_b_key UNIQUE (b));
	CREATE INDEX big_a_idx ON big (a, b);
	CREATE TABLE small (id int, b int REFERENCES big (b));
	CREATE INDEX small_id_idx ON small (id);
	CREATE UNIQUE INDEX big_id_a_key ON big (id, a)
$$, 'big') \gset
SELECT results_eq($$ SELECT unit, transactional, statement FROM dbm_diff('live', 'model', include => '^public[.](big|small)', concurrently => true, project => 'big') $$,
	$$ VALUES (1, true, E'CREATE TABLE public.small (\n    id integer,\n    b integer\n)'),
		(1, true, 'ALTER TABLE public.big ADD CONSTRAINT big_b_key UNIQUE (b)'),
		(1, true, 'CREATE INDEX small_id_idx ON public.small USING btree (id)'),
		(1, true, 'ALTER TABLE public.small ADD CONSTRAINT small_b_fkey FOREIGN KEY (b) REFERENCES public.big(b)'),
		(2, false, 'ALTER INDEX public.big_a_idx RENAME TO dbm_aside_1'),
		(2, false, 'DROP INDEX CONCURRENTLY public.big_b_idx'),
		(2, false, 'CREATE INDEX CONCURRENTLY big_a_idx ON public.big USING btree (a, b)'),
		(2, false, 'CREATE UNIQUE INDEX CONCURRENTLY big_id_a_key ON public.big USING btree (id, a)'),
		(2, false, 'DROP INDEX CONCURRENTLY public.dbm_aside_1') $$,
	'what a foreign key waits for, and what is new, stays plain');
SELECT is((SELECT count(*)::int FROM dbm_diff('live', 'model', include => '^public[.](big|small)', project => 'big') WHERE NOT transactional), 0, 'nobody asked');
SELECT results_eq($$ SELECT split_part(file_name, '--', 3) = 'conc.sql', script ~ 'Transactional: no' FROM dbm_revision('c', true,
	compare_with => 'live', include => '^public[.](big|small)', concurrently => true, rev_id => 'conc', project => 'big') $$,
	$$ VALUES (false, false), (false, false), (true, true), (false, true) $$, 'a second revision, of which no direction is transactional');
SELECT throws_ok($$ SELECT * FROM dbm_upgrade(project => 'big') $$, '25001', NULL, 'which dbm_upgrade does not run');
DROP TABLE public.big;

-- filters
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int, price int);
CREATE TABLE shop.legacy (id int);
CREATE VIEW shop.legacy_prices AS SELECT price FROM shop.item;
GRANT SELECT ON shop.legacy_prices TO regress_filter;
CREATE VIEW shop.of_legacy AS SELECT id FROM shop.legacy;
CREATE INDEX item_tmp ON shop.item (id);
SELECT dbm_set_model($$
	CREATE SCHEMA shop;
	CREATE TABLE shop.item (id int, price numeric, note text);
	CREATE VIEW shop.legacy_prices AS SELECT 1 AS other;
	CREATE TABLE shop.legacy_more (id int);
	CREATE INDEX item_id ON shop.item (id);
$$, 'shop') \gset
SELECT set_eq($$ SELECT change, kind, identity FROM dbm_diff('live', 'model', '{shop}', project => 'shop') WHERE change IN ('create', 'drop') $$,
	$$ VALUES ('create', 'column', 'shop.item.note'), ('create', 'index', 'shop.item_id'), ('create', 'table', 'shop.legacy_more'),
		('create', 'view', 'shop.legacy_prices'), ('drop', 'view', 'shop.legacy_prices'), ('drop', 'index', 'shop.item_tmp'),
		('drop', 'table', 'shop.legacy'), ('drop', 'view', 'shop.of_legacy') $$, 'everything');
-- servers before 16 qualify the column
SELECT results_eq($$ SELECT replace(statement, 'item.price', 'price') FROM dbm_diff('live', 'model', '{shop}', exclude => 'legacy|_tmp$|pgtap', project => 'shop') $$,
	$$ VALUES ('DROP VIEW shop.legacy_prices'),
		('ALTER TABLE shop.item ALTER COLUMN price TYPE numeric'),
		('ALTER TABLE shop.item ADD COLUMN note text'),
		('CREATE INDEX item_id ON shop.item USING btree (id)'),
		(E'CREATE VIEW shop.legacy_prices (price) AS\n SELECT price\n   FROM shop.item'),
		('GRANT SELECT ON TABLE shop.legacy_prices TO regress_filter') $$,
	'what is left out is as it was when something below it changes');
SELECT results_eq($$ SELECT change, identity, statement FROM dbm_diff('live', 'model', '{shop}', exclude => 'of_legacy|prices|item|pgtap', project => 'shop') ORDER BY identity $$,
	$$ VALUES ('drop', 'shop.legacy', 'DROP TABLE shop.legacy'), ('create', 'shop.legacy_more', E'CREATE TABLE shop.legacy_more (\n    id integer\n)'),
		('not managed', 'shop.of_legacy', NULL) $$, 'what cannot stay as it was is named, not dropped');
SELECT results_eq($$ SELECT statement FROM dbm_diff('live', 'model', '{shop}', include => 'item', exclude => '_tmp$', kinds => '{index}', project => 'shop') $$,
	$$ VALUES ('CREATE INDEX item_id ON shop.item USING btree (id)') $$, 'kinds and names together');
SELECT results_eq($$ SELECT identity FROM dbm_diff('live', 'model', '{shop}', kinds => '{table}', exclude => 'legacy', project => 'shop') WHERE change = 'create' AND kind <> 'view' ORDER BY 1 $$,
	$$ VALUES ('shop.item.note'), ('shop.item_id') $$, 'a table is its parts too');
SELECT results_eq($$ SELECT statement FROM dbm_diff('live', 'model', '{shop}', include => '^shop[.]item[.]note', project => 'shop') $$,
	$$ VALUES ('ALTER TABLE shop.item ADD COLUMN note text') $$, 'one column');
SELECT is_empty($$ SELECT * FROM dbm_diff('live', 'model', '{shop}', include => 'nothing', project => 'shop') $$, 'nothing');
SELECT isnt_empty($$ SELECT * FROM dbm_diff('live', 'model', '{shop}', include => '', exclude => '', project => 'shop') $$, 'empty patterns are none');
SELECT results_eq($$ SELECT statement FROM dbm_diff('empty', 'model', include => '^shop[.]legacy_more', project => 'shop') $$,
	$$ VALUES ('CREATE SCHEMA shop'), (E'CREATE TABLE shop.legacy_more (\n    id integer\n)') $$, 'a new schema comes for what is in it');

-- the same by settings, for all that compare
SELECT count(*) FROM dbm_revision('none', rev_id => 'none1', project => 'shop') \gset
SET LOCAL databrain_migrate.include = '^shop[.]item[.]note';
SELECT results_eq($$ SELECT statement FROM dbm_diff('live', 'model', project => 'shop') $$,
	$$ VALUES ('ALTER TABLE shop.item ADD COLUMN note text') $$, 'include');
SELECT results_eq($$ SELECT problem, object FROM dbm_check('shop') WHERE problem <> 'pending' $$,
	$$ VALUES ('model', 'column shop.item.note') $$, 'dbm_check');
SELECT isnt_empty($$ SELECT * FROM dbm_diff('live', 'model', include => '', project => 'shop') WHERE identity ~ 'legacy' $$, 'an argument overrides it');
SET LOCAL databrain_migrate.include = '';
SET LOCAL databrain_migrate.schemas = 'shop, nosuch';
SET LOCAL databrain_migrate.exclude = 'legacy|item_|pgtap';
SELECT results_eq($$ SELECT object FROM dbm_check('shop') WHERE problem <> 'pending' ORDER BY 1 $$,
	$$ VALUES ('column shop.item.note'), ('column shop.item.price'), ('view shop.legacy_prices') $$,
	'schemas and exclude');
SELECT is_empty($$ SELECT * FROM dbm_diff('live', 'empty', project => 'shop') WHERE identity ~ 'public' $$, 'other schemas are not looked at');
SELECT isnt_empty($$ SELECT * FROM dbm_diff('live', 'empty', '{public}', project => 'shop') WHERE identity ~ 'public' $$, 'unless they are named');
SELECT count(*) FROM dbm_revision('s', upgrade_sql => 'CREATE TABLE shop.legacy2 (a int); CREATE TABLE shop.other (a int)', downgrade_sql => 'DROP TABLE shop.other', rev_id => 's1', project => 'forget') \gset
SELECT dbm_set_model('CREATE SCHEMA shop; CREATE TABLE shop.other (a int)', 'forget') \gset
SELECT matches((SELECT string_agg(line, E'\n') FROM dbm_test('forget') AS line), 'legacy2" already exists', 'dbm_test runs what is left out');
SELECT dbm_register('forget--s1--base.sql', E'-- s\n--\n-- Revision ID: s1\n-- Revises: base\nDROP TABLE shop.other; ALTER TABLE IF EXISTS shop.legacy2 RENAME TO legacy3;'),
	dbm_register('forget--base--s1.sql', E'-- s\n--\n-- Revision ID: s1\n-- Revises: base\nCREATE TABLE IF NOT EXISTS shop.legacy2 (a int); CREATE TABLE shop.other (a int);', force => true) \gset
SELECT is((SELECT string_agg(line, E'\n') FROM dbm_test('forget') AS line WHERE line ~ '^not|^#'), NULL, 'but does not compare it');
RESET databrain_migrate.schemas;
RESET databrain_migrate.exclude;

-- names that could be taken for something else
SELECT dbm_set_model(E'CREATE TABLE "a\nRevises: base" (a int NOT NULL); CREATE TABLE "${body}" ("\\echo" text); COMMENT ON TABLE "${body}" IS ''$$; DROP TABLE x; --''', 'odd') \gset
SELECT is((SELECT count(*)::int FROM dbm_revision('odd', true, rev_id => 'odd1', project => 'odd')), 2, 'odd names');
SELECT is((SELECT count(*)::int FROM dbm_upgrade(project => 'odd')), 1, 'run');
SELECT is_empty($$ SELECT * FROM dbm_check('odd') WHERE object ~ 'body|Revises' $$, 'and are what they should be');
SELECT is((SELECT count(*)::int FROM dbm_downgrade('base', 'odd')), 1, 'and go');

-- what is not managed
SELECT dbm_set_model($m$CREATE TABLE n (a int); CREATE SUBSCRIPTION fam CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)$m$, 'fam') \gset
SELECT matches((SELECT script FROM dbm_revision('fam', true, project => 'fam') LIMIT 1),
	E'\n-- Not managed, so not compared:\n--   subscription fam: only in the new schema', 'is listed');
SELECT dbm_set_model($m$CREATE SUBSCRIPTION fam CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)$m$, 'fam2') \gset
SELECT is_empty($$ SELECT * FROM dbm_revision('fam', true, project => 'fam2') $$, 'and is no reason for a revision');

-- DataBrain, with the change that doc/schema.md shows
\set model `cat versions/databrain.model.sql`
SET LOCAL databrain_migrate.project = 'databrain';
SELECT count(*) FROM dbm_upgrade() \gset
SELECT dbm_set_model(:'model') \gset
SELECT is_empty($$ SELECT * FROM dbm_revision('none', autogenerate => true) $$, 'DataBrain''s model is its head');
SELECT dbm_set_model(:'model' || $$
	ALTER TABLE document ADD COLUMN language text NOT NULL DEFAULT 'en';
	ALTER TABLE document ADD CONSTRAINT document_language_check CHECK (language ~ '^[a-z]{2}$');
	CREATE INDEX document_language_idx ON document (language);
$$) \gset
SELECT is((SELECT regexp_replace(script, '\A.*quit\n', '') FROM dbm_revision('add language', autogenerate => true) LIMIT 1), $script$
-- Generated: from "revision:29e0e8f6dd42" to "model".
--
-- Hazards:
--   constraint public.document document_language_check: fails on rows that break the constraint

ALTER TABLE public.document ADD COLUMN language text DEFAULT 'en'::text NOT NULL;
ALTER TABLE public.document ADD CONSTRAINT document_language_check CHECK ((language ~ '^[a-z]{2}$'::text)) NOT VALID;

-- Hazard: fails on rows that break the constraint
ALTER TABLE public.document VALIDATE CONSTRAINT document_language_check;

CREATE INDEX document_language_idx ON public.document USING btree (language);
$script$, 'a changed model is a revision');
SELECT results_eq($$ SELECT direction FROM dbm_upgrade() UNION ALL SELECT direction FROM dbm_downgrade('-1') UNION ALL SELECT direction FROM dbm_upgrade() $$,
	$$ VALUES ('upgrade'), ('downgrade'), ('upgrade') $$, 'up, down, up');
SELECT is_empty($$ SELECT * FROM dbm_test() AS line WHERE line ~ '^not' $$, 'dbm_test');
SET LOCAL databrain_migrate.exclude = 'byhand|shop|pgtap|author|book|shout';
SELECT is_empty($$ SELECT * FROM dbm_check() $$, 'dbm_check, with the other projects left out');
RESET databrain_migrate.exclude;
SELECT is_empty($$ SELECT * FROM dbm_revision('none', autogenerate => true) $$, 'and that was all');

SELECT * FROM finish();
ROLLBACK;

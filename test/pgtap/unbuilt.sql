-- Indexes that a comparison makes without building them: nobody who reads or
-- writes a table may notice.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
SET LOCAL databrain_migrate.project = 'shop';
SELECT plan(34);

-- what running a model says
CREATE FUNCTION pg_temp.message_of(ddl text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_set_model(ddl);
	PERFORM * FROM dbm_diff('empty', 'model');
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

-- what the server says to the same
CREATE FUNCTION pg_temp.message_of_server(ddl text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE ddl;
	RAISE 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

-- a model with each way to make an index, and what follows
CREATE FUNCTION pg_temp.after_tables(rest text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.message_of($_$
CREATE TABLE inline (a int PRIMARY KEY, b int UNIQUE);
CREATE TABLE altered (a int, b int, c text);
ALTER TABLE ONLY altered ADD CONSTRAINT altered_pkey PRIMARY KEY (a);
ALTER TABLE ONLY altered ADD CONSTRAINT altered_b UNIQUE (b);
CREATE INDEX altered_c ON altered (lower(c)) WHERE b > 0;
CREATE INDEX altered_brin ON altered USING brin (b);
CREATE FUNCTION sizes() RETURNS text LANGUAGE plpgsql AS $f$
DECLARE
	result text[];
	name text;
BEGIN
	FOREACH name IN ARRAY '{inline_pkey,inline_b_key,altered_pkey,altered_b,altered_c,altered_brin}'::text[] LOOP
		result := result || CASE WHEN pg_relation_size(to_regclass('public.' || name)) > 0 THEN 'built' ELSE 'not' END;
	END LOOP;
	RETURN array_to_string(result, ' ');
END $f$;
$_$ || rest);
$$;

-- so that nothing but pg_catalog's functions are in the plans of the block
\set sizes 'DECLARE result text[]; name text; BEGIN FOREACH name IN ARRAY ''{inline_pkey,inline_b_key,altered_pkey,altered_b,altered_c,altered_brin}''::text[] LOOP result := result || CASE WHEN pg_relation_size(to_regclass(''public.'' || name)) > 0 THEN ''built'' ELSE ''not'' END; END LOOP; RAISE ''%'', array_to_string(result, '' ''); END'

SELECT is(pg_temp.after_tables('DO $d$ ' || :'sizes' || ' $d$'), 'not not not not not not', 'nothing is built for the catalogs');
SELECT is(pg_temp.after_tables('SELECT count(*) FROM pg_class; DO $d$ ' || :'sizes' || ' $d$'), 'not not not not not not', '... nor when they are read');
SELECT is(pg_temp.after_tables(rest || '; DO $d$ ' || :'sizes' || ' $d$'), 'built built built built built built', 'built before: ' || rest)
	FROM unnest(ARRAY['SELECT FROM inline', 'INSERT INTO altered VALUES (1, 2, ''x'')', 'SELECT sizes()',
		'CREATE MATERIALIZED VIEW m AS SELECT a FROM altered', 'COPY inline TO PROGRAM ''cat >/dev/null''',
		'SET max_parallel_maintenance_workers = 2; CREATE INDEX ON altered (c)',
		'EXPLAIN SELECT FROM inline',
		'INSERT INTO inline VALUES (1, 2); ALTER TABLE inline ALTER a TYPE bigint']) AS rest;

-- rows find what they have to
SELECT is(pg_temp.after_tables(rest), message, rest)
	FROM (VALUES ('INSERT INTO inline VALUES (1, 1), (1, 2)', 'duplicate key value violates unique constraint "inline_pkey"'),
		('INSERT INTO altered VALUES (1, 1), (2, 1)', 'duplicate key value violates unique constraint "altered_b"'),
		('COPY altered (a) FROM PROGRAM ''echo 1; echo 1''', 'duplicate key value violates unique constraint "altered_pkey"'),
		('INSERT INTO inline VALUES (1) ON CONFLICT (a) DO NOTHING; INSERT INTO inline VALUES (1) ON CONFLICT (a) DO NOTHING; SELECT 1 / (count(*) - 1) FROM inline', 'division by zero'),
		('INSERT INTO altered VALUES (1, 5), (2, 5) ON CONFLICT DO NOTHING; CREATE UNIQUE INDEX ON altered (b)', 'none'),
		('INSERT INTO altered (a, c) VALUES (1, ''x''), (2, ''x''); CREATE UNIQUE INDEX u ON altered (c)', 'could not create unique index "u"'),
		('INSERT INTO altered (a, c) VALUES (1, ''x''), (2, ''x''); ALTER TABLE altered ADD CONSTRAINT u UNIQUE (c)', 'could not create unique index "u"'),
		('INSERT INTO inline VALUES (1, 7); ALTER TABLE inline ADD FOREIGN KEY (b) REFERENCES altered', 'insert or update on table "inline" violates foreign key constraint "inline_b_fkey"'),
		('TRUNCATE inline, altered; INSERT INTO inline VALUES (1, 1); INSERT INTO inline VALUES (1, 2)', 'duplicate key value violates unique constraint "inline_pkey"'),
		('ALTER TABLE inline ADD x uuid DEFAULT gen_random_uuid(); INSERT INTO inline VALUES (1, 1); INSERT INTO inline VALUES (1, 2)', 'duplicate key value violates unique constraint "inline_pkey"'),
		('DO $d$ BEGIN CLUSTER inline USING inline_pkey; REINDEX TABLE altered; INSERT INTO inline VALUES (1), (1); END $d$', 'duplicate key value violates unique constraint "inline_pkey"'),
/* what a block undid must not be missed later */
		('DO $d$ BEGIN BEGIN INSERT INTO inline VALUES (1); RAISE ''x''; EXCEPTION WHEN OTHERS THEN NULL; END; INSERT INTO inline VALUES (1), (1); END $d$', 'duplicate key value violates unique constraint "inline_pkey"'),
		('DO $d$ BEGIN BEGIN TRUNCATE inline; INSERT INTO inline VALUES (1); RAISE ''x''; EXCEPTION WHEN OTHERS THEN NULL; END; INSERT INTO inline VALUES (1), (1); END $d$', 'duplicate key value violates unique constraint "inline_pkey"'),
		('DO $d$ BEGIN CREATE INDEX gone ON inline (b); RAISE ''x''; EXCEPTION WHEN OTHERS THEN NULL; END $d$; INSERT INTO inline VALUES (1, 1)', 'none'),
		('DROP INDEX altered_c; DROP TABLE altered; INSERT INTO inline VALUES (1, 1)', 'none')) AS v (rest, message);

-- errors are the server's own
CREATE TABLE live (a int PRIMARY KEY, b int);
SELECT is(pg_temp.message_of('CREATE TABLE live (a int PRIMARY KEY, b int);' || ddl), pg_temp.message_of_server(ddl), ddl)
	FROM unnest(ARRAY['ALTER TABLE live ADD CONSTRAINT k UNIQUE (nope)', 'ALTER TABLE live ADD CONSTRAINT k UNIQUE (a, a)',
		'ALTER TABLE live ADD CONSTRAINT k PRIMARY KEY (b)', 'ALTER TABLE live ADD CONSTRAINT live UNIQUE (b)',
		'ALTER TABLE live ADD CONSTRAINT k UNIQUE (tableoid)', 'CREATE INDEX live_pkey ON live (b)']) AS ddl;

-- keys that are added come out as the server makes them
CREATE TABLE keys (a int, b int, c int, d text);
CREATE TABLE parent (a int);
CREATE TABLE child () INHERITS (parent);
SELECT string_agg(ddl, ';') AS keys
	FROM unnest(ARRAY['ALTER TABLE keys ADD CONSTRAINT p PRIMARY KEY (b, a) INCLUDE (c) WITH (fillfactor = 50) DEFERRABLE INITIALLY DEFERRED',
		'ALTER TABLE keys ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (d)', 'ALTER TABLE keys ADD UNIQUE (c)',
		'ALTER TABLE keys ADD CONSTRAINT t UNIQUE (c, d) USING INDEX TABLESPACE pg_default', 'ALTER TABLE keys ADD COLUMN e int, ADD CONSTRAINT e UNIQUE (e)',
		'ALTER TABLE parent ADD CONSTRAINT parent_pkey PRIMARY KEY (a)', 'ALTER TABLE keys CLUSTER ON u', 'COMMENT ON CONSTRAINT u ON keys IS ''x''']) AS ddl \gset
:keys;
SELECT dbm_set_model('CREATE TABLE live (a int PRIMARY KEY, b int); CREATE TABLE keys (a int, b int, c int, d text); CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent);' || :'keys');
SELECT is_empty($$SELECT change, identity, statement FROM dbm_diff('live', 'model', schemas => '{public}') WHERE change <> 'not managed'$$, 'keys added are the server''s');

-- revisions are tried in the same way
SELECT dbm_register('shop--base--a1.sql', E'-- a\n--\n-- Revision ID: a1\n-- Revises: base\n\nCREATE TABLE tried (a int, b int);\nALTER TABLE tried ADD CONSTRAINT tried_pkey PRIMARY KEY (a);\n');
SELECT dbm_register('shop--a1--base.sql', E'-- a\n--\n-- Revision ID: a1\n-- Revises: base\n\nDROP TABLE tried;\n');
SELECT dbm_register('shop--a1--b1.sql', E'-- b\n--\n-- Revision ID: b1\n-- Revises: a1\n\nINSERT INTO tried VALUES (1, 1), (2, 1);\nCREATE UNIQUE INDEX tried_b ON tried (b);\n');
SELECT dbm_register('shop--b1--a1.sql', E'-- b\n--\n-- Revision ID: b1\n-- Revises: a1\n\nDROP INDEX tried_b;\n');
SELECT matches(string_agg(line, ' '), 'not ok.*could not create unique index "tried_b"', 'a revision whose index cannot be built') FROM dbm_test() AS line;
SELECT is((SELECT count(*)::int FROM pg_class WHERE relname IN ('inline', 'altered')), 0, 'nothing is left behind');
SELECT * FROM finish();
ROLLBACK;

-- DataBrain's own revisions: what each builds, that a downgrade restores
-- exactly what was before, and that the rules hold for rows.  Wants a database
-- with pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = warning;

BEGIN;

CREATE EXTENSION databrain CASCADE;

SELECT plan(72);

-- Everything there is to see of the schema public, a line a fact; members of
-- extensions aside.
CREATE FUNCTION pg_temp.facts() RETURNS SETOF text LANGUAGE sql AS $$
	WITH mine AS (
		SELECT c.*
		FROM pg_class c
		WHERE relnamespace = 'public'::regnamespace AND relkind <> 'c'
			AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	)
	SELECT format('relation %s kind %s owner %s options %s acl %s comment %L',
			relname, relkind, relowner::regrole, reloptions, relacl,
			obj_description(oid, 'pg_class'))
	FROM mine
	UNION ALL
	SELECT format('column %s.%s type %s not null %s default %s identity %L collation %s storage %s comment %L',
			relname, attname, format_type(atttypid, atttypmod), attnotnull,
			pg_get_expr(adbin, adrelid), attidentity, attcollation::regcollation, attstorage,
			col_description(mine.oid, attnum))
	FROM mine
		JOIN pg_attribute ON attrelid = mine.oid AND attnum > 0 AND NOT attisdropped
		LEFT JOIN pg_attrdef ON adrelid = mine.oid AND adnum = attnum
	WHERE relkind = 'r'
	UNION ALL
	SELECT format('constraint %s.%s %s validated %s comment %L',
			relname, conname, pg_get_constraintdef(pg_constraint.oid), convalidated,
			obj_description(pg_constraint.oid, 'pg_constraint'))
	FROM mine JOIN pg_constraint ON conrelid = mine.oid
	UNION ALL
	SELECT format('index %s valid %s', pg_get_indexdef(indexrelid), indisvalid)
	FROM mine JOIN pg_index ON indrelid = mine.oid
	UNION ALL
	SELECT format('sequence %s %s', relname, pg_sequence)
	FROM (SELECT relname, seqtypid, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle
		FROM mine JOIN pg_sequence ON seqrelid = mine.oid) AS pg_sequence
	UNION ALL
	SELECT format('enum %s value %s %s comment %L',
			typname, enumsortorder, enumlabel, obj_description(t.oid, 'pg_type'))
	FROM pg_type t JOIN pg_enum ON enumtypid = t.oid
	WHERE typnamespace = 'public'::regnamespace
	UNION ALL
	SELECT format('function %s', p.oid::regprocedure)
	FROM pg_proc p
	WHERE pronamespace = 'public'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend d
			WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
$$;

-- The facts at each revision, as they were on the first way up.
CREATE TEMP TABLE seen (revision text, fact text);

-- Does the schema look as it did at the revision?  One failing test shows the
-- facts that differ.
CREATE FUNCTION pg_temp.as_at(revision text, description text) RETURNS text LANGUAGE sql AS $$
	SELECT set_eq('SELECT pg_temp.facts()',
		format('SELECT fact FROM seen WHERE revision = %L', revision),
		description)
$$;

INSERT INTO seen SELECT 'base', * FROM pg_temp.facts();
SELECT is_empty('SELECT * FROM seen', 'base: creating the project creates nothing in public');

--
-- init alembic
--
SELECT is(revision, '750bcd1e35fa', 'the first step up is 750bcd1e35fa')
	FROM dbm_upgrade('+1');
INSERT INTO seen SELECT '750bcd1e35fa', * FROM pg_temp.facts();

SELECT tables_are('public', ARRAY['tenant', 'source', 'document', 'chunk']);
SELECT columns_are('public', 'tenant', ARRAY['id', 'name', 'created_at']);
SELECT columns_are('public', 'source', ARRAY['id', 'tenant_id', 'name', 'uri', 'created_at']);
SELECT columns_are('public', 'document', ARRAY['id', 'source_id', 'uri', 'title', 'media_type',
	'content_hash', 'byte_count', 'created_at']);
SELECT columns_are('public', 'chunk', ARRAY['id', 'document_id', 'position', 'content',
	'token_count', 'created_at']);
SELECT col_is_pk(t, 'id') FROM unnest(ARRAY['tenant', 'source', 'document', 'chunk']) AS t;
SELECT col_is_unique('tenant', 'name');
SELECT col_is_unique('source', ARRAY['tenant_id', 'name']);
SELECT col_is_unique('document', ARRAY['source_id', 'content_hash']);
SELECT col_is_unique('chunk', ARRAY['document_id', 'position']);
SELECT fk_ok('source', 'tenant_id', 'tenant', 'id');
SELECT fk_ok('document', 'source_id', 'source', 'id');
SELECT fk_ok('chunk', 'document_id', 'document', 'id');
SELECT col_type_is('document', 'content_hash', 'bytea');
SELECT is_empty($$
	SELECT attrelid::regclass, attname FROM pg_attribute
	WHERE attrelid = ANY ('{tenant,source,document,chunk}'::regclass[])
		AND attnum > 0 AND NOT attisdropped AND NOT attnotnull
		AND (attrelid, attname) <> ('document'::regclass, 'title')
$$, 'only a title may be missing');
SELECT results_eq(
	$$ SELECT DISTINCT attidentity FROM pg_attribute
		WHERE attrelid = ANY ('{tenant,source,document,chunk}'::regclass[]) AND attname = 'id' $$,
	$$ VALUES ('a'::"char") $$, 'the keys are identity columns');

-- Rows, that the next revisions meet.
INSERT INTO tenant (name) VALUES ('acme'), ('globex');
INSERT INTO source (tenant_id, name, uri)
	SELECT id, 'wiki', 'https://' || name || '.example/wiki' FROM tenant;
INSERT INTO document (source_id, uri, content_hash, byte_count)
	SELECT id, 'start', sha256('hello'), 5 FROM source;
INSERT INTO chunk (document_id, position, content, token_count)
	SELECT id, n, 'part ' || n, 2 FROM document, generate_series(0, 2) AS n;

SELECT throws_ok($$ INSERT INTO tenant (name) VALUES ('acme') $$, '23505', NULL,
	'two tenants of one name');
SELECT throws_ok($$ INSERT INTO source (tenant_id, name, uri) SELECT tenant_id, name, uri FROM source $$,
	'23505', NULL, 'two sources of one name, one tenant');
SELECT throws_ok($$ INSERT INTO document (source_id, uri, content_hash, byte_count)
	SELECT min(id), 'elsewhere', sha256('hello'), 5 FROM source $$, '23505', NULL,
	'the same content twice from one source');
SELECT is(count(*), 2::bigint, 'the same content from two sources is kept twice')
	FROM document WHERE content_hash = sha256('hello');
SELECT throws_ok($$ INSERT INTO document (source_id, uri, content_hash, byte_count)
	SELECT min(id), 'x', 'abc', 3 FROM source $$, '23514', NULL, 'a hash that is no SHA-256');
SELECT throws_ok($$ INSERT INTO document (source_id, uri, content_hash, byte_count)
	SELECT min(id), 'x', sha256('x'), -1 FROM source $$, '23514', NULL, 'a negative size');
SELECT throws_ok($$ INSERT INTO document (source_id, uri, content_hash, byte_count)
	VALUES (0, 'x', sha256('x'), 1) $$, '23503', NULL, 'a document of no source');
SELECT throws_ok($$ INSERT INTO chunk (document_id, position, content, token_count)
	SELECT min(id), 1, 'again', 1 FROM document $$, '23505', NULL, 'two chunks at one position');
SELECT throws_ok($$ INSERT INTO chunk (document_id, position, content, token_count)
	SELECT min(id), -1, 'before', 1 FROM document $$, '23514', NULL, 'a position before the first');
SELECT throws_ok($$ INSERT INTO chunk (document_id, position, content, token_count)
	SELECT min(id), 9, '', 1 FROM document $$, '23514', NULL, 'an empty chunk');
SELECT throws_ok($$ INSERT INTO chunk (document_id, position, content, token_count)
	SELECT min(id), 9, 'x', 0 FROM document $$, '23514', NULL, 'a chunk without tokens');
SELECT throws_ok($$ INSERT INTO chunk (id, document_id, position, content, token_count)
	SELECT 1, min(id), 9, 'x', 1 FROM document $$, '428C9', NULL, 'a key chosen by hand');
-- Servers differ in the SQLSTATE of RESTRICT.
SELECT throws_matching($$ DELETE FROM tenant $$, 'foreign key constraint "source_tenant_id_fkey"',
	'a tenant with sources stays');
SELECT throws_matching($$ DELETE FROM source $$, 'foreign key constraint "document_source_id_fkey"',
	'a source with documents stays');

--
-- add status to chunk and document tables
--
SELECT is(revision, '39015ae510e0', 'the second step up is 39015ae510e0')
	FROM dbm_upgrade('+1');
INSERT INTO seen SELECT '39015ae510e0', * FROM pg_temp.facts();

SELECT has_enum('processing_status');
SELECT enum_has_labels('processing_status', ARRAY['pending', 'running', 'done', 'failed']);
SELECT col_type_is(t, 'status', 'processing_status') FROM unnest(ARRAY['document', 'chunk']) AS t;
SELECT col_not_null(t, 'status') FROM unnest(ARRAY['document', 'chunk']) AS t;
SELECT col_default_is(t, 'status', 'pending') FROM unnest(ARRAY['document', 'chunk']) AS t;
SELECT has_index('document', 'document_pending_idx', ARRAY['created_at', 'id']);
SELECT has_index('chunk', 'chunk_pending_idx', ARRAY['document_id', '"position"']);
SELECT is(pg_get_expr(indpred, indrelid), '(status = ''pending''::processing_status)',
		indexrelid::regclass || ' holds what is pending')
	FROM pg_index
	WHERE indexrelid = ANY ('{document_pending_idx,chunk_pending_idx}'::regclass[]);
SELECT is(count(*), 8::bigint, 'rows from before are pending')
	FROM (SELECT status FROM document UNION ALL SELECT status FROM chunk) AS s
	WHERE status = 'pending';
SELECT throws_ok($$ UPDATE chunk SET status = 'lost' $$, '22P02', NULL, 'a status that is none');
UPDATE chunk SET status = 'done';

--
-- adding chunk metadata
--
SELECT is(revision, '29e0e8f6dd42', 'the third step up is 29e0e8f6dd42')
	FROM dbm_upgrade();
INSERT INTO seen SELECT '29e0e8f6dd42', * FROM pg_temp.facts();

SELECT col_type_is('chunk', 'metadata', 'jsonb');
SELECT col_not_null('chunk', 'metadata');
SELECT col_default_is('chunk', 'metadata', '{}');
SELECT index_is_type('chunk', 'chunk_metadata_idx', 'gin');
SELECT is(count(*), 6::bigint, 'rows from before have no metadata, and keep their status')
	FROM chunk WHERE metadata = '{}' AND status = 'done';
SELECT lives_ok($$ UPDATE chunk SET metadata = '{"page": 7}' WHERE position = 1 $$, 'an object');
SELECT is(count(*), 2::bigint, 'metadata is found by containment')
	FROM chunk WHERE metadata @> '{"page": 7}';
SELECT throws_ok(format('UPDATE chunk SET metadata = %L', v), '23514', NULL,
		'metadata that is no object: ' || v)
	FROM unnest(ARRAY['[]', '"x"', 'null']) AS v;
SELECT is_empty($$
	SELECT fact FROM seen
	WHERE revision = '29e0e8f6dd42' AND fact ~ '^(relation \S+ kind r |column |enum )'
		AND fact ~ 'comment NULL$'
$$, 'every table, column and type has a comment');

DELETE FROM document WHERE source_id = (SELECT min(id) FROM source);
SELECT is(count(*), 3::bigint, 'chunks go with their document, and only they') FROM chunk;

--
-- And back.
--
SELECT is(revision, '29e0e8f6dd42', 'the first step down undoes 29e0e8f6dd42')
	FROM dbm_downgrade('-1');
SELECT pg_temp.as_at('39015ae510e0', 'the schema is as it was at 39015ae510e0');
SELECT is(count(*), 3::bigint, 'the rows are there') FROM chunk WHERE status = 'done';
DO $$ BEGIN PERFORM dbm_upgrade(); END $$;
SELECT pg_temp.as_at('29e0e8f6dd42', 'up again: as it was at 29e0e8f6dd42');
SELECT results_eq($$ SELECT revision FROM dbm_downgrade('750bcd1e35fa') $$,
	ARRAY['29e0e8f6dd42', '39015ae510e0'], 'two steps down');
SELECT pg_temp.as_at('750bcd1e35fa', 'the schema is as it was at 750bcd1e35fa');
DO $$ BEGIN PERFORM dbm_upgrade(); END $$;
SELECT pg_temp.as_at('29e0e8f6dd42', 'up again over two: as it was at 29e0e8f6dd42');
DO $$ BEGIN PERFORM dbm_downgrade('base'); END $$;
SELECT pg_temp.as_at('base', 'the schema is as it was at base');

\ir ../../versions/databrain.model.sql
SELECT pg_temp.as_at('29e0e8f6dd42', 'the model declares what the revisions build');

SELECT * FROM finish();
ROLLBACK;

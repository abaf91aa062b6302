\set ECHO none
\pset footer off
\pset null '-'
\echo
\echo '======================================================================================'
\echo ' databrain_migrate: schema migrations inside PostgreSQL'
\echo '======================================================================================'
\echo
\echo 'A revision is a plain SQL file, named as an extension update script, for instance'
\echo 'databrain--750bcd1e35fa--39015ae510e0.sql.  DataBrain has three; each goes up and down.'
\echo 'One statement brings the engine and the project into a database, still without tables:'
\echo
\set ECHO queries
CREATE EXTENSION databrain CASCADE;
\set ECHO none
\echo
\echo '--- The history, newest first.  Nothing is applied yet.'
\echo
\set ECHO queries
SELECT graph, revision, message, is_head, is_applied FROM dbm_history();
\set ECHO none
\echo '--- Up to the newest revision.  All in this one transaction: all or nothing.'
\echo
\set ECHO queries
SELECT step, direction, revision, message, statements FROM dbm_upgrade('head');
SELECT revision, message, is_head, applied_by FROM dbm_current();
\set ECHO none
\echo '--- The tables are ordinary tables of the caller, dumped and restored as any other.'
\echo
\echo '\\d chunk'
\d chunk
\set ECHO queries
INSERT INTO tenant (name) VALUES ('acme');
INSERT INTO source (tenant_id, name, uri) SELECT id, 'wiki', 'https://wiki.example' FROM tenant;
INSERT INTO document (source_id, uri, content_hash, byte_count)
    SELECT id, '/start', sha256('Hello, world'), 12 FROM source;
INSERT INTO chunk (document_id, position, content, token_count, metadata)
    SELECT id, 0, 'Hello, world', 3, '{"page": 1}' FROM document;
\set ECHO none
\echo
\echo '--- Again: there is nothing to do, and it says so.'
\echo
\set ECHO queries
SELECT step, direction, revision, message, statements FROM dbm_upgrade();
\set ECHO none
\echo '--- One revision down.  Its column is gone, the row stays.'
\echo
\set ECHO queries
SELECT step, direction, revision, message, statements FROM dbm_downgrade('-1');
SELECT id, document_id, position, content, token_count, status FROM chunk;
\set ECHO none
\echo '--- The other door to the same engine: the extension''s own command, here to the head ...'
\echo '    (The server afterwards finds the version installed already, and says so.)'
\echo
\set ECHO queries
ALTER EXTENSION databrain UPDATE;
\set ECHO none
\echo
\echo '--- ... and here back to the first revision, by the first letters of its name.'
\echo
\set ECHO queries
ALTER EXTENSION databrain UPDATE TO '750b';
SELECT extname, extversion FROM pg_extension WHERE extname = 'databrain';
\set ECHO none
\echo '--- A revision that fails leaves no trace.  Clients may send revisions as text:'
\echo
\set ON_ERROR_STOP off
\set ECHO queries
SELECT dbm_register('databrain--29e0e8f6dd42--5f1c2d3e4a5b.sql', '-- add a language
--
-- Revision ID: 5f1c2d3e4a5b
-- Revises: 29e0e8f6dd42
ALTER TABLE chunk ADD COLUMN language text;
ALTER TABLE chunkk ALTER COLUMN language SET NOT NULL;
');
SELECT step, revision FROM dbm_upgrade();
SELECT revision, message, is_head FROM dbm_current();
SELECT dbm_unregister('5f1c2d3e4a5b');
\set ECHO none
\set ON_ERROR_STOP on
\echo '--- Everything that was done, in the order it was done:'
\echo
\set ECHO queries
SELECT id, direction, revision, to_revisions, statements, role, outcome FROM dbm_log();
\set ECHO none
\echo 'README.md has the five-minute tour, doc/reference.md every function.'
\echo

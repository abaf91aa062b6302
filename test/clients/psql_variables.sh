#!/usr/bin/env bash
# psql: variables as arguments, named columns by \gset, \if.  The error that it
# shows is wanted.
set -u
psql -Xqt -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v "message=it's \"quoted\"" \
	-v first=750bcd1e35fa <<'EOT'
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION databrain CASCADE;

-- test(GOOD, NAME)
CREATE TEMPORARY SEQUENCE test;
PREPARE test(boolean, text) AS
	SELECT CASE WHEN $1 THEN 'ok ' ELSE 'not ok ' END || nextval('test') || ' - ' || $2;

\echo 1..12
SELECT * FROM dbm_upgrade(:'first') \gset up_
EXECUTE test(:'up_revision' = :'first' AND :'up_direction' = 'upgrade', 'a variable is a target');
EXECUTE test(:up_step = 1 AND :up_statements > 1, 'numbers are numbers');
EXECUTE test(:'up_from_revisions'::text[] = '{}', 'an array');
EXECUTE test(:'up_elapsed'::interval > '0', 'an interval');

\set target head
SELECT revision, direction FROM dbm_upgrade(target => :'target', project => 'databrain') ORDER BY step DESC LIMIT 1 \gset
EXECUTE test(:'revision' = '29e0e8f6dd42' AND :ROW_COUNT = 1, 'arguments by name');

SELECT * FROM dbm_current() \gset current_
EXECUTE test(:'current_revision' = :'revision' AND :'current_is_head', 'dbm_current() by \gset');
SELECT current_user = :'current_applied_by' AS who \gset
EXECUTE test(:'who', 'and by whom');

\if :current_is_head
EXECUTE test(true, '\if takes a boolean column');
\else
EXECUTE test(false, '\if takes a boolean column');
\endif

SELECT dbm_register(format('%s--%s--%s.sql', 'databrain', :'revision', 'aaaaaaaaaaaa'),
	E'-- ' || :'message' || E'\n-- Revision ID: aaaaaaaaaaaa\n-- Revises: ' || :'revision' || E'\nSELECT 1;') AS registered \gset
EXECUTE test(:'registered' = 'aaaaaaaaaaaa', 'dbm_register() with a script made of variables');
SELECT message, upgrade_script FROM dbm_show(:'registered') \gset
EXECUTE test(:'message' = 'it''s "quoted"' AND :'upgrade_script' LIKE '%Revises: 29e0e8f6dd42%', 'and back');

\set ON_ERROR_STOP off
SELECT dbm_require('aaaaaaaaaaaa');
EXECUTE test(:'LAST_ERROR_SQLSTATE' = '55000', 'SQLSTATE of an error');
EXECUTE test(:'LAST_ERROR_MESSAGE' LIKE 'revision "aaaaaaaaaaaa" of%', 'and its message');
EOT

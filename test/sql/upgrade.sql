-- The main path: from nothing to the newest revision and back, as somebody at
-- a prompt sees it.  Times are left out, being different each time.
CREATE EXTENSION databrain CASCADE;
SELECT extname, extversion FROM pg_extension WHERE extname ~ 'databrain' ORDER BY 1;

SELECT graph, revision, message, is_head, is_applied, source FROM dbm_history();
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_upgrade();
SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1;
\d document
SELECT revision, message, is_head, applied_by = current_user AS by_me FROM dbm_current();
SELECT * FROM dbm_upgrade();
SELECT extversion FROM pg_extension WHERE extname = 'databrain';

-- down and up by steps
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_downgrade('-1');
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_downgrade('750b');
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_upgrade('+1');
SELECT graph, revision, is_current, is_applied FROM dbm_history();
SELECT graph, revision FROM dbm_history('-1:current');
SELECT * FROM dbm_heads();
SELECT * FROM dbm_branches();
SELECT * FROM dbm_projects();
SELECT dbm_require('39015ae510e0');
SELECT dbm_require('head');

-- what a script was, and what was done
\x on
SELECT graph, revision, down_revisions, branch_labels, depends_on, message, create_date AT TIME ZONE 'UTC' AS create_date,
	is_head, is_base, is_branch_point, is_merge_point, is_current, is_applied, source,
	regexp_replace(upgrade_file, '.*/', '') AS upgrade_file, regexp_replace(downgrade_file, '.*/', '') AS downgrade_file,
	upgrade_script, downgrade_script, transactional, checksum, author
FROM dbm_show('29e0');
\x off
SELECT id, project, revision, direction, from_revisions, to_revisions, statements, outcome, file FROM dbm_log();

-- stamp: only the books change
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_stamp('head');
SELECT column_name FROM information_schema.columns WHERE table_name = 'chunk' AND column_name = 'metadata';
SELECT step, direction, revision, from_revisions, message, statements FROM dbm_stamp('39015ae510e0');
SELECT * FROM dbm_stamp('39015ae510e0');

SELECT step, direction, revision, from_revisions, message, statements FROM dbm_downgrade('base');
SELECT * FROM dbm_downgrade('base');
SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1;

-- every function says what it is for
SELECT count(*) > 15 AS functions, bool_and(obj_description(oid, 'pg_proc') <> '') AS explained
FROM pg_proc WHERE proname ~ '^dbm_' AND pronamespace = 'pg_catalog'::regnamespace;
DROP EXTENSION databrain_migrate CASCADE;

-- What the history of a project looks like.
CREATE EXTENSION databrain_migrate;
SET databrain_migrate.project = 'drawn';

CREATE FUNCTION revise(id text, parents text, message text, keys text DEFAULT '') RETURNS void LANGUAGE sql AS $$
	SELECT dbm_register(format('drawn--%s--%s.sql', split_part(parents, ',', 1), id),
		format(E'-- %s\n-- Revision ID: %s\n-- Revises: %s\n%s\nSELECT 1;', message, id, parents, keys));
$$;

-- one line
SELECT revise('a001', 'base', 'begin'), revise('a002', 'a001', 'go on'), revise('a003', 'a002', 'end');
SELECT graph, revision, message, is_head, is_base FROM dbm_history();
SELECT dbm_graph();

-- two branches, side by side, and a merge
SELECT revise('b001', 'a001', 'branch off', '-- Branch Labels: side'), revise('b002', 'b001', 'go on there');
SELECT graph, revision, message, is_head, is_branch_point, branch_labels FROM dbm_history();
SELECT * FROM dbm_heads();
SELECT * FROM dbm_branches();
SELECT revise('m001', 'a003,b002', 'merge');
SELECT graph, revision, down_revisions, message, is_merge_point FROM dbm_history();

-- three children of one, a merge of three, a second root, a dependency
SELECT revise('c001', 'm001', 'first of three'), revise('c002', 'm001', 'second of three'), revise('c003', 'm001', 'third of three');
SELECT revise('m002', 'c001,c002,c003', 'merge three');
SELECT revise('r001', 'base', 'another root', E'-- Branch Labels: other\n-- Depends On: a002'), revise('r002', 'r001', 'its child');
SELECT graph, revision, down_revisions, depends_on, message FROM dbm_history();

-- what is applied is marked
SELECT step, revision FROM dbm_upgrade('b001');
SELECT step, revision FROM dbm_upgrade('other@head');
SELECT graph, revision, is_current, is_applied FROM dbm_history();
SELECT revision, message, is_head FROM dbm_current();

-- ranges
SELECT graph, revision FROM dbm_history('base:a003');
SELECT graph, revision FROM dbm_history('a002:m001');
SELECT graph, revision FROM dbm_history('m001:');
SELECT graph, revision FROM dbm_history(':b001');
SELECT graph, revision FROM dbm_history('side@base:side@head');
SELECT graph, revision FROM dbm_history('other@head');
SELECT graph, revision FROM dbm_history('a001');

-- the whole graph
\pset format unaligned
SELECT dbm_graph();
SELECT dbm_graph('dot');
SELECT dbm_graph('mermaid');
\pset format aligned

-- texts that need quoting there
SELECT revise('q001', 'm002', 'say "hi" \ {now} <b>|#; ä');
\pset format unaligned
SELECT split_part(dbm_graph('dot'), E'\n', 1), l FROM regexp_split_to_table(dbm_graph('dot'), E'\n') AS l WHERE l ~ 'q001';
SELECT l FROM regexp_split_to_table(dbm_graph('mermaid'), E'\n') AS l WHERE l ~ 'q001';
\pset format aligned

-- a file that is gone: the state remembers
DELETE FROM dbm.script WHERE to_revision IN ('r001', 'r002', 'q001');
SELECT graph, revision, message, source FROM dbm_history('r001:');
SELECT revision, source, upgrade_script FROM dbm_show('r002');

-- the projects
SELECT dbm_register('broken--aaaa0001--bbbb0002.sql', E'-- Revision ID: bbbb0002\nSELECT 1');
SELECT * FROM dbm_projects();

DROP FUNCTION revise;
DROP EXTENSION databrain_migrate;

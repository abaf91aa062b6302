-- Bad input of every kind: what is refused, with which SQLSTATE and words, and
-- that nothing is left behind.  What needs a directory of the server is in
-- t/001_store.pl.  Wants a database with pgtap in it and nothing else.

\set QUIET on
SET client_min_messages = error;

BEGIN;

CREATE EXTENSION databrain_migrate;

SELECT plan(249);

\ir include/errors.sql

-- Register a script with a header.
CREATE FUNCTION pg_temp.revision(project text, revision text, parents text, keys text DEFAULT '',
	script text DEFAULT 'SELECT 1;') RETURNS text LANGUAGE sql AS $$
	SELECT dbm_register(format('%s--%s--%s.sql', project, split_part(parents, ',', 1), revision),
		format(E'-- make %s\n-- Revision ID: %s\n-- Revises: %s\n%s\n%s', revision, revision, parents, keys, script))
$$;

--
-- Identifiers that name nothing, or too much
--

-- first001 <- second02 <- (abcd1111 <- leaf0003, abcd2222)
DO $$ BEGIN
	PERFORM pg_temp.revision('ids', 'first001', 'base');
	PERFORM pg_temp.revision('ids', 'second02', 'first001');
	PERFORM pg_temp.revision('ids', 'abcd1111', 'second02', '-- Branch Labels: left');
	PERFORM pg_temp.revision('ids', 'leaf0003', 'abcd1111');
	PERFORM pg_temp.revision('ids', 'abcd2222', 'second02', '-- Branch Labels: right');
END $$;

SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('nowhere1', 'ids')$$), $e$42704 revision "nowhere1" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'upgrade: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_show('nowhere1', 'ids')$$), $e$42704 revision "nowhere1" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'show: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_require('nowhere1', 'ids')$$), $e$42704 revision "nowhere1" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'require: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_stamp('nowhere1', project => 'ids')$$), $e$42704 revision "nowhere1" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'stamp: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_adopt('nowhere1', 'ids')$$), $e$42704 project "ids" has no registered script of revision "nowhere1"$e$, 'adopt: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_unregister('nowhere1', 'ids')$$), $e$42704 project "ids" has no registered script of revision "nowhere1"$e$, 'unregister: unknown revision');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('fir', 'ids')$$), $e$42704 revision "fir" does not exist in project "ids"
detail: Names can be abbreviated to four characters or more.
hint: dbm_history() lists all revisions and branch labels.$e$, 'a prefix of three characters');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('FIRST001', 'ids')$$), $e$42704 revision "FIRST001" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'identifiers are case-sensitive');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('abcd', 'ids')$$), $e$42P09 abbreviated revision "abcd" is ambiguous in project "ids"
detail: It may be short for revision "abcd1111", "abcd2222".
hint: Write more of the identifier.$e$, 'ambiguous prefix');
SELECT is(pg_temp.error_of($$SELECT dbm_show('abcd', 'ids')$$), $e$42P09 abbreviated revision "abcd" is ambiguous in project "ids"
detail: It may be short for revision "abcd1111", "abcd2222".
hint: Write more of the identifier.$e$, 'show: ambiguous prefix');
SELECT is(pg_temp.error_of($$SELECT dbm_unregister('abcd', 'ids')$$), $e$42P09 revision identifier "abcd" is ambiguous
detail: It could be "abcd1111" or "abcd2222".$e$, 'unregister: ambiguous prefix');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('left@abcd2222', 'ids')$$), $e$22023 revision "abcd2222" is not a member of branch "left"
detail: It is neither above nor below revision "abcd1111".$e$, 'a revision of another branch');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('middle@head', 'ids')$$), $e$42704 branch "middle" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'unknown branch');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('head', 'ids')$$), $e$21000 target "head" stands for several revisions of project "ids", but one is needed
detail: The revisions are "abcd2222", "leaf0003".
hint: Use "heads" for all heads, "label@head" for one of them, or merge them with dbm_merge().$e$, 'two heads');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'ids')$$), $e$21000 target "head" stands for several revisions of project "ids", but one is needed
detail: The revisions are "abcd2222", "leaf0003".
hint: Use "heads" for all heads, "label@head" for one of them, or merge them with dbm_merge().$e$, 'two heads, and no target');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('+3', 'ids')$$), $e$21000 relative target "+3" is ambiguous because the walk can go several ways
detail: Above revision "second02" there are revisions "abcd1111", "abcd2222".
hint: Name the branch, as in "label@+1", or the revision itself.$e$, 'a walk that meets a fork');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('leaf0003+1', 'ids')$$), $e$22003 target "leaf0003+1" walks too far
detail: Steps possible above revision "leaf0003": 0.$e$, 'a walk past the head');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('first001-5', 'ids')$$), $e$22003 target "first001-5" walks too far
detail: Steps possible below revision "first001": 1.$e$, 'a walk past base');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('first001,second02', 'ids')$$), $e$22023 revisions of target "first001,second02" overlap
detail: Revision "first001" is an ancestor of another one.
hint: Leave it out of the list.$e$, 'a list with an ancestor of its own');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('first001', 'ids')$$), $e$55000 "first001" is not a valid downgrade target
detail: Revision "first001" is not applied.
hint: dbm_current() shows the current revisions.$e$, 'downgrade to what is not applied');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('+1', 'ids')$$), $e$22003 relative target "+1" cannot be reached by a downgrade
hint: Use dbm_upgrade() to go up from the current revision.$e$, 'downgrade upwards');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('-1', 'ids')$$), $e$22003 relative target "-1" cannot be reached by an upgrade
hint: Use dbm_downgrade() to go down from the current revision.$e$, 'upgrade downwards');
SELECT is(pg_temp.error_of($$SELECT dbm_history('leaf0003:first001', 'ids')$$), $e$22023 revision "leaf0003" is not an ancestor of "first001"
hint: A range goes from an older to a newer revision.$e$, 'a range upside down');
SELECT is(pg_temp.error_of($$SELECT dbm_history('first001', 'ids')$$), $e$no error$e$, 'a range may be one revision');
SELECT is(pg_temp.error_of($$SELECT dbm_graph('png', 'ids')$$), $e$22023 unrecognized graph format "png"
hint: Formats are "text", "dot" and "mermaid".$e$, 'unknown graph format');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('first001;DROP TABLE x', 'ids')$$), $e$22023 invalid target "first001;DROP TABLE x"
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'not a target at all');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('@', 'ids')$$), $e$22023 invalid target "@"
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'only a sign');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(repeat('x', 5000), 'ids')$$) ~ '^22023 invalid target "x+"\n',
	true, 'a very long identifier');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade('+99999999999999999999', 'ids')$$), $e$21000 relative target "+99999999999999999999" is ambiguous because the walk can go several ways
detail: Above revision "second02" there are revisions "abcd1111", "abcd2222".
hint: Name the branch, as in "label@+1", or the revision itself.$e$, 'a number beyond all integers');
SELECT is(count(*), 0::bigint, 'none of this applied anything') FROM dbm_current('ids');
SELECT is(count(*), 0::bigint, 'nor logged anything') FROM dbm_log('ids');

-- two current heads
SELECT lives_ok($$SELECT dbm_upgrade('heads', 'ids')$$, 'all heads are one plan');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('-1', 'ids')$$), $e$21000 target "-1" is ambiguous because project "ids" has several current revisions
detail: The current revisions are "abcd2222", "leaf0003".
hint: Name the branch, as in "label@+1" or "label@-1", or the revision itself.$e$, 'one down from two heads');
SELECT is(pg_temp.error_of($$SELECT dbm_downgrade('base', 'ids')$$), $e$55000 revision "leaf0003" of project "ids" cannot be downgraded
detail: It has no downgrade script.
hint: Add a script file "ids--leaf0003--abcd1111.sql".$e$, 'no downgrade script');
SELECT is((SELECT array_agg(revision ORDER BY revision) FROM dbm_current('ids')), '{abcd2222,leaf0003}', 'and nothing was undone');
SELECT is(pg_temp.error_of($$SELECT dbm_require('first001,nowhere1', 'ids')$$), $e$42704 revision "nowhere1" does not exist in project "ids"
hint: dbm_history() lists all revisions and branch labels.$e$, 'require: unknown in a list');

--
-- Projects
--

SELECT is(pg_temp.error_of(format('SELECT %s', call)), replace($e$42704 project "nothing" does not exist
detail: It has no control file, no script and no applied revision.
hint: dbm_projects() lists the projects known in this database.$e$, 'nothing', 'no_project'), call || ': unknown project')
FROM unnest(ARRAY['dbm_upgrade(project => ''no_project'')', 'dbm_downgrade(''base'', ''no_project'')',
	'dbm_stamp(''head'', project => ''no_project'')', 'dbm_current(''no_project'')', 'dbm_history(project => ''no_project'')',
	'dbm_heads(''no_project'')', 'dbm_branches(''no_project'')', 'dbm_show(''head'', ''no_project'')',
	'dbm_graph(project => ''no_project'')', 'dbm_require(''base'', ''no_project'')']) AS call;
SELECT is(pg_temp.error_of(format('SELECT dbm_current(%L)', name)) ~ ('^42602 invalid project name: "'), true,
	format('project name %L', replace(left(name, 20), E'\n', ' ')))
FROM unnest(ARRAY['', '../etc', 'a/b', 'a--b', '-a', 'a-', '.a', 'a b', E'a\nb', repeat('x', 64), 'a''b', 'a"b', '$libdir']) AS name;
SELECT is(pg_temp.error_of($$SET databrain_migrate.project = '../x'$$), $e$22023 invalid value for parameter "databrain_migrate.project": "../x"
detail: Project names must not contain "..".$e$, 'the setting refuses what cannot be a project');
SELECT is(pg_temp.error_of($$SET databrain_migrate.project = ''$$), $e$22023 invalid value for parameter "databrain_migrate.project": ""
detail: Project names must not be empty.$e$, 'and an empty name');
SELECT is(pg_temp.error_of($$SET databrain_migrate.projekt = 'x'$$), $e$42602 invalid configuration parameter name "databrain_migrate.projekt"
detail: "databrain_migrate" is a reserved prefix.$e$, 'a misspelled setting');

--
-- Graphs that cannot be
--

-- A graph is judged when it is read.
CREATE FUNCTION pg_temp.graph_error(project text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.error_of(format('SELECT * FROM dbm_upgrade(''heads'', %L)', project))
$$;

DO $$ BEGIN
	PERFORM pg_temp.revision('cycle', 'aaaa0001', 'cccc0003');
	PERFORM pg_temp.revision('cycle', 'bbbb0002', 'aaaa0001');
	PERFORM pg_temp.revision('cycle', 'cccc0003', 'bbbb0002');
END $$;
SELECT is(pg_temp.graph_error('cycle'), $e$42P17 revisions of project "cycle" form a cycle
detail: The cycle runs through revisions "aaaa0001", "bbbb0002", "cccc0003".
hint: Look at the lines "Revises" and "Depends On" of these scripts.$e$, 'a cycle');
SELECT is(pg_temp.error_of($$SELECT dbm_history(project => 'cycle')$$), pg_temp.graph_error('cycle'), 'history of it');
DO $$ BEGIN
	PERFORM pg_temp.revision('depcycle', 'aaaa0001', 'base', '-- Depends On: bbbb0002');
	PERFORM pg_temp.revision('depcycle', 'bbbb0002', 'base', '-- Depends On: aaaa0001');
END $$;
SELECT is(pg_temp.graph_error('depcycle'), $e$42P17 revisions of project "depcycle" form a cycle through their dependencies
detail: The cycle runs through revisions "aaaa0001", "bbbb0002".
hint: Look at the lines "Revises" and "Depends On" of these scripts.$e$, 'a cycle through dependencies');
SELECT lives_ok($$SELECT pg_temp.revision('selfdep', 'aaaa0001', 'base', '-- Depends On: aaaa0001')$$, 'registered one by one, so not refused yet');
SELECT is(pg_temp.graph_error('selfdep'), $e$42P17 revision "aaaa0001" depends on itself
detail: The revision was read from registered script "selfdep--base--aaaa0001.sql".$e$, 'a revision that depends on itself');
DO $$ BEGIN PERFORM pg_temp.revision('orphan', 'bbbb0002', 'aaaa0001'); END $$;
SELECT is(pg_temp.graph_error('orphan'), $e$42P17 revision "bbbb0002" revises "aaaa0001", which does not exist in project "orphan"
detail: Revision "bbbb0002" was read from registered script "orphan--aaaa0001--bbbb0002.sql".
hint: Scripts must name revisions by their full identifiers.$e$, 'a missing parent');
DO $$ BEGIN PERFORM pg_temp.revision('nodep', 'bbbb0002', 'base', '-- Depends On: aaaa0001'); END $$;
SELECT is(pg_temp.graph_error('nodep'), $e$42P17 revision "bbbb0002" depends on revision "aaaa0001", which does not exist in project "nodep"
detail: Revision "bbbb0002" was read from registered script "nodep--base--bbbb0002.sql".
hint: Scripts must name revisions by their full identifiers.$e$, 'a missing dependency');
DO $$ BEGIN
	PERFORM pg_temp.revision('twice', 'aaaa0001', 'base');
	PERFORM pg_temp.revision('twice', 'bbbb0002', 'aaaa0001');
	PERFORM pg_temp.revision('twice', 'bbbb0002', 'base');
END $$;
SELECT is(pg_temp.graph_error('twice'), $e$42710 revision "bbbb0002" is defined twice
detail: One upgrade script is registered script "twice--aaaa0001--bbbb0002.sql", the other is registered script "twice--base--bbbb0002.sql".$e$, 'two upgrade scripts to the same identifier');
DO $$ BEGIN
	PERFORM pg_temp.revision('twins', 'aaaa0001', 'base');
	PERFORM pg_temp.revision('twins', 'cccc0003', 'aaaa0001,aaaa0001');
END $$;
SELECT is(pg_temp.graph_error('twins'), $e$42P17 revision "cccc0003" revises revision "aaaa0001" twice
detail: The revision was read from registered script "twins--aaaa0001--cccc0003.sql".$e$, 'the same parent twice');
DO $$ BEGIN
	PERFORM pg_temp.revision('labels', 'aaaa0001', 'base', '-- Branch Labels: x');
	PERFORM pg_temp.revision('labels', 'bbbb0002', 'base', '-- Branch Labels: x');
END $$;
SELECT is(pg_temp.graph_error('labels'), $e$42710 branch label "x" of revision "bbbb0002" is already used by revision "aaaa0001"
detail: The revisions were read from registered script "labels--base--bbbb0002.sql" and registered script "labels--base--aaaa0001.sql".
hint: Identifiers and branch labels share one namespace.$e$, 'a label used twice');
DO $$ BEGIN PERFORM pg_temp.revision('labelid', 'aaaa0001', 'base', '-- Branch Labels: aaaa0001'); END $$;
SELECT is(pg_temp.graph_error('labelid'), $e$42710 branch label "aaaa0001" of revision "aaaa0001" is already used by revision "aaaa0001"
detail: The revisions were read from registered script "labelid--base--aaaa0001.sql" and registered script "labelid--base--aaaa0001.sql".
hint: Identifiers and branch labels share one namespace.$e$, 'a label that is an identifier');
DO $$ BEGIN
	PERFORM dbm_register('headless--aaaa0001--bbbb0002.sql', 'SELECT 1');
END $$;
SELECT is(pg_temp.graph_error('headless'), $e$42P17 cannot tell whether script file "headless--aaaa0001--bbbb0002.sql" upgrades or downgrades
detail: Its header has no Revision ID, and no upgrade scripts lead from base to "aaaa0001".
hint: Add a line "-- Revision ID: bbbb0002" or "-- Revision ID: aaaa0001" to its header.$e$, 'a script without a header, out of reach of base');
DO $$ BEGIN
	PERFORM dbm_register('downonly--aaaa0001--base.sql', E'-- Revision ID: aaaa0001\nSELECT 1');
END $$;
SELECT is(pg_temp.graph_error('downonly'), $e$42P17 revision "aaaa0001" of project "downonly" has a downgrade script but no upgrade script
detail: The downgrade script is registered script "downonly--aaaa0001--base.sql".$e$, 'a downgrade script alone');
DO $$ BEGIN
	PERFORM pg_temp.revision('downs', 'aaaa0001', 'base');
	PERFORM pg_temp.revision('downs', 'bbbb0002', 'aaaa0001');
	PERFORM dbm_register('downs--bbbb0002--base.sql', E'-- Revision ID: bbbb0002\nSELECT 1');
END $$;
SELECT is(pg_temp.graph_error('downs'), $e$42P17 downgrade script of revision "bbbb0002" does not fit its upgrade script
detail: The revision's parents are aaaa0001; registered script "downs--bbbb0002--base.sql" leads to "base".$e$, 'a downgrade script that leads elsewhere');
DO $$ BEGIN
	PERFORM dbm_register('contra--base--aaaa0001.sql', E'-- Revision ID: aaaa0001\n-- Revises: bbbb0002\nSELECT 1');
END $$;
SELECT is(pg_temp.graph_error('contra'), $e$42P17 header of script file "contra--base--aaaa0001.sql" contradicts its name
detail: It upgrades from "base", but its header revises "bbbb0002".
context: registered script "contra--base--aaaa0001.sql"$e$, 'Revises contradicts the file name');
DO $$ BEGIN
	PERFORM dbm_unregister('aaaa0001', 'contra');
	PERFORM pg_temp.revision('contra', 'aaaa0001', 'base');
	PERFORM dbm_register('contra--aaaa0001--base.sql', E'-- Revision ID: aaaa0001\n-- Revises: bbbb0002\nSELECT 1');
END $$;
SELECT is(pg_temp.graph_error('contra'), $e$42P17 header of script file "contra--aaaa0001--base.sql" contradicts its name
detail: It downgrades to "base", but its header revises "bbbb0002".
context: registered script "contra--aaaa0001--base.sql"$e$, 'Revises of a downgrade script contradicts its file name');

-- the header of the way back is looked at when it is used, not by a list
SELECT bag_eq($$SELECT project, heads IS NULL AS heads, current IS NULL AS current, pending IS NULL AS pending FROM dbm_projects() WHERE project <> 'databrain'$$,
	$$VALUES ('ids', false, false, false), ('cycle', true, true, true), ('depcycle', true, true, true),
		('selfdep', true, true, true), ('orphan', true, true, true), ('nodep', true, true, true),
		('twice', true, true, true), ('twins', true, true, true), ('labels', true, true, true),
		('labelid', true, true, true), ('headless', true, true, true), ('downonly', true, true, true),
		('downs', true, true, true), ('contra', false, false, false)$$,
	'a broken project is listed, and hides no other');

-- each can be mended by taking out what is wrong
SELECT lives_ok($$SELECT dbm_unregister('aaaa0001', 'cycle')$$, 'unregister works on a cycle');
SELECT lives_ok($$SELECT dbm_unregister('bbbb0002', 'orphan')$$, 'on an orphan');
SELECT is(pg_temp.graph_error('orphan') ~ '^42704 project "orphan" does not exist', true, 'which was all of its project');
SELECT lives_ok($$SELECT dbm_unregister('bbbb0002', 'twice')$$, 'on a revision defined twice: both scripts go');
SELECT is((SELECT array_agg(revision) FROM dbm_history(project => 'twice')), '{aaaa0001}', 'and the project is well again');
SELECT lives_ok($$SELECT dbm_unregister('bbbb', 'headless')$$, 'on a script without a header');
SELECT lives_ok($$SELECT dbm_unregister('aaaa0001', 'downonly')$$, 'on a downgrade script alone');

--
-- File names
--

SELECT is(pg_temp.error_of(format('SELECT dbm_register(%L, ''SELECT 1'')', name)),
	concat_ws(E'\n', format('42602 invalid script file name: "%s"', name), 'detail: ' || detail,
		'hint: ' || coalesce(hint, 'Revision scripts are named PROJECT--FROM--TO.sql.')), format('file name %L', name))
FROM (VALUES
	('', 'The name does not end with ".sql".', NULL),
	('readme.txt', 'The name does not end with ".sql".', NULL),
	('p--base--aaaa0001', 'The name does not end with ".sql".', NULL),
	('p--base--aaaa0001.SQL', 'The name does not end with ".sql".', NULL),
	('.sql', 'The name does not contain "--".', NULL),
	('p-base-aaaa0001.sql', 'The name does not contain "--".', NULL),
	('p--aaaa0001.sql', 'The name has only one part after the project.', NULL),
	('p--base.sql', 'The name has only one part after the project.',
		'PROJECT--base.sql is the install script of the project''s extension.  The first revision has a script PROJECT--base--TO.sql.'),
	('--base--aaaa0001.sql', 'Project names must not be empty.', NULL),
	('a b--base--aaaa0001.sql', 'Project names must consist of letters, digits, "_", "-" and ".".', NULL),
	('p--base--base.sql', 'The script leads from a revision to the same revision.', NULL),
	('p--aaaa0001--aaaa0001.sql', 'The script leads from a revision to the same revision.', NULL),
	('../p--base--aaaa0001.sql', 'The name must not contain a directory.', NULL),
	('/etc/p--base--aaaa0001.sql', 'The name must not contain a directory.', NULL),
	('dir\p--base--aaaa0001.sql', 'The name must not contain a directory.', NULL)) AS names (name, detail, hint);
SELECT is(regexp_replace(pg_temp.error_of(format('SELECT dbm_register(%L, ''SELECT 1'')', name)), '\n.*', ''),
	format('42602 invalid script file name: "%s"', name), format('file name %L', name))
FROM unnest(ARRAY['p--base--.sql', 'p----aaaa0001.sql', 'p--base--head.sql', 'p--base--heads.sql', 'p--base--current.sql',
	'p--head--aaaa0001.sql', 'p--base--a,b.sql', 'p--base--a@b.sql', 'p--base--a:b.sql', 'p--base--a+b.sql',
	'p--base--a b.sql', 'p--base---aaaa.sql', 'p--base--aaaa-.sql', 'p--base--aaaa--bbbb.sql', 'p--base--.aaaa.sql',
	'p--base--aaaa..sql', 'p--base--' || repeat('a', 129) || '.sql']) AS name;
SELECT lives_ok(format('SELECT dbm_register(%L, ''SELECT 1'')', 'longest--base--' || repeat('a', 128) || '.sql'),
	'an identifier of 128 bytes');
SELECT is((SELECT length(revision) FROM dbm_upgrade('aaaa', 'longest')), 128, 'which works by its prefix');

--
-- Headers
--

CREATE FUNCTION pg_temp.header_error(VARIADIC lines text[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.error_of(format('SELECT dbm_register(%L, %L)', 'header--base--aaaa0001.sql',
		array_to_string(lines || 'SELECT 1;'::text, E'\n')))
$$;
SELECT is(pg_temp.header_error('-- m', '-- Revision ID: bbbb0002'), $e$42P17 header of script file "header--base--aaaa0001.sql" contradicts its name
detail: Its Revision ID is "bbbb0002", which is neither "base" nor "aaaa0001".$e$, 'Revision ID is none of the ends');
SELECT is(pg_temp.header_error('-- m', '-- Revision ID: '), $e$42602 invalid value for "Revision ID": ""
detail: It must not be empty.
context: file "header--base--aaaa0001.sql", line 2$e$, 'empty Revision ID');
SELECT is(pg_temp.header_error('-- m', '-- Revision ID: a b'), $e$42602 invalid value for "Revision ID": "a b"
detail: Only letters, digits, "_", "." and "-" are allowed.
context: file "header--base--aaaa0001.sql", line 2$e$, 'Revision ID with a blank');
SELECT is(pg_temp.header_error('-- m', '', '-- revision id: aaaa0001', '-- REVISION ID: aaaa0001'), $e$42601 "Revision ID" is given more than once
context: file "header--base--aaaa0001.sql", line 4$e$, 'a key given twice');
SELECT is(pg_temp.header_error('-- m', '-- Revises: a,,b'), $e$42602 invalid value for "Revises": ""
detail: It must not be empty.
context: file "header--base--aaaa0001.sql", line 2$e$, 'a hole in Revises');
SELECT is(pg_temp.header_error('-- m', '-- Revises: base, bbbb0002'), $e$42602 invalid value for "Revises": "base"
detail: The words "head", "heads", "base" and "current" have a meaning of their own.
context: file "header--base--aaaa0001.sql", line 2$e$, 'base in a list of parents');
SELECT is(pg_temp.header_error('-- m', '-- Depends On: head'), $e$42602 invalid value for "Depends On": "head"
detail: The words "head", "heads", "base" and "current" have a meaning of their own.
context: file "header--base--aaaa0001.sql", line 2$e$, 'a dependency on head');
SELECT is(pg_temp.header_error('-- m', '-- Branch Labels: a@b'), $e$42602 invalid value for "Branch Labels": "a@b"
detail: Only letters, digits, "_", "." and "-" are allowed.
context: file "header--base--aaaa0001.sql", line 2$e$, 'a label with a sign');
SELECT is(pg_temp.header_error('-- m', '-- Transactional: perhaps'), $e$22023 invalid value for "Transactional": "perhaps"
hint: Use yes or no.
context: file "header--base--aaaa0001.sql", line 2$e$, 'neither yes nor no');
SELECT is(pg_temp.header_error('-- m', '-- Create Date: someday'), $e$22007 invalid input syntax for type timestamp with time zone: "someday"
context: file "header--base--aaaa0001.sql", line 2$e$, 'not a date');
SELECT is(pg_temp.header_error('-- m', '', '', 'SELECT 1;', '-- Revision ID: zzzz'), 'no error', 'a key below the header is a comment');
SELECT is((SELECT message FROM dbm_history(project => 'header')), 'm', 'and the header above it counts');

--
-- Scripts that are not SQL, or not for the server; each with its line
--

CREATE FUNCTION pg_temp.script_error(script text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.error_of(format('SELECT dbm_register(%L, %L)', 'script--base--aaaa0001.sql', script))
$$;
SELECT is(pg_temp.script_error(E'-- m\n\nSELECT 1;\nSELECT 1\nFRM t WHERE x;\nSELECT 2;'), $e$42601 syntax error at or near "t"
context: file "script--base--aaaa0001.sql", line 5$e$, 'a syntax error');
SELECT is(pg_temp.script_error(E'SELECT 1;\r\nSELECT 2;\r\nSELEC 3;\r\n'), $e$42601 syntax error at or near "SELEC"
context: file "script--base--aaaa0001.sql", line 3$e$, 'line ends of Windows');
SELECT is(pg_temp.script_error(E'SELECT 1;\rSELECT 2;\rSELEC 3;\r'), $e$42601 syntax error at or near "SELEC"
context: file "script--base--aaaa0001.sql", line 3$e$, 'and of an old Macintosh');
SELECT is(pg_temp.script_error(E'SELECT \'größer\';\n/* ü\n ü */ SELEC \'ü\';'), $e$42601 syntax error at or near "SELEC"
context: file "script--base--aaaa0001.sql", line 3$e$, 'behind letters of several bytes');
SELECT is(pg_temp.script_error(E'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$\nSELECT 1;\n$x$;\nSELECT (1;'), $e$42601 syntax error at or near ";"
context: file "script--base--aaaa0001.sql", line 4$e$, 'behind a dollar quote');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\n\nSELECT \'open\n;\n'), $e$42601 unterminated quoted string at or near "'open
;
"
context: file "script--base--aaaa0001.sql", line 4$e$, 'an unterminated string');
SELECT is(pg_temp.script_error(E'SELECT 1;\n/* open\n;\n'), $e$42601 unterminated /* comment at or near "/* open
;
"
context: file "script--base--aaaa0001.sql", line 2$e$, 'an unterminated comment');
SELECT is(pg_temp.script_error(E'SELECT 1;\nDO $x$ BEGIN NULL; END;\n'), $e$42601 unterminated dollar-quoted string at or near "$x$ BEGIN NULL; END;
"
context: file "script--base--aaaa0001.sql", line 2$e$, 'an unterminated dollar quote');
SELECT is(pg_temp.script_error(E'SELECT 1;\nSELECT 2\n\n'), 'no error', 'no semicolon at the end is fine');
SELECT is(pg_temp.script_error(E'SELECT 1;\nSELECT (\n\n'), $e$42601 syntax error at end of input
context: file "script--base--aaaa0001.sql", line 2$e$, 'a statement cut off');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\nCOMMIT;\nSELECT 2;'), $e$0A000 COMMIT is not supported in a revision script
detail: Transactions are begun and ended around revisions, not by them.
hint: Split the revision in two, or give it the header "Transactional: no" to run it outside of a transaction.
context: file "script--base--aaaa0001.sql", line 3$e$, 'COMMIT');
SELECT is(regexp_replace(pg_temp.script_error(E'SELECT 1;\n' || command || ';'), '\ndetail.*\n', E'\n'),
	format('0A000 %s is not supported in a revision script
context: file "script--base--aaaa0001.sql", line 2', tag), command)
FROM (VALUES ('BEGIN', 'BEGIN'), ('START TRANSACTION', 'START TRANSACTION'), ('END', 'COMMIT'), ('ABORT', 'ROLLBACK'),
	('ROLLBACK', 'ROLLBACK'), ('ROLLBACK TO x', 'ROLLBACK'), ('SAVEPOINT x', 'SAVEPOINT'), ('RELEASE x', 'RELEASE'),
	('PREPARE TRANSACTION ''x''', 'PREPARE TRANSACTION'), ('COMMIT PREPARED ''x''', 'COMMIT PREPARED'),
	('ROLLBACK PREPARED ''x''', 'ROLLBACK PREPARED'), ('/* */ commit and chain', 'COMMIT')) AS commands (command, tag);
SELECT is(pg_temp.script_error(E'-- m\n\\connect other\nSELECT 1;'), $e$42601 psql command "\connect" is not supported in a revision script
detail: Revision scripts are run by the server, which knows no psql command but \echo, on lines between the statements.
context: file "script--base--aaaa0001.sql", line 2$e$, '\connect');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\nSELECT 2 \\gexec\n'), $e$42601 psql command "\gexec" is not supported in a revision script
detail: Revision scripts are run by the server, which knows no psql command but \echo, on lines between the statements.
context: file "script--base--aaaa0001.sql", line 3$e$, '\gexec behind a statement');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\\i other.sql\n'), $e$42601 psql command "\i" is not supported in a revision script
detail: Revision scripts are run by the server, which knows no psql command but \echo, on lines between the statements.
context: file "script--base--aaaa0001.sql", line 2$e$, '\i');
SELECT is(pg_temp.script_error(E'SELECT 1\n\\echo hello\n;'), $e$42601 psql command "\echo" is not supported in a revision script
detail: Revision scripts are run by the server, which knows no psql command but \echo, on lines between the statements.
context: file "script--base--aaaa0001.sql", line 2$e$, '\echo inside a statement');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\\echo it''s "fine" \\quit\nSELECT 2;'), 'no error', '\echo between statements');
SELECT is(pg_temp.script_error(E'SELECT \'\\connect\', $$\n\\connect\n$$; -- \\connect\n/*\n\\connect */'), 'no error', 'a backslash in constants and comments');
SELECT is(pg_temp.script_error(E'SELECT 1;\n\nCOPY t FROM stdin;\n1\tx\n\\.\nSELECT 2;'), $e$0A000 COPY FROM STDIN is not supported in a revision script
detail: Revision scripts are run by the server, without a client to exchange rows with.
hint: Use INSERT with a VALUES list, or COPY from a file of the server.
context: file "script--base--aaaa0001.sql", line 3$e$, 'COPY FROM stdin');
SELECT is(pg_temp.script_error(E'SELECT 1;\nCOPY public.t (a, b)\n  FROM STDIN WITH (FORMAT csv);\n1,x\n\\.\n'), $e$0A000 COPY FROM STDIN is not supported in a revision script
detail: Revision scripts are run by the server, without a client to exchange rows with.
hint: Use INSERT with a VALUES list, or COPY from a file of the server.
context: file "script--base--aaaa0001.sql", line 3$e$, 'over two lines');
SELECT is(pg_temp.script_error(E'COPY (SELECT 1) TO stdout'), $e$0A000 COPY TO STDOUT is not supported in a revision script
detail: Revision scripts are run by the server, without a client to exchange rows with.
hint: Use COPY to a file of the server.
context: file "script--base--aaaa0001.sql", line 1$e$, 'COPY TO stdout');
SELECT is(pg_temp.script_error(E'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\nSELECT f() x y;'), $e$42601 syntax error at or near "y"
context: file "script--base--aaaa0001.sql", line 2$e$, 'behind a function body of standard SQL');
SELECT is(pg_temp.script_error(''), $e$22023 script "script--base--aaaa0001.sql" is empty$e$, 'empty');
SELECT is(pg_temp.script_error(E' \t\r\n\f'), $e$22023 script "script--base--aaaa0001.sql" is empty$e$, 'blank');
SELECT is(pg_temp.script_error(E'\uFEFF\n'), $e$22023 script "script--base--aaaa0001.sql" is empty$e$, 'nothing but a byte order mark');
SELECT lives_ok($$SELECT dbm_register('comment--base--aaaa0001.sql', E'-- nothing to do\n/* yet */ ;;\n')$$, 'comments and semicolons alone are a script');
SELECT is((SELECT statements FROM dbm_upgrade(project => 'comment')), 0, 'with no statement');

-- what the parser cannot know shows when the revision is run
SELECT lives_ok($$SELECT pg_temp.revision('run', 'aaaa0001', 'base', '', E'CREATE TABLE run_a ();\nCREATE TABLE run_b ();\n\nALTER TABLE run_c\n  ADD a int;')$$, 'an error to come');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'run')$$), $e$42P01 relation "run_c" does not exist
context: project "run", revision "aaaa0001", file "run--base--aaaa0001.sql", line 8, statement 3 of 3$e$, 'names project, revision, file, line and statement');
SELECT hasnt_table('run_a', 'and leaves nothing');
SELECT is(count(*), 0::bigint, 'not in the log either') FROM dbm_log('run');
SELECT is(count(*), 0::bigint, 'nor in the state') FROM dbm_current('run');

--
-- NULL and empty arguments
--

SELECT is(pg_temp.error_of('SELECT ' || call), '22004 ' || message, call)
FROM (VALUES ('dbm_upgrade(NULL)', 'target must not be null'), ('dbm_downgrade(NULL)', 'target must not be null'),
	('dbm_stamp(NULL)', 'target must not be null'), ('dbm_require(NULL)', 'revision must not be null'),
	('dbm_show(NULL)', 'revision must not be null'), ('dbm_graph(NULL)', 'format must not be null'),
	('dbm_register(NULL, ''SELECT 1'')', 'file name must not be null'),
	('dbm_register(''p--base--aaaa0001.sql'', NULL)', 'script must not be null'),
	('dbm_unregister(NULL)', 'revision must not be null'), ('dbm_adopt(NULL)', 'revision must not be null'),
	('dbm_project_base(NULL)', 'project must not be null')) AS calls (call, message);
SELECT is(regexp_replace(pg_temp.error_of(format('SELECT dbm_%s(%L, project => ''ids'')', name, argument)), '\n.*', ''),
	CASE WHEN name IN ('unregister', 'adopt') THEN format('42704 project "ids" has no registered script of revision "%s"', argument)
		ELSE '22023 target must not be empty' END,
	format('dbm_%s(%L)', name, argument))
FROM unnest(ARRAY['upgrade', 'downgrade', 'stamp', 'require', 'show', 'unregister', 'adopt']) AS name,
	unnest(ARRAY['', ' ']) AS argument;
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(',', 'ids')$$), $e$22023 target must not be empty
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'a comma alone');
SELECT is(pg_temp.error_of($$SELECT dbm_history('', 'ids')$$), $e$22023 target must not be empty
hint: Targets are, for example, "head", "base", "+1", "-1", a revision or "label@head".$e$, 'an empty range');
SELECT is(pg_temp.error_of($$SELECT dbm_history(':', 'ids')$$), 'no error', 'a colon is all of it');
SELECT set_eq($$SELECT revision FROM dbm_history(NULL, 'ids')$$, $$SELECT revision FROM dbm_history('base:heads', 'ids')$$,
	'no range is all of it');
SELECT lives_ok($$SET LOCAL databrain_migrate.project = 'ids'$$, 'the setting says');
SELECT set_eq($$SELECT revision FROM dbm_current(NULL)$$, ARRAY['abcd2222', 'leaf0003'], 'which project NULL is');
RESET databrain_migrate.project;

--
-- Rights
--

CREATE ROLE dbm_test_nobody;
CREATE ROLE dbm_test_deploy;
GRANT EXECUTE ON FUNCTION dbm_upgrade(text, text), dbm_downgrade(text, text), dbm_register(text, text, bool),
	dbm_stamp(text, bool, text), dbm_show(text, text) TO dbm_test_deploy;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA closed;
CREATE TABLE closed.t (a int);

SET LOCAL ROLE dbm_test_nobody;
SELECT is(pg_temp.error_of('SELECT ' || call), '42501 permission denied for function ' || split_part(call, '(', 1), 'PUBLIC: ' || call)
FROM unnest(ARRAY['dbm_upgrade()', 'dbm_downgrade(''base'')', 'dbm_stamp(''head'')', 'dbm_show(''head'', ''ids'')',
	'dbm_log()', 'dbm_register(''p--base--aaaa0001.sql'', ''SELECT 1'')', 'dbm_unregister(''aaaa0001'')',
	'dbm_adopt(''aaaa0001'')']) AS call;
SELECT is(pg_temp.error_of('SELECT ' || call), 'no error', 'PUBLIC may look: ' || call)
FROM unnest(ARRAY['dbm_current(''ids'')', 'dbm_history(project => ''ids'')', 'dbm_heads(''ids'')', 'dbm_branches(''ids'')',
	'dbm_graph(project => ''ids'')', 'dbm_projects()', 'dbm_require(''first001'', ''ids'')']) AS call;
SELECT is(pg_temp.error_of('SELECT FROM dbm.' || name), '42501 permission denied for schema dbm', 'PUBLIC may not read dbm.' || name)
FROM unnest(ARRAY['applied', 'script', 'log']) AS name;
SELECT is(pg_temp.error_of($$SET databrain_migrate.versions_path = '/etc'$$),
	'42501 permission denied to set parameter "databrain_migrate.versions_path"', 'nor set the versions path');
RESET ROLE;
SELECT is((SELECT count(*) FROM pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^dbm_'
		AND has_function_privilege('dbm_test_nobody', p.oid, 'EXECUTE')
		AND (SELECT proname = ANY ('{dbm_current,dbm_history,dbm_heads,dbm_branches,dbm_graph,dbm_projects,dbm_progress,dbm_require,dbm_project_base,dbm_ddl_command_start,dbm_ddl_command_end,dbm_watch_ddl}')) IS NOT TRUE),
	0::bigint, 'PUBLIC may call nothing else');

-- the caller's rights are what a script has
SELECT lives_ok($$SELECT pg_temp.revision('rights', 'aaaa0001', 'base', '', E'SELECT 1;\nCREATE TABLE public.rights (a int);')$$, 'a script of a superuser');
SET LOCAL ROLE dbm_test_deploy;
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'rights')$$), $e$42501 permission denied for schema public
context: project "rights", revision "aaaa0001", file "rights--base--aaaa0001.sql", line 6, statement 2 of 2$e$, 'run by a role without rights on the schema');
SELECT is(pg_temp.error_of($$SELECT dbm_register('rights--aaaa0001--bbbb0002.sql', 'SELECT FROM closed.t')$$), 'no error', 'which may register');
SELECT is(pg_temp.error_of($$SELECT dbm_stamp('aaaa0001', project => 'rights')$$), 'no error', 'and stamp');
SELECT is(pg_temp.error_of($$SELECT dbm_upgrade(project => 'rights')$$), $e$42501 permission denied for schema closed
context: project "rights", revision "bbbb0002", file "rights--aaaa0001--bbbb0002.sql", line 1, statement 1 of 1$e$, 'but not read a schema that is closed to it');
SELECT is(pg_temp.error_of($$INSERT INTO dbm.applied SELECT * FROM dbm.applied$$), '42501 permission denied for schema dbm', 'the tables are closed to it');
RESET ROLE;
SELECT is((SELECT applied_by FROM dbm_current('rights')), 'dbm_test_deploy', 'the state names the caller');

--
-- Read-only transactions: looking works, all else says why not
--

SELECT is(pg_temp.read_only_error_of('SELECT ' || call), 'no error', 'read-only: ' || call)
FROM unnest(ARRAY['dbm_current(''ids'')', 'dbm_history(project => ''ids'')', 'dbm_heads(''ids'')', 'dbm_branches(''ids'')',
	'dbm_graph(project => ''ids'')', 'dbm_projects()', 'dbm_require(''first001'', ''ids'')', 'dbm_show(''heads'', ''ids'')',
	'dbm_log(''ids'')']) AS call;
SELECT is(pg_temp.read_only_error_of('SELECT ' || name || arguments),
	format('25006 cannot execute %s() in a read-only transaction', name), 'read-only: ' || name)
FROM (VALUES ('dbm_upgrade', '(project => ''ids'')'), ('dbm_downgrade', '(''base'', ''ids'')'),
	('dbm_stamp', '(''base'', project => ''ids'')'), ('dbm_register', '(''p--base--aaaa0001.sql'', ''SELECT 1'')'),
	('dbm_unregister', '(''first001'', ''ids'')'), ('dbm_adopt', '(''first001'', ''ids'')')) AS calls (name, arguments);
SELECT is(pg_temp.read_only_error_of('SELECT dbm_upgrade(''heads'', ''ids'')'),
	'25006 cannot execute dbm_upgrade() in a read-only transaction', 'also where there is nothing to do');

SELECT * FROM finish();
ROLLBACK;

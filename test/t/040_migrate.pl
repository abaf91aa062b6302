# CALL dbm_migrate: a commit per revision, and revisions that cannot run in a
# transaction.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = cluster('migrate', conf => "deadlock_timeout = 100ms\n");
my ($status, $out, $err);

sub migrate
{
	my ($target, $project) = @_;

	($status, $out, $err) = run_sql($node, "CALL dbm_migrate('$target', '$project')");
	return $status;
}

sub current
{
	my ($project) = @_;

	return one($node,
		"SELECT string_agg(revision, ',' ORDER BY revision) FROM dbm_current('$project')");
}

sub is_unlocked
{
	my ($what) = @_;

	ok(no_worker($node), "no worker and no lock is left $what");
	return;
}

# ---------------- a commit per revision ----------------

revision($node, 'way', 'w1', 'base',
	up => 'CREATE TABLE way (revision text, xid xid8); '
	  . "INSERT INTO way VALUES ('w1', pg_current_xact_id());",
	down => 'DROP TABLE way;');
revision($node, 'way', "w$_", 'w' . ($_ - 1),
	up => "INSERT INTO way VALUES ('w$_', pg_current_xact_id());",
	down => "DELETE FROM way WHERE revision = 'w$_';")
  foreach 2 .. 4;

is(migrate('head', 'way'), 0, 'CALL dbm_migrate upgrades') or diag $err;
is(current('way'), 'w4', 'to the head');
is(one($node, 'SELECT count(DISTINCT xid::text) FROM way'),
	4, 'in a transaction per revision');
like($err, qr/NOTICE: .*Running upgrade w3 -> w4, revision w4/, 'and says so');
is(migrate('head', 'way'), 0, 'at the head there is nothing to do');
like($err, qr/project "way": nothing to do/, 'which it says');
is(migrate('-2', 'way'), 0, 'it downgrades') or diag $err;
is(current('way'), 'w2', 'as far as it was told');
is(one($node, 'SELECT count(*) FROM way'), 2, 'and ran the scripts');
migrate('+1', 'way');
is(current('way'), 'w3', 'a relative target is resolved once');
migrate('base', 'way');
is(one($node, "SELECT to_regclass('way') IS NULL AND NOT EXISTS (SELECT FROM dbm_current('way'))"),
	't', 'back to base');
is_unlocked('after that');

# ---------------- failures ----------------

revision($node, 'fail', 'f1', 'base', up => 'CREATE TABLE f1 ();', down => 'DROP TABLE f1;');
revision($node, 'fail', 'f2', 'f1',
	up => "CREATE TABLE f2 ();\n\nSELECT 1 / 0;",
	down => 'DROP TABLE f2;');
revision($node, 'fail', 'f3', 'f2', up => 'CREATE TABLE f3 ();', down => "SELECT 1;\nSELECT 1/0;");

is(migrate('head', 'fail'), 3, 'a revision that fails fails the call');
like($err, qr/ERROR:  22012: division by zero\n/, 'with its own error');
like($err,
	qr/project "fail", revision "f2", file "fail--f1--f2.sql", line 8, statement 2 of 2/,
	'and where it was');
is(one($node, q{SELECT to_regclass('f1'), to_regclass('f2')}), 'f1|', 'what was before it stays');
is(current('fail'), 'f1', 'and so does the state');
is(one($node, q{SELECT revision, direction, sqlstate, error, file, line, from_revisions, to_revisions
	FROM dbm_log('fail') WHERE outcome = 'failed'}),
	'f2|upgrade|22012|division by zero|fail--f1--f2.sql|8|{f1}|{f2}',
	'the failure is in the log');
is(one($node, q{SELECT string_agg(revision || ' ' || outcome, ', ' ORDER BY id) FROM dbm_log('fail')}),
	'f1 done, f2 failed', 'behind what was done');
is_unlocked('after a failure');
revision($node, 'fail', 'f2', 'f1', up => 'CREATE TABLE f2 ();');
is(migrate('head', 'fail'), 0, 'the next call goes on') or diag $err;
is(current('fail'), 'f3', 'to the end');
is(migrate('base', 'fail'), 3, 'a downgrade can fail');
is(current('fail'), 'f3', 'and stays where it was');
is(one($node, q{SELECT direction, revision, sqlstate, line, from_revisions, to_revisions
	FROM dbm_log('fail') WHERE outcome = 'failed' ORDER BY id DESC LIMIT 1}),
	'downgrade|f3|22012|7|{f3}|{f2}', 'and is logged');
revision($node, 'fail', 'f3', 'f2', down => 'DROP TABLE f3;');
is(migrate('base', 'fail'), 0, 'and goes on when it is mended');
is(current('fail'), '', 'down to base');

# What fails only when the transaction commits fails the revision, too.
revision($node, 'late', 'l1', 'base',
	up => 'CREATE TABLE late (a int PRIMARY KEY); CREATE TABLE late_ref '
	  . '(a int REFERENCES late DEFERRABLE INITIALLY DEFERRED); INSERT INTO late_ref VALUES (1);',
	down => 'SELECT 1;');
is(migrate('head', 'late'), 3, 'a deferred constraint fails the revision');
is(one($node, q{SELECT to_regclass('late') IS NULL, (SELECT sqlstate FROM dbm_log('late') WHERE outcome = 'failed')}),
	't|23503', 'which is rolled back and logged');

# Whoever moves the project behind the engine's back, as a script of dbm_sql()
# may, is noticed before anything is recorded.
revision($node, 'moved', 'm1', 'base', up_outside => 1,
	up => q{INSERT INTO dbm.log (project, revision, direction, from_revisions, to_revisions, statements,
		started_at, elapsed, role, session_role, application_name, outcome)
		VALUES ('moved', 'm0', 'stamp', '{}', '{m0}', 0, now(), '0', current_user, session_user, '', 'done')});
is(migrate('head', 'moved'), 3, 'a project that is moved while a revision runs');
like($err, qr/ERROR:  55000: project "moved" was changed while it was being migrated\n/, 'says so');
is(one($node, q{SELECT EXISTS (SELECT FROM dbm_current('moved')), count(*) FROM dbm_log('moved')}), 'f|1', 'and records nothing');
is_unlocked('after that, too');
is(migrate('head', 'moved'), 0, 'the next call finds all statements done') or diag $err;
is(one($node, q{SELECT string_agg(revision, ' ' ORDER BY id) FROM dbm_log('moved')}), 'm0 m1', 'and records them');

# ---------------- where a procedure may not commit ----------------

revision($node, 'in', 'i1', 'base',
	up => 'CREATE TABLE in_xids AS SELECT pg_current_xact_id()::text AS xid;',
	down => 'DROP TABLE in_xids;');
revision($node, 'in', 'i2', 'i1',
	up => 'INSERT INTO in_xids VALUES (pg_current_xact_id()::text);',
	down => 'SELECT 1;');

($status, $out, $err) = run_sql($node,
	"BEGIN; CALL dbm_migrate('head', 'in'); SELECT count(DISTINCT xid) FROM in_xids; ROLLBACK;");
is("$status $out", '0 1', 'in a transaction block it does everything in that transaction');
is(current('in'), '', 'which can be rolled back');

my %contexts = (
	'a DO block' => "DO \$\$ BEGIN CALL dbm_migrate('%s', 'in'); END \$\$;",
	'a procedure' => "CREATE OR REPLACE PROCEDURE p(t text) LANGUAGE plpgsql AS "
	  . "\$\$ BEGIN FOR i IN 1 .. 1 LOOP CALL dbm_migrate(t, 'in'); END LOOP; END \$\$; CALL p('%s');",
	'a procedure with a cursor open' => "CREATE OR REPLACE PROCEDURE p(t text) LANGUAGE plpgsql AS "
	  . "\$\$ DECLARE r record; BEGIN FOR r IN SELECT g FROM generate_series(1, 3) g LOOP "
	  . "IF r.g = 2 THEN CALL dbm_migrate(t, 'in'); END IF; END LOOP; END \$\$; CALL p('%s');");
foreach my $context (sort keys %contexts)
{
	($status, $out, $err) = run_sql($node, sprintf($contexts{$context}, 'head'));
	is($status, 0, "it works in $context") or diag $err;
	is(one($node, 'SELECT count(DISTINCT xid) FROM in_xids'), 2, "and commits in $context");
	run_sql($node, sprintf($contexts{$context}, 'base'));
	is(current('in'), '', "and downgrades in $context");
}

%contexts = (
	'a function' => "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS "
	  . "\$\$ BEGIN CALL dbm_migrate('head', 'in'); %s END \$\$; SELECT f();",
	'a block with EXCEPTION' => "DO \$\$ BEGIN BEGIN CALL dbm_migrate('head', 'in'); %s "
	  . "EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'caught'; END; END \$\$;");
foreach my $context (sort keys %contexts)
{
	run_sql($node, sprintf($contexts{$context}, 'PERFORM 1 / 0;'));
	is(current('in'), '', "in $context it is rolled back with its transaction");
	($status, $out, $err) = run_sql($node, sprintf($contexts{$context}, ''));
	is($status, 0, "it works in $context") or diag $err;
	is(one($node, 'SELECT count(DISTINCT xid) FROM in_xids'), 1, "in one transaction in $context");
	migrate('base', 'in');
}
is_unlocked('after all these');

revision($node, 'in', 'i3', 'i2', up => 'VACUUM in_xids;', up_outside => 1, down => 'SELECT 1;');
($status, $out, $err) = run_sql($node, "BEGIN; CALL dbm_migrate('head', 'in');");
like($err, qr/ERROR:  25001: revision "i3" of project "in" cannot run in a transaction/,
	'in a transaction block a revision that needs more is refused');
like($err, qr/HINT: .*CALL dbm_migrate/, 'with a hint');
unlike($err, qr/Running upgrade/, 'before anything runs');
is(migrate('head', 'in'), 0, 'and outside of one it runs') or diag $err;

# ---------------- what may stand in a script ----------------

one($node, q{CREATE TABLE zoo (id int PRIMARY KEY, kind int, t text);
	INSERT INTO zoo SELECT g, g % 7, 't' || g FROM generate_series(1, 100) g;
	CREATE INDEX zoo_old ON zoo (t);
	CREATE TYPE mood AS ENUM ('sad');
	CREATE MATERIALIZED VIEW zoo_view AS SELECT id FROM zoo;
	CREATE UNIQUE INDEX ON zoo_view (id);
	CREATE TABLE part (a int) PARTITION BY LIST (a);
	CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
	CREATE TABLE noted (what text, value text);
	CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN
		FOR i IN 1 .. 3 LOOP INSERT INTO noted VALUES ('commits', pg_current_xact_id()); COMMIT; END LOOP;
	END $$;});
revision($node, 'zoo', 'z1', 'base', up_outside => 1, up => <<'SQL');
CREATE INDEX CONCURRENTLY zoo_kind ON zoo (kind);
DROP INDEX CONCURRENTLY zoo_old;
REINDEX INDEX CONCURRENTLY zoo_kind;
REINDEX (CONCURRENTLY) TABLE zoo;
VACUUM (ANALYZE) zoo;
ALTER TYPE mood ADD VALUE 'glad';
CREATE TABLE moods AS SELECT 'glad'::mood AS mood;
INSERT INTO zoo VALUES (101, 1, 'x');
REFRESH MATERIALIZED VIEW CONCURRENTLY zoo_view;
CALL commits();
DO $$ BEGIN
	INSERT INTO noted VALUES ('do', pg_current_xact_id()); COMMIT;
	INSERT INTO noted VALUES ('do', pg_current_xact_id());
END $$;
SET work_mem = '5MB';
INSERT INTO noted SELECT 'work_mem', current_setting('work_mem');
ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY;
ALTER SYSTEM SET deadlock_timeout = '123ms';
CREATE DATABASE zoo_database TEMPLATE template0 STRATEGY wal_log;
CLUSTER zoo USING zoo_kind;
ANALYZE;
SELECT count(*) FROM zoo;
WITH gone AS (DELETE FROM zoo WHERE id = 101 RETURNING t) INSERT INTO noted SELECT 'gone', t FROM gone;
CREATE RULE noted_rule AS ON UPDATE TO noted DO ALSO INSERT INTO moods VALUES ('sad');
UPDATE noted SET value = 'y' WHERE what = 'gone';
PREPARE note AS INSERT INTO noted VALUES ('prepared', $1);
EXECUTE note('yes');
COMMENT ON TABLE zoo IS 'animals';
SQL
is(migrate('head', 'zoo'), 0, 'everything that the server allows at top level runs') or diag $err;
is(one($node, q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'zoo_kind'::regclass}),
	't', 'CREATE INDEX CONCURRENTLY');
is(one($node, q{SELECT to_regclass('zoo_old') IS NULL}), 't', 'DROP INDEX CONCURRENTLY');
is(one($node, q{SELECT last_vacuum IS NOT NULL OR vacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'zoo'}),
	't', 'VACUUM');
is(one($node, 'SELECT mood FROM moods ORDER BY 1 DESC LIMIT 1'), 'glad', 'ALTER TYPE ADD VALUE, and its use');
is(one($node, 'SELECT count(*) FROM zoo_view'), 101, 'REFRESH MATERIALIZED VIEW CONCURRENTLY');
is(one($node, q{SELECT count(DISTINCT value) FROM noted WHERE what = 'commits'}), 3, 'a procedure that commits');
is(one($node, q{SELECT count(DISTINCT value) FROM noted WHERE what = 'do'}), 2, 'DO that commits');
is(one($node, q{SELECT value FROM noted WHERE what = 'work_mem'}), '5MB', 'SET is kept within the script');
is(one($node, q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'part'::regclass}), 0, 'DETACH PARTITION CONCURRENTLY');
like(slurp_file($node->data_dir . '/postgresql.auto.conf'), qr/deadlock_timeout = '123ms'/, 'ALTER SYSTEM');
is(one($node, q{SELECT count(*) FROM pg_database WHERE datname = 'zoo_database'}), 1, 'CREATE DATABASE');
is(one($node, q{SELECT value FROM noted WHERE what = 'gone'}), 'y', 'data statements');
is(one($node, q{SELECT count(*) FROM moods WHERE mood = 'sad'}), 1, 'rules');
is(one($node, q{SELECT value FROM noted WHERE what = 'prepared'}), 'yes', 'PREPARE and EXECUTE');
is(one($node, q{SELECT statements FROM dbm_log('zoo') WHERE outcome = 'done'}), 25, 'the log has the number of statements');
is(one($node, q{SELECT count(*) FROM dbm.step}), 0, 'nothing is left unfinished');
is_unlocked('after it');
one($node, 'ALTER SYSTEM RESET ALL');
one($node, 'DROP DATABASE zoo_database');

# ---------------- as the caller ----------------

one($node, q{CREATE ROLE deployer LOGIN; CREATE ROLE owner NOLOGIN; GRANT owner TO deployer;
	CREATE SCHEMA app AUTHORIZATION owner;
	CREATE ROLE plain LOGIN;
	ALTER ROLE deployer SET work_mem = '3MB';
	GRANT EXECUTE ON PROCEDURE dbm_migrate TO owner, deployer;
	GRANT EXECUTE ON FUNCTION dbm_upgrade, dbm_downgrade TO owner, deployer;});
my $look = q{SELECT current_user::text AS c, session_user::text AS s, current_schemas(false)::text AS p,
	current_setting('my.thing', true) AS t, current_setting('work_mem') AS w,
	current_setting('lock_timeout') AS l, current_setting('application_name') AS a,
	current_setting('TimeZone') AS z, current_setting('statement_timeout') AS st};
revision($node, 'me', 'm1', 'base',
	up => "CREATE TABLE seen_inside AS $look;", down => 'DROP TABLE seen_inside;');
revision($node, 'me', 'm2', 'm1',
	up_outside => 1, up => "CREATE TABLE seen_outside AS $look;\nSET my.thing = 'changed';\nSET search_path = pg_catalog;\nSET ROLE NONE;",
	down_outside => 1, down => 'DROP TABLE seen_outside;');
($status, $out, $err) = run_sql($node, q{SET ROLE owner; SET search_path = app, public; SET my.thing = 'it''s; "x"';
	SET lock_timeout = '7s'; SET application_name = 'ship'; SET TimeZone = 'Asia/Tokyo'; SET statement_timeout = '50s';
	CALL dbm_migrate('head', 'me');
	SELECT * FROM seen_inside; SELECT * FROM seen_outside;
	SHOW my.thing; SHOW search_path; SELECT current_user;},
	psql => [ '-U', 'deployer' ]);
my $expected = q{owner|deployer|{app,public}|it's; "x"|3MB|7s|ship|Asia/Tokyo|50s};
is($out, qq{$expected\n$expected\nit's; "x"\napp, public\nowner},
	'a worker has role, search_path and settings of the caller, who keeps them') or diag $err;
is(one($node, q{SELECT string_agg(relowner::regrole::text, ',') FROM pg_class WHERE relname ~ '^seen_'}),
	'owner,owner', 'what it creates belongs to the role');
is(one($node, q{SELECT role, session_role FROM dbm_log('me') ORDER BY id DESC LIMIT 1}), 'owner|deployer', 'and the log says who');

($status, $out, $err) = run_sql($node, "SET SESSION AUTHORIZATION owner; SET search_path = app; CALL dbm_migrate('-1', 'me');");
SKIP:
{
	skip 'a worker may start as such a role', 4 if $node->pg_version >= 17;
	is($status, 3, 'a session user that cannot log in is refused');
	like($err, qr/ERROR:  28000: role "owner" is not permitted to log in/, 'with a clear error');
	like($err, qr/HINT: .*SET ROLE/, 'and a hint');
	is(one($node, q{SELECT count(*) FROM app.seen_outside}), 1, 'nothing was done');
}
is_unlocked('after that');

($status, $out, $err) = run_sql($node, "CALL dbm_migrate('head', 'me')", psql => [ '-U', 'plain' ]);
like($err, qr/ERROR:  42501: permission denied for procedure dbm_migrate/, 'a plain role may not');

# ---------------- messages ----------------

one($node, 'CREATE TABLE told (a int CONSTRAINT positive CHECK (a > 0))');
revision($node, 'told', 't1', 'base', up_outside => 1, up => <<'SQL');
DO $$ BEGIN RAISE NOTICE 'one notice' USING DETAIL = 'its detail', HINT = 'its hint'; END $$;
DO $$ BEGIN RAISE WARNING 'one warning' USING ERRCODE = '01ABC'; END $$;
DO $$ BEGIN RAISE EXCEPTION 'the error' USING ERRCODE = 'AB123', DETAIL = 'error detail', HINT = 'error hint',
	TABLE = 'told', COLUMN = 'a', SCHEMA = 'public', CONSTRAINT = 'c', DATATYPE = 'd'; END $$;
SQL
is(migrate('head', 'told'), 3, 'an error of the worker is the caller\'s');
like($err, qr/NOTICE:  00000: one notice\nDETAIL:  its detail\nHINT:  its hint\n/, 'notices come back');
like($err, qr/WARNING:  01ABC: one warning/, 'warnings too');
like($err, qr/ERROR:  AB123: the error\nDETAIL:  error detail\nHINT:  error hint\n/, 'SQLSTATE, message, detail, hint of the error');
like($err, qr/SCHEMA NAME:  public\nTABLE NAME:  told\nCOLUMN NAME:  a\nDATATYPE NAME:  d\nCONSTRAINT NAME:  c\n/, 'and the objects');
like($err, qr/CONTEXT:  PL\/pgSQL function inline_code_block line 1 at RAISE\nproject "told", revision "t1", file "told--base--t1.sql", line 9, statement 3 of 3/,
	'the context, with our line');
is(() = $err =~ /revision "t1", file "told--base--t1.sql", line 9/g, 1, 'once');
unlike($err, qr/background worker|parallel/, 'and nothing of how it was done');
is(one($node, q{SELECT sqlstate, error, file, line FROM dbm_log('told')}), 'AB123|the error|told--base--t1.sql|9',
	'the failure is logged');

revision($node, 'place', 'p1', 'base', up_outside => 1, up => "SELECT 1;\n/* é */ SELECT a,\n  no_such FROM told;");
migrate('head', 'place');
like($err, qr/ERROR:  42703: column "no_such" does not exist\nLINE 2:   no_such FROM told\n +\^\n/,
	'an error shows its place within the statement') or diag $err;
like($err, qr/file "place--base--p1.sql", line 9, statement 2 of 2/, 'and its line in the file');
revision($node, 'place', 'p1', 'base', up_outside => 1, up => "SELECT 1;\nSELECT (;\n");
migrate('head', 'place');
like($err, qr/ERROR:  42601: syntax error/, 'a script that cannot be parsed is an error');
like($err, qr/place--base--p1.sql", line 8/, 'with its line') or diag $err;

# ---------------- resuming ----------------

sub resumable
{
	my ($first, $middle, $last) = @_;

	revision($node, 'again', 'a1', 'base', up_outside => 1,
		up => "$first\nINSERT INTO again SELECT 2, current_setting('my.thing') || current_setting('work_mem');\n$middle\n$last",
		down_outside => 1,
		down => "INSERT INTO again VALUES (-1);\nSELECT 1 / (SELECT count(*) FROM again WHERE a = 3);\nDELETE FROM again;");
	return;
}
one($node, 'CREATE TABLE again (a int, t text)');
my $first = "SET my.thing = 'kept';\nSELECT pg_catalog.set_config('work_mem', '5MB', false);\nINSERT INTO again VALUES (1);";
resumable($first, 'SELECT 1 / 0;', 'INSERT INTO again SELECT 4, current_setting(\'my.thing\') || current_setting(\'work_mem\');');
is(migrate('head', 'again'), 3, 'a script stops at its fifth statement');
is(one($node, 'SELECT count(*) FROM again'), 2, 'what was done stays');
is(one($node, 'SELECT revision, direction, finished, attempted FROM dbm.step WHERE project = \'again\''), 'a1|upgrade|4|4', 'and is recorded');
is(current('again'), '', 'the revision is not applied');
resumable("SET my.thing = 'kept';\nINSERT INTO again VALUES (11);", 'SELECT 1;', 'SELECT 2;');
is(migrate('head', 'again'), 3, 'a script whose finished part was changed is refused');
like($err, qr/ERROR:  55000: script of revision "a1" of project "again" was changed after 4 of its statements ran/, 'with a clear error') or diag $err;
like($err, qr/HINT: .*dbm_stamp/, 'and a hint');
is_unlocked('after that');
resumable("/* new comment */ SET my.thing='kept'\n;SELECT pg_catalog.set_config('work_mem', '5MB', false); insert into AGAIN values (1);", 'INSERT INTO again VALUES (3);',
	'INSERT INTO again SELECT 4, current_setting(\'my.thing\') || current_setting(\'work_mem\');');
is(migrate('head', 'again'), 0, 'one whose other part was changed goes on') or diag $err;
is(one($node, q{SELECT string_agg(a || coalesce(t, '-'), ',' ORDER BY a) FROM again}), '1-,2kept5MB,3-,4kept5MB',
	'each statement ran once, with the settings of those before it');
is(one($node, 'SELECT count(*) FROM dbm.step WHERE project = \'again\''), 0, 'nothing is left unfinished');
is(one($node, q{SELECT string_agg(outcome || ' ' || statements, ', ' ORDER BY id) FROM dbm_log('again') WHERE outcome = 'done'}),
	'done 6', 'the log counts all statements');
one($node, 'DELETE FROM again WHERE a = 3');
is(migrate('base', 'again'), 3, 'a downgrade stops');
is(one($node, 'SELECT direction, finished FROM dbm.step WHERE project = \'again\''), 'downgrade|1', 'which is recorded');
is(current('again'), 'a1', 'the revision is still applied');
foreach my $call ("SELECT * FROM dbm_upgrade('head', 'again')", "CALL dbm_migrate('head', 'again')")
{
	($status, $out, $err) = run_sql($node, $call);
	like($err, qr/ERROR:  55000: downgrade of revision "a1" of project "again" stopped half way\nDETAIL:  1 statement of its script ran/,
		"$call does not take it for applied");
}
($status, $out, $err) = run_sql($node, "SELECT * FROM dbm_downgrade('base', 'again')");
like($err, qr/ERROR:  25001: revision "a1" of project "again" cannot run in a transaction/, 'a function cannot go on');
one($node, 'INSERT INTO again VALUES (3)');
is(migrate('base', 'again'), 0, 'and goes on') or diag $err;
is(one($node, 'SELECT count(*) FROM again'), 0, 'to its end');
is(current('again'), '', 'the revision is gone');

# What a revision stands on that stopped half way stays, until somebody says
# how it ended.
revision($node, 'ground', 'g1', 'base', up => 'SELECT 1;', down => 'SELECT 1;');
revision($node, 'ground', 'g2', 'g1', up_outside => 1, up => "SELECT 1;\nSELECT 1 / 0;", down => 'SELECT 1;');
revision($node, 'ground', 'side', 'g1', up => 'SELECT 1;', down => 'SELECT 1;');
migrate('g2', 'ground');
is(migrate('base', 'ground'), 3, 'what a half of a revision stands on cannot be downgraded');
like($err, qr/upgrade of revision "g2" of project "ground" stopped half way/, 'which is said');
is(migrate('side', 'ground'), 0, 'another branch is free') or diag $err;
is(migrate('g1', 'ground'), 0, 'both ways') or diag $err;
revision($node, 'ground', 'g2', 'g1', up => "SELECT 1;\nSELECT 2;", down => 'SELECT 1;');
is(migrate('g2', 'ground'), 3, 'it cannot be run again in a transaction');
like($err, qr/upgrade of revision "g2" of project "ground" stopped half way/, 'which is said');
($status, $out, $err) = run_sql($node, "SELECT direction FROM dbm_stamp('g1', false, 'ground')");
is("$status $out", '0 stamp', 'who undid it by hand stamps') or diag $err;
like($err, qr/NOTICE: .*forgetting that the upgrade of revision "g2" stopped after statement 1/, 'which it says');
is(migrate('base', 'ground'), 0, 'and it is free') or diag $err;

# One that failed at a first statement that leaves nothing was never there.
revision($node, 'ground', 'g3', 'g1', up_outside => 1, up => 'SELECT 1 / 0;', down => 'SELECT 1;');
migrate('g1', 'ground');
is(migrate('g3', 'ground'), 3, 'a script fails at its first statement');
is(one($node, q{SELECT count(*) FROM dbm.step WHERE project = 'ground'}), 0, 'nothing was begun');
is(migrate('base', 'ground'), 0, 'and nothing is in the way') or diag $err;

# ---------------- invalid indexes ----------------

one($node, 'CREATE TABLE doubles (a int, b int); INSERT INTO doubles VALUES (1, 1), (1, 1)');
foreach my $name ('doubles_index', 'IF NOT EXISTS doubles_index', '')
{
	my $what = $name eq '' ? 'an index without a name' : $name;

	remove_revisions($node, 'invalid');
	revision($node, 'invalid', 'i1', 'base', up_outside => 1, up => "CREATE UNIQUE INDEX CONCURRENTLY $name ON doubles (a, lower(b::text));",
		down_outside => 1, down => 'SELECT 1;');
	migrate('head', 'invalid');
	like($err, qr/ERROR:  23505: could not create unique index/, "$what cannot be built");
	is(one($node, q{SELECT count(*) FROM pg_index WHERE indrelid = 'doubles'::regclass AND NOT indisvalid}), 1,
		'the server leaves an invalid one');
	migrate('head', 'invalid');
	like($err, qr/NOTICE: .*dropping the invalid index "doubles_\w+" that an earlier attempt left/, 'which is dropped');
	is(one($node, q{SELECT count(*) FROM pg_index WHERE indrelid = 'doubles'::regclass}), 1, 'so there is one only');
	one($node, 'DELETE FROM doubles WHERE ctid = (SELECT min(ctid) FROM doubles)');
	is(migrate('head', 'invalid'), 0, 'and built when it can be') or diag $err;
	is(one($node, q{SELECT count(*), bool_and(indisvalid) FROM pg_index WHERE indrelid = 'doubles'::regclass}), '1|t', 'and valid');
	migrate('base', 'invalid');
	one($node, q{DO $$ BEGIN EXECUTE (SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = 'doubles'::regclass); END $$;
		INSERT INTO doubles VALUES (1, 1)});
}

# Others' invalid indexes are nobody's business.
one($node, q{CREATE TABLE strangers AS SELECT 1 AS a; CREATE INDEX strangers_a_idx ON strangers (a);
	UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'strangers_a_idx'::regclass;});
revision($node, 'stranger', 's1', 'base', up_outside => 1, up => 'CREATE INDEX CONCURRENTLY strangers_a_idx ON strangers (a);');
foreach ('at first', 'again')
{
	is(migrate('head', 'stranger'), 3, "an invalid index that was there before is not dropped $_");
	like($err, qr/relation "strangers_a_idx" already exists/, "but in the way $_");
}

# A concurrent detach that was interrupted is finished.
one($node, q{CREATE TABLE halves (a int) PARTITION BY LIST (a); CREATE TABLE half PARTITION OF halves FOR VALUES IN (1);});
revision($node, 'detach', 'd1', 'base', up_outside => 1, up => 'ALTER TABLE halves DETACH PARTITION half CONCURRENTLY;');
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT * FROM halves;');
my $session = start_sql($node, "CALL dbm_migrate('head', 'detach')");
wait_until($node, q{EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending)}, 'a detach that waits');
one($node, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'databrain_migrate'});
($status, $out, $err) = finish_sql($session);
like($err, qr/57P01/, 'a worker that is terminated ends the call with an error');
$reader->query_safe('COMMIT;');
is(migrate('head', 'detach'), 0, 'a detach that was interrupted is finished') or diag $err;
is(one($node, q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'halves'::regclass}), 0, 'and the partition detached');

# So is what a rebuild left that was interrupted.
one($node, 'CREATE TABLE rebuilt (a int); CREATE INDEX rebuilt_a ON rebuilt (a)');
revision($node, 'rebuild', 'r1', 'base', up_outside => 1, up => 'REINDEX TABLE CONCURRENTLY rebuilt;');
$reader->query_safe('BEGIN; INSERT INTO rebuilt VALUES (1);');
$session = start_sql($node, "CALL dbm_migrate('head', 'rebuild')");
wait_until($node, q{to_regclass('rebuilt_a_ccnew') IS NOT NULL}, 'a rebuild that waits');
one($node, q{SELECT pg_cancel_backend(pid) FROM dbm_progress()});
finish_sql($session);
$reader->query_safe('COMMIT;');
is(one($node, q{SELECT count(*) FROM pg_index WHERE indrelid = 'rebuilt'::regclass}), 2, 'an interrupted rebuild leaves an index');
is(migrate('head', 'rebuild'), 0, 'it is done again') or diag $err;
like($err, qr/NOTICE: .*dropping the invalid index "rebuilt_a_ccnew"/, 'after that was dropped');
is(one($node, q{SELECT string_agg(indexrelid::regclass::text, ',') FROM pg_index WHERE indrelid = 'rebuilt'::regclass}), 'rebuilt_a', 'and leaves nothing');
$reader->quit;

# ---------------- stopping ----------------

one($node, 'CREATE TABLE stops (a int)');
revision($node, 'stop', 's1', 'base', up_outside => 1, up => "INSERT INTO stops VALUES (1);\nSELECT pg_sleep(a) FROM (SELECT count(*) * 100 AS a FROM pg_class WHERE relname = 'sleepy') s;\nINSERT INTO stops VALUES (2);",
	down => 'DELETE FROM stops;');
my $caller = q{(SELECT pid FROM dbm_progress() WHERE project = 'stop' AND statement_number = 2)};
my %stops = (
	pg_cancel_backend => [ '57014', "SELECT pg_cancel_backend(pid) FROM dbm_progress() WHERE project = 'stop'" ],
	statement_timeout => [ '57014', 'SELECT 1' ],
	pg_terminate_backend => [ '57P01', "SELECT pg_terminate_backend(pid) FROM dbm_progress() WHERE project = 'stop'" ]);
foreach my $how (sort keys %stops)
{
	my ($code, $stop) = @{ $stops{$how} };
	my $timeout = $how eq 'statement_timeout' ? '2s' : '0';

	one($node, 'CREATE TABLE sleepy ()');
	$session = start_sql($node, "SET statement_timeout = '$timeout'; CALL dbm_migrate('head', 'stop')");
	wait_until($node, q{EXISTS (SELECT FROM dbm_progress() WHERE project = 'stop' AND statement_number = 2)}, 'a worker that sleeps');
	one($node, $stop);
	($status, $out, $err) = finish_sql($session);
	isnt($status, 0, "$how stops the call");
	like($err, qr/$code/, 'with its error');
	# the client hears of its end before the backend is gone
	wait_until($node, q{NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass)}, 'locks');
	is_unlocked("after $how");
	is(one($node, q{SELECT finished, attempted FROM dbm.step WHERE project = 'stop'}), '1|1', 'it can be resumed');
	one($node, 'DROP TABLE sleepy');
	is(migrate('head', 'stop'), 0, 'and is') or diag $err;
	is(one($node, q{SELECT string_agg(a::text, ',' ORDER BY a) FROM stops}), '1,2', 'where it stopped');
	migrate('base', 'stop');
}
is(one($node, q{SELECT count(*) FROM dbm_log('stop') WHERE outcome = 'failed' AND sqlstate = '57014'}), 2, 'cancelled calls are logged as failed');

# A worker that is stopped says good-bye with the context of its error, which
# can be more than fits in where nobody listens any more.
one($node, q{CREATE FUNCTION deep(n int) RETURNS void LANGUAGE plpgsql AS
	$$ BEGIN IF n = 0 THEN PERFORM pg_sleep(100); ELSE PERFORM deep(n - 1); END IF; END $$});
revision($node, 'deep', 'd1', 'base', up_outside => 1, up => 'SELECT deep(500);');
$session = start_sql($node, "CALL dbm_migrate('head', 'deep')");
wait_until($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'databrain_migrate' AND wait_event = 'PgSleep')}, 'a worker deep down');
one($node, q{SELECT pg_cancel_backend(pid) FROM dbm_progress() WHERE project = 'deep'});
wait_until($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'databrain_migrate')}, 'the end of a long good-bye');
($status, $out, $err) = finish_sql($session);
like($err, qr/57014/, 'a worker with much to say is stopped, too');

# A client that does not read must not keep a worker that floods it alive.
revision($node, 'flood', 'f1', 'base', up_outside => 1,
	up => "DO \$\$ BEGIN FOR i IN 1 .. 100000 LOOP RAISE NOTICE '%', repeat('x', 1000); END LOOP; PERFORM pg_sleep(100); END \$\$;");
my $stuck = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL dbm_migrate('head', 'flood')" ],
	'<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
wait_until($node, q{EXISTS (SELECT FROM dbm_progress() WHERE project = 'flood' AND statement_number = 1)}, 'a flood');
$stuck->signal('STOP');
select undef, undef, undef, 0.3;
one($node, q{SELECT pg_terminate_backend(pid) FROM dbm_progress() WHERE project = 'flood'});
wait_until($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'databrain_migrate')}, 'the end of a flood');
ok(no_worker($node), 'a client that stopped reading keeps neither worker nor locks');
$stuck->signal('CONT');
$stuck->finish;

# ---------------- locks ----------------

one($node, 'CREATE TABLE busy (a int)');
revision($node, 'busy', 'b1', 'base', up => 'ALTER TABLE busy ADD COLUMN b int;', down => 'ALTER TABLE busy DROP COLUMN b;');
revision($node, 'busy', 'b2', 'b1', up => 'ALTER TABLE busy ADD COLUMN c int;', up_outside => 1, down => 'ALTER TABLE busy DROP COLUMN c;', down_outside => 1);
my $blocker = $node->background_psql('postgres');
my $blocker_pid = $blocker->query_safe("SET application_name = 'the blocker'; SELECT pg_backend_pid()");
foreach my $case ([ 'a transactional revision', 'b1' ], [ 'a worker\'s revision', 'b2' ])
{
	my ($what, $target) = @$case;

	$blocker->query_safe('BEGIN; SELECT * FROM busy');
	($status, $out, $err) = run_sql($node,
		"SET databrain_migrate.lock_timeout = '50ms'; SET databrain_migrate.lock_retries = 2; CALL dbm_migrate('$target', 'busy')");
	is(() = $err =~ /could not get a lock, trying again in \d+ ms/g, 2, "$what is tried again");
	like($err, qr/ERROR:  55P03: canceling statement due to lock timeout/, 'and given up');
	like($err, qr/DETAIL:  Process $blocker_pid of role "\w+" \(application "the blocker"\) has held it since \d{4}-.*: .*SELECT \* FROM busy/,
		'naming who holds the lock') or diag $err;
	is(one($node, q{SELECT revision, sqlstate FROM dbm_log('busy') WHERE outcome = 'failed' ORDER BY id DESC LIMIT 1}),
		"$target|55P03", 'and logged once');
	$session = start_sql($node,
		"SET databrain_migrate.lock_timeout = '50ms'; SET databrain_migrate.lock_retries = 100; CALL dbm_migrate('$target', 'busy')");
	wait_until($node, "(SELECT statement_number > 0 OR pid > 0 FROM dbm_progress() WHERE project = 'busy' AND revision = '$target')", 'a try');
	select undef, undef, undef, 0.2;
	$blocker->query_safe('COMMIT;');
	($status, $out, $err) = finish_sql($session);
	is($status, 0, "$what goes through when the lock is free") or diag $err;
	like($err, qr/trying again in \d+ ms/, 'after another try');
	is(current('busy'), $target, 'and is applied');
	is_unlocked('after retries');
}
is(one($node, q{SELECT count(*) FROM dbm_log('busy') WHERE outcome = 'failed'}), 2, 'tries that were repeated are no failures');

# A process that looks what it waits for must survive its own end.
migrate('base', 'busy');
migrate('b1', 'busy');
my $started = one($node, 'SELECT pg_postmaster_start_time(), (SELECT backend_start FROM pg_stat_activity WHERE backend_type = \'checkpointer\')');
$blocker->query_safe('BEGIN; SELECT * FROM busy;');
run_sql($node, "SET lock_timeout = '2ms';\n" . "CALL dbm_migrate('b2', 'busy');\n" x 200, on_error_stop => 0);
$blocker->query_safe('COMMIT;');
is(one($node, q{SELECT count(*) FROM dbm_log('busy') WHERE outcome = 'failed'}), 202, 'many workers can time out');
is(one($node, 'SELECT pg_postmaster_start_time(), (SELECT backend_start FROM pg_stat_activity WHERE backend_type = \'checkpointer\')'),
	$started, 'without a crash');

# A reader behind a waiting ALTER TABLE waits as well; lock_first spares it.
migrate('base', 'busy');
foreach my $first ('off', 'on')
{
	$blocker->query_safe('BEGIN; SELECT * FROM busy;');
	$session = start_sql($node,
		"SET databrain_migrate.lock_first = $first; SET databrain_migrate.lock_timeout = '1s'; SET databrain_migrate.lock_retries = 10;"
		. "CALL dbm_migrate('b1', 'busy')");
	my $waits = q{EXISTS (SELECT FROM pg_locks WHERE relation = 'busy'::regclass AND NOT granted)};
	if ($first eq 'off')
	{
		wait_until($node, $waits, 'an ALTER TABLE that waits');
		($status, $out, $err) = run_sql($node, "SET lock_timeout = '100ms'; SELECT * FROM busy");
		is($status, 3, 'without lock_first a reader queues');
	}
	else
	{
		my $queued = 0;
		my $failed = 0;

		foreach (1 .. 20)
		{
			$queued++ if one($node, "SELECT $waits") eq 't';
			($status) = run_sql($node, "SET lock_timeout = '1ms'; SELECT * FROM busy");
			$failed++ if $status != 0;
		}
		is("$queued $failed", '0 0', 'with lock_first nobody queues');
	}
	$blocker->query_safe('COMMIT;');
	($status, $out, $err) = finish_sql($session);
	is($status, 0, 'and the revision gets its lock in the end') or diag $err;
	like($err, qr/trying again/, 'after another try') if $first eq 'on';
	migrate('base', 'busy');
}
$blocker->query_safe('BEGIN; LOCK TABLE busy IN ACCESS SHARE MODE;');
($status, $out, $err) = run_sql($node, "SET databrain_migrate.lock_first = on; CALL dbm_migrate('b1', 'busy')");
like($err, qr/ERROR:  55P03: could not obtain lock on relation "busy"\nDETAIL:  Process $blocker_pid of role/,
	'without retries it says at once who holds the lock');
$blocker->query_safe('COMMIT;');

# lock_timeout of a script's own; and concurrent commands have another.
one($node, 'CREATE TABLE timeouts (what text, value text)');
revision($node, 'timeout', 't1', 'base', up_outside => 1,
	up => q{INSERT INTO timeouts SELECT 'setting', current_setting('lock_timeout');
	SET lock_timeout = '3s';
	INSERT INTO timeouts SELECT 'script', current_setting('lock_timeout');
	CREATE INDEX CONCURRENTLY ON timeouts (what);
	INSERT INTO timeouts SELECT 'after', current_setting('lock_timeout');});
($status, $out, $err) = run_sql($node, "SET lock_timeout = '9s'; SET databrain_migrate.lock_timeout = '2s'; CALL dbm_migrate('head', 'timeout')");
is(one($node, q{SELECT string_agg(what || ' ' || value, ', ' ORDER BY ctid) FROM timeouts}), 'setting 2s, script 3s, after 3s',
	'lock_timeout by the setting or the script') or diag $err;
revision($node, 'timeout', 't2', 't1', up_outside => 1, up => 'CREATE INDEX CONCURRENTLY timeouts_i ON timeouts (value);');
$blocker->query_safe('BEGIN; INSERT INTO timeouts VALUES (1, 2);');
$session = start_sql($node, "SET databrain_migrate.lock_timeout = '100ms'; CALL dbm_migrate('head', 'timeout')");

# ---------------- progress ----------------

wait_until($node, q{EXISTS (SELECT FROM dbm_progress() WHERE phase ~ 'waiting for')}, 'an index build that waits');
select undef, undef, undef, 0.3;
($status, $out, $err) = run_sql($node,
	q{SELECT project, pid > 0, target, revision, step, steps, statement_number, statements, statement,
		now() - started_at BETWEEN '0' AND '1 minute', waiting_for, phase FROM dbm_progress()},
	psql => [ '-U', 'plain' ]);
is($out, "timeout|t|head|t2|1|1|1|1||t|{$blocker_pid}|waiting for writers before build",
	'dbm_progress shows a plain role what runs, and a concurrent build outlives lock_timeout') or diag $err;
is(one($node, 'SELECT statement FROM dbm_progress()'), 'CREATE INDEX CONCURRENTLY timeouts_i ON timeouts (value)',
	'the statement to whom pg_stat_activity shows it');
is(one($node, q{SELECT count(*) FROM pg_stat_activity WHERE query ~ '^databrain_migrate: project timeout revision t2 '}),
	2, 'pg_stat_activity shows the step, of caller and worker');
($status, $out, $err) = run_sql($node, "SELECT * FROM dbm_upgrade('head', 'timeout')");
like($err, qr/ERROR:  55006: a revision of project "timeout" is being run outside of a transaction/, 'a function fails meanwhile');
my $second = start_sql($node, "CALL dbm_migrate('head', 'timeout')");
wait_until($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass AND NOT granted)}, 'a call that waits');
$blocker->query_safe('COMMIT;');
($status, $out, $err) = finish_sql($session);
is($status, 0, 'the build goes on') or diag $err;
($status, $out, $err) = finish_sql($second);
is($status, 0, 'and so does a call that waited') or diag $err;
like($err, qr/nothing to do/, 'for which nothing is left');
is(one($node, 'SELECT count(*) FROM dbm_progress()'), 0, 'then nothing runs');

remove_revisions($node, 'busy');
revision($node, 'busy2', 'b1', 'base', up => 'SELECT 1;');
revision($node, 'busy2', 'b2', 'b1', up => "SELECT 1;\nALTER TABLE busy ADD COLUMN d int;");
$blocker->query_safe('BEGIN; SELECT * FROM busy;');
$session = start_sql($node, "CALL dbm_migrate('b2', 'busy2')");
wait_until($node, q{EXISTS (SELECT FROM dbm_progress() WHERE project = 'busy2' AND waiting_for <> '{}')}, 'a revision that waits');
is(one($node, q{SELECT target, revision, step, steps, statement_number, statements, statement, waiting_for, phase FROM dbm_progress()}),
	"b2|b2|2|2|2|2|ALTER TABLE busy ADD COLUMN d int|{$blocker_pid}|", 'progress of a transactional revision');
$blocker->query_safe('COMMIT;');
finish_sql($session);
$blocker->quit;

# ---------------- no worker to be had ----------------

one($node, 'CREATE TABLE slots (a int)');
revision($node, 'slot', 's1', 'base', up => 'INSERT INTO slots VALUES (1);');
revision($node, 'slot', 's2', 's1', up => 'VACUUM slots;', up_outside => 1);
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
is(migrate('head', 'slot'), 3, 'without a worker slot the call fails');
like($err, qr/ERROR:  53000: could not start a background worker for revision "s2" of project "slot"/, 'with a clear error');
like($err, qr/HINT: .*max_worker_processes/, 'and a hint');
is(current('slot'), 's1', 'after what could be done');
is(one($node, q{SELECT revision, sqlstate FROM dbm_log('slot') WHERE outcome = 'failed'}), 's2|53000', 'and logs it');
is_unlocked('without a worker');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
is(migrate('head', 'slot'), 0, 'with one it goes on') or diag $err;

$node->stop;
done_testing();

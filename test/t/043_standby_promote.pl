# A migration that is under way when a standby takes over, when a dump is made,
# and at the point to which a server is restored: state and schema agree, and
# the next call completes.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $points = stressed(20, 3);
my $revisions = 8;
my $primary = cluster('primary', allows_streaming => 1, has_archiving => 1,
	conf => "autovacuum = off\nmax_connections = 30\nshared_buffers = 16MB\n");

ladder($primary, 'ladder', $revisions, 1);
$primary->backup('before');

# Does the call complete here, with everything right?
sub completes
{
	my ($node, $what, $database) = @_;
	my ($status, $out, $err) = run_sql($node, "CALL dbm_migrate('head', 'ladder')", database => $database);

	is($status, 0, "the next call completes $what") or diag $err;
	is(join("\n", differences($node, 'ladder', $revisions, $database)), '', 'with everything there');
	is(one($node, q{SELECT count(*) FROM dbm.applied WHERE project = 'ladder'}, $database), $revisions, 'and recorded');
	is(one($node, q{SELECT count(*) FROM dbm.step}, $database), 0, 'and nothing unfinished');
	return;
}

# ---------------- reading on a standby ----------------

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'before', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'archive_mode = off');
$standby->start;
one($primary, q{CALL dbm_migrate('r2', 'ladder')});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));
is(one($standby, q{SELECT revision FROM dbm_current('ladder')}), 'r2', 'dbm_current answers on a standby');
is(one($standby, q{SELECT count(*) FROM dbm_history(NULL, 'ladder')}), $revisions, 'dbm_history answers');
is(one($standby, q{SELECT revision, is_current FROM dbm_heads('ladder')}), "r$revisions|f", 'dbm_heads answers');
is(one($standby, q{SELECT count(*) FROM dbm_log('ladder')}), 2, 'dbm_log answers');
is(one($standby, q{SELECT is_applied, upgrade_script ~ 'CREATE TABLE' FROM dbm_show('r1', 'ladder')}), 't|t', 'dbm_show answers');
is(one($standby, q{SELECT current FROM dbm_projects() WHERE project = 'ladder'}), '{r2}', 'dbm_projects answers');
is(one($standby, q{SELECT count(*) FROM dbm_progress()}), 0, 'dbm_progress answers');
is(one($standby, q{SELECT dbm_require('r1', 'ladder')}), '', 'dbm_require answers');
foreach my $call (q{CALL dbm_migrate('head', 'ladder')}, q{SELECT * FROM dbm_upgrade('head', 'ladder')},
	q{SELECT * FROM dbm_downgrade('base', 'ladder')}, q{SELECT * FROM dbm_stamp('base', false, 'ladder')})
{
	my ($status, $out, $err) = run_sql($standby, $call);
	like($err, qr/ERROR:  25006: cannot execute dbm_\w+\(\) /, "$call is refused on a standby");
}

# ---------------- promotion ----------------

# The revision after the ladder stops within its script until it is let go.
sub stop_at
{
	my ($what) = @_;

	revision($primary, 'gate', 'g1', 'base', up => 'CREATE TABLE g1 ();');
	revision($primary, 'gate', 'g2', 'g1',
		up_outside => $what eq 'outside',
		up => "CREATE TABLE g2 ();\nSELECT pg_sleep(CASE WHEN current_setting('cluster_name') = 'primary' THEN 600 ELSE 0 END);\nCREATE TABLE g2b ();");
	return;
}
foreach my $what ('inside', 'outside')
{
	if ($what eq 'outside')
	{
		# the old primary is rebuilt as it was
		$primary->start;
		$standby = PostgreSQL::Test::Cluster->new('standby_outside');
		$standby->init_from_backup($primary, 'before', has_streaming => 1);
		$standby->append_conf('postgresql.conf', 'archive_mode = off');
		$standby->start;
		one($primary, 'SELECT * FROM dbm_stamp(\'base\', false, \'gate\'); DROP TABLE g1;');
	}
	stop_at($what);
	my $session = start_sql($primary, "CALL dbm_migrate('head', 'gate')");
	wait_until($primary, q{EXISTS (SELECT FROM dbm_progress() WHERE statement_number = 2)}, 'a gate');
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('write'));
	my $locks = one($standby, q{SELECT count(*) FROM dbm_current('gate')});
	is($locks, 1, 'the standby can be read meanwhile');
	$standby->promote;
	$primary->stop('immediate');
	finish_sql($session);
	is(one($standby, q{SELECT revision FROM dbm_current('gate')}), 'g1', "promoted within a script that runs $what");
	is(one($standby, q{SELECT finished, attempted FROM dbm.step}), $what eq 'outside' ? '1|1' : '', 'the state is the right one');
	is(one($standby, q{SELECT to_regclass('g2') IS NOT NULL}), $what eq 'outside' ? 't' : 'f', 'and so is the schema');
	my ($status, $out, $err) = run_sql($standby, "CALL dbm_migrate('head', 'gate')");
	is($status, 0, 'it goes on') or diag $err;
	is(one($standby, q{SELECT revision, to_regclass('g2b') FROM dbm_current('gate')}), 'g2|g2b', 'to the end');
	completes($standby, 'on the promoted server');
	$standby->stop;
}

# ---------------- dumps and points in time ----------------

$primary->start;
one($primary, 'SELECT * FROM dbm_stamp(\'base\', false, \'gate\')');
one($primary, "CALL dbm_migrate('base', 'ladder')");
my $start = time;
one($primary, "CALL dbm_migrate('head', 'ladder')");
my $duration = time - $start;

my $middle = 0;
foreach my $round (1 .. $points)
{
	one($primary, "CALL dbm_migrate('base', 'ladder')");
	my $session = start_sql($primary, "CALL dbm_migrate('head', 'ladder')");
	sleep $duration * $round / ($points + 1);
	my $file = $primary->basedir . "/dump$round";
	my ($out, $err) = run_command([ 'pg_dump', '-Fc', '-f', $file, $primary->connstr('postgres') ]);
	is($err, '', "dump $round is made");
	my ($status, undef, $messages) = finish_sql($session);
	is($status, 0, 'and does not hinder the migration') or diag $messages;

	one($primary, "CREATE DATABASE restored$round");
	($out, $err) = run_command([ 'pg_restore', '-d', $primary->connstr("restored$round"), $file ]);
	is($err, '', 'it can be restored');
	is(join("\n", differences($primary, 'ladder', $revisions, "restored$round")), '', 'its state is what is in it');
	my $applied = one($primary, q{SELECT count(*) FROM dbm.applied WHERE project = 'ladder'}, "restored$round");
	$middle++ if $applied > 0 && $applied < $revisions;
	completes($primary, "in dump $round", "restored$round");
	one($primary, "DROP DATABASE restored$round");
}
cmp_ok($middle, '>', 0, 'some dumps were made in the middle');

# A point in time is one between any two records of the log; where the
# migration was then, only the restored server knows.
my @targets;
one($primary, "CALL dbm_migrate('base', 'ladder')");
$primary->backup('early');
my $first = one($primary, 'SELECT pg_current_wal_insert_lsn()');
my $session = start_sql($primary, "CALL dbm_migrate('head', 'ladder')");
$session->{run}->finish;
my $last = one($primary, 'SELECT pg_current_wal_insert_lsn()');
one($primary, 'SELECT pg_switch_wal()');
my $archived = one($primary, "SELECT pg_walfile_name('$last')");
$primary->poll_query_until('postgres', "SELECT '$archived' <= last_archived_wal FROM pg_stat_archiver")
  or die 'the archiver did not come';
$middle = 0;
foreach my $round (1 .. $points)
{
	my $target = one($primary, "SELECT '$first'::pg_lsn + ('$last'::pg_lsn - '$first'::pg_lsn) * $round / ($points + 1)");
	my $restored = PostgreSQL::Test::Cluster->new("pitr$round");

	$restored->init_from_backup($primary, 'early', has_restoring => 1, standby => 0);
	$restored->append_conf('postgresql.conf',
		"recovery_target_lsn = '$target'\nrecovery_target_action = promote\narchive_mode = off\n");
	$restored->start;
	wait_until($restored, 'NOT pg_is_in_recovery()', 'the end of recovery');
	is(join("\n", differences($restored, 'ladder', $revisions)), '', "point $round: the state is what is there");
	my $applied = one($restored, q{SELECT count(*) FROM dbm.applied WHERE project = 'ladder'});
	$middle++ if $applied > 0 && $applied < $revisions;
	completes($restored, "at point $round");
	$restored->stop;
}
cmp_ok($middle, '>', 0, 'some points were in the middle');

$primary->stop;
done_testing();

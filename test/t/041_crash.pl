# Processes killed at random moments of upgrades and downgrades.  After each
# restart the recorded state must be the schema that is really there, and the
# next call must complete.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = stressed(200, 12);
my $revisions = 8;
my $seed = $ENV{DBM_SEED} // int(rand(1000000));
my $node = cluster('crash', conf => "restart_after_crash = on\nlog_statement = none\n"
	  . "autovacuum = off\nmax_wal_size = 64MB\n");

srand($seed);
note "DBM_SEED=$seed";

ladder($node, 'mixed', $revisions, 1);
ladder($node, 'plain', $revisions, 0);

# The children of the postmaster whose title matches.
sub find_process
{
	my ($postmaster, $title) = @_;

	foreach my $line (split /\n/, `ps -A -o pid= -o ppid= -o args=`)
	{
		return $1 if $line =~ /^\s*(\d+)\s+$postmaster\s+postgres: .*$title/;
	}
	return;
}

sub postmaster
{
	my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	return $pid;
}

# Start the server that was killed, once the last of its processes has gone.
sub start_again
{
	foreach (1 .. 100)
	{
		$node->{_pid} = undef;
		return if $node->start(fail_ok => 1);
		sleep 0.1;
	}
	die 'could not start the server again';
}

sub wait_for_server
{
	foreach (1 .. 300)
	{
		my ($status) = $node->psql('postgres', 'SELECT 1', stderr => \my $err);
		return if $status == 0;
		sleep 0.05;
	}
	die 'the server did not come back';
}

my %call = (
	mixed => { up => "CALL dbm_migrate('head', 'mixed')", down => "CALL dbm_migrate('base', 'mixed')" },
	plain => { up => "SELECT * FROM dbm_upgrade('head', 'plain')", down => "SELECT * FROM dbm_downgrade('base', 'plain')" });
my @victims = qw(backend worker postmaster immediate backend worker);

# How long does each take undisturbed?
my %duration;
foreach my $project (sort keys %call)
{
	foreach my $direction ('up', 'down')
	{
		my $start = time;
		my ($status, $out, $err) = run_sql($node, $call{$project}{$direction});

		$duration{$project} = time - $start;
		is($status, 0, "$project goes $direction undisturbed") or diag $err;
		is(join("\n", differences($node, $project, $revisions)), '', 'and the state is right');
	}
}

my ($struck, $interrupted, $resumed, $bad) = (0, 0, 0, 0);
my %went = (mixed => 'down', plain => 'down');
my %struck;
foreach my $round (1 .. $kills * 3)
{
	last if $struck >= $kills;

	my $project = $round % 4 == 0 ? 'plain' : 'mixed';
	my $victim = $victims[ $round % @victims ];
	my $direction = $went{$project} eq 'up' ? 'down' : 'up';
	my $postmaster = postmaster();
	my $session = start_sql($node, $call{$project}{$direction});
	my $title = $victim eq 'worker' && $project eq 'mixed' ? 'databrain_migrate ' : '\[local\] ';
	my $pid = $postmaster;

	$went{$project} = $direction;
	if ($victim eq 'backend' || $victim eq 'worker')
	{
		my $give_up = time + 5;

		sleep rand($duration{$project});
		do
		{
			$pid = find_process($postmaster, $title);
		} while (!$pid && time < $give_up && $session->{run}->pumpable && !eof_of($session));
		sleep rand(0.02) if $victim eq 'worker';
	}
	else
	{
		sleep rand($duration{$project});
	}

	if (!defined $pid)
	{
		# too late for this one
		finish_sql($session);
	}
	elsif ($victim eq 'immediate')
	{
		$node->stop('immediate');
		finish_sql($session);
		$node->start;
	}
	elsif ($victim eq 'postmaster')
	{
		kill 'KILL', $pid;
		finish_sql($session);
		start_again();
	}
	else
	{
		my $hit = kill 'KILL', $pid;

		finish_sql($session);
		wait_for_server();
		undef $pid unless $hit;
	}
	if (defined $pid)
	{
		$struck++;
		$struck{"$victim of $project"}++;
	}

	my @differences = differences($node, $project, $revisions);
	my $left = one($node, 'SELECT count(*) FROM dbm.step');
	$resumed++ if $left > 0;
	$interrupted++
	  if one($node, "SELECT count(*) FROM dbm.applied WHERE project = '$project'") !=
	  ($direction eq 'up' ? $revisions : 0);

	my ($status, $out, $err) = run_sql($node, $call{$project}{$direction});
	if ($status == 0)
	{
		push @differences, differences($node, $project, $revisions);
		push @differences, 'not all was done'
		  if one($node, "SELECT count(*) FROM dbm.applied WHERE project = '$project'") !=
		  ($direction eq 'up' ? $revisions : 0);
		push @differences, 'something is left unfinished'
		  if one($node, 'SELECT count(*) FROM dbm.step') != 0;
		push @differences, 'an index was built twice'
		  if one($node, q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}) != 0;
	}
	else
	{
		push @differences, "the next call failed: $err";
	}
	if (@differences)
	{
		$bad++;
		diag "round $round, $victim of $project going $direction:\n" . join("\n", @differences);
		last if $bad >= 5;
	}
}

# Has the session in the background come to its end?
sub eof_of
{
	my ($session) = @_;

	$session->{run}->pump_nb;
	return !$session->{run}->pumpable;
}

diag join(', ', map { "$_: $struck{$_}" } sort keys %struck)
  . "; $interrupted interrupted, $resumed within a script";
is($struck, $kills, "$kills kills");
is($bad, 0, 'after each the state was what is there, and the next call completed');
cmp_ok($interrupted, '>=', $kills / 4, 'many of them came in the middle');
cmp_ok($resumed, '>', 0, 'and some within a script');
ok(no_worker($node), 'no worker and no lock is left');

$node->stop;
done_testing();

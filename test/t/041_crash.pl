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

# The child of the postmaster whose title matches.  Workers live for some
# hundredths of a second, so where the system lists the children of a process
# ps is not asked.
sub find_process
{
	my ($postmaster, $title) = @_;
	my @pids;

	if (open my $children, '<', "/proc/$postmaster/task/$postmaster/children")
	{
		@pids = split ' ', <$children> // '';
	}
	else
	{
		@pids = map { /^\s*(\d+)\s+$postmaster$/ ? $1 : () } split /\n/, `ps -A -o pid= -o ppid=`;
	}
	foreach my $pid (@pids)
	{
		my $line;

		if (open my $command, '<', "/proc/$pid/cmdline")
		{
			$line = <$command>;
		}
		else
		{
			$line = `ps -o args= -p $pid`;
		}
		return $pid if defined $line && $line =~ /^postgres: .*$title/;
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
my @victims = qw(backend worker postmaster immediate worker backend fast postmaster worker);

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

# Is the session in the background still at work?
sub runs
{
	my ($session) = @_;

	$session->{run}->pump_nb;
	return $session->{run}->pumpable;
}

my ($struck, $interrupted, $resumed, $bad) = (0, 0, 0, 0);
my %went = (mixed => 'down', plain => 'down');
my %struck;
my $least = int($kills / 12);
foreach my $round (1 .. $kills * 4)
{
	last
	  if $struck >= $kills && $resumed >= $least && !grep { ($struck{"$_ of mixed"} // 0) < $least } @victims;

	my $project = $round % 4 == 0 ? 'plain' : 'mixed';
	my $victim = $victims[ $round % @victims ];

	$victim = 'backend' if $project eq 'plain' && $victim eq 'worker';
	my $direction = $went{$project} eq 'up' ? 'down' : 'up';
	my $postmaster = postmaster();
	my $session = start_sql($node, $call{$project}{$direction});
	my $title = $victim eq 'worker' ? 'databrain_migrate ' : '\[local\] ';
	my $pid = $postmaster;

	$went{$project} = $direction;
	sleep rand($duration{$project});
	if ($victim eq 'backend' || $victim eq 'worker')
	{
		do
		{
			$pid = find_process($postmaster, $title);
		} while (!defined $pid && runs($session));
		sleep rand(0.03) if $victim eq 'worker';
	}

	if (!defined $pid)
	{
		# too late for this one
		finish_sql($session);
	}
	elsif ($victim eq 'immediate' || $victim eq 'fast')
	{
		$node->stop($victim);
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

diag join(', ', map { "$_: $struck{$_}" } sort keys %struck)
  . "; $interrupted interrupted, $resumed within a script";
cmp_ok($struck, '>=', $kills, "at least $kills kills");
cmp_ok($struck{"$_ of mixed"} // 0, '>=', $least, "of all sorts: $_") foreach sort keys %{ { map { $_ => 1 } @victims } };
is($bad, 0, 'after each the state was what is there, and the next call completed');
cmp_ok($interrupted, '>=', $kills / 4, 'many of them came in the middle');
cmp_ok($resumed, '>=', $least, 'and some within a script');
ok(no_worker($node), 'no worker and no lock is left');

$node->stop;
done_testing();

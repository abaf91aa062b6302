# Many sessions upgrade at once: each revision is run once, and all sessions
# succeed.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = 64;
my $rounds = stressed(100, 3);
my $node = cluster('many', conf => "max_locks_per_transaction = 256\nlog_statement = none\n");

one($node, 'CREATE TABLE ran (revision text)');
foreach my $project ('inside', 'outside')
{
	my $from = 'base';

	foreach my $i (1 .. 6)
	{
		revision($node, $project, "r$i", $from,
			up => "CREATE TABLE ${project}_$i (a int);\n"
			  . ($project eq 'outside' && $i == 3
				? "CREATE INDEX CONCURRENTLY ON ran (revision);\nVACUUM ran;\n" : '')
			  . "INSERT INTO ran VALUES ('$project $i');",
			up_outside => $project eq 'outside' && $i == 3,
			down => "DROP TABLE ${project}_$i;");
		$from = "r$i";
	}
}

# Run each script with all sessions at once; returns what pgbench said.
sub storm
{
	my ($clients, @scripts) = @_;
	my @files;

	foreach my $script (@scripts)
	{
		push @files, '-f', $node->basedir . '/storm' . @files . '.sql';
		open my $file, '>', $files[-1] or die "could not write a script: $!";
		print $file "$script;\n";
		close $file;
	}
	my ($out, $err) = run_command(
		[ 'pgbench', '-n', '-c', $clients, '-j', 4, '-t', 1, @files,
			$node->connstr('postgres') ]);

	return ($out, $err);
}

sub reset_project
{
	my ($project) = @_;

	$node->safe_psql('postgres', "SELECT * FROM dbm_downgrade('base', '$project'); TRUNCATE ran;"
		. 'DROP INDEX IF EXISTS ran_revision_idx');
	return;
}

# Rounds in which something was amiss; what it was is shown.
my %ways = (
	'dbm_upgrade' => [ 'inside', "SELECT * FROM dbm_upgrade('head', 'inside')" ],
	'CALL dbm_migrate, transactional' => [ 'inside', "CALL dbm_migrate('head', 'inside')" ],
	'CALL dbm_migrate with a worker' => [ 'outside', "CALL dbm_migrate('head', 'outside')" ],
	'both' => [ 'inside', "SELECT * FROM dbm_upgrade('head', 'inside')", "CALL dbm_migrate('head', 'inside')" ]);
foreach my $way (sort keys %ways)
{
	my ($project, @scripts) = @{ $ways{$way} };
	my $bad = 0;

	foreach my $round (1 .. $rounds)
	{
		my ($out, $err) = storm($sessions, @scripts);
		my $ran = one($node, q{SELECT string_agg(revision, ',' ORDER BY revision) FROM ran});
		my $state = one($node, "SELECT string_agg(revision, ',') FROM dbm_current('$project')");
		my $processed = $out =~ m{number of transactions actually processed: (\d+)/} ? $1 : 0;

		if ($processed != $sessions || $state ne 'r6'
			|| $ran ne join(',', map { "$project $_" } 1 .. 6))
		{
			$bad++;
			diag "round $round of $way: $processed sessions succeeded, state $state, ran $ran";
			diag join("\n", grep { /ERROR|FATAL|DETAIL/ } split /\n/, $err);
		}
		reset_project($project);
	}
	is($bad, 0, "$way: $rounds rounds of $sessions sessions, each revision once, no error");
	ok(no_worker($node), 'no worker and no lock is left');
}

# Functions beside a worker may fail, but only with the error that says so.
my $wrong = '';
my $bad = 0;
foreach my $round (1 .. $rounds)
{
	my ($out, $err) = storm($sessions, "CALL dbm_migrate('head', 'outside')",
		"SELECT * FROM dbm_upgrade('r2', 'outside')", "CALL dbm_migrate('head', 'outside')");
	my $ran = one($node, q{SELECT string_agg(revision, ',' ORDER BY revision) FROM ran});

	$wrong .= join("\n",
		grep { /ERROR|FATAL|PANIC/ && !/is being run outside of a transaction/ } split /\n/, $err);
	$bad++ if $ran ne join(',', map { "outside $_" } 1 .. 6);
	reset_project('outside');
}
is($bad, 0, "functions beside workers: $rounds rounds, each revision once");
is($wrong, '', 'and no error but the documented one');
ok(no_worker($node), 'no worker and no lock is left');

$node->stop;
done_testing();

# What the TAP tests share: clusters, revision files, sessions in the
# background.
package DbmTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(cluster stressed revision remove_revisions run_sql start_sql
  finish_sql one wait_until no_worker);

# The long random tests do their full count when this is set, and otherwise a
# count that shows that they work.
sub stressed
{
	my ($full, $short) = @_;

	return $ENV{DBM_STRESS} ? $full : $short;
}

# A running cluster with the engine in database postgres, whose versions path
# is a directory of its own.
sub cluster
{
	my ($name, %params) = @_;
	my $conf = delete $params{conf};
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%params);
	mkdir $node->basedir . '/versions';
	$node->append_conf('postgresql.conf',
		"databrain_migrate.versions_path = '" . $node->basedir . "/versions'");
	$node->append_conf('postgresql.conf', "max_connections = 100\n");
	$node->append_conf('postgresql.conf', $conf) if defined $conf;
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION databrain_migrate');
	return $node;
}

# Write the files of a revision.  up and down are SQL; up_outside and
# down_outside say that it cannot run in a transaction.
sub revision
{
	my ($node, $project, $id, $from, %params) = @_;
	my $directory = $node->basedir . '/versions';

	foreach my $direction ('up', 'down')
	{
		next unless defined $params{$direction};
		my ($first, $last) =
		  $direction eq 'up' ? ($from, $id) : ($id, $from);
		my $header = "-- revision $id\n--\n-- Revision ID: $id\n-- Revises: $from\n";

		$header .= "-- Transactional: no\n" if $params{"${direction}_outside"};
		open my $file, '>', "$directory/$project--$first--$last.sql"
		  or die "could not write a revision: $!";
		print $file "$header\n$params{$direction}\n";
		close $file;
	}
	return;
}

sub remove_revisions
{
	my ($node, $project) = @_;

	unlink glob($node->basedir . "/versions/$project--*.sql");
	return;
}

# Run SQL up to the first error: exit status, output, messages (verbose).
sub run_sql
{
	my ($node, $sql, %params) = @_;
	my ($out, $err);
	my $status = $node->psql(
		$params{database} // 'postgres', $sql,
		stdout => \$out,
		stderr => \$err,
		extra_params =>
		  [ '-v', 'VERBOSITY=verbose', @{ $params{psql} // [] } ]);

	return ($status, $out, $err);
}

# The same in the background.  Through a file, since nobody would feed a pipe.
my $files = 0;

sub start_sql
{
	my ($node, $sql, %params) = @_;
	my $session = { out => '', err => '' };
	my $name = $node->basedir . '/sql' . $files++;

	open my $file, '>', $name or die "could not write $name: $!";
	print $file $sql;
	close $file;
	$session->{run} = IPC::Run::start(
		[
			'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr($params{database} // 'postgres'), '-f', $name
		],
		'<', '/dev/null', '>', \$session->{out}, '2>', \$session->{err},
		IPC::Run::timeout(120));
	return $session;
}

sub finish_sql
{
	my ($session) = @_;

	$session->{run}->finish;
	chomp $session->{out};
	return ($session->{run}->result(0), $session->{out}, $session->{err});
}

# One value, or rows of them.
sub one
{
	my ($node, $sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

sub wait_until
{
	my ($node, $condition, $what) = @_;

	$node->poll_query_until('postgres', "SELECT $condition")
	  or die "waited in vain: $what";
	return;
}

# Has the last worker gone, and with it the locks?
sub no_worker
{
	my ($node) = @_;

	return one($node, q{SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'databrain_migrate'}) == 0
	  && one($node, q{SELECT count(*) FROM pg_locks
		WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass}) == 0;
}

1;

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
  finish_sql one wait_until no_worker ladder differences);

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
		on_error_stop => $params{on_error_stop} // 1,
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
	my ($node, $sql, $database) = @_;

	return $node->safe_psql($database // 'postgres', $sql);
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

# Write a project of so many revisions, r1 and up.  Each makes things that show
# how far it got; if mixed is true, every other one runs outside of a
# transaction, in both directions.
sub ladder
{
	my ($node, $project, $revisions, $mixed) = @_;
	my $from = 'base';

	one($node, 'CREATE TABLE IF NOT EXISTS ledger (project text, revision int)');
	one($node, "CREATE TABLE ${project}_base AS SELECT g AS a FROM generate_series(1, 20000) g");
	foreach my $i (1 .. $revisions)
	{
		my $outside = $mixed && $i % 2 == 0;
		my $concurrently = $outside ? 'CONCURRENTLY' : '';
		my $last = $outside ? "VACUUM ${project}_base;\n" : "SELECT pg_sleep(0.01);\n";

		revision($node, $project, "r$i", $from,
			up_outside => $outside,
			up => "CREATE TABLE ${project}_t$i (a int);\n"
			  . "CREATE INDEX $concurrently ${project}_i$i ON ${project}_base (a);\n"
			  . "INSERT INTO ledger VALUES ('$project', $i);\n$last",
			down_outside => $outside,
			down => "DELETE FROM ledger WHERE project = '$project' AND revision = $i;\n"
			  . "DROP INDEX $concurrently ${project}_i$i;\n${last}"
			  . "DROP TABLE ${project}_t$i;\n");
		$from = "r$i";
	}
	return;
}

# What is there of each revision of a ladder, beside what is recorded: a line
# for each revision where the two differ.
sub differences
{
	my ($node, $project, $revisions, $database) = @_;
	my @found;
	my $rows = one($node, qq{
		SELECT i,
			EXISTS (SELECT FROM pg_class WHERE relname = '${project}_t' || i)::int,
			EXISTS (SELECT FROM pg_class c JOIN pg_index x ON indexrelid = c.oid
				WHERE relname = '${project}_i' || i AND indisvalid)::int,
			(SELECT count(*) FROM ledger WHERE project = '$project' AND revision = i),
			EXISTS (SELECT FROM pg_class c JOIN pg_index x ON indexrelid = c.oid
				WHERE relname = '${project}_i' || i AND NOT indisvalid)::int,
			EXISTS (SELECT FROM dbm.applied WHERE project = '$project' AND revision = 'r' || i)::int,
			coalesce(direction, ''), coalesce(finished, 0), coalesce(attempted, 0)
		FROM generate_series(1, $revisions) i
			LEFT JOIN dbm.step ON project = '$project' AND revision = 'r' || i
		ORDER BY i}, $database);

	foreach my $row (split /\n/, $rows)
	{
		my ($i, $table, $index, $line, $invalid, $applied, $direction, $finished, $attempted) =
		  split /\|/, $row;
		my ($want_table, $want_index, $want_line) = ($applied) x 3;

		($want_table, $want_index, $want_line) =
		  ($finished >= 1 ? 1 : 0, $finished >= 2 ? 1 : 0, $finished >= 3 ? 1 : 0)
		  if $direction eq 'upgrade';
		($want_line, $want_index, $want_table) =
		  ($finished >= 1 ? 0 : 1, $finished >= 2 ? 0 : 1, $finished >= 4 ? 0 : 1)
		  if $direction eq 'downgrade';

		# an index may be half built or half gone while its statement runs
		my $started = $attempted == 2 && $finished == 1;
		$want_index = 0 if $direction eq 'downgrade' && $started && $invalid;
		push @found, $row
		  if "$table $index $line" ne "$want_table $want_index $want_line"
		  || ($invalid && !$started)
		  || ($direction eq 'upgrade' && $applied)
		  || ($direction eq 'downgrade' && !$applied);
	}

	# applied are the first ones, and the log's last word agrees with that
	push @found, 'the state has holes'
	  if one($node, qq{SELECT count(*) = coalesce(max(substr(revision, 2)::int), 0)
		FROM dbm.applied WHERE project = '$project'}, $database) ne 't';
	push @found, 'the log says something else'
	  if one($node, qq{
		SELECT (SELECT count(*) FROM dbm.applied WHERE project = '$project') =
			(SELECT count(*) FROM (SELECT DISTINCT ON (revision) direction FROM dbm.log
				WHERE project = '$project' AND outcome = 'done'
				ORDER BY revision, id DESC) l WHERE direction = 'upgrade')}, $database) ne 't';
	return @found;
}

1;

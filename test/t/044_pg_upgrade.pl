# pg_upgrade keeps the state, a script that stopped half way included, and the
# next call goes on: to the same version, and to each newer one that has the
# extension.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($bindir) = run_command([ 'pg_config', '--bindir' ]);
my ($version_text) = run_command([ 'pg_config', '--version' ]);
my ($major) = $version_text =~ /^PostgreSQL (\d+)/;

# Installations beside this one, as Debian puts them: VERSION/bin.
my %installations = ($major => undef);
foreach my $path (glob(dirname(dirname($bindir)) . '/*'))
{
	my ($version) = $path =~ m{/(\d+)$} or next;
	my ($libdir) = run_command([ "$path/bin/pg_config", '--pkglibdir' ]);

	$installations{$version} = $path
	  if $version > $major && -x "$path/bin/pg_upgrade" && -e "$libdir/databrain_migrate.so";
}

foreach my $version (sort { $a <=> $b } keys %installations)
{
	my $old = cluster("old$version");
	my $new = PostgreSQL::Test::Cluster->new("new$version",
		$installations{$version} ? (install_path => $installations{$version}) : ());
	my ($newbindir) = $installations{$version} ? "$installations{$version}/bin" : $bindir;

	ladder($old, 'ladder', 6, 1);
	revision($old, 'ladder', 'r4', 'r3',
		up_outside => 1,
		up => "CREATE TABLE ladder_t4 (a int);\nCREATE INDEX CONCURRENTLY ladder_i4 ON ladder_base (a);\n"
		  . "INSERT INTO ledger SELECT 'ladder', 4 WHERE 1 / (SELECT count(*) FROM ledger WHERE project = 'go') > 0;");
	my ($status, $out, $err) = run_sql($old, "CALL dbm_migrate('head', 'ladder')");
	like($err, qr/division by zero/, 'a migration stops half way');
	one($old, q{CREATE EXTENSION databrain; ALTER EXTENSION databrain UPDATE});
	my $before = one($old, q{SELECT string_agg(t::text, E'\n') FROM (
		SELECT * FROM dbm.applied ORDER BY project, revision) t});
	my $log = one($old, q{SELECT count(*), max(id) FROM dbm.log});
	my $mirror = one($old, q{SELECT extversion FROM pg_extension WHERE extname = 'databrain'});
	isnt($mirror, 'base', 'the mirror shows a revision');
	$old->stop;

	$new->init;
	$new->append_conf('postgresql.conf',
		"databrain_migrate.versions_path = '" . $old->basedir . "/versions'");
	chdir $PostgreSQL::Test::Utils::tmp_check;
	command_ok(
		[
			"$newbindir/pg_upgrade", '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir,
			'-b', $bindir, '-B', $newbindir, '-s', $new->host,
			'-p', $old->port, '-P', $new->port
		],
		"pg_upgrade from $major to $version");
	$new->start;

	is(one($new, q{SELECT string_agg(t::text, E'\n') FROM (
		SELECT * FROM dbm.applied ORDER BY project, revision) t}), $before, 'the state is kept');
	is(one($new, q{SELECT count(*), max(id) FROM dbm.log}), $log, 'the log is kept');
	is(one($new, q{SELECT extversion FROM pg_extension WHERE extname = 'databrain'}), $mirror, 'the mirror is kept');
	is(one($new, q{SELECT revision, finished, attempted FROM dbm.step}), 'r4|2|2', 'how far a script got is kept');
	is(join("\n", differences($new, 'ladder', 6)), '', 'the state is what is there');
	one($new, q{INSERT INTO ledger VALUES ('go', 1)});
	($status, $out, $err) = run_sql($new, "CALL dbm_migrate('head', 'ladder')");
	is($status, 0, 'the next call goes on') or diag $err;
	is(join("\n", differences($new, 'ladder', 6)), '', 'to the end');
	is(one($new, q{SELECT revision FROM dbm_current('ladder')}), 'r6', 'which is the head');
	one($new, q{ALTER EXTENSION databrain UPDATE TO 'base'});
	is(one($new, q{SELECT extversion FROM pg_extension WHERE extname = 'databrain'}), 'base', 'the door works');
	$new->stop;
}

SKIP:
{
	skip "no newer server with the extension beside version $major", 1
	  if keys %installations == 1;
	pass 'upgraded to newer servers: ' . join(', ', grep { $_ != $major } sort keys %installations);
}

done_testing();

# Drift across sessions, dumps and restores: what commits in its middle, what a
# restore does not record, and that the triggers and what they recorded travel.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE DATABASE source OWNER app;');
$node->safe_psql(
	'source', q(
	GRANT ALL ON SCHEMA public TO app;
	CREATE EXTENSION databrain_migrate;
	CREATE EXTENSION databrain;
	ALTER EXTENSION databrain UPDATE;));
$node->safe_psql(
	'source', q(
	CREATE TABLE byhand (a int PRIMARY KEY, b int);
	CREATE VIEW byhand_view AS SELECT a FROM byhand;
	CREATE MATERIALIZED VIEW byhand_all AS SELECT a FROM byhand;),
	extra_params => [ '-U', 'app' ]);
my $recorded = 'SELECT command, kind, identity, role, statement, recorded_at FROM dbm_ddl()';
my $drift = 'SELECT kind, identity, difference, changed_by FROM dbm_drift()';
my $differs = 'SELECT kind, identity, difference FROM dbm_drift()';
my $expected = $node->safe_psql('source', $recorded);
my $drifted = $node->safe_psql('source', $drift);
my $differed = $node->safe_psql('source', $differs);
is($node->safe_psql('source', 'SELECT count(*) FROM dbm_ddl() WHERE role = session_role AND role = \'app\''),
	'4', 'four objects are recorded');
like($drifted, qr/^table\|public\.byhand\|unexpected\|app$/m, 'and are drift');

# CONCURRENTLY
sub objects
{
	my ($database) = @_;

	return $node->safe_psql($database,
		q(SELECT string_agg(command || ' ' || identity, ', ' ORDER BY recorded_at) FROM dbm_ddl()));
}
$node->safe_psql('postgres', 'CREATE DATABASE busy TEMPLATE source');
$node->safe_psql('busy', 'SELECT dbm_forget_ddl()');
$node->safe_psql('busy', 'CREATE INDEX CONCURRENTLY byhand_idx ON byhand (b)');
$node->safe_psql('busy', 'DROP INDEX CONCURRENTLY byhand_idx');
$node->safe_psql('busy', 'CREATE TABLE parts (a int) PARTITION BY RANGE (a)');
$node->safe_psql('busy', 'CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (2)');
$node->safe_psql('busy', 'ALTER TABLE parts DETACH PARTITION part CONCURRENTLY');
like(objects('busy'),
	qr/^CREATE INDEX public.byhand_idx, DROP INDEX public.byhand_idx, CREATE TABLE public.parts, CREATE TABLE public.part, ALTER TABLE public.parts/,
	'commands that commit in their middle are recorded');
$node->safe_psql('busy', 'SELECT dbm_forget_ddl(); ALTER DATABASE busy SET databrain_migrate.drift = refuse;');
foreach my $sql (
	'CREATE INDEX CONCURRENTLY no ON byhand (b)',
	'DROP INDEX CONCURRENTLY byhand_pkey',
	'CREATE TABLE no (a int)')
{
	my ($status, $out, $err) = $node->psql('busy', $sql);
	isnt($status, 0, "refused: $sql");
	like($err, qr/cannot be changed outside of the migration engine/, 'with a reason');
}
is($node->safe_psql('busy', q(SELECT count(*) FROM pg_index WHERE NOT indisvalid)), '0',
	'nothing half done is left');
is(objects('busy'), '', 'and nothing recorded');
# a role that may not set it cannot do so before the library is loaded either
my ($status, $out, $err) = $node->psql('busy',
	"SET databrain_migrate.drift = off; CREATE TABLE no (a int)",
	extra_params => [ '-U', 'app' ]);
isnt($status, 0, 'a plain role cannot turn it off');
is($node->safe_psql('busy', q(SELECT count(*) FROM pg_class WHERE relname = 'no')), '0', 'whatever it tries first');
# revisions, and those that run in the worker
$node->safe_psql(
	'busy', q(
	SELECT dbm_register('app--base--aaaa0001.sql', E'-- a\n-- Revision ID: aaaa0001\n-- Revises: base\nCREATE TABLE made (a int);');
	SELECT dbm_register('app--aaaa0001--bbbb0002.sql', E'-- b\n-- Revision ID: bbbb0002\n-- Revises: aaaa0001\n-- Transactional: no\nCREATE INDEX CONCURRENTLY made_idx ON made (a);');));
$node->safe_psql('busy', q(CALL dbm_migrate('head', 'app')));
is(objects('busy'), '', 'the engine is not refused, nor its worker, and not recorded');

# A session that knew of applied revisions finds that there are none any more.
$node->safe_psql('postgres', 'CREATE DATABASE down TEMPLATE source');
$node->safe_psql('down', q(
	SELECT dbm_forget_ddl();
	CREATE TABLE while_applied (a int);
	SELECT dbm_downgrade('base');
	CREATE TABLE when_nothing_is (a int);));
is(objects('down'), 'CREATE TABLE public.while_applied', 'nothing is recorded after the last downgrade');

# Restores; what is there after the state is no drift.  Where DDL is refused it
# is let through, with a trace.
foreach my $how (
	[ 'plain', 'log', [], [ 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	[ 'plain, refuse', 'refuse', [], [ 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	[ 'custom', 'log', ['-Fc'], [ 'pg_restore', '-e', '-d' ] ],
	[ 'custom, refuse', 'refuse', ['-Fc'], [ 'pg_restore', '-e', '-d' ] ])
{
	my ($name, $setting, $options, $command) = @$how;

	command_ok([ 'pg_dump', @$options, '-f', "$dir/dump", '-d', $node->connstr('source') ], "$name: dump");
	$node->safe_psql('postgres', "CREATE DATABASE target OWNER app; ALTER DATABASE target SET databrain_migrate.drift = $setting;");
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my @call = $command->[0] eq 'psql' ? (@$command, "$dir/dump", 'target') : (@$command, 'target', "$dir/dump");
	my ($out, $err) = ('', '');
	ok(IPC::Run::run(\@call, '>', \$out, '2>', \$err), "$name: nothing is refused") or diag $err;
	is($err, '', "$name: nor said");
	is($node->safe_psql('target', "$recorded WHERE NOT glass_broken"), $expected, "$name: what was recorded came along");
	is( $node->safe_psql('target', q(SELECT DISTINCT role || ' ' || identity FROM dbm_ddl() WHERE glass_broken AND identity ~ 'byhand_' ORDER BY 1)),
		$setting eq 'refuse' ? $node->safe_psql('target', q(SELECT current_user || ' public.byhand_pkey')) : '',
		"$name: what came after the state is recorded where it would be refused");
	is($node->safe_psql('target', q(SELECT string_agg(evtname || evtenabled::text, ' ' ORDER BY evtname)
		FROM pg_event_trigger WHERE evtname ~ '^dbm_watch')), 'dbm_watch_dropA dbm_watch_endA dbm_watch_startA', "$name: the triggers are there");
	is($node->safe_psql('target', $differs), $differed, "$name: the same drift");
	is($node->safe_psql('target', $drift), $drifted, "$name: from the same role") if $setting eq 'log';
	$node->safe_psql('postgres', 'ALTER DATABASE target SET databrain_migrate.drift = refuse');
	isnt($node->psql('target', 'CREATE TABLE no (a int)'), 0, "$name: refused again");
	$node->safe_psql('postgres', 'DROP DATABASE target');
}

# Over what is there, and without the engine afterwards
command_ok([ 'pg_dump', '--clean', '--if-exists', '-f', "$dir/dump", '-d', $node->connstr('source') ], 'over it: dump');
$node->command_ok([ 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump", 'source' ], 'over it: restore');
is($node->safe_psql('source', $recorded), $expected, 'over it: the same is recorded');
$node->safe_psql('source', 'DROP EXTENSION databrain_migrate CASCADE');
$node->safe_psql('source', 'CREATE TABLE afterwards (a int)');
is($node->safe_psql('source', q(SELECT count(*) FROM pg_event_trigger)), '0', 'without the engine nobody looks');

$node->stop;
done_testing();

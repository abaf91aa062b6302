# Dump and restore, by pg_dump and by pg_upgrade: what the database was told
# and what the engine knows of it come along, nothing runs meanwhile, and the
# next upgrade goes on from there.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'log_min_messages = notice');
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;

# The source: one project by files with an extension, halfway up, another one
# by registered scripts, and rows in the tables of both.
$node->safe_psql(
	'postgres', q(
	CREATE ROLE app LOGIN;
	CREATE DATABASE source OWNER app;));
$node->safe_psql(
	'source', q(
	GRANT ALL ON SCHEMA public TO app;
	CREATE EXTENSION databrain_migrate;
	GRANT EXECUTE ON FUNCTION dbm_upgrade, dbm_downgrade, dbm_register, dbm_log TO app;));
$node->safe_psql(
	'source', q(
	CREATE EXTENSION databrain;
	ALTER EXTENSION databrain UPDATE TO '39015ae510e0';
	SELECT dbm_downgrade('-1');
	SELECT dbm_upgrade('+1');
	INSERT INTO tenant (name) SELECT 'tenant ' || n FROM generate_series(1, 100) AS n;
	SET databrain_migrate.project = 'shop';
	SELECT dbm_register('shop--base--s1.sql', $$-- first: 'quotes', \backslashes
-- Revision ID: s1
-- Revises: base
-- Branch Labels: till
CREATE TABLE item (id int PRIMARY KEY, price numeric); INSERT INTO item VALUES (1, 9.90);$$);
	SELECT dbm_register('shop--s1--base.sql', 'DROP TABLE item;');
	SELECT dbm_register('shop--s1--s2.sql', 'ALTER TABLE item ADD COLUMN name text;');
	SELECT dbm_upgrade('s1');),
	extra_params => [ '-U', 'app' ]);
$node->safe_psql('source', q(SELECT dbm_snapshot('before the dump')));

# All that has to be the same afterwards, as text.
my $facts = q(
	SET timezone = 'UTC';
	SELECT a FROM dbm.applied AS a ORDER BY project, revision;
	SELECT s FROM dbm.script AS s ORDER BY s;
	SELECT l FROM dbm.log AS l ORDER BY id;
	SELECT last_value, is_called FROM dbm.log_id_seq;
	SELECT dbm_history(), dbm_history(project => 'shop');
	SELECT dbm_show('heads', 'shop');
	SELECT name, heads, objects, fingerprint, is_live, server_version, taken_by, taken_at FROM dbm_snapshots();
	SELECT 'differs', d FROM dbm_diff('snapshot:before the dump', 'live') AS d WHERE statement IS NOT NULL;
	SELECT tenant FROM tenant ORDER BY tenant;
	SELECT item FROM item ORDER BY item;
	SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY evtname;
	SELECT c.relname, relacl FROM pg_class AS c WHERE relnamespace = 'dbm'::regnamespace ORDER BY 1;
	SELECT proname, proacl FROM pg_proc WHERE proname ~ '^dbm_' ORDER BY 1;);
my $expected = $node->safe_psql('source', $facts);
like($expected, qr/till/, 'there are facts to compare');
like($expected, qr/^before the dump\|.*\|t\|/m, 'the snapshot is of the schema as it is');
unlike($expected, qr/differs/, 'and does not differ from it');

sub mirror
{
	my ($server, $database) = @_;

	return $server->safe_psql($database,
		q(SELECT extversion FROM pg_extension WHERE extname = 'databrain'));
}

# Goes on in a restored database.
sub go_on
{
	my ($server, $database, $name) = @_;
	my $next = $server->safe_psql($database, 'SELECT max(id) + 1 FROM dbm.log');

	# by its author, as who wrote a script still decides who may run it
	isnt($server->psql($database, q(SELECT dbm_upgrade(project => 'shop'))),
		0, "$name: the superuser may not run the script of another role");
	is( $server->safe_psql(
			$database, q(SELECT revision FROM dbm_upgrade(project => 'shop')),
			extra_params => [ '-U', 'app' ]),
		's2', "$name: dbm_upgrade() goes on");
	is( $server->safe_psql($database, 'SELECT max(id) FROM dbm.log'),
		$next, "$name: so does the log");
	$server->safe_psql($database, 'ALTER EXTENSION databrain UPDATE');
	is( $server->safe_psql($database, 'SELECT revision FROM dbm_current()'),
		'29e0e8f6dd42', "$name: ALTER EXTENSION goes on");
	is(mirror($server, $database), '29e0e8f6dd42', "$name: the mirror follows");
	$server->safe_psql($database, q(ALTER EXTENSION databrain UPDATE TO 'base'));
	is( $server->safe_psql(
			$database, q(SELECT count(*) FROM pg_tables WHERE tablename = 'tenant')),
		'0', "$name: and all the way down");
	return;
}

# Runs a command, which must succeed without a word, in its output and, if a
# database is to be filled, in the server's log.
sub quiet
{
	my ($name, @command) = @_;
	my ($out, $err) = ('', '');
	my $before = -s $node->logfile;
	my $ok;

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	$ok = IPC::Run::run(\@command, '>', \$out, '2>', \$err);
	ok($ok, "$name: succeeds");
	is($err, '', "$name: says nothing");
	unlike(substr(slurp_file($node->logfile), $before),
		qr/NOTICE|WARNING|ERROR|FATAL/, "$name: nothing in the log");
	return;
}

my @restores = (
	# name, arguments of pg_dump, command that restores
	[ 'plain', [], [ 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	[ 'one transaction', [],
		[ 'psql', '-Xq1', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	[ 'custom', ['-Fc'], [ 'pg_restore', '-e' ] ],
	[ 'parallel', ['-Fc'], [ 'pg_restore', '-e', '-j2' ] ],
	[ 'inserts', [ '--column-inserts', '--rows-per-insert=10' ],
		[ 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1', '-f' ] ],
	[ 'by the owner', [ '-Fc', '-U', 'app' ], [ 'pg_restore', '-e' ] ],);

foreach my $restore (@restores)
{
	my ($name, $options, $command) = @$restore;
	my $file = "$dir/dump";

	quiet("$name, dump", 'pg_dump', @$options, '-f', $file, 'source');
	$node->safe_psql('postgres', 'CREATE DATABASE target OWNER app');
	quiet("$name, restore", @$command, '-d', 'target', $file)
	  if $command->[0] eq 'pg_restore';
	quiet("$name, restore", @$command, $file, 'target')
	  if $command->[0] eq 'psql';
	is($node->safe_psql('target', $facts), $expected, "$name: all is the same");
	is(mirror($node, 'target'), 'base', "$name: the mirror is not in a dump");
	is( $node->safe_psql('target',
			q(SELECT extversion, count(*) FROM pg_extension, dbm_current() WHERE extname = 'databrain' GROUP BY 1)),
		'base|1', "$name: reading does not mend it");
	$node->safe_psql('target', q(SELECT dbm_upgrade('39015ae510e0')));
	is(mirror($node, 'target'), '39015ae510e0',
		"$name: a call that has nothing to do does");
	go_on($node, 'target', $name);
	$node->safe_psql('postgres', 'DROP DATABASE target');
}

# Into a database that has it all already
quiet('over it, dump', 'pg_dump', '--clean', '--if-exists', '-f', "$dir/dump", 'source');
$node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE source');
quiet('over it, restore', 'psql', '-Xq', '-o', "$dir/out", '-v', 'ON_ERROR_STOP=1',
	'-f', "$dir/dump", 'target');
is($node->safe_psql('target', $facts), $expected, 'over it: all is the same');
go_on($node, 'target', 'over it');
$node->safe_psql('postgres', 'DROP DATABASE target');

# Without rows, without the extension
quiet('schema only, dump', 'pg_dump', '-s', '-f', "$dir/dump", 'source');
$node->safe_psql('postgres', 'CREATE DATABASE target');
quiet('schema only, restore', 'psql', '-Xq', '-o', "$dir/out", '-v',
	'ON_ERROR_STOP=1', '-f', "$dir/dump", 'target');
is($node->safe_psql('target', 'SELECT count(*) FROM dbm_current()'),
	'0', 'schema only: the state is empty');
$node->safe_psql('postgres', 'DROP DATABASE target');

# A copy of the database is the same without anybody's help.
$node->safe_psql('postgres', 'CREATE DATABASE target TEMPLATE source');
is($node->safe_psql('target', $facts), $expected, 'template: all is the same');
is(mirror($node, 'target'), '39015ae510e0', 'template: the mirror, too');
go_on($node, 'target', 'template');
$node->safe_psql('postgres', 'DROP DATABASE target');

# pg_upgrade, between two clusters of the same version
my $bindir = $node->config_data('--bindir');
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', 'log_min_messages = notice');
$node->stop;
chdir $dir or die "could not enter $dir";
my $upgraded = IPC::Run::run(
	[
		'pg_upgrade', '--retain', '-d', $node->data_dir, '-D', $new->data_dir,
		'-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $node->port,
		'-P', $new->port
	],
	'>', \my $output, '2>&1');
ok($upgraded, 'pg_upgrade succeeds') or diag($output);

# Kept by --retain: since version 15 in the new cluster, before that here.
my @logs = grep { -f }
  map { (glob("$_/pg_upgrade_dump_*.log"), "$_/pg_upgrade_server.log") }
  $dir, glob($new->data_dir . '/pg_upgrade_output.d/*/log');
my $words = join '', map { slurp_file($_) } @logs;
like($words, qr/databrain/, 'pg_upgrade: its logs are there');
# pg_upgrade drops each extension, if it exists, before it makes it anew.
is( join("\n",
		grep { !/extension "\w+" does not exist, skipping/ }
		  $words =~ /^.*(?:NOTICE|WARNING|ERROR).*$/mg),
	'', 'pg_upgrade: the restore says nothing else');
$new->start;
is($new->safe_psql('source', $facts), $expected, 'pg_upgrade: all is the same');
is(mirror($new, 'source'), '39015ae510e0', 'pg_upgrade: the mirror, too');
go_on($new, 'source', 'pg_upgrade');
$new->stop;

done_testing();

# A streaming standby: what reads works there, what writes says why it does
# not; once promoted, the standby goes on where the primary was.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION databrain CASCADE');
$primary->safe_psql('postgres', q(SELECT dbm_upgrade('750bcd1e35fa')));

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# What happens from now on comes by streaming.
$primary->safe_psql('postgres', q(ALTER EXTENSION databrain UPDATE TO '+1'));
$primary->safe_psql('postgres',
	q(SELECT dbm_register('shop--base--s1.sql', 'CREATE TABLE item (id int);')));
$primary->safe_psql('postgres', q(SELECT dbm_upgrade(project => 'shop')));
# What the model builds was found out by the primary.
$primary->safe_psql('postgres', q(SELECT dbm_set_model('CREATE TABLE m (id int);')));
$primary->safe_psql('postgres', q(SELECT * FROM dbm_diff('live', 'model')));

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return;
}
catch_up();

my @reading = (
	'SELECT * FROM dbm_current()',
	'SELECT * FROM dbm_history()',
	q(SELECT * FROM dbm_history('base:current')),
	'SELECT * FROM dbm_heads()',
	'SELECT * FROM dbm_branches()',
	q(SELECT * FROM dbm_show('heads')),
	q(SELECT * FROM dbm_show('s1', 'shop')),
	'SELECT * FROM dbm_log()',
	q(SELECT * FROM dbm_log('shop')),
	'SELECT dbm_graph()',
	q(SELECT dbm_graph('mermaid', 'shop')),
	'SELECT * FROM dbm_projects()',
	q(SELECT dbm_require('39015ae510e0')),
	q(SELECT * FROM dbm_diff('live', 'model')),
	q(SELECT extversion FROM pg_extension WHERE extname = 'databrain'),);
foreach my $query (@reading)
{
	is($standby->safe_psql('postgres', $query),
		$primary->safe_psql('postgres', $query), "standby: $query");
}
is($standby->safe_psql('postgres', 'SELECT revision FROM dbm_current()'),
	'39015ae510e0', 'standby: the current revision');
my ($status, $out, $err) = $standby->psql('postgres', q(SELECT dbm_require('head')));
like($err, qr/revision "29e0e8f6dd42" of project "databrain" is not applied/,
	'standby: a gate for applications stays closed');

# Both with something to do and without
my %writing = (
	'SELECT dbm_upgrade()' => 'dbm_upgrade()',
	q(SELECT dbm_upgrade('39015ae510e0')) => 'dbm_upgrade()',
	q(SELECT dbm_downgrade('base')) => 'dbm_downgrade()',
	q(SELECT dbm_stamp('head')) => 'dbm_stamp()',
	q(SELECT dbm_register('shop--s1--s2.sql', 'SELECT 1;')) => 'dbm_register()',
	q(SELECT dbm_unregister('s1', 'shop')) => 'dbm_unregister()',
	q(SELECT dbm_adopt('s1', 'shop')) => 'dbm_adopt()',
	'ALTER EXTENSION databrain UPDATE' => 'ALTER EXTENSION',);
my $before = $primary->safe_psql('postgres', 'SELECT dbm_log()');

sub refused
{
	my ($server, $prefix) = @_;

	foreach my $query (sort keys %writing)
	{
		my ($rc, $stdout, $stderr) = $server->psql('postgres',
			"\\set VERBOSITY verbose\n$prefix $query");

		like($stderr,
			qr/ERROR:  25006: cannot execute \Q$writing{$query}\E in a read-only transaction/,
			$server->name . ": $prefix $query");
	}
	return;
}
refused($standby, '');
refused($primary, 'SET default_transaction_read_only = on;');
is($primary->safe_psql('postgres', 'SELECT dbm_log()'),
	$before, 'nothing was written');

# What the primary does later comes, too.
$primary->safe_psql('postgres',
	q(ALTER EXTENSION databrain UPDATE TO '-1'; SELECT dbm_upgrade('+1')));
catch_up();
is( $standby->safe_psql('postgres', 'SELECT count(*) FROM dbm_log()'),
	$primary->safe_psql('postgres', 'SELECT count(*) FROM dbm_log()'),
	'standby: the log follows');

$primary->stop;
$standby->promote;
is( $standby->safe_psql('postgres', 'SELECT revision FROM dbm_upgrade()'),
	'29e0e8f6dd42', 'promoted: dbm_upgrade() goes on');
is( $standby->safe_psql('postgres',
		q(SELECT count(*), count(DISTINCT id) FROM dbm.log WHERE revision = '29e0e8f6dd42')),
	'1|1', 'promoted: the log goes on');
$standby->safe_psql('postgres', q(ALTER EXTENSION databrain UPDATE TO 'base'));
is( $standby->safe_psql('postgres',
		q(SELECT extversion FROM pg_extension WHERE extname = 'databrain')),
	'base', 'promoted: ALTER EXTENSION goes on');
$standby->stop;

done_testing();

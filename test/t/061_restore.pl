# Dumps in each shape that pg_dump and pg_restore know, made in the middle of a
# project, and recovery to a point between two revisions.  Where they have been
# restored, dbm_check says what is wrong; whoever does what its hints say has a
# database in which nothing is, and in which the project goes on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use DbmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = cluster('main', allows_streaming => 1, has_archiving => 1);
my $dir = PostgreSQL::Test::Utils::tempdir;
my $middle = '39015ae510e0';
my $head = '29e0e8f6dd42';
my $pending = "pending|$head|";
my $mirror = "mirror|$middle|databrain";

# What is wrong, in lines.
sub trouble
{
	my ($database, $project) = @_;

	return one($node, sprintf(q(SELECT problem, revision, object FROM dbm_check('%s')), $project // 'databrain'), $database);
}

# What the first line of a kind says to do.
sub hint
{
	my ($database, $problem, $project) = @_;

	return one($node, sprintf(q(SELECT hint FROM dbm_check('%s') WHERE problem = '%s' LIMIT 1), $project // 'databrain', $problem),
		$database);
}

# The project goes on to its end, and nothing is wrong then.
sub goes_on
{
	my ($database, $what) = @_;

	is(one($node, 'SELECT string_agg(revision, NULL) FROM dbm_upgrade()', $database), $head, "$what: the project goes on");
	is(trouble($database), '', "$what: and nothing is wrong");
	is(one($node, q(SELECT extversion FROM pg_extension WHERE extname = 'databrain'), $database), $head, "$what: the mirror says so")
	  if one($node, q(SELECT count(*) FROM pg_extension WHERE extname = 'databrain'), $database);
	return;
}

sub dump_to
{
	my ($name, $database, @options) = @_;

	command_ok([ 'pg_dump', '-d', $node->connstr($database), '-f', "$dir/$name", @options ], "a dump: @options");
	return;
}

sub fresh
{
	my ($database, @statements) = @_;

	one($node, "CREATE DATABASE $database");
	one($node, $_, $database) foreach @statements;
	return;
}

# Runs a plain dump; returns what went wrong.
sub load
{
	my ($name, $database, @options) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-Xq', '-d', $node->connstr($database), '-f', "$dir/$name", @options ], '>', \$out, '2>', \$err);
	return join "\n", grep { /ERROR/ } split /\n/, $err;
}

one($node, $_) foreach ('CREATE DATABASE src', 'CREATE DATABASE shop');
one($node, "CREATE EXTENSION databrain CASCADE; SELECT dbm_upgrade('$middle'); INSERT INTO tenant (name) VALUES ('acme')", 'src');
is(trouble('src'), $pending, 'the database that is dumped');

# ---------------- everything ----------------

dump_to('full.sql', 'src');
fresh('whole');
is(load('full.sql', 'whole'), '', 'a whole database, under another name');
is(trouble('whole'), "$pending\n$mirror", 'says what is pending, and that the mirror is behind');
is(hint('whole', 'mirror'), 'The next dbm_upgrade() or dbm_downgrade() corrects it.', 'and what corrects it');
goes_on('whole', 'whole');
is(one($node, 'SELECT name FROM tenant', 'whole'), 'acme', 'whole: the rows are there');

dump_to('full.dump', 'src', '-Fc');
fresh('custom');
command_ok([ 'pg_restore', '-j', '2', '-d', $node->connstr('custom'), "$dir/full.dump" ], 'pg_restore -j');
is(trouble('custom'), "$pending\n$mirror", 'in parallel: the same');
goes_on('custom', 'in parallel');
command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('custom'), "$dir/full.dump" ],
	'pg_restore --clean --if-exists over what is there');
is(trouble('custom'), "$pending\n$mirror", 'cleaned: the state of the dump');
goes_on('custom', 'cleaned');

fresh('single');
command_ok([ 'pg_restore', '--single-transaction', '--exit-on-error', '-d', $node->connstr('single'), "$dir/full.dump" ],
	'pg_restore in a single transaction');
is(trouble('single'), "$pending\n$mirror", 'in a single transaction: the same');
goes_on('single', 'in a single transaction');

# ---------------- in sections ----------------

fresh('sections');
foreach my $section (qw(pre-data data post-data))
{
	command_ok([ 'pg_restore', "--section=$section", '-d', $node->connstr('sections'), "$dir/full.dump" ], "--section=$section");
	my ($status, $out, $err) = run_sql($node, 'SELECT DISTINCT problem FROM dbm_check() ORDER BY 1', database => 'sections');
	is( $out,
		{   'pre-data' => 'state lost',
			'data' => "drift\nmirror\npending",
			'post-data' => "mirror\npending"
		}->{$section},
		"$section: what is wrong then");
}
goes_on('sections', 'in sections');

# ---------------- definitions, rows ----------------

dump_to('schema.sql', 'src', '-s');
dump_to('data.sql', 'src', '-a');

fresh('definitions');
is(load('schema.sql', 'definitions'), '', 'definitions only');
is(trouble('definitions'), "state lost|$middle|", 'the state is lost, and where it was is found');
is(hint('definitions', 'state lost'), "Set the state with dbm_stamp('$middle').", 'and what brings it back');
one($node, "SELECT dbm_stamp('$middle')", 'definitions');
goes_on('definitions', 'definitions');

fresh('twice');
is(load('schema.sql', 'twice'), '', 'definitions');
is(load('data.sql', 'twice'), '', 'and then rows');
is(trouble('twice'), "$pending\n$mirror", 'are as a whole dump');
goes_on('twice', 'twice');

fresh('built', "CREATE EXTENSION databrain CASCADE; SELECT dbm_upgrade('$middle')");
like(load('data.sql', 'built'), qr/duplicate key.*applied/, 'rows into what dbm_upgrade built: the state is there already');
is(trouble('built'), $pending, 'and stays as it is');
is(one($node, 'SELECT name FROM tenant', 'built'), 'acme', 'the rows come');
goes_on('built', 'built');

fresh('justrows', 'CREATE EXTENSION databrain CASCADE');
like(load('data.sql', 'justrows'), qr/relation "public\.tenant" does not exist/, 'rows into an empty database');
is(trouble('justrows'), "schema lost||\n$pending\n$mirror", 'there is a state, and no schema');
like(hint('justrows', 'schema lost'), qr/dbm_stamp\('base'\) and dbm_upgrade\(\)/, 'and what to do');
one($node, q(SELECT dbm_stamp('base'); SELECT dbm_upgrade()), 'justrows');
is(trouble('justrows'), '', 'built anew, nothing is wrong');

# ---------------- one schema ----------------

dump_to('public.sql', 'src', '-n', 'public');
fresh('onlyone', 'CREATE EXTENSION databrain CASCADE', 'DROP SCHEMA public');
is(load('public.sql', 'onlyone'), '', 'one schema');
is(trouble('onlyone'), "state lost|$middle|", 'does not bring the state');
one($node, "SELECT dbm_stamp('$middle')", 'onlyone');
goes_on('onlyone', 'one schema');

dump_to('two.sql', 'src', '-n', 'public', '-n', 'dbm');
fresh('pair', 'CREATE EXTENSION databrain CASCADE', 'DROP SCHEMA public');
is(load('two.sql', 'pair'), '', "the engine's schema besides");
is(trouble('pair'), "state lost|$middle|", 'does not bring it either');

# ---------------- other roles ----------------

one($node, 'CREATE ROLE owner LOGIN');
one($node, 'CREATE DATABASE owned OWNER owner');
one($node, 'CREATE EXTENSION databrain CASCADE; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO owner', 'owned');
{
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'pg_restore', '-U', 'owner', '--no-owner', '-d', $node->connstr('owned') . ' user=owner', "$dir/full.dump" ],
		'>', \$out, '2>', \$err);
	my @errors = grep { /error: could not execute query|COPY failed/ } split /\n/, $err;
	is(scalar(grep { !/permission denied for (table|sequence)|must be owner of extension/ } @errors), 0, 'the owner restores all but the state') or diag $err;
	like($err, qr/permission denied for table applied/, "which is the engine's");
}
is(one($node, q(SET ROLE owner; SELECT problem, revision FROM dbm_check()), 'owned'), "state lost|$middle", 'so the state is lost');
one($node, "SET ROLE owner; SELECT dbm_stamp('$middle'); SELECT dbm_upgrade()", 'owned');
is(one($node, q(SET ROLE owner; SELECT problem, revision FROM dbm_check()), 'owned'), '', 'stamped and upgraded, nothing is wrong');
is(one($node, q(SELECT problem, object, detail FROM dbm_check()), 'owned'), '', 'nor to another role');

# ---------------- half way ----------------

revision($node, 'shop', 'r1', 'base', up => "CREATE SCHEMA app;\nCREATE TABLE app.item (id int);", down => 'DROP SCHEMA app CASCADE;');
revision($node, 'shop', 'r2', 'r1', up => 'ALTER TABLE app.item ADD name text;', down => 'ALTER TABLE app.item DROP name;');
revision($node, 'shop', 'r3', 'r2', up_outside => 1, down_outside => 1,
	up => "CREATE INDEX CONCURRENTLY i ON app.item (id);\nCREATE UNIQUE INDEX CONCURRENTLY u ON app.item (name);",
	down => "DROP INDEX CONCURRENTLY app.u;\nDROP INDEX CONCURRENTLY app.i;");
one($node, q(CREATE EXTENSION databrain_migrate; SELECT dbm_upgrade('r2', 'shop'); INSERT INTO app.item VALUES (1, 'a'), (2, 'a')), 'shop');
my ($status, $out, $err) = run_sql($node, q(CALL dbm_migrate('head', 'shop')), database => 'shop');
like($err, qr/could not create unique index/, 'a migration stops half way');
is(trouble('shop', 'shop'), "unfinished|r3|\npending|r3|", 'which is said');
dump_to('shop.sql', 'shop');
fresh('halfway');
is(load('shop.sql', 'halfway'), '', 'a dump of it');
is(trouble('halfway', 'shop'), "unfinished|r3|\npending|r3|", 'says the same where it is restored');
is(hint('halfway', 'unfinished', 'shop'), 'CALL dbm_migrate() goes on with it.', 'and what to do');
one($node, 'DELETE FROM app.item WHERE id = 2', 'halfway');
one($node, q(CALL dbm_migrate('head', 'shop')), 'halfway');
is(trouble('halfway', 'shop'), '', 'done, nothing is wrong');

dump_to('app.sql', 'halfway', '-n', 'app');
fresh('app', 'CREATE EXTENSION databrain_migrate');
is(load('app.sql', 'app'), '', 'a schema that the revisions create');
is(trouble('app', 'shop'), 'state lost||', 'the state is lost, at the end');
is(hint('app', 'state lost', 'shop'), q(Set the state with dbm_stamp('heads').), 'and what brings it back');
one($node, q(SELECT dbm_stamp('heads', project => 'shop')), 'app');
is(trouble('app', 'shop'), '', 'stamped, nothing is wrong');

# ---------------- a dump as a model ----------------

fresh('model', 'CREATE EXTENSION databrain CASCADE', 'SELECT dbm_upgrade()');
dump_to('model.sql', 'model', '-s');
my $ddl = slurp_file("$dir/model.sql");
$ddl = "\\restrict abc\n$ddl\n\\unrestrict abc\n" unless $ddl =~ /^\\restrict /m;
one($node, "SELECT dbm_set_model(\$model\$$ddl\$model\$)", 'model');
is(trouble('model'), '', 'a dump of the live schema is a model of it');
is(one($node, q(SELECT count(*) FROM dbm_diff('live', 'model') WHERE statement IS NOT NULL), 'model'), 0, 'without a difference');

# ---------------- to a point in time ----------------

fresh('timed', "CREATE EXTENSION databrain CASCADE; SELECT dbm_upgrade('$middle')");
$node->backup('before');
one($node, q(INSERT INTO tenant (name) VALUES ('kept')), 'timed');
one($node, q(SELECT pg_create_restore_point('between')));
one($node, 'SELECT dbm_upgrade()', 'timed');
one($node, q(SELECT pg_switch_wal()));
is(trouble('timed'), '', 'the database that is recovered');
my $recovered = PostgreSQL::Test::Cluster->new('recovered');
$recovered->init_from_backup($node, 'before', has_restoring => 1, standby => 0);
$recovered->append_conf('postgresql.conf', "recovery_target_name = 'between'\nrecovery_target_action = 'promote'\narchive_mode = off");
$recovered->start;
$recovered->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no end of recovery';
my $original = $node;
$node = $recovered;
is(trouble('timed'), $pending, 'recovered to a point between two revisions: one is pending, nothing else is wrong');
is(one($node, 'SELECT name FROM tenant', 'timed'), 'kept', 'the rows are there');
goes_on('timed', 'recovered');
$node = $original;

# ---------------- on a standby ----------------

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'before', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'archive_mode = off');
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
my ($status_there, $out_there, $err_there) = run_sql($standby, 'SELECT * FROM dbm_test()', database => 'timed');
like($err_there, qr/ERROR:  25006: cannot execute a schema comparison in a read-only transaction/, 'dbm_test is refused on a standby');
is(one($standby, 'SELECT * FROM dbm_check()', 'timed'), '', 'dbm_check works from what the primary has kept');

done_testing();

# Dumps and restores by the server's own programs: what is in them, who may,
# what is refused, names that are hostile, and that neither a failure nor a
# cancelled call leaves a file, a process or a database behind.
#
# The server runs from an installation of its own, whose programs are copies,
# so that the tests can put others in their place.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Fcntl ':mode';
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

# A server finds its files by where its program lies, so the copy only needs
# the same places below another root.
my $root = PostgreSQL::Test::Utils::tempdir;
my %place;
foreach my $which (qw(bindir sharedir pkglibdir))
{
	chomp($place{$which} = `pg_config --$which`);
	make_path(dirname("$root$place{$which}"));
}
symlink $place{sharedir}, "$root$place{sharedir}" or die $!;
symlink $place{pkglibdir}, "$root$place{pkglibdir}" or die $! unless -e "$root$place{pkglibdir}";
my $bin = "$root$place{bindir}";
system('cp', '-RL', $place{bindir}, $bin) == 0 or die 'cannot copy the programs';

my $path = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('main', install_path => dirname($bin));
$node->init;
$node->append_conf('postgresql.conf', qq(
databrain_migrate.dump_path = '$path'
max_prepared_transactions = 10
restart_after_crash = on
));
{
	# nothing in the server's environment leads a program elsewhere
	local $ENV{PGHOSTADDR} = '192.0.2.1';
	local $ENV{PGSERVICE} = 'nosuch';
	local $ENV{PGDATABASE} = 'nosuch';
	local $ENV{PGOPTIONS} = '-c nosuch.setting=1 --nosuch';
	local $ENV{PGTARGETSESSIONATTRS} = 'standby';
	$node->start;
}

# What the programs leave: files, databases, sessions.
sub files
{
	return join ' ', sort map { basename($_) } grep { !/\/\.\.?$/ } glob("$path/* $path/.*");
}

sub databases
{
	return $node->safe_psql('postgres', q(SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database));
}

my $sessions = q(SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^databrain_migrate [0-9]+$');

# A call that has to fail, and to leave nothing.  Returns how long it took.
sub refused
{
	my ($sql, $message, $what, %options) = @_;
	my $before = files() . databases();
	my $started = time;
	my ($status, $stdout, $stderr) =
	  $node->psql($options{database} || 'shop', $sql, extra_params => $options{params} || []);
	my $elapsed = time - $started;

	isnt($status, 0, "$what: fails");
	like($stderr, $message, "$what: message");
	is(files() . databases(), $before, "$what: no file, no database");
	ok($node->poll_query_until('postgres', $sessions, '0'), "$what: no session");
	return $elapsed;
}

# Dumps, and returns the file's name.
sub dump_file
{
	my ($arguments, $database) = @_;
	return $node->safe_psql($database || 'shop', "SELECT file FROM dbm_dump($arguments)");
}

sub restore
{
	my ($file, $database) = @_;
	return $node->safe_psql('shop', "SELECT database FROM dbm_restore('$file', '$database')");
}

# Puts a shell script in a program's place; true of version if not told
# otherwise.
sub fake
{
	my ($program, $script, $version) = @_;
	my $real = `$place{bindir}/$program --version`;
	rename "$bin/$program", "$bin/$program.real" or die $! unless -e "$bin/$program.real";
	unlink "$bin/$program";
	$version = $real unless defined $version;
	append_to_file("$bin/$program", <<"EOT");
#!/bin/sh
[ "\$1" = --version ] && cat <<'EOV' && exit
${version}EOV
$script
EOT
	chmod 0755, "$bin/$program";
}

sub genuine
{
	my ($program) = @_;
	rename "$bin/$program.real", "$bin/$program" or die $!;
}

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', q(
	CREATE EXTENSION databrain CASCADE;
	SELECT * FROM dbm_upgrade('39015ae510e0');
	INSERT INTO tenant (name) VALUES ('acme');
));

#
# What is in a dump
#

my $row = $node->safe_psql('shop', q(SELECT file, path, heads, size, sha256, elapsed > '0' FROM dbm_dump()));
my ($plain, $full, $heads, $size, $sha256, $elapsed) = split /\|/, $row;
like($plain, qr/^shop--39015ae510e0--\d{8}T\d{6}\.\d{6}Z\.sql$/, 'database, heads and time are in the name');
is($full, "$path/$plain", 'the path');
is($heads, '{39015ae510e0}', 'the heads');
is($size, -s $full, 'the size');
is($sha256, sha256_hex(slurp_file($full)), 'the checksum');
is($elapsed, 't', 'the time it took');
is(files(), $plain, 'one file, and no other');
is(sprintf('%o', S_IMODE((stat $full)[2])), '600', 'readable by the server alone');
like(slurp_file($full), qr/\bacme\b.*PostgreSQL database dump complete/s, 'rows are in it, and it is complete');
is($node->safe_psql('shop', q(SELECT file, status, database, project, heads, format, schemas IS NULL, data, all_databases,
	size, sha256, dumped_by = current_user, now() - dumped_at < '1 min', elapsed > '0' FROM dbm_dumps())),
	"$plain|ok|shop|databrain|{39015ae510e0}|plain|t|t|f|$size|$sha256|t|t|t", 'it is on record');

my $custom = dump_file(q('custom'));
like($custom, qr/^shop--39015ae510e0--.*\.dump$/, 'a custom dump');
like(slurp_file("$path/$custom"), qr/^PGDMP/, 'is one');

foreach my $dump ([ 'plain', $plain ], [ 'custom', $custom ])
{
	my ($format, $file) = @$dump;
	is(restore($file, "from $format"), "from $format", "$format: restored");
	is($node->safe_psql("from $format", q(SELECT (SELECT name FROM tenant), (SELECT revision FROM dbm_current()))),
		'acme|39015ae510e0', "$format: rows and state are there");
	is($node->safe_psql("from $format", q(SELECT revision FROM dbm_upgrade())), '29e0e8f6dd42', "$format: and it goes on");
}
is($node->safe_psql('from plain', 'SELECT count(*) FROM dbm.dump'), 0, 'a dump is not in itself');
is($node->safe_psql('from custom', 'SELECT file FROM dbm.dump'), $plain, 'but those before it are');

my $definitions = dump_file(q(data => false));
unlike(slurp_file("$path/$definitions"), qr/acme/, 'definitions only');
is($node->safe_psql('shop', "SELECT data FROM dbm_dumps() WHERE file = '$definitions'"), 'f', 'on record as such');

$node->safe_psql('shop', q(CREATE ROLE somebody; CREATE DATABASE other));
$node->safe_psql('other', q(CREATE TABLE only_there AS SELECT 1));
my $all = dump_file(q(all_databases => true));
like($all, qr/^shop--39015ae510e0--.*\.all\.sql$/, 'all databases');
like(slurp_file("$path/$all"), qr/CREATE ROLE somebody.*only_there.*acme.*cluster dump complete/s, 'are in it');

# Several heads, no project, no revision
$node->safe_psql('other', q(CREATE EXTENSION databrain_migrate));
like(dump_file('', 'other'), qr/^other--base--/, 'no project: base');
$node->safe_psql('other', q(
	SELECT dbm_revision('x', rev_id => 'aaaa1', project => 'two');
	SELECT dbm_revision('x', rev_id => 'bbbb1', head => 'base', project => 'two');
	SELECT dbm_upgrade('heads', 'two');
));
like(dump_file(q(project => 'two'), 'other'), qr/^other--aaaa1,bbbb1--/, 'two heads');
$node->safe_psql('other', q(DELETE FROM dbm.script));
like(dump_file(q(project => 'two'), 'other'), qr/^other--aaaa1,bbbb1--/, 'their scripts need not be there');

# The snapshot is the transaction's
my $session = $node->background_psql('shop');
$session->query_safe(q(BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1));
$node->safe_psql('shop', q(INSERT INTO tenant (name) VALUES ('late')));
my $file = $session->query_safe('SELECT file FROM dbm_dump()');
$session->query_safe('COMMIT');
$session->quit;
like(slurp_file("$path/$file"), qr/acme/, 'what the transaction sees is in the dump');
unlike(slurp_file("$path/$file"), qr/\blate\b/, 'and what it does not see is not');

my ($status, $stdout, $stderr) = $node->psql('shop',
	q(BEGIN; INSERT INTO tenant (name) VALUES ('mine'); SELECT file FROM dbm_dump(); COMMIT));
is($status, 0, 'a transaction that has written rows may dump');
like($stderr, qr/WARNING:  the dump will not contain what this transaction has changed so far/, 'and is warned');
unlike(slurp_file("$path/$stdout"), qr/\bmine\b/, 'rightly');

# A transaction that is rolled back
$file = $node->safe_psql('shop', q(BEGIN; SELECT file FROM dbm_dump(); ROLLBACK));
ok(-f "$path/$file", 'a dump outlives its transaction');
is($node->safe_psql('shop', "SELECT count(*) FROM dbm_dumps() WHERE file = '$file'"), 0, 'but not its row');
is(restore($file, 'unrecorded'), 'unrecorded', 'it can be restored all the same');

#
# What has become of dumps
#

sub status
{
	my ($dump, $verify) = @_;
	return $node->safe_psql('shop', 'SELECT status FROM dbm_dumps(' . ($verify || '') . ") WHERE file = '$dump'");
}

my $victim = dump_file('');
my $contents = slurp_file("$path/$victim");
append_to_file("$path/$victim", '-- more');
is(status($victim), 'changed', 'a longer file');
is(status($victim, 'false'), 'changed', 'for that the size is enough');
refused("SELECT dbm_restore('$victim', 'x')", qr/dump "\Q$victim\E" was changed after it was written/, 'restoring it');
unlink "$path/$victim";
is(status($victim), 'missing', 'a file that is gone');
refused("SELECT dbm_restore('$victim', 'x')", qr/could not open file "\Q$path\/$victim\E": No such file/, 'restoring it');
append_to_file("$path/$victim", $contents =~ s/acme/evil/r);
is(status($victim), 'changed', 'a file of the same size');
is(status($victim, 'false'), 'ok', 'which takes a checksum to see');
unlink "$path/$victim";
mkdir "$path/$victim";
is(status($victim), 'changed', 'a directory');
refused("SELECT dbm_restore('$victim', 'x')", qr/"\Q$path\/$victim\E" is not a regular file/, 'restoring it');
rmdir "$path/$victim";
is($node->safe_psql('shop', q(SET databrain_migrate.dump_path = ''; SELECT DISTINCT status, path FROM dbm_dumps())), 'unknown|',
	'without a path nothing is known');

#
# The directory
#

refused(q(SET databrain_migrate.dump_path = ''; SELECT dbm_dump()), qr/no directory for dumps is set.*HINT:/s, 'no dump path');
refused(q(SET databrain_migrate.dump_path = ''; SELECT dbm_restore('x', 'x')), qr/no directory for dumps is set.*HINT:/s, 'restoring without');
refused(q(SET databrain_migrate.dump_path = 'dumps'; SELECT dbm_dump()), qr/dump_path is not an absolute path: "dumps"/, 'a relative path');
refused("SET databrain_migrate.dump_path = '$path/gone'; SELECT dbm_dump()",
	qr/could not access directory "\Q$path\E\/gone": No such file or directory/, 'a path that is not there');
refused("SET databrain_migrate.dump_path = '$path/$plain'; SELECT dbm_dump()", qr/"\Q$path\/$plain\E" is not a directory/, 'a file');
SKIP:
{
	skip 'permissions do not count for root', 4 if $> == 0;
	chmod 0500, $path;
	refused('SELECT dbm_dump()', qr/could not create file "\Q$path\E\/\..*\.part": Permission denied/, 'a directory without write permission');
	chmod 0700, $path;
}
SKIP:
{
	skip 'prlimit is not there', 4 if system('prlimit --version >/dev/null 2>&1') != 0;
	# what a limit on the size of files does needs no disk of our own
	refused(q(DO $$ BEGIN EXECUTE format('COPY (SELECT 1 WHERE false) TO PROGRAM %L',
			format('prlimit --pid %s --fsize=16384', pg_backend_pid())); END $$;
		SELECT dbm_dump()),
		qr/program ".*pg_dump" failed.*DETAIL:  pg_dump: error: could not write.*: File too large/s, 'a disk that is full');
}

#
# Who may
#

$node->safe_psql('shop', q(
	CREATE ROLE nobody LOGIN;
	CREATE ROLE plain LOGIN;
	CREATE ROLE runner LOGIN IN ROLE pg_execute_server_program;
	CREATE ROLE writer LOGIN IN ROLE pg_write_server_files, pg_read_server_files;
	CREATE ROLE dumper LOGIN IN ROLE pg_execute_server_program, pg_write_server_files, pg_read_server_files;
	CREATE ROLE "we\ird 'role""" LOGIN CREATEDB IN ROLE pg_execute_server_program, pg_write_server_files,
		pg_read_server_files, pg_read_all_data;
	GRANT EXECUTE ON FUNCTION dbm_dump, dbm_restore TO plain, runner, writer, dumper, "we\ird 'role""";
	CREATE DATABASE empty;
));
$node->safe_psql('empty', q(CREATE EXTENSION databrain_migrate;
	GRANT EXECUTE ON FUNCTION dbm_dump, dbm_restore TO "we\ird 'role"""));
foreach my $role (qw(nobody plain runner writer))
{
	my $message = $role eq 'nobody' ? qr/permission denied for function/ : qr/permission denied to (dump|restore).*DETAIL:  Only roles/s;
	refused('SELECT dbm_dump()', $message, "a dump by $role", params => [ '-U', $role ]);
	refused("SELECT dbm_restore('$plain', 'x')", $message, "a restore by $role", params => [ '-U', $role ]);
}
refused('SELECT * FROM dbm_dumps()', qr/permission denied for function/, 'the list for anybody', params => [ '-U', 'dumper' ]);
refused(q(SELECT dbm_current(); SET databrain_migrate.dump_path = '/tmp'), qr/permission denied to set parameter/,
	'another path', params => [ '-U', 'dumper' ]);
refused(q(SET databrain_migrate.dump_path = '/tmp'; SELECT dbm_dump()), qr/WARNING:  permission denied to set parameter/,
	'one set before the library is there', params => [ '-U', 'dumper' ]);
refused('SELECT dbm_dump()', qr/program ".*pg_dump" failed.*DETAIL:  pg_dump: error: .*permission denied for/s,
	'what pg_dump may not read', params => [ '-U', 'dumper' ]);
refused("SELECT dbm_restore('$plain', 'x')", qr/program ".*psql" failed.*DETAIL:  .*permission denied to create database/s,
	'a restore without CREATEDB', params => [ '-U', 'dumper' ]);
refused('SET ROLE dumper; SELECT dbm_dump()', qr/permission denied for/, 'a superuser as another role has no more rights than that');
# as a role that the session's user has taken on
$node->safe_psql('shop', q(GRANT "we\ird 'role""" TO runner));
is($node->safe_psql('empty', q(SET ROLE "we\ird 'role"""; SELECT file ~ '^empty--' FROM dbm_dump('custom')),
	extra_params => [ '-U', 'runner' ]), 't', 'a dump by a role that has a weird name');
$file = $node->safe_psql('empty', 'SELECT file FROM dbm_dumps(false)');
like($node->safe_psql('empty', 'SELECT dumped_by FROM dbm_dumps()'), qr/^we\\ird/, 'it is on record');
refused("SET ROLE \"we\\ird 'role\"\"\"; SELECT dbm_restore('$file', 'x')",
	qr/program ".*pg_restore" failed.*permission denied to create extension/s,
	'what pg_restore may not do', params => [ '-U', 'runner' ], database => 'empty');

# pg_hba.conf has to let the programs in
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
append_to_file($node->data_dir . '/pg_hba.new', "local all dumper reject\n$hba");
$session = $node->background_psql('shop', extra_params => [ '-U', 'dumper' ], on_error_stop => 0);
rename $node->data_dir . '/pg_hba.conf', $node->data_dir . '/pg_hba.old' or die $!;
rename $node->data_dir . '/pg_hba.new', $node->data_dir . '/pg_hba.conf' or die $!;
$node->reload;
$node->poll_query_until('shop', q(SELECT count(*) > 0 FROM pg_hba_file_rules WHERE auth_method = 'reject'));
$session->query('SELECT dbm_dump()');
like($session->{stderr}, qr/program ".*pg_dump" failed.*pg_hba\.conf rejects connection.*HINT:  The program connects as role "dumper"/s,
	'a program that cannot log in says so');
$session->quit;
rename $node->data_dir . '/pg_hba.old', $node->data_dir . '/pg_hba.conf' or die $!;
$node->reload;

#
# What is refused
#

refused(q(SELECT dbm_dump('tar')), qr/unknown dump format "tar"/, 'an unknown format');
refused(q(SELECT dbm_dump(schemas => '{}')), qr/schemas must not be empty/, 'no schemas');
refused(q(SELECT dbm_dump(schemas => '{nosuch}')), qr/schema "nosuch" does not exist/, 'an unknown schema');
refused(q(SELECT dbm_dump(schemas => '{public}', all_databases => true)), qr/always plain, and of all schemas/, 'schemas of all databases');
refused(q(SELECT dbm_dump('custom', all_databases => true)), qr/always plain, and of all schemas/, 'all databases, custom');
refused(q(BEGIN READ ONLY; SELECT dbm_dump()), qr/cannot execute dbm_dump\(\) in a read-only transaction/, 'read only');
refused(q(BEGIN; SAVEPOINT s; SELECT dbm_dump()), qr/cannot dump in a subtransaction/, 'a savepoint');
refused(q(DO $$ BEGIN PERFORM dbm_dump(); EXCEPTION WHEN no_data_found THEN NULL; END $$), qr/cannot dump in a subtransaction/, 'a block with EXCEPTION');
refused("SELECT dbm_restore('$plain', 'shop')", qr/cannot restore into the current database/, 'into the current database');
refused("SELECT dbm_restore('$plain', 'shop', replace => true)", qr/cannot restore into the current database/, 'even if told to');
refused("SELECT dbm_restore('$plain', 'other')", qr/database "other" already exists.*HINT/s, 'into an existing one');
refused("SELECT dbm_restore('$plain', 'template0', replace => true)", qr/cannot replace template database "template0"/, 'over a template');
refused("SELECT dbm_restore('$plain', '')", qr/invalid name of a database: ""/, 'an empty name');
refused("SELECT dbm_restore('$plain', repeat('x', 64))", qr/invalid name of a database: "x{64}"/, 'a name that is too long');
refused("SELECT dbm_restore('$all', 'x')", qr/is a dump of all databases/, 'all databases into one');
refused("SELECT dbm_restore('../$plain', 'x')", qr/invalid name of a dump: /, 'a way out of the directory');
refused("SELECT dbm_restore('$path/$plain', 'x')", qr/invalid name of a dump: /, 'an absolute path');
refused("SELECT dbm_restore('', 'x')", qr/invalid name of a dump: ""/, 'no name');
refused("SELECT dbm_restore('.', 'x')", qr/invalid name of a dump: "\."/, 'the directory itself');

#
# Locks
#

foreach my $own (
	[ 'CREATE TABLE fresh (a int)', 'fresh' ],
	[ 'ALTER TABLE tenant ADD COLUMN more int', 'tenant' ],
	[ 'TRUNCATE chunk', 'chunk' ],
	[ 'LOCK TABLE document', 'document' ],
	[ 'LOCK TABLE pg_catalog.pg_authid', 'pg_authid' ])
{
	my $took = refused("BEGIN; $own->[0]; SELECT dbm_dump()",
		qr/cannot dump in a transaction that holds an exclusive lock.*DETAIL:  It holds one on "$own->[1]".*HINT:/s, "after $own->[0]");
	cmp_ok($took, '<', 5, "after $own->[0]: at once");
}
# which locks the table it refers to as well: that one still has a name
refused("BEGIN; DROP TABLE chunk; SELECT dbm_dump()",
	qr/It holds one on "document"/, 'after DROP TABLE');
refused("BEGIN; REINDEX INDEX chunk_pkey; SELECT dbm_dump()",
	qr/It holds one on "chunk_pkey"/, 'after REINDEX');
refused(q(BEGIN; ALTER TABLE chunk ADD COLUMN more int; CALL dbm_migrate(dump => true)),
	qr/cannot dump in a transaction that holds an exclusive lock/, 'CALL dbm_migrate after own DDL');
isnt($node->safe_psql('shop', q(BEGIN; CREATE TEMP TABLE t (a int); SELECT file FROM dbm_dump())), '', 'temporary tables do no harm');

# Locks of others, here prepared transactions
$node->safe_psql('shop', q(CREATE VIEW v AS SELECT * FROM tenant));
$node->safe_psql('shop', q(BEGIN; LOCK TABLE tenant; PREPARE TRANSACTION 'table'));
my $took = refused(q(SET lock_timeout = 500; SELECT dbm_dump()),
	qr/program ".*pg_dump" failed.*DETAIL:  pg_dump: error: .*canceling statement due to statement timeout/s, 'a table locked by others');
cmp_ok($took, '<', 10, 'and that in time');
$node->safe_psql('shop', q(ROLLBACK PREPARED 'table'; BEGIN; ALTER VIEW v SET (security_barrier); PREPARE TRANSACTION 'view'));
$took = refused(q(SET databrain_migrate.lock_timeout = 500; SELECT dbm_dump()),
	qr/dump or restore waited for a lock for more than 500 ms/, 'a view locked by others');
cmp_ok($took, '<', 10, 'and that in time');
$node->safe_psql('shop', q(ROLLBACK PREPARED 'view'));

# pg_dump waits for a session that waits for us
$session = $node->background_psql('shop', on_error_stop => 0);
$session->query_safe('BEGIN; SELECT FROM v');
my $dropper = $node->background_psql('shop', on_error_stop => 0);
$dropper->query_until(qr/dropping/, "\\echo dropping\nDROP VIEW v;\n");
$node->poll_query_until('shop', q(SELECT count(*) = 1 FROM pg_locks WHERE relation = 'v'::regclass AND NOT granted));
my $started = time;
$session->query('SELECT dbm_dump()');
cmp_ok(time - $started, '<', 10, 'a deadlock is found');
like($session->{stderr}, qr/dump or restore waits for a lock of this transaction/, 'and said to be one');
$session->quit;
$dropper->quit;
is($node->safe_psql('postgres', $sessions), 0, 'no session is left');

#
# Cancelled calls
#

# Runs a call in the background until the condition is true; then stops it.
sub interrupted
{
	my ($call, $condition, $function, $what) = @_;
	my $before = files() . databases();
	my $h = $node->background_psql('shop', on_error_stop => 0);
	my $pid = $h->query_safe('SELECT pg_backend_pid()');

	$h->query_until(qr/going/, "\\echo going\n$call;\n");
	ok($node->poll_query_until('shop', $condition), "$what: under way");
	$node->safe_psql('shop', "SELECT $function($pid)");
	ok($node->poll_query_until('shop',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid AND state <> 'idle'"), "$what: stopped");
	ok($node->poll_query_until('postgres', $sessions, '0'), "$what: no session");
	is(files() . databases(), $before, "$what: no file, no database");
	eval { $h->quit };
}

$node->safe_psql('shop', q(BEGIN; LOCK TABLE tenant; PREPARE TRANSACTION 'table'));
foreach my $function (qw(pg_cancel_backend pg_terminate_backend))
{
	interrupted('SELECT dbm_dump()', q(SELECT count(*) = 1 FROM pg_locks WHERE relation = 'tenant'::regclass AND NOT granted),
		$function, "a dump, $function");
	interrupted('SELECT dbm_dump(all_databases => true)',
		q(SELECT count(*) = 1 FROM pg_locks WHERE relation = 'tenant'::regclass AND NOT granted),
		$function, "a dump of all databases, $function");
}
refused(q(SET statement_timeout = 1000; SELECT dbm_dump()), qr/canceling statement due to statement timeout/, 'statement_timeout');

# What others see of it
my $dumping = $node->background_psql('shop', on_error_stop => 0);
$dumping->query_until(qr/going/, "\\echo going\nSELECT dbm_dump();\n");
ok($node->poll_query_until('shop', q(SELECT count(*) = 1 FROM pg_stat_activity
	WHERE query ~ '^databrain_migrate: process [0-9]+ dumps into file "shop--39015ae510e0--.*", [0-9]+ bytes so far$')),
	'pg_stat_activity shows what is going on');
is($node->safe_psql('shop', q(SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_activity b
	ON b.application_name = format('databrain_migrate %s', a.pid) WHERE a.query ~ '^databrain_migrate: ')), 1,
	'and whose session is whose');
$node->safe_psql('shop', q(ROLLBACK PREPARED 'table'));
$dumping->query_safe('SELECT 1');
is($node->safe_psql('shop', q(SELECT count(*) FROM pg_stat_activity WHERE query ~ '^databrain_migrate: ')), 0, 'until it is over');
$dumping->quit;

# A restore
my $slow = "$path/slow.sql";
append_to_file($slow, "CREATE TABLE t (a int);\nSELECT pg_sleep(1000);\n");
foreach my $function (qw(pg_cancel_backend pg_terminate_backend))
{
	interrupted(q(SELECT dbm_restore('slow.sql', 'slow')),
		q(SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'), $function, "a restore, $function");
}

# Which of the processes do not go away?
sub survivors
{
	my @alive = @_;
	for (my $i = 0; $i < 100 && @alive; $i++)
	{
		usleep(100_000) if $i > 0;
		@alive = grep { kill 0, $_ } @alive;
	}
	return join ' ', @alive;
}

# A program that does not listen, and that has started others
my $pids = PostgreSQL::Test::Utils::tempdir . '/pids';
fake('pg_dump', "trap '' INT TERM\nsleep 1000 &\necho \$! \$\$ >$pids\nwait\nsleep 1000");
interrupted('SELECT dbm_dump()', "SELECT (pg_stat_file('$pids', true)).size > 0", 'pg_cancel_backend', 'a program that does not listen');
my @pids = split ' ', slurp_file($pids);
is(scalar @pids, 2, 'it had started another one');
is(survivors(@pids), '', 'both are gone');

# One that ends at once, and leaves another behind
unlink $pids;
fake('pg_dump', "(trap '' INT TERM; sleep 1000) &\necho \$! \$\$ >$pids\nexec sleep 1000");
interrupted('SELECT dbm_dump()', "SELECT (pg_stat_file('$pids', true)).size > 0", 'pg_cancel_backend', 'a program that leaves another behind');
is(survivors(split ' ', slurp_file($pids)), '', 'both are gone');
unlink $pids;
fake('pg_dump', "sleep 1000 &\necho \$! \$\$ >$pids\nexit 0");
dump_file('');
is(survivors(split ' ', slurp_file($pids)), '', 'so they are if all goes well');

# A backend that is killed takes its program with it, where the kernel helps
SKIP:
{
	skip 'the kernel does not know how', 1 if $^O ne 'linux';
	unlink $pids;
	fake('pg_dump', "echo \$\$ >$pids.new\nmv $pids.new $pids\nexec sleep 1000");
	$dumping = $node->background_psql('shop', on_error_stop => 0);
	my $pid = $dumping->query_safe('SELECT pg_backend_pid()');
	$dumping->query_until(qr/going/, "\\echo going\nSELECT dbm_dump();\n");
	for (my $i = 0; $i < 100 && !-s $pids; $i++) { usleep(100_000); }
	kill 'KILL', $pid;
	is(survivors(split ' ', slurp_file($pids)), '', 'a killed backend leaves no program');
	eval { $dumping->quit };
	for (my $i = 0; $i < 300 && system('pg_isready', '-q', '-h', $node->host, '-p', $node->port); $i++) { usleep(100_000); }
	like(files(), qr/\.shop\S+\.part/, 'of such a dump the part remains, under a name of its own');
	unlink grep { /\.part$/ } glob("$path/.*");
}

#
# Programs
#

fake('pg_dump', 'echo boom >&2; exit 1');
refused('SELECT dbm_dump()', qr/program "\Q$bin\E\/pg_dump" failed\nDETAIL:  boom$/m, 'a failing program');
fake('pg_dump', 'exit 7');
refused('SELECT dbm_dump()', qr/failed\nDETAIL:  child process exited with exit code 7/, 'a silent one');
fake('pg_dump', 'kill -SEGV $$');
refused('SELECT dbm_dump()', qr/failed\nDETAIL:  child process was terminated by signal 11/, 'one that crashes');
fake('pg_dump', 'printf "bad \\377\\000 bytes\n" >&2; exit 1');
refused('SELECT dbm_dump()', qr/failed\nDETAIL:  bad \?\? bytes/, 'one that says what is no text');
fake('pg_dump', 'yes boom | head -c 1000000 >&2; exit 1');
refused('SELECT dbm_dump()', qr/failed\nDETAIL:  (boom\n){3000}/, 'one that says a lot');
fake('pg_dump', 'echo half; echo pg_dump: warning: circular foreign keys >&2');
($status, $stdout, $stderr) = $node->psql('shop', 'SELECT file FROM dbm_dump()');
is($status, 0, 'a program that warns');
like($stderr, qr/WARNING:  .*\nDETAIL:  pg_dump: warning: circular foreign keys/, 'is heard');
unlink "$path/$stdout";
fake('pg_dump', 'echo "$@" | tr " " "\n"; env; ls /dev/fd /proc/self/fd | cat');
$file = dump_file('');
my $given = slurp_file("$path/$file");
unlike($given, qr/^PG(HOSTADDR|SERVICE|DATABASE|OPTIONS|TARGETSESSIONATTRS)=/m, 'what was in the server\'s environment is not in the program\'s');
unlike($given, qr/^([6-9]|\d\d+)$/m, 'nor are the server\'s descriptors');
fake('pg_dump', 'exit 0', "pg_dump (PostgreSQL) 9.6.24\n");
refused('SELECT dbm_dump()', qr/program ".*pg_dump" is not of the server's major version \d+\nDETAIL:  It says that it is: pg_dump \(PostgreSQL\) 9\.6\.24/,
	'another major version');
fake('pg_dump', 'exit 0', "pg_dump 99\n");
refused('SELECT dbm_dump()', qr/is not of the server's major version/, 'what is no pg_dump');
unlink "$bin/pg_dump";
refused('SELECT dbm_dump()', qr/could not find program "\Q$bin\E\/pg_dump": No such file or directory/, 'no pg_dump');
append_to_file("$bin/pg_dump", "nonsense\n");
SKIP:
{
	skip 'permissions do not count for root', 4 if $> == 0;
	refused('SELECT dbm_dump()', qr/could not find program .*: Permission denied/, 'one that is not executable');
}
chmod 0755, "$bin/pg_dump";
refused('SELECT dbm_dump()', qr/program ".*pg_dump" failed\nDETAIL:  Exec format error/, 'one that cannot be run');
genuine('pg_dump');
# the test needs psql, too
fake('psql', "exec $bin/psql.real \"\$@\"", "psql (PostgreSQL) 9.6.24\n");
refused("SELECT dbm_restore('$plain', 'x')", qr/program ".*psql" is not of the server's major version/, 'psql of another version');
genuine('psql');
fake('pg_restore', 'exit 0', "pg_restore (PostgreSQL) 9.6.24\n");
refused("SELECT dbm_restore('$custom', 'x')", qr/program ".*pg_restore" is not of the server's major version/, 'pg_restore of another version');
genuine('pg_restore');

#
# Restores that fail, and those that replace
#

append_to_file("$path/broken.sql", "CREATE TABLE t (a int);\nSELECT nosuch;\n");
refused(q(SELECT dbm_restore('broken.sql', 'broken')), qr/program ".*psql" failed\nDETAIL:  .*broken\.sql:2: ERROR:  column "nosuch" does not exist/,
	'a dump with an error');
append_to_file("$path/broken.dump", substr(slurp_file("$path/$custom"), 0, 5000));
refused(q(SELECT dbm_restore('broken.dump', 'broken')), qr/program ".*pg_restore" failed\nDETAIL:  pg_restore: error: /, 'half a dump');
$node->safe_psql('other', 'INSERT INTO only_there VALUES (2)');
refused(q(SELECT dbm_restore('broken.sql', 'other', replace => true)), qr/column "nosuch" does not exist/, 'one that was to replace');
is($node->safe_psql('other', 'SELECT count(*) FROM only_there'), 2, 'what it was to replace is as it was');

$session = $node->background_psql('other');
refused("SELECT dbm_restore('$plain', 'other', replace => true)", qr/database "other" is being accessed by other users/, 'replacing what is in use');
$session->quit;
is($node->safe_psql('other', 'SELECT count(*) FROM only_there'), 2, 'it is as it was');
my $before = databases();
is($node->safe_psql('shop', "SELECT database FROM dbm_restore('$plain', 'other', replace => true)"), 'other', 'replacing');
is($node->safe_psql('other', q(SELECT to_regclass('only_there') IS NULL, (SELECT count(*) FROM tenant))), 't|1', 'it is the restored one');
is(databases(), $before, 'and nothing else is there');

# The new database is like the one that is restored from
$node->safe_psql('shop', q(CREATE DATABASE latin ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0));
$node->safe_psql('latin', q(CREATE EXTENSION databrain_migrate; CREATE TABLE t AS SELECT E'\xe4'::text AS a));
is($node->safe_psql('latin', q(SELECT database FROM dbm_restore((SELECT file FROM dbm_dump()), 'latin 2'))), 'latin 2', 'another encoding');
is($node->safe_psql('latin 2', q(SELECT pg_encoding_to_char(encoding), datcollate, (SELECT convert_to(a, 'LATIN1') FROM t)
	FROM pg_database WHERE datname = current_database())), 'LATIN1|C|\xe4', 'and it stays that');

#
# CALL dbm_migrate(dump => true)
#

sub dumps { return $node->safe_psql('shop', 'SELECT count(*) FROM dbm.dump'); }
my $count = dumps();
($status, $stdout, $stderr) = $node->psql('shop', q(CALL dbm_migrate('head', dump => true)));
is($status, 0, 'CALL dbm_migrate with a dump');
like($stderr, qr/NOTICE:  dumped database "shop" into "\Q$path\E\/shop--39015ae510e0--\S+\.dump".*Running upgrade 39015ae510e0 -> 29e0e8f6dd42/s,
	'dumps, then runs');
is(dumps(), $count + 1, 'the dump is on record');
$file = $node->safe_psql('shop', q(SELECT file FROM dbm.dump ORDER BY dumped_at DESC LIMIT 1));
restore($file, 'before');
is($node->safe_psql('before', 'SELECT revision FROM dbm_current()'), '39015ae510e0', 'and is from before');
$node->safe_psql('shop', q(CALL dbm_migrate('head', dump => true)));
is(dumps(), $count + 1, 'with nothing to do there is no dump');
$node->safe_psql('shop', q(CALL dbm_migrate('-1')));
is(dumps(), $count + 1, 'nor without being told');
$node->safe_psql('shop', q(BEGIN; CALL dbm_migrate('head', dump => true); COMMIT));
is(dumps(), $count + 2, 'in a transaction block, too');
fake('pg_dump', 'echo boom >&2; exit 1');
refused(q(CALL dbm_migrate('-1', dump => true)), qr/program ".*pg_dump" failed\nDETAIL:  boom/, 'a dump that fails');
is($node->safe_psql('shop', 'SELECT revision FROM dbm_current()'), '29e0e8f6dd42', 'nothing was migrated');
genuine('pg_dump');
$node->safe_psql('shop', q(SELECT dbm_revision('bad', rev_id => 'cccc1', upgrade_sql => 'SELECT nosuch')));
($status) = $node->psql('shop', q(CALL dbm_migrate('head', dump => true)));
isnt($status, 0, 'a revision that fails');
is(dumps(), $count + 3, 'the dump before it stays');

#
# Hostile names
#

my $schema = q(a"b'c $x *.? | -- ; $(touch pwned)) . "\n\t\\";
my $literal = $schema =~ s/\\/\\\\/gr =~ s/'/\\'/gr;
$node->safe_psql('shop', "SELECT format('CREATE SCHEMA %1\$I; CREATE TABLE %1\$I.inside AS SELECT 1', E'$literal') \\gexec\n"
	. q(CREATE SCHEMA "--help"; CREATE TABLE "--help".inside2 AS SELECT 1; CREATE SCHEMA "ABC"; CREATE TABLE "ABC".upper AS SELECT 1;
	CREATE SCHEMA abc; CREATE TABLE abc.lower AS SELECT 1));
foreach my $case ([ "E'$literal'", 'inside', 'inside2|upper|lower|tenant' ], [ q('--help'), 'inside2', 'inside |upper|lower|tenant' ],
	[ q('ABC'), 'upper', 'inside|lower|tenant' ], [ q('abc'), 'lower', 'inside|upper|tenant' ])
{
	my ($name, $in, $out) = @$case;
	my $dump = slurp_file("$path/" . dump_file("schemas => ARRAY[$name]"));
	like($dump, qr/CREATE TABLE .*\.$in /s, "schema $name");
	unlike($dump, qr/CREATE TABLE \S+\.($out)/s, "schema $name and no other");
}
like(slurp_file("$path/" . dump_file(q(schemas => '{ABC,abc}'))), qr/lower.*upper|upper.*lower/s, 'two schemas');

foreach my $name (q(a'b"c), 'sp ace %s%n', 'x=y', '--help', "new\nline", 'dbname=postgres', 'postgresql://nosuch/postgres',
	'`touch pwned`;$(touch pwned)', '../../up', '.hidden', "back\\'slash\\", "\xc3\xa4\xc3\xb6", 'x' x 60)
{
	my $shown = $name =~ s/\n/\\n/r;
	my $quoted = $name =~ s/\\/\\\\/gr =~ s/'/\\'/gr;

	$node->safe_psql('shop', "SELECT format('CREATE DATABASE %I', E'$quoted') \\gexec");
	$node->safe_psql($name, q(CREATE EXTENSION databrain_migrate; CREATE TABLE t AS SELECT current_database() AS name));
	foreach my $format (qw(plain custom))
	{
		my $dump = dump_file("'$format'", $name);
		like($dump, qr/^[A-Za-z0-9%_-][A-Za-z0-9%_.,-]*--base--\d{8}T\d{6}\.\d{6}Z\.(sql|dump)$/, "$shown: a name fit for a file");
		ok(-f "$path/$dump", "$shown: is there");
		is($node->safe_psql('shop', "SELECT database = E'$quoted' || '2' FROM dbm_restore('$dump', E'$quoted' || '2')"), 't', "$shown: restored");
		is($node->safe_psql("${name}2", "SELECT name = E'$quoted', current_database() = E'$quoted' || '2' FROM t"), 't|t', "$shown: into its name");
		$node->safe_psql('shop', "SELECT format('DROP DATABASE %I', E'$quoted' || '2') \\gexec");
	}
	# pg_dumpall itself refuses line ends, and says so
	if ($name =~ /\n/)
	{
		refused('SELECT dbm_dump(all_databases => true)', qr/program ".*pg_dumpall" failed\nDETAIL:  .*contains a newline/s, "$shown: all databases");
	}
	elsif ($name =~ /^(a'b|x=y|--help)/)
	{
		like(slurp_file("$path/" . dump_file('all_databases => true', $name)), qr/cluster dump complete/, "$shown: all databases");
	}
	$node->safe_psql('shop', "SELECT format('DROP DATABASE %I', E'$quoted') \\gexec");
}
ok(!-e 'pwned' && !-e $node->data_dir . '/pwned' && !-e "$path/pwned", 'no shell has seen any of them');

is(files() =~ s/\S+\.(sql|dump)\b ?//gr, '', 'nothing but dumps is left');
$node->stop;
done_testing();

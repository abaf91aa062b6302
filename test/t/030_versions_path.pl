# Revisions written as files into databrain_migrate.versions_path: who may,
# that a file that is there is never touched, and that a write that fails
# leaves nothing behind.

use strict;
use warnings;

use Fcntl ':mode';
use File::Basename qw(basename);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my $path = PostgreSQL::Test::Utils::tempdir;
$node->append_conf('postgresql.conf', qq(
databrain_migrate.versions_path = '$path'
databrain_migrate.project = 'shop'
));
$node->reload;

$node->safe_psql('postgres', q(
	CREATE EXTENSION databrain_migrate;
	CREATE ROLE plain LOGIN;
	CREATE ROLE writer LOGIN IN ROLE pg_write_server_files;
	GRANT EXECUTE ON FUNCTION dbm_revision, dbm_merge TO plain, writer;
	CREATE DATABASE latin ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
));

# All that is in the directory, hidden files too, with contents.
sub contents
{
	my ($dir) = @_;
	return join '', map { "$_:" . slurp_file($_) } sort grep { -f } glob("$dir/* $dir/.*");
}

# A call that has to fail with this message, and to leave the directory alone.
sub refused
{
	my ($call, $message, $what, %options) = @_;
	my $before = contents($path);
	my ($status, $stdout, $stderr) =
	  $node->psql('postgres', "SELECT * FROM $call", extra_params => $options{params} || []);

	isnt($status, 0, "$what is refused");
	like($stderr, $message, "$what: message");
	unlike($stdout, qr/\.sql/, "$what: no rows");
	is(contents($path), $before, "$what: no file");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM dbm.script'), 0, "$what: no row");
}

# What is written
my $rows = $node->safe_psql('postgres', q(SELECT file_name || E'\n' || script
	FROM dbm_revision('first', rev_id => 'aaaa1', upgrade_sql => 'CREATE TABLE t (a int);', downgrade_sql => 'DROP TABLE t;')));
is(join(' ', map { basename($_) } sort grep { -f } glob("$path/* $path/.*")),
	'shop--aaaa1--base.sql shop--base--aaaa1.sql', 'two files, and no other');
is($rows, join("\n", map { "$_\n" . slurp_file("$path/$_") } qw(shop--base--aaaa1.sql shop--aaaa1--base.sql)),
	'the rows are what is in the files');
is(sprintf('%o', S_IMODE((stat "$path/shop--base--aaaa1.sql")[2])), '644', 'readable by all, as what COPY writes');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbm.script'), 0, 'nothing is registered');
is($node->safe_psql('postgres', 'SELECT source FROM dbm_history()'), 'file', 'the revision is there');
is($node->safe_psql('postgres', q(SELECT revision FROM dbm_upgrade())), 'aaaa1', 'and runs');

$node->safe_psql('postgres', q(SELECT * FROM dbm_revision('second', rev_id => 'bbbb1', head => 'base', upgrade_sql => 'SELECT 1')));
ok(-f "$path/shop--base--bbbb1.sql" && !-e "$path/shop--bbbb1--base.sql", 'no downgrade script, no file');
$node->safe_psql('postgres', q(SELECT * FROM dbm_merge(rev_id => 'cccc1')));
ok(-f "$path/shop--aaaa1--cccc1.sql" && -f "$path/shop--cccc1--aaaa1.sql", 'a merge is two files');

# Files are in UTF-8
$node->safe_psql('latin', q(SET client_encoding = 'UTF8'; CREATE EXTENSION databrain_migrate;
	SELECT * FROM dbm_revision('Grüße', rev_id => 'dddd1', head => 'base')));
like(slurp_file("$path/shop--base--dddd1.sql"), qr/^-- Gr\xC3\xBC\xC3\x9Fe\n/, 'in UTF-8, whatever the database');
is($node->safe_psql('latin', q(SET client_encoding = 'UTF8'; SELECT message FROM dbm_history('dddd1'))), 'Grüße', 'and read back');
unlink glob("$path/*dddd1*");

# Who may
refused(q(dbm_revision('x')), qr/permission denied to write scripts into directory "\Q$path\E"/,
	'a role without pg_write_server_files', params => [ '-U', 'plain' ]);
refused(q(dbm_merge('heads')), qr/permission denied/, 'a merge by it', params => [ '-U', 'plain' ]);
$node->safe_psql('postgres', q(SELECT * FROM dbm_revision('by writer', rev_id => 'eeee1')), extra_params => [ '-U', 'writer' ]);
ok(-f "$path/shop--cccc1--eeee1.sql", 'a role with it may');

# What is refused before anything is written
refused(q(dbm_revision('x', rev_id => 'aaaa1', head => 'base')), qr/revision "aaaa1" already exists/, 'a file that exists');
refused(q(dbm_revision('x', rev_id => '../x')), qr/invalid revision identifier/, 'a way out of the directory');
refused(q(dbm_revision('x', upgrade_sql => 'SELEC 1')), qr/syntax error/, 'a syntax error');
refused(q(dbm_revision('x', upgrade_sql => 'SELECT 1', downgrade_sql => 'SELEC 1')), qr/syntax error/, 'one on the way back');

# A name too long for the file system
my $long = 'p' x 62;
my $id = 'y' x 125;
my $first = 'r' x 120;
$node->safe_psql('postgres', qq(SELECT * FROM dbm_revision('x', rev_id => '$first', project => '$long')));
refused(qq(dbm_revision('x', rev_id => '$id', project => '$long')),
	qr/could not create file "\Q$path\E\/$long--$first--$id\.sql": File name too long/, 'a name too long');
unlink glob("$path/$long*");

# A directory that cannot be written to
SKIP:
{
	skip 'permissions do not count for root', 5 if $> == 0;
	chmod 0555, $path;
	refused(q(dbm_revision('x', rev_id => 'ffff1')),
		qr/could not create file "\Q$path\E\/shop--eeee1--ffff1\.sql": Permission denied/, 'a directory without write permission');
	chmod 0700, $path;
}

# A disk that takes only a part of the second file: what a limit on the size of
# the backend's files does, which needs no disk of our own.
SKIP:
{
	skip 'prlimit is not there', 5 if system('prlimit --version >/dev/null 2>&1') != 0;
	refused(q((SELECT set_config('my.limit', format('prlimit --pid %s --fsize=16384', pg_backend_pid()), false)) s;
		DO $$ BEGIN EXECUTE format('COPY (SELECT 1 WHERE false) TO PROGRAM %L', current_setting('my.limit')); END $$;
		SELECT * FROM dbm_revision('x', rev_id => 'ffff1', upgrade_sql => 'SELECT 1;', downgrade_sql => '/*' || repeat('x', 20000) || '*/')),
		qr/could not write file "\Q$path\E\/shop--ffff1--eeee1\.sql": File too large/, 'a disk that is full');
}

# A directory that is not there
rename $path, "$path.gone" or die $!;
my ($status, undef, $stderr) = $node->psql('postgres', q(SELECT * FROM dbm_revision('x')));
isnt($status, 0, 'a directory that is not there');
like($stderr, qr/could not open directory "\Q$path\E": No such file or directory/, 'is named');
rename "$path.gone", $path or die $!;

# Without a path, or with an empty one, revisions are registered
$node->safe_psql('postgres', q(SET databrain_migrate.versions_path = ''; SELECT * FROM dbm_revision('x', project => 'other')));
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbm.script'), 2, 'with an empty path revisions are registered');

done_testing();

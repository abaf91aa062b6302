
# Scripts in directories of the server: where they are looked for, what is
# refused, and what becomes of a revision whose file is gone.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('store');
$node->init(extra => [ '--locale=C', '--encoding=UTF8' ]);

my $versions = PostgreSQL::Test::Utils::tempdir();
$node->append_conf('postgresql.conf',
	"databrain_migrate.versions_path = '$versions'");
$node->start;
$node->safe_psql(
	'postgres', qq{
	CREATE DATABASE utf8;
	CREATE DATABASE latin1 ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'});
$node->safe_psql($_, 'CREATE EXTENSION databrain_migrate')
  foreach ('utf8', 'latin1');

# Write a file of the versions path, byte by byte as given.
sub put
{
	my ($name, $text) = @_;

	open(my $file, '>:raw', "$versions/$name") or die "$versions/$name: $!";
	print $file $text;
	close($file);
	return;
}

# Write a revision with a header.
sub put_revision
{
	my ($project, $from, $to, $text, %keys) = @_;

	put("$project--$from--$to.sql",
		"-- make $to\n-- Revision ID: $to\n-- Revises: $from\n"
		  . join('', map { "-- $_: $keys{$_}\n" } sort keys %keys)
		  . "\n$text\n");
	return;
}

sub remove
{
	unlink(map { "$versions/$_" } @_) == @_ or die "could not remove @_: $!";
	return;
}

# What a query returns, and what it raises, without the directory's name.
sub result
{
	my ($query, $database) = @_;

	return $node->safe_psql($database // 'utf8', $query);
}

sub error
{
	my ($query, $database) = @_;
	my ($status, $out, $err) = $node->psql($database // 'utf8', $query,
		extra_params => [ '-v', 'SHOW_CONTEXT=always' ]);

	$err =~ s/^psql:<stdin>:\d+: //gm;
	$err =~ s/\Q$versions\E/DIR/g;
	$err =~ s/^NOTICE:.*\n?//gm;
	return $err;
}

#
# Files as they should be
#
put_revision('files', 'base', 'aaaa0001', 'CREATE TABLE files_a (a int);');
put_revision('files', 'aaaa0001', 'bbbb0002',
	"INSERT INTO files_a VALUES (1);", 'Branch Labels' => 'second');
put('files--bbbb0002--aaaa0001.sql',
	"-- Revision ID: bbbb0002\nDELETE FROM files_a;\n");
put('files--aaaa0001--base.sql',
	"-- Revision ID: aaaa0001\nDROP TABLE files_a;\n");
put('files.txt', 'no script');
put('files--aaaa0001--cccc0003.sql~', 'no script');
put('filesystem--base--aaaa0001.sql', "SELECT 'another project';");

is( result("SELECT revision, source, branch_labels FROM dbm_history(project => 'files')"),
	"bbbb0002|file|{second}\naaaa0001|file|{second}",
	'files of the versions path');
is( result("SELECT upgrade_file = '$versions/files--aaaa0001--bbbb0002.sql',
		downgrade_file = '$versions/files--bbbb0002--aaaa0001.sql', author IS NULL
		FROM dbm_show('bbbb', 'files')"),
	't|t|t', 'dbm_show says where they are');
is(result("SELECT revision FROM dbm_upgrade(project => 'files')"),
	"aaaa0001\nbbbb0002", 'which are run');
is( result("SELECT project, heads, current, pending FROM dbm_projects() WHERE project ~ '^files'"),
	"files|{bbbb0002}|{bbbb0002}|0\nfilesystem|{aaaa0001}|{}|1",
	'one directory has many projects');
is( error("SET databrain_migrate.project = 'nothing'; SELECT dbm_heads()"),
	qq{ERROR:  project "nothing" does not exist
DETAIL:  It has no control file, no script and no applied revision.
HINT:  dbm_projects() lists the projects known in this database.},
	'a project without a file');

#
# A file that is gone, or is not what it was
#
my @files =
  ('files--aaaa0001--bbbb0002.sql', 'files--bbbb0002--aaaa0001.sql');
rename("$versions/$_", "$versions/$_.hidden") foreach (@files);
is( result("SELECT revision, source, is_current FROM dbm_history(project => 'files')"),
	"bbbb0002|applied|t\naaaa0001|file|f",
	'an applied revision whose files are gone');
like(
	result("SELECT upgrade_script, downgrade_script FROM dbm_show('bbbb', 'files')"),
	qr/INSERT INTO files_a.*DELETE FROM files_a/s,
	'its texts are shown');
is(result("SELECT revision FROM dbm_downgrade('-1', 'files')"),
	'bbbb0002', 'it is downgraded by the text that was kept');
is(result('SELECT count(*) FROM files_a'), '0', 'which did its work');
is(result("SELECT revision FROM dbm_history(project => 'files')"),
	'aaaa0001', 'and then nobody knows it');
rename("$versions/$_.hidden", "$versions/$_") foreach (@files);
result("SELECT dbm_upgrade(project => 'files')");

put_revision('files', 'aaaa0001', 'bbbb0002',
	"insert into FILES_A values (1) -- another way to write it",
	'Branch Labels' => 'second');
is( result("SELECT s.checksum = a.checksum FROM dbm_show('bbbb0002', 'files') s, dbm.applied a WHERE a.project = 'files' AND a.revision = 'bbbb0002'"),
	't', 'formatting changes no checksum');
put('files--bbbb0002--aaaa0001.sql',
	"-- Revision ID: bbbb0002\nDELETE FROM files_a; INSERT INTO files_a VALUES (7);\n");
result("SELECT dbm_downgrade('aaaa0001', 'files')");
is(result('SELECT a FROM files_a'),
	'7', 'a changed downgrade file is what runs');
result("DELETE FROM files_a; SELECT dbm_upgrade(project => 'files')");

put_revision('files', 'aaaa0001', 'cccc0003', 'SELECT 1;');
put('files--aaaa0001--bbbb0002.sql',
	"-- Revision ID: bbbb0002\n-- Revises: aaaa0001\n-- Depends On: cccc0003\nSELECT 1;\n"
);
is( error("SELECT dbm_upgrade('heads', 'files')"),
	qq{ERROR:  parents of applied revision "bbbb0002" were changed
DETAIL:  It was applied with parents aaaa0001 and dependencies none; DIR/files--aaaa0001--bbbb0002.sql gives parents aaaa0001 and dependencies cccc0003.
HINT:  Restore the script's header, or give the changed script a revision identifier of its own.},
	'changed dependencies of an applied revision');
remove(@files);
put_revision('files', 'base', 'bbbb0002', 'SELECT 1;');
is( error("SELECT dbm_upgrade('heads', 'files')"),
	qq{ERROR:  parents of applied revision "bbbb0002" were changed
DETAIL:  It was applied with parents aaaa0001 and dependencies none; DIR/files--base--bbbb0002.sql gives parents base and dependencies none.
HINT:  Restore the script's header, or give the changed script a revision identifier of its own.},
	'changed parents of an applied revision');

#
# The same revision in two places
#
put_revision('places', 'base', 'aaaa0001', 'SELECT 1;');
result("SELECT dbm_register('places--base--aaaa0001.sql', E'-- make aaaa0001\\n-- Revision ID: aaaa0001\\nselect  1')");
is(result("SELECT revision, source FROM dbm_history(project => 'places')"),
	'aaaa0001|file', 'the same twice is one');
is(result("SELECT revision FROM dbm_upgrade(project => 'places')"),
	'aaaa0001', 'and works');
put_revision('places', 'base', 'aaaa0001', 'SELECT 2;');
is( error("SELECT dbm_history(project => 'places')"),
	qq{ERROR:  script "places--base--aaaa0001.sql" has different contents in two places
DETAIL:  One is DIR/places--base--aaaa0001.sql, the other is registered script "places--base--aaaa0001.sql".},
	'two contents are an error that names both places');
put('places--base--aaaa0001.sql',
	"-- make aaaa0001\n-- Revision ID: aaaa0001\n-- Transactional: no\nselect 1;");
like(
	error("SELECT dbm_history(project => 'places')"),
	qr{different contents in two places},
	'a header that runs it another way counts as content');
remove('places--base--aaaa0001.sql');
is(result("SELECT revision, source FROM dbm_history(project => 'places')"),
	'aaaa0001|registered', 'one of them is taken away');

# also where the other place is the extension's own directory
put('databrain--29e0e8f6dd42--ffff0004.sql', 'SELECT 1;');
is(result('SELECT revision FROM dbm_heads()'),
	'ffff0004', 'a project may have scripts in both directories');
put('databrain--39015ae510e0--29e0e8f6dd42.sql', 'SELECT 1;');
like(
	error('SELECT dbm_history()'),
	qr{^ERROR:  script "databrain--39015ae510e0--29e0e8f6dd42.sql" has different contents in two places\nDETAIL:  One is \S+/databrain--39015ae510e0--29e0e8f6dd42.sql, the other is \S+/databrain--39015ae510e0--29e0e8f6dd42.sql\.$},
	'but not two contents of one');
remove('databrain--39015ae510e0--29e0e8f6dd42.sql',
	'databrain--29e0e8f6dd42--ffff0004.sql');
is( error('SELECT dbm_history()'), '', 'then all is well');

#
# A directory of plain update scripts
#
put('plain--base--1.0.sql', 'CREATE TABLE plain_a (a int);');
put('plain--1.0--1.1.sql', 'ALTER TABLE plain_a ADD b int;');
put('plain--1.1--1.2.sql', 'ALTER TABLE plain_a ADD c int;');
put('plain--1.2--1.1.sql', 'ALTER TABLE plain_a DROP c;');
put('plain--1.1--1.0.sql', 'ALTER TABLE plain_a DROP b;');
put('plain--1.0--base.sql', 'DROP TABLE plain_a;');
is( result("SELECT revision, down_revisions FROM dbm_history(project => 'plain')"),
	"1.2|{1.1}\n1.1|{1.0}\n1.0|{}",
	'scripts without headers: what leads away from base upgrades');
is(result("SELECT revision FROM dbm_upgrade(project => 'plain')"),
	"1.0\n1.1\n1.2", 'up');
is(result("SELECT revision FROM dbm_downgrade('base', 'plain')"),
	"1.2\n1.1\n1.0", 'and down');
put('plain--1.0--1.2.sql', 'ALTER TABLE plain_a ADD b int, ADD c int;');
is( error("SELECT dbm_history(project => 'plain')"),
	qq{ERROR:  revision "1.2" is defined twice
DETAIL:  One upgrade script is DIR/plain--1.0--1.2.sql, the other is DIR/plain--1.1--1.2.sql.},
	'a shortcut is a second definition');

#
# Names that do not fit
#
put('names--base--aaaa0001.sql', 'SELECT 1;');
put('names--aaaa0001.sql', 'SELECT 1;');
is( error("SELECT dbm_history(project => 'names')"),
	qq{ERROR:  invalid script file name: "names--aaaa0001.sql"
DETAIL:  The name has only one part after the project.
HINT:  Revision scripts are named PROJECT--FROM--TO.sql.
CONTEXT:  file "DIR/names--aaaa0001.sql"},
	'a file with one version');
remove('names--aaaa0001.sql');
put('names--base.sql', 'SELECT 1;');
is(error("SELECT dbm_history(project => 'names')"),
	'', 'the install script of an extension is none of the engine\'s');
put('names--aaaa0001--a b.sql', 'SELECT 1;');
is( error("SELECT dbm_history(project => 'names')"),
	qq{ERROR:  invalid script file name: "names--aaaa0001--a b.sql"
DETAIL:  "a b" cannot name a revision.  Only letters, digits, "_", "." and "-" are allowed.
HINT:  Revision scripts are named PROJECT--FROM--TO.sql.
CONTEXT:  file "DIR/names--aaaa0001--a b.sql"},
	'a file with a blank in its version');
remove('names--aaaa0001--a b.sql');

#
# Contents that do not do
#
put('bad--base--aaaa0001.sql', '');
is( error("SELECT dbm_history(project => 'bad')"),
	'ERROR:  script file "bad--base--aaaa0001.sql" is empty', 'an empty file');
put('bad--base--aaaa0001.sql', "\xEF\xBB\xBF \r\n\t");
is( error("SELECT dbm_upgrade(project => 'bad')"),
	'ERROR:  script file "bad--base--aaaa0001.sql" is empty',
	'a file with nothing but blanks and a byte order mark');
put('bad--base--aaaa0001.sql', "SELECT 1;\n-- x\nSELECT 'a\0b';\n");
is( error("SELECT dbm_upgrade(project => 'bad')"),
	qq{ERROR:  script file "bad--base--aaaa0001.sql" contains a zero byte
DETAIL:  The byte is in line 3.}, 'a zero byte');
put('bad--base--aaaa0001.sql', "SELECT 1;\n\nSELECT 'gr\xFC\xDFe';\n");
is( error("SELECT dbm_upgrade(project => 'bad')"),
	qq{ERROR:  invalid byte sequence for encoding "UTF8": 0xfc
CONTEXT:  file "bad--base--aaaa0001.sql", line 3}, 'a file that is not in UTF-8');
put('bad--base--aaaa0001.sql', "-- gr\xFC\xDFe\nSELECT 1;\n");
is( error("SELECT dbm_history(project => 'bad')"),
	qq{ERROR:  invalid byte sequence for encoding "UTF8": 0xfc
CONTEXT:  file "bad--base--aaaa0001.sql", line 1}, 'nor is its header');
put('bad--base--aaaa0001.sql', "SELECT 1;\nSELEC 2;\n");
is(error("SELECT dbm_history(project => 'bad')"),
	'', 'looking at the history reads headers only');
is( error("SELECT dbm_upgrade(project => 'bad')"),
	qq{ERROR:  syntax error at or near "SELEC"
LINE 1: SELEC 2;
        ^
QUERY:  SELEC 2;
CONTEXT:  file "bad--base--aaaa0001.sql", line 2
project "bad", revision "aaaa0001"}, 'a syntax error');
put('bad--base--aaaa0001.sql', "SELECT 1;\nCOMMIT;\n");
like(error("SELECT dbm_upgrade(project => 'bad')"),
	qr/^ERROR:  COMMIT is not supported in a revision script\n.*^CONTEXT:  file "bad--base--aaaa0001.sql", line 2$/ms,
	'COMMIT');
put('bad--base--aaaa0001.sql', "-- Revision ID: zzzz0009\nSELECT 1;\n");
is( error("SELECT dbm_upgrade(project => 'bad')"),
	qq{ERROR:  header of script file "bad--base--aaaa0001.sql" contradicts its name
DETAIL:  Its Revision ID is "zzzz0009", which is neither "base" nor "aaaa0001".
CONTEXT:  DIR/bad--base--aaaa0001.sql}, 'a header that contradicts the name');
remove('bad--base--aaaa0001.sql');
mkdir("$versions/bad--base--aaaa0001.sql");
like(error("SELECT dbm_upgrade(project => 'bad')"),
	qr{^ERROR:  could not read file "DIR/bad--base--aaaa0001.sql": Is a directory},
	'a directory that is named as a script');
rmdir("$versions/bad--base--aaaa0001.sql");
symlink("$versions/nowhere", "$versions/bad--base--aaaa0001.sql");
like(error("SELECT dbm_upgrade(project => 'bad')"),
	qr{^ERROR:  could not open file "DIR/bad--base--aaaa0001.sql": No such file or directory},
	'a link that leads nowhere');
remove('bad--base--aaaa0001.sql');
SKIP:
{
	skip 'root may read everything', 1 if $> == 0;
	put('bad--base--aaaa0001.sql', 'SELECT 1;');
	chmod(0, "$versions/bad--base--aaaa0001.sql");
	like(error("SELECT dbm_upgrade(project => 'bad')"),
		qr{^ERROR:  could not open file "DIR/bad--base--aaaa0001.sql": Permission denied},
		'a file that may not be read');
	remove('bad--base--aaaa0001.sql');
}

# a header longer than what is read at first
put('bad--base--aaaa0001.sql',
	"-- long\n" . ("-- and longer\n" x 2000) . "-- Revision ID: aaaa0001\n-- Depends On: zzzz0009\nSELECT 1;\n");
like(error("SELECT dbm_history(project => 'bad')"),
	qr/^ERROR:  revision "aaaa0001" depends on revision "zzzz0009", which does not exist/,
	'a header of many lines is read to its end');
remove('bad--base--aaaa0001.sql');

#
# Directories
#
is( error("SET databrain_migrate.versions_path = '$versions/nowhere'; SELECT dbm_history(project => 'plain')"),
	qq{ERROR:  could not open directory "DIR/nowhere": No such file or directory
DETAIL:  The setting "databrain_migrate.versions_path" names this directory.},
	'a versions path that is not there');
is( error("SET databrain_migrate.versions_path = '$versions/names--base.sql'; SELECT dbm_upgrade(project => 'plain')"),
	qq{ERROR:  could not open directory "DIR/names--base.sql": Not a directory
DETAIL:  The setting "databrain_migrate.versions_path" names this directory.},
	'a versions path that is a file');
SKIP:
{
	skip 'root may read everything', 1 if $> == 0;
	mkdir("$versions/closed", 0);
	is( error("SET databrain_migrate.versions_path = '$versions/closed'; SELECT dbm_upgrade()"),
		qq{ERROR:  could not open directory "DIR/closed": Permission denied
DETAIL:  The setting "databrain_migrate.versions_path" names this directory.},
		'a versions path that may not be read');
	rmdir("$versions/closed");
}
is( result("SET databrain_migrate.versions_path = ''; SELECT project FROM dbm_projects()"),
	"databrain\nfiles\nplaces",
	'without a versions path: files of extensions, state and catalog');
is(result("SET databrain_migrate.versions_path = '$versions//./'; SELECT count(*) FROM dbm_history(project => 'filesystem')"),
	'1', 'a path may be written in many ways');

#
# A database in another encoding
#
put('latin--base--aaaa0001.sql',
	"-- gr\xC3\xBC\xC3\x9Fe\nCREATE TABLE latin (a text DEFAULT '\xC3\xA4');\nINSERT INTO latin VALUES ('\xC3\xB6\xC3\xBC');\n");
foreach my $database ('utf8', 'latin1')
{
	is( result("SET client_encoding = UTF8; SELECT revision, message FROM dbm_upgrade(project => 'latin')", $database),
		"aaaa0001|gr\xC3\xBC\xC3\x9Fe", "$database: the message");
	is( result("SET client_encoding = UTF8; SELECT a, length(a) FROM latin", $database),
		"\xC3\xB6\xC3\xBC|2", "$database: the text");
}
is( result("SELECT checksum FROM dbm.applied WHERE project = 'latin'", 'latin1'),
	result("SELECT checksum FROM dbm.applied WHERE project = 'latin'"),
	'the checksum does not depend on the encoding');
put('latin--aaaa0001--bbbb0002.sql', "SELECT 1;\nSELECT '\xE2\x82\xAC';\n");
is(error("SELECT dbm_upgrade(project => 'latin')"),
	'', 'utf8: a letter that the other encoding has not');
is( error("SELECT dbm_upgrade(project => 'latin')", 'latin1'),
	qq{ERROR:  character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"
CONTEXT:  file "latin--aaaa0001--bbbb0002.sql", line 2}, 'latin1: is an error with its line');
is( result("SELECT revision FROM dbm_current('latin')", 'latin1'),
	'aaaa0001', 'and nothing happened');

#
# A control file with a directory of its own.  It takes a server whose
# extension directory we may write; an installed server's is its owner's.
#
SKIP:
{
	my ($stdout) = run_command([ 'pg_config', '--sharedir' ]);
	my $control = "$stdout/extension/dbm_test_project.control";

	skip 'the extension directory cannot be written', 4
	  unless open(my $file, '>', $control);
	print $file "default_version = 'base'\nrequires = 'databrain_migrate'\nsuperuser = false\ndirectory = 'dbm_test_project'\n";
	close($file);
	mkdir("$stdout/dbm_test_project");
	append_to_file("$stdout/dbm_test_project/dbm_test_project--base.sql",
		"SELECT pg_catalog.dbm_project_base('dbm_test_project');\n");
	append_to_file("$stdout/dbm_test_project/dbm_test_project--base--aaaa0001.sql",
		"CREATE TABLE own_directory ();\n");
	is( result("SELECT project, heads FROM dbm_projects() WHERE project = 'dbm_test_project'"),
		'dbm_test_project|{aaaa0001}', 'scripts in the directory that a control file names');
	result("CREATE EXTENSION dbm_test_project VERSION 'head'");
	is( result("SELECT extversion, to_regclass('own_directory') FROM pg_extension WHERE extname = 'dbm_test_project'"),
		'aaaa0001|own_directory', 'by the door');
	append_to_file("$stdout/dbm_test_project/dbm_test_project--aaaa0001--bbbb0002.sql",
		"SELECT dbm_upgrade(project => 'plain');\n");
	like(error("ALTER EXTENSION dbm_test_project UPDATE"),
		qr/^ERROR:  dbm_upgrade\(\) cannot be called by a revision/,
		'a revision of one project runs none of another');
	unlink(glob("$stdout/dbm_test_project/*"));
	rmdir("$stdout/dbm_test_project");
	like(error("SELECT dbm_history(project => 'dbm_test_project')"),
		qr/^ERROR:  could not open directory "[^"]*\/dbm_test_project": No such file or directory\nDETAIL:  Extension control file "[^"]*" names this directory\.$/,
		'a directory that is gone');
	unlink($control);
}

$node->stop;
done_testing();

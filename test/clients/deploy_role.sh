#!/usr/bin/env bash
# The recipe for a deploy role, word for word from the README, and what the
# role can and cannot do then, in sessions of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1
export PGOPTIONS=-cclient_min_messages=warning
n=0

# is WANTED GOT WHAT
is()
{
	n=$((n + 1))
	if [ "$2" = "$1" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		printf 'wanted: %s\ngot: %s\n' "$1" "$2" | sed 's/^/# /'
	fi
}

# SQL as the superuser, and as the deploy role: output, or SQLSTATE and message
super()
{
	psql -XAtqv VERBOSITY=verbose -v ON_ERROR_STOP=1 "$@" 2>&1
}
deploy()
{
	PGUSER=deploy PGPASSWORD='change me' \
		psql -XAtqv VERBOSITY=verbose -v ON_ERROR_STOP=1 "$@" 2>&1 |
		sed -n '/^LINE\|^LOCATION\|^CONTEXT\|^ *\^$\|^DETAIL\|^HINT\|^QUERY/d; s/^ERROR:  //; p'
}
denied()
{
	is 42501 "$(deploy -c "$1" | cut -c 1-5 | tail -n 1)" "$1: denied"
}

recipe=$(sed -n '/^### A deploy role/,/^##/p' README.md | sed -n '/^```sql/,/^```/{/^```/!p}')
super -c 'DROP ROLE IF EXISTS deploy'
super -c 'CREATE TABLE secret (a int); CREATE SCHEMA other; CREATE TABLE other.t (a int)'
is '' "$(super -c "$recipe")" 'the recipe runs'
trap 'super -c "DROP OWNED BY deploy CASCADE; DROP ROLE deploy"' EXIT

register()
{
	deploy -c "SELECT dbm_register('$1', \$script\$$2\$script\$)"
}

# what it can
is s1 "$(register shop--base--s1.sql '-- Revision ID: s1
CREATE TABLE product (id int PRIMARY KEY, name text);
CREATE TEMP TABLE scratch (a int);
CREATE TABLE line (product int REFERENCES product DEFERRABLE INITIALLY DEFERRED);
INSERT INTO line VALUES (1);
INSERT INTO product VALUES (1);')" 'it registers a revision'
is s1 "$(register shop--s1--base.sql '-- Revision ID: s1
DROP TABLE line, product;')" 'and the way back'
is s2 "$(register shop--s1--s2.sql '-- Revision ID: s2
-- Transactional: no
CREATE INDEX CONCURRENTLY product_name ON product (name);
VACUUM product;')" 'one for a worker'
is s2 "$(register shop--s2--s1.sql '-- Revision ID: s2
-- Transactional: no
DROP INDEX CONCURRENTLY product_name;')" 'and its way back'
is s1 "$(deploy -c "SELECT revision FROM dbm_upgrade('s1')")" 'it upgrades'
is '' "$(deploy -c 'CALL dbm_migrate()')" 'it runs a revision in a worker'
is 'deploy deploy|deploy deploy|deploy' "$(super -c "SELECT string_agg(role || ' ' || session_role, '|' ORDER BY id) || '|' ||
	(SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relnamespace = 'shop'::regnamespace)
	FROM dbm_log('shop')")" 'all of it as itself'
is 's1,s2' "$(deploy -c "SELECT string_agg(revision, ',') FROM dbm_log()")" 'it reads the log'
is 'deploy' "$(deploy -c "SELECT author FROM dbm_show('head')")" 'and its scripts'
is '' "$(deploy -c "CALL dbm_migrate('base')")" 'it goes back'
is '' "$(deploy -c "SELECT revision FROM dbm_current()")" 'to base'
is s2 "$(deploy -c 'CALL dbm_migrate()' -c "SELECT revision FROM dbm_current()")" 'and up again'
is 'databrain' "$(deploy -c 'CREATE EXTENSION databrain' -c "SELECT extname FROM pg_extension WHERE extowner = 'deploy'::regrole")" \
	'it creates the extension of a project'
is '750bcd1e35fa' "$(deploy -c "ALTER EXTENSION databrain UPDATE TO '+1'" -c "SELECT extversion FROM pg_extension WHERE extname = 'databrain'" | tail -n 1)" \
	'and updates it'
is 'base' "$(deploy -c "ALTER EXTENSION databrain UPDATE TO 'base'" -c "SELECT extversion FROM pg_extension WHERE extname = 'databrain'" | tail -n 1)" \
	'back and forth'

# what it cannot
denied 'SELECT * FROM public.secret'
denied 'SELECT * FROM other.t'
denied 'CREATE TABLE public.x (a int)'
denied 'CREATE TABLE other.x (a int)'
denied 'CREATE SCHEMA x'
denied 'DROP TABLE other.t'
denied 'SELECT * FROM dbm.applied'
denied 'DELETE FROM dbm.log'
denied 'DROP EXTENSION databrain_migrate CASCADE'
denied "SELECT dbm_stamp('base')"
denied "SELECT dbm_adopt('s1')"
denied "SELECT dbm_current(); SET databrain_migrate.versions_path = '/tmp'"
is 'WARNING:  42501: permission denied to set parameter "databrain_migrate.versions_path"' \
	"$(deploy -c "SET databrain_migrate.versions_path = '/tmp'" -c 'SELECT FROM dbm_current()' -c 'SHOW databrain_migrate.versions_path' | grep .)" \
	'nor before the library is loaded'
denied 'CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION dbm_ddl_command_start()'

# nor by a script, of either kind
attempt()
{
	register shop--s2--bad.sql "-- Revision ID: bad
$2
$1" >/dev/null
	is "42501" "$(deploy -c "CALL dbm_migrate()" | cut -c 1-5 | tail -n 1)" "in a script${2:+ for a worker}: $1"
	deploy -c "SELECT dbm_unregister('bad')" >/dev/null
}
for kind in '' '-- Transactional: no'; do
	attempt 'ALTER ROLE deploy SUPERUSER' "$kind"
	attempt 'SET ROLE pg_read_server_files' "$kind"
	attempt 'DROP TABLE other.t' "$kind"
	attempt 'CREATE TABLE public.x (a int)' "$kind"
	attempt "COPY product TO PROGRAM 'true'" "$kind"
	attempt 'INSERT INTO dbm.applied SELECT * FROM dbm.applied' "$kind"
done

# and a superuser runs none of its scripts
register shop--s2--trap.sql '-- Revision ID: trap
ALTER ROLE deploy SUPERUSER' >/dev/null
for call in "SELECT dbm_upgrade('head', 'shop')" "CALL dbm_migrate('head', 'shop')"; do
	is 'ERROR:  42501: revision "trap" of project "shop" was written by another role' \
		"$(super -c "$call" | head -n 1)" "a superuser: $call"
done

# who takes on its role is safe, too: it cannot be left from inside
for script in 'RESET ROLE' 'SET SESSION AUTHORIZATION DEFAULT' \
	'INSERT INTO line VALUES (1)'; do
	deploy -c "SELECT dbm_unregister('trap')" >/dev/null
	register shop--s2--trap.sql "-- Revision ID: trap
$script" >/dev/null
	is 42501 "$(super -c 'SET ROLE deploy' -c 'SET search_path = shop' -c "CALL dbm_migrate('head', 'shop')" | sed -n 's/^ERROR:  \(.....\).*/\1/p')" \
		"a superuser as the role: $script"
done
is f "$(super -c "SELECT rolsuper FROM pg_roles WHERE rolname = 'deploy'")" 'it is no superuser in the end'
is f "$(super -c "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass AND objsubid > 0)")" \
	'no lock is left'
echo "1..$n"

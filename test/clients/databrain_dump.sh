#!/usr/bin/env bash
# What pg_dump says of DataBrain's schema: the same after each way down as
# before the way up, with rows in the tables; and at head, what the model
# declares.
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"; dropdb --if-exists dbm_test_model 2>/dev/null' EXIT

# Runs SQL; whatever fails ends the test, which then lacks what it planned.
sql()
{
	psql -Xqt -v ON_ERROR_STOP=1 -c "$1" >/dev/null 2>"$dir/err" || {
		sed 's/^/# /' "$dir/err"
		exit 1
	}
}

# dump NAME [DATABASE]: without the lines that differ at every call.
dump()
{
	pg_dump -s -n public "${2:-$PGDATABASE}" | grep -vE '^\\(un)?restrict ' >"$dir/$1"
}

number=0
same()
{
	number=$((number + 1))
	if [ -s "$dir/$1" ] && diff "$dir/$1" "$dir/$2" >"$dir/diff"; then
		echo "ok $number - $3"
	else
		echo "not ok $number - $3"
		sed 's/^/# /' "$dir/diff"
	fi
}

echo 1..5
sql 'SET client_min_messages = warning; CREATE EXTENSION databrain CASCADE'
dump base
sql "SELECT dbm_upgrade('750bcd1e35fa')"
sql "WITH t AS (INSERT INTO tenant (name) VALUES ('acme') RETURNING id),
	s AS (INSERT INTO source (tenant_id, name, uri) SELECT id, 'wiki', 'wiki:' FROM t RETURNING id),
	d AS (INSERT INTO document (source_id, uri, content_hash, byte_count)
		SELECT id, 'start', sha256('x'), 1 FROM s RETURNING id)
	INSERT INTO chunk (document_id, position, content, token_count)
	SELECT id, n, 'x', 1 FROM d, generate_series(0, 9) AS n"
dump 750b
sql "SELECT dbm_upgrade('39015ae510e0')"
dump 3901
sql "SELECT dbm_upgrade()"
dump head

createdb dbm_test_model
psql -Xq -v ON_ERROR_STOP=1 -d dbm_test_model -f versions/databrain.model.sql || exit 1
dump model dbm_test_model
same head model 'head is what the model declares'

sql "SELECT dbm_downgrade('39015ae510e0')"
dump down
same 3901 down 'down to 39015ae510e0'
sql "SELECT dbm_downgrade('750bcd1e35fa')"
dump down
same 750b down 'down to 750bcd1e35fa'
sql "SELECT dbm_upgrade()"
dump up
same head up 'up again, with rows'
sql "SELECT dbm_downgrade('base')"
dump down
same base down 'down to base'

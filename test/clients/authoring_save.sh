#!/usr/bin/env bash
# Saving what dbm_revision returns into a checkout, in the three ways that the
# README shows, word for word; and pushing a checkout back.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
dir=$(mktemp -d) || exit 1
mounted=
trap '[ -n "$mounted" ] && umount "$mounted"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1

number=0
ok()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' "$dir/out" "$dir/diff" 2>/dev/null
	fi
}

# recipe LANGUAGE N: the Nth block of that language in the README's section
recipe()
{
	sed -n '/^### Into a checkout$/,/^###* [^I]/p' "$root/README.md" |
		awk -v lang="$1" -v n="$2" '$0 == "```" lang { if (++i == n) { on = 1; next } }
			$0 == "```" { on = 0 } on'
}

# Is versions/ exactly what the project consists of?
same()
{
	psql -XAtq -c "SELECT file_name FROM dbm_export()" | sort >exported
	ls versions | sort >saved
	diff exported saved >"$dir/diff" || return 1
	for file in $(cat saved); do
		psql -XAtq -v f="$file" <<<"SELECT script FROM dbm_export() WHERE file_name = :'f'" >exported
		# psql adds a line end of its own
		echo >>"versions/$file.more"
		cat "versions/$file" "versions/$file.more" >saved
		rm "versions/$file.more"
		diff exported saved >"$dir/diff" || return 1
	done
}

echo 1..8
export PGOPTIONS='-c client_min_messages=warning'
psql -Xqc 'CREATE EXTENSION databrain_migrate'
psql -Xqc "ALTER DATABASE \"$PGDATABASE\" SET databrain_migrate.project = 'shop'"
mkdir versions

recipe sql 1 >recipe.sql
psql -Xq -v ON_ERROR_STOP=1 -f recipe.sql >"$dir/out" 2>&1 && [ "$(ls versions | wc -l)" = 2 ] && same
ok $? 'psql'

recipe sh 1 >recipe.sh
bash -eu recipe.sh >"$dir/out" 2>&1 && [ "$(ls versions | wc -l)" = 4 ] && same
ok $? 'shell'

recipe python 1 >recipe.py
/usr/bin/python3 recipe.py >"$dir/out" 2>&1 && [ "$(ls versions | wc -l)" = 6 ] && same
ok $? 'python'

# The whole project at once, and back into another one
rm -r versions
mkdir versions
recipe sh 2 >recipe.sh
bash -eu recipe.sh >"$dir/out" 2>&1 && [ "$(ls versions | wc -l)" = 6 ] && same
ok $? 'a whole project'

before=$(psql -XAtqc "SELECT md5(string_agg(s::text, '' ORDER BY s)) FROM dbm.script s")
recipe sh 3 >recipe.sh
bash -eu recipe.sh >"$dir/out" 2>&1 &&
	[ "$(psql -XAtqc "SELECT md5(string_agg(s::text, '' ORDER BY s)) FROM dbm.script s")" = "$before" ]
ok $? 'pushed again without effect'

psql -Xqc "DELETE FROM dbm.script"
bash -eu recipe.sh >"$dir/out" 2>&1 && same
ok $? 'pushed into an empty project'

# A disk that is full, where we may have one: when the second file is written,
# and, since a link counts as an inode there, when it gets its name.
# full OPTION VERB
full()
{
	if [ "$(id -u)" != 0 ] ||
		! mount -t tmpfs -o "$1,mode=777" tmpfs "$dir/disk" 2>/dev/null; then
		number=$((number + 1))
		echo "ok $number - # SKIP no file system may be mounted here"
		return
	fi
	mounted=$dir/disk
	psql -X -v ON_ERROR_STOP=1 >"$dir/out" 2>&1 <<-EOT
		SET databrain_migrate.versions_path = '$dir/disk';
		SET databrain_migrate.project = 'disk';
		SELECT dbm_revision('x', rev_id => 'x1', upgrade_sql => 'SELECT 1',
			downgrade_sql => '/*' || repeat('x', 10000) || '*/');
	EOT
	grep -q "could not $2 file \"$dir/disk/disk--x1--base.sql\": No space left on device" "$dir/out" &&
		[ -z "$(ls -A "$dir/disk")" ]
	ok $? "a disk full when it has to $2 the second file: nothing is left"
	umount "$mounted"
	mounted=
}

chmod 755 "$dir"
mkdir "$dir/disk"
full size=8k write
full nr_inodes=4 create

-- Random projects with branches, merges and dependencies, random ranges of which
-- are squashed; then databases in random places take the squashed revision and
-- have to end where a database ends that never heard of it.  Wants a database
-- with pgtap in it.

\set QUIET on
SET client_min_messages = error;

BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT no_plan();
SELECT setseed(0.42) \g /dev/null

CREATE FUNCTION pg_temp.pick(n int) RETURNS int LANGUAGE sql AS $$ SELECT floor(random() * n)::int $$;

-- Write a revision: it makes a table, and a column in the table of its first
-- parent.
CREATE FUNCTION pg_temp.put(project text, i int, parents text[], deps text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	header text := format(E'-- m\n-- Revision ID: r%s\n-- Revises: %s\n%s', i,
		coalesce(nullif(array_to_string(parents, ', '), ''), 'base'), E'-- Depends On: ' || deps || E'\n');
BEGIN
	PERFORM dbm_register(format('%s--%s--r%s.sql', project, coalesce(parents[1], 'base'), i),
			header || format('CREATE TABLE t%s (id int);', i) || coalesce('ALTER TABLE ' || replace(parents[1], 'r', 't') || ' ADD c' || i || ' int;', '')),
		dbm_register(format('%s--r%s--%s.sql', project, i, coalesce(parents[1], 'base')),
			header || coalesce('ALTER TABLE ' || replace(parents[1], 'r', 't') || ' DROP c' || i || ';', '') || format('DROP TABLE t%s;', i));
	RETURN 'r' || i;
END
$$;

-- Write a project: a line of single revisions, forks that are joined again and
-- forks that are not, with roots of their own and dependencies on them.
CREATE FUNCTION pg_temp.grow(project text, segments int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	i int := 0;
	tip text[] := '{}';
	left_tip text;
	right_tip text;
	root text;
	dice float;
BEGIN
	FOR segment IN 1 .. segments LOOP
		dice := random();
		IF dice < 0.15 OR segment = 1 THEN
			i := i + 1;
			root := pg_temp.put(project, i, '{}', NULL);
		END IF;
		IF dice < 0.3 AND tip <> '{}' THEN
			i := i + 1;
			left_tip := pg_temp.put(project, i, tip, NULL);
			i := i + 1;
			right_tip := pg_temp.put(project, i, tip, CASE WHEN random() < 0.3 THEN root END);
			IF random() < 0.5 THEN
				i := i + 1;
				right_tip := pg_temp.put(project, i, ARRAY[right_tip], NULL);
			END IF;
			i := i + 1;
			tip := ARRAY[pg_temp.put(project, i, CASE WHEN random() < 0.7 THEN ARRAY[left_tip, right_tip] ELSE ARRAY[right_tip] END, NULL)];
		ELSE
			i := i + 1;
			tip := ARRAY[pg_temp.put(project, i, tip, CASE WHEN random() < 0.2 THEN root END)];
		END IF;
	END LOOP;
END
$$;

CREATE FUNCTION pg_temp.schema() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(relname || '.' || attname, ' ' ORDER BY relname, attname)
	FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
	WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
$$;

-- Try ranges until one can be squashed, and do it.  Refusals have to be those
-- that a shape of the graph can bring.
CREATE FUNCTION pg_temp.squash(project text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text[] := ARRAY(SELECT revision FROM dbm_history(project => project));
	first text;
	last text;
BEGIN
	FOR attempt IN 1 .. 200 LOOP
		first := ids[1 + pg_temp.pick(array_length(ids, 1))];
		last := ids[1 + pg_temp.pick(array_length(ids, 1))];
		BEGIN
			CREATE TEMP TABLE files AS SELECT * FROM dbm_squash(first, last, project => project);
			RETURN first || ':' || last;
		EXCEPTION WHEN invalid_parameter_value OR object_not_in_prerequisite_state THEN
		END;
	END LOOP;
	RETURN NULL;
END
$$;

-- Bring a database to a place by the old scripts, then let the squashed revision
-- come; returns what is wrong.
CREATE FUNCTION pg_temp.walk(project text, place text, built text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	wrong text := '';
	replaced text[];
BEGIN
	IF place <> 'base' THEN
		PERFORM dbm_upgrade(place, project);
	END IF;
	PERFORM dbm_register(file_name, script) FROM files;
	SELECT string_to_array((regexp_match(script, '-- Replaces: ([^\n]*)'))[1], ', ') INTO replaced FROM files LIMIT 1;
	PERFORM dbm_upgrade('heads', project);
	IF pg_temp.schema() IS DISTINCT FROM built THEN
		wrong := wrong || 'built ' || pg_temp.schema() || '; ';
	END IF;
	PERFORM dbm_upgrade('heads', project);	-- past the range by now
	IF EXISTS (SELECT FROM dbm.applied WHERE revision = ANY (replaced)) THEN
		wrong := wrong || 'not relabelled; ';
	END IF;
	IF (SELECT count(*) FROM dbm.applied a WHERE a.project = walk.project) <> (SELECT count(*) FROM dbm_history(project => project)) THEN
		wrong := wrong || 'not all applied; ';
	END IF;
	PERFORM dbm_downgrade('base', project);
	IF pg_temp.schema() IS NOT NULL THEN
		wrong := wrong || 'left ' || pg_temp.schema();
	END IF;
	RAISE EXCEPTION USING errcode = 'P0099', message = wrong;
EXCEPTION WHEN SQLSTATE 'P0099' THEN
	RETURN SQLERRM;
END
$$;

CREATE FUNCTION pg_temp.try(project text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	built text;
	squashed text;
	place text;
	old text[];
BEGIN
	PERFORM pg_temp.grow(project, 4 + pg_temp.pick(5));
	BEGIN
		PERFORM dbm_upgrade('heads', project);
		built := pg_temp.schema();
		RAISE EXCEPTION USING errcode = 'P0099';
	EXCEPTION WHEN SQLSTATE 'P0099' THEN
	END;
	old := ARRAY(SELECT revision FROM dbm_history(project => project)) || '{base}';
	squashed := pg_temp.squash(project);
	RETURN NEXT isnt(squashed, NULL, project || ': a range was found');
	IF squashed IS NULL THEN
		RETURN;
	END IF;
	DELETE FROM dbm.script s USING files f WHERE s.project = try.project AND s.script = f.script;
	FOREACH place IN ARRAY old LOOP
		RETURN NEXT is(pg_temp.walk(project, place, built), '', format('%s, %s squashed, from %s', project, squashed, place));
	END LOOP;
	DROP TABLE files;
END
$$;

SELECT pg_temp.try('tree' || i) FROM generate_series(1, 8) AS i;

SELECT * FROM finish();
ROLLBACK;

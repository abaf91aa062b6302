-- Random graphs, states and targets: the planner against its rules, which are
-- written down here once more, as naively as SQL allows.
--
--	upgrade T	runs what T needs, itself included, and is not applied
--	downgrade T	undoes, of what is applied, T's children by parents and all
--				that needs these; T must be applied.  base: from the first
--				revisions on.  L@T: where there are several children, those that
--				L descends from by parents
--	stamp T		makes applied what T needs and takes out what needs T
--	a:b			lists what b needs and what descends from a, without what a needs
--
-- Each property is one test that shows its first counter-example, after one
-- test that it was tried often enough.  The seed is fixed, so that a failure
-- can be looked at again.

\set QUIET on
\set graphs 300
SET client_min_messages = warning;

BEGIN;

CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS databrain_migrate;

SELECT plan(2 * 10);

CREATE TEMP TABLE node (project text, id text, PRIMARY KEY (project, id));
CREATE TEMP TABLE edge (project text, child text, parent text, dependency boolean);
CREATE INDEX ON edge (project, child);
CREATE INDEX ON edge (project, parent);

-- Every single check, and what it found wrong.
CREATE TEMP TABLE finding (
	id int GENERATED ALWAYS AS IDENTITY,
	property text,
	situation text,
	wrong text
);

CREATE FUNCTION pg_temp.sorted(names text[]) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name COLLATE "C"), '') FROM unnest(names) name
$$;

-- What these revisions need, themselves included; by parents alone if wanted.
CREATE FUNCTION pg_temp.below(for_project text, start text[], parents_only boolean DEFAULT false)
RETURNS text[] LANGUAGE sql AS $$
	WITH RECURSIVE walk (id) AS (
		SELECT unnest(start)
		UNION
		SELECT parent FROM walk JOIN edge ON project = for_project AND child = id
			AND NOT (parents_only AND dependency)
	)
	SELECT coalesce(array_agg(id), '{}') FROM walk
$$;

-- What needs these revisions, themselves included.
CREATE FUNCTION pg_temp.above(for_project text, start text[], parents_only boolean DEFAULT false)
RETURNS text[] LANGUAGE sql AS $$
	WITH RECURSIVE walk (id) AS (
		SELECT unnest(start)
		UNION
		SELECT child FROM walk JOIN edge ON project = for_project AND parent = id
			AND NOT (parents_only AND dependency)
	)
	SELECT coalesce(array_agg(id), '{}') FROM walk
$$;

-- Children by parents; of NULL, the first revisions.
CREATE FUNCTION pg_temp.children(for_project text, target text) RETURNS text[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg(id), '{}') FROM node
	WHERE project = for_project AND CASE WHEN target IS NULL
		THEN NOT EXISTS (SELECT FROM edge e
			WHERE e.project = for_project AND child = id AND NOT dependency)
		ELSE EXISTS (SELECT FROM edge e
			WHERE e.project = for_project AND child = id AND parent = target AND NOT dependency)
		END
$$;

CREATE FUNCTION pg_temp.minus(a text[], b text[]) RETURNS text[] LANGUAGE sql AS $$
	SELECT ARRAY(SELECT unnest(a) EXCEPT SELECT unnest(b))
$$;

CREATE FUNCTION pg_temp.common(a text[], b text[]) RETURNS text[] LANGUAGE sql AS $$
	SELECT ARRAY(SELECT unnest(a) INTERSECT SELECT unnest(b))
$$;

-- What of a set nothing else in it needs.
CREATE FUNCTION pg_temp.maximal(for_project text, members text[]) RETURNS text[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg(id), '{}') FROM unnest(members) id
	WHERE NOT pg_temp.above(for_project, ARRAY[id]) && array_remove(members, id)
$$;

-- Make a random graph of 3 to 10 revisions with 0 to 3 parents each, 30 % of
-- them with one or two dependencies.  The order of the identifiers says
-- nothing about the graph.
CREATE FUNCTION pg_temp.make_graph(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	ids text[] := ARRAY(SELECT chr(ascii('a') + i) FROM generate_series(0, 9) i ORDER BY random());
	n int := 3 + floor(random() * 8);
	down text[];
	deps text[];
	header text;
BEGIN
	FOR i IN 1 .. n LOOP
		down := (ARRAY(SELECT id FROM unnest(ids[1:i - 1]) id ORDER BY random()))
			[1:(ARRAY[0, 1, 1, 1, 1, 2, 2, 3])[1 + floor(random() * 8)]];
		deps := CASE WHEN random() < 0.3 THEN
			(ARRAY(SELECT id FROM unnest(ids[1:i - 1]) id ORDER BY random()))
				[1:1 + floor(random() * 2)::int]
			ELSE '{}' END;
		INSERT INTO node VALUES (p, ids[i]);
		INSERT INTO edge
		SELECT p, ids[i], parent, false FROM unnest(down) parent
		UNION ALL
		SELECT p, ids[i], parent, true FROM unnest(deps) parent;

		header := format(E'-- random\n--\n-- Revision ID: %s\n-- Revises: %s\n', ids[i],
			coalesce(nullif(array_to_string(down, ', '), ''), 'base'));
		IF cardinality(deps) > 0 THEN
			header := header || format(E'-- Depends On: %s\n', array_to_string(deps, ', '));
		END IF;
		PERFORM dbm_register(format('%s--%s--%s.sql', p, coalesce(down[1], 'base'), ids[i]),
			header || E'\nSELECT 1;\n');
		PERFORM dbm_register(format('%s--%s--%s.sql', p, ids[i], coalesce(down[1], 'base')),
			header || E'\nSELECT 2;\n');
	END LOOP;
END
$$;

-- A graph in words, for whoever has to look at a failure.
CREATE FUNCTION pg_temp.describe(for_project text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s<-%s%s', id,
			(SELECT string_agg(parent, ',') FROM edge e
				WHERE e.project = for_project AND child = id AND NOT dependency),
			(SELECT ' deps=' || string_agg(parent, ',') FROM edge e
				WHERE e.project = for_project AND child = id AND dependency)),
		'; ' ORDER BY cardinality(pg_temp.below(for_project, ARRAY[id])), id COLLATE "C")
	FROM node WHERE project = for_project
$$;

-- Set the state of a project to what these revisions need.
CREATE FUNCTION pg_temp.put_state(p text, state text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dbm_stamp(coalesce(nullif(array_to_string(pg_temp.maximal(p, state), ','), ''), 'base'),
		true, p);
END
$$;

CREATE FUNCTION pg_temp.note(property text, situation text, have text, want text) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO finding (property, situation, wrong)
	VALUES (property, situation,
		CASE WHEN have IS DISTINCT FROM want THEN format('%s: have "%s", want "%s"', situation, have, want) END)
$$;

-- Run a command in a state and compare with the rules: which steps, in which
-- order, what is current afterwards.  "want" is the set of steps, NULL if there
-- should be an error with this SQLSTATE.
CREATE FUNCTION pg_temp.check_run(p text, state text[], command text, target text,
	want text[], want_error text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	situation text := format('%s {%s} %s %s', pg_temp.describe(p), pg_temp.sorted(state), command, target);
	steps text[];
	now_applied text[] := state;
	misstep text;
BEGIN
	PERFORM pg_temp.put_state(p, state);
	BEGIN
		IF command = 'upgrade' THEN
			steps := ARRAY(SELECT revision FROM dbm_upgrade(target, p) ORDER BY step);
		ELSE
			steps := ARRAY(SELECT revision FROM dbm_downgrade(target, p) ORDER BY step);
		END IF;
	EXCEPTION WHEN OTHERS THEN
		PERFORM pg_temp.note(command || ' fails', situation, SQLSTATE, want_error);
		RETURN;
	END;
	IF want_error IS NOT NULL THEN
		PERFORM pg_temp.note(command || ' fails', situation, pg_temp.sorted(steps), want_error);
		RETURN;
	END IF;
	PERFORM pg_temp.note(command || ' steps', situation, pg_temp.sorted(steps), pg_temp.sorted(want));

	FOR i IN 1 .. cardinality(steps) LOOP
		IF command = 'upgrade' THEN
			now_applied := now_applied || steps[i];
		ELSE
			now_applied := array_remove(now_applied, steps[i]);
		END IF;
		IF NOT pg_temp.below(p, now_applied) <@ now_applied THEN
			misstep := steps[i];
			EXIT;
		END IF;
	END LOOP;
	PERFORM pg_temp.note(command || ' order', situation, misstep, NULL);
	PERFORM pg_temp.note('current heads', situation,
		(SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_current(p)),
		pg_temp.sorted(pg_temp.maximal(p, now_applied)));
END
$$;

CREATE FUNCTION pg_temp.check_graph(p text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	ids text[];
	state text[];
	heads text[];
	target text;
	other text;
	roots text[];
	listed text[];
	situation text;
	failure text;
BEGIN
	PERFORM pg_temp.make_graph(p);
	ids := ARRAY(SELECT id FROM node WHERE project = p ORDER BY random());
	heads := pg_temp.maximal(p, ids);
	state := pg_temp.below(p, ids[1:floor(random() * 4)::int]);
	target := ids[1 + floor(random() * cardinality(ids))];
	other := ids[1 + floor(random() * cardinality(ids))];

	-- upgrade
	PERFORM pg_temp.check_run(p, state, 'upgrade', target,
		pg_temp.minus(pg_temp.below(p, ARRAY[target]), state), NULL);
	PERFORM pg_temp.check_run(p, state, 'upgrade', 'heads', pg_temp.minus(ids, state), NULL);
	PERFORM pg_temp.check_run(p, state, 'upgrade', target || ',' || other,
		pg_temp.minus(pg_temp.below(p, ARRAY[target, other]), state),
		CASE WHEN target <> other
			AND cardinality(pg_temp.maximal(p, ARRAY[target, other])) < 2 THEN '22023' END);

	-- downgrade
	PERFORM pg_temp.check_run(p, state, 'downgrade', target,
		pg_temp.common(pg_temp.above(p, pg_temp.children(p, target)), state),
		CASE WHEN target <> ALL (state) THEN '55000' END);
	PERFORM pg_temp.check_run(p, state, 'downgrade', 'base', state, NULL);
	roots := pg_temp.children(p, NULL);
	IF cardinality(roots) > 1 THEN
		roots := pg_temp.common(roots, pg_temp.below(p, ARRAY[other], true));
	END IF;
	PERFORM pg_temp.check_run(p, state, 'downgrade', other || '@base',
		pg_temp.common(pg_temp.above(p, roots), state), NULL);
	roots := pg_temp.children(p, target);
	IF cardinality(roots) > 1 THEN
		roots := pg_temp.common(roots, pg_temp.below(p, ARRAY[other], true));
	END IF;
	PERFORM pg_temp.check_run(p, state, 'downgrade', other || '@' || target,
		pg_temp.common(pg_temp.above(p, roots), state),
		CASE
			WHEN target <> ALL (pg_temp.below(p, ARRAY[other], true) || pg_temp.above(p, ARRAY[other], true))
				THEN '22023'
			WHEN target <> ALL (state) THEN '55000'
			WHEN roots = '{}' AND pg_temp.children(p, target) && state THEN '55000'
		END);

	-- stamp
	situation := format('%s {%s} stamp %s', pg_temp.describe(p), pg_temp.sorted(state), target);
	PERFORM pg_temp.put_state(p, state);
	PERFORM dbm_stamp(target, project => p);
	PERFORM pg_temp.note('stamp', situation,
		(SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_history(project => p) WHERE is_applied),
		pg_temp.sorted(pg_temp.below(p, ARRAY[target])
			|| pg_temp.minus(pg_temp.minus(state, pg_temp.above(p, ARRAY[target])),
				pg_temp.below(p, ARRAY[target]))));

	-- history
	listed := ARRAY(SELECT revision FROM dbm_history(project => p));
	PERFORM pg_temp.note('history', pg_temp.describe(p), pg_temp.sorted(listed), pg_temp.sorted(ids));
	PERFORM pg_temp.note('history', pg_temp.describe(p) || ' newest first',
		(SELECT string_agg(child || ' after ' || parent, ', ') FROM edge
			WHERE project = p AND array_position(listed, child) > array_position(listed, parent)),
		NULL);
	situation := format('%s history %s:%s', pg_temp.describe(p), target, other);
	roots := pg_temp.above(p, ARRAY[target], true);
	IF other <> ALL (roots) THEN
		roots := pg_temp.above(p, ARRAY[target]);
	END IF;
	BEGIN
		listed := ARRAY(SELECT revision FROM dbm_history(target || ':' || other, p));
		failure := NULL;
	EXCEPTION WHEN OTHERS THEN
		failure := SQLSTATE;
	END;
	IF other = ANY (pg_temp.above(p, ARRAY[target])) THEN
		PERFORM pg_temp.note('history', situation, coalesce(failure, pg_temp.sorted(listed)),
			pg_temp.sorted(pg_temp.common(roots,
				array_append(pg_temp.minus(pg_temp.below(p, ARRAY[other]), pg_temp.below(p, ARRAY[target])), target))));
	ELSE
		PERFORM pg_temp.note('history', situation, failure, '22023');
	END IF;

	-- heads
	PERFORM pg_temp.note('heads', pg_temp.describe(p),
		(SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_heads(p)), pg_temp.sorted(heads));
END
$$;

SELECT setseed(0.31415) \gset
SELECT count(pg_temp.check_graph('fuzz_' || i)) AS graphs FROM generate_series(1, :graphs) i \gset

SELECT t.* FROM (VALUES
		('upgrade steps', 2), ('upgrade order', 2), ('upgrade fails', 0.2),
		('downgrade steps', 2), ('downgrade order', 2), ('downgrade fails', 0.5),
		('current heads', 5), ('stamp', 1), ('history', 3), ('heads', 1)) wanted (name, per_graph),
	LATERAL (
		SELECT cmp_ok(
			(SELECT count(*) FROM finding WHERE property = name), '>=', (per_graph * :graphs)::bigint,
			format('%s: tried often enough', name))
		UNION ALL
		SELECT is(
			(SELECT wrong FROM finding WHERE property = name AND wrong IS NOT NULL ORDER BY id LIMIT 1), NULL,
			format('%s: as the rules say', name))) t;

SELECT * FROM finish();
ROLLBACK;

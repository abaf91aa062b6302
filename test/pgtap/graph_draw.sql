-- How the graph is drawn: beside dbm_history as git would draw the same graph
-- with "git log --graph --topo-order", from which the drawings below were
-- taken, and whole by dbm_graph.

\set QUIET on
SET client_min_messages = warning;

BEGIN;

CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS databrain_migrate;

-- Graphs in the notation "id<-parents", "x,y<-a" for two of the same kind.
CREATE TEMP TABLE drawing (name text, revisions text, drawn text);
INSERT INTO drawing VALUES
	('linear', 'a<-; b<-a; c<-b', '
* c
* b
* a'),
	('branches', 'a<-; b<-a; c1<-b; d1<-c1; c2<-b; d2<-c2', '
* d2
* c2
| * d1
| * c1
|/
* b
* a'),
	('merge', 'a<-; b<-a; c1<-b; d1<-c1; c2<-b; d2<-c2; e<-d1,d2; f<-e', '
* f
*   e
|\
| * d2
| * c2
* | d1
* | c1
|/
* b
* a'),
	('octopus', 'a<-; b1,b2,b3,b4<-a; z<-a; m<-b1,b2,b3,b4; n<-m,z', '
*   n
|\
| * z
| |
|  \
|   \
|    \
*---. \   m
|\ \ \ \
| | | * | b4
| | | |/
| | * / b3
| | |/
| * / b2
| |/
* / b1
|/
* a'),
	('twins', 'a<-; b1,b2,b3<-a; c1,c2<-b1,b2,b3; d1<-c1; d2<-c2', '
* d2
*-.   c2
|\ \
| | | * d1
| | | *   c1
| |_|/|\
|/| |/ /
| |/| /
| | |/
| | * b3
| * | b2
| |/
* / b1
|/
* a'),
	('roots', 'a1<-; b1<-a1; a2<-; b2<-a2; a3<-; m<-b1,b2', '
*   m
|\
| * b2
| * a2
* b1
* a1
* a3'),
	('crossing', 'a<-; b<-a; c<-a; d<-b,c; e<-c,b; f<-a; g<-d,e; h<-f,a', '
*   h
|\
* | f
|/
| *   g
| |\
| | *   e
| | |\
| * | | d
| |\| |
| | |/
| |/|
| | * c
| |/
|/|
| * b
|/
* a');

SELECT plan((count(*) + 8)::int) FROM drawing;

CREATE FUNCTION pg_temp.register(project text, id text, parents text, header text DEFAULT '')
RETURNS text LANGUAGE sql AS $$
	SELECT dbm_register(
		format('%s--%s--%s.sql', project, coalesce(nullif(split_part(parents, ',', 1), ''), 'base'), id),
		format(E'-- message of "%s"\n--\n-- Revision ID: %s\n-- Revises: %s\n%s\nSELECT 1;\n',
			id, id, coalesce(nullif(parents, ''), 'base'), header))
$$;

SELECT count(pg_temp.register('draw_' || name, id, split_part(item, '<-', 2))) AS registered
FROM drawing,
	regexp_split_to_table(revisions, '; ') item,
	regexp_split_to_table(split_part(item, '<-', 1), ',') id \gset

-- What dbm_history shows, with the padding and the revisions as git has them.
CREATE FUNCTION pg_temp.drawn(range text, project text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(regexp_replace(graph, '^[^\n]*', format('\& %s', revision)), E'\n' ORDER BY n)
	FROM (SELECT *, row_number() OVER () AS n FROM dbm_history(range, project)) listed
$$;

-- git pads the line with the mark of a merge; what is compared is the drawing.
SELECT is(regexp_replace(pg_temp.drawn(NULL, 'draw_' || name), ' +(\w+)$', ' \1', 'gn'),
	regexp_replace(ltrim(drawn, E'\n'), ' +(\w+)$', ' \1', 'gn'),
	format('drawn as git does: %s', name))
FROM drawing;

SELECT is(pg_temp.drawn('c1:', 'draw_merge'), E'* f\n* e\n* d1\n* c1',
	'lines to what is not listed are left out');
SELECT is(graph, '*', 'a line of its own is just its marks')
FROM dbm_history('b', 'draw_linear');

-- the whole graph
SELECT pg_temp.register('draw_whole', 'a', '', '-- Branch Labels: stem') AS registered \gset
SELECT pg_temp.register('draw_whole', 'b', 'a') AS registered \gset
SELECT pg_temp.register('draw_whole', 'c', 'a', '-- Depends On: b') AS registered \gset
SELECT count(*) AS stamped FROM dbm_stamp('b', project => 'draw_whole') \gset

SELECT is(dbm_graph('text', 'draw_whole'), concat_ws(E'\n',
	'* c (head, depends on b) message of "c"',
	'| * b (current) message of "b"',
	'|/',
	'* a [stem] (applied, branch point) message of "a"'), 'text');
SELECT is(dbm_graph('dot', 'draw_whole'), concat_ws(E'\n',
	'digraph "draw_whole" {',
	E'\trankdir=BT;',
	E'\tnode [shape=box];',
	E'\t"a" [label="a [stem]\\nmessage of \\"a\\"", style=filled, fillcolor=palegreen];',
	E'\t"b" [label="b\\nmessage of \\"b\\"", style=filled, fillcolor=palegreen];',
	E'\t"c" [label="c\\nmessage of \\"c\\""];',
	E'\t"a" -> "b";',
	E'\t"a" -> "c";',
	E'\t"b" -> "c" [style=dashed];',
	'}'), 'dot');
SELECT is(dbm_graph('mermaid', 'draw_whole'), concat_ws(E'\n',
	'flowchart BT',
	E'\tn0["a [stem]<br/>message of #34;a#34;"]:::applied',
	E'\tn1["b<br/>message of #34;b#34;"]:::applied',
	E'\tn2["c<br/>message of #34;c#34;"]',
	E'\tn0 --> n1',
	E'\tn0 --> n2',
	E'\tn1 -.-> n2',
	E'\tclassDef applied fill:#98fb98'), 'mermaid');
SELECT throws_ok($$SELECT dbm_graph('png', 'draw_whole')$$, '22023', NULL, 'an unknown format');

-- more lines side by side than anybody could follow are not drawn
SELECT count(pg_temp.register('draw_wide', 'r' || i, '')) AS registered FROM generate_series(1, 70) i \gset
SELECT pg_temp.register('draw_wide', 'm', string_agg('r' || i, ',')) AS registered FROM generate_series(1, 70) i \gset
SELECT is(count(*), 71::bigint, 'a very wide merge is listed') FROM dbm_history(project => 'draw_wide');
SELECT is(string_agg(DISTINCT graph, ';'), '*', 'with marks alone') FROM dbm_history(project => 'draw_wide');

SELECT * FROM finish();
ROLLBACK;

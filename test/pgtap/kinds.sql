-- Every kind of object that a CREATE exists for: the comparison has a row for
-- it, can take it away, and what no kind stands for is named.  Left out are
-- databases, roles and tablespaces, which belong to the cluster.
\set ON_ERROR_STOP on
SET client_min_messages = error;
BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT plan(12);

-- all rows of all catalogs whose rows are objects, but for what a loop makes
CREATE FUNCTION pg_temp.objects() RETURNS TABLE (catalog text, object oid) LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attname = 'oid'
		AND NOT c.relisshared
	LOOP
		RETURN QUERY EXECUTE format('SELECT %L::text, oid FROM pg_catalog.%I', name, name);
	END LOOP;
END $$;
CREATE TEMP TABLE run (ordinal int, statement text);
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.objects();

CREATE ROLE regress_kinds;
CREATE SCHEMA app;
SET LOCAL search_path = app, public;
CREATE EXTENSION seg WITH SCHEMA public;
CREATE COLLATION coll (provider = libc, locale = 'C');
CREATE CONVERSION conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TYPE enum AS ENUM ('a');
CREATE DOMAIN domain AS int CHECK (VALUE > 0);
CREATE TYPE composite AS (a int);
CREATE TYPE range AS RANGE (subtype = text);
CREATE TYPE shell;
CREATE TYPE base;
CREATE FUNCTION base_in(cstring) RETURNS base IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION base_out(base) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE base (INPUT = base_in, OUTPUT = base_out, LIKE = int4);
CREATE PROCEDURE procedure() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE aggregate (int) (SFUNC = int4pl, STYPE = int);
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE language HANDLER handler;
CREATE FUNCTION to_sql(internal) RETURNS enum IMMUTABLE LANGUAGE internal AS 'textin';
CREATE TRANSFORM FOR enum LANGUAGE language (TO SQL WITH FUNCTION to_sql(internal));
CREATE CAST (composite AS text) WITH INOUT;
CREATE CAST (int AS xml) WITH INOUT;
CREATE ACCESS METHOD method TYPE TABLE HANDLER heap_tableam_handler;
CREATE OPERATOR FAMILY family USING btree;
ALTER OPERATOR FAMILY family USING btree ADD OPERATOR 1 < (int, int);
CREATE OPERATOR CLASS class FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
CREATE TEXT SEARCH PARSER parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE template (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH DICTIONARY dictionary (TEMPLATE = template);
CREATE TEXT SEARCH CONFIGURATION configuration (PARSER = parser);
ALTER TEXT SEARCH CONFIGURATION configuration ADD MAPPING FOR word WITH dictionary;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER server FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR regress_kinds SERVER server;
CREATE FOREIGN TABLE foreign_table (a int) SERVER server;
CREATE SEQUENCE sequence;
CREATE TABLE plain (id int PRIMARY KEY DEFAULT 1, r int REFERENCES plain, g int GENERATED ALWAYS AS (id) STORED,
	i int GENERATED ALWAYS AS IDENTITY, CHECK (id > 0), EXCLUDE USING btree (r WITH =));
ALTER SEQUENCE sequence OWNED BY plain.r;
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE child () INHERITS (plain);
CREATE TABLE typed OF composite;
CREATE UNIQUE INDEX index ON plain (r);
CREATE STATISTICS statistics ON id, r FROM plain;
CREATE VIEW view AS SELECT id FROM plain;
ALTER VIEW view ALTER COLUMN id SET DEFAULT 2;
CREATE MATERIALIZED VIEW materialized AS SELECT id FROM plain;
CREATE INDEX materialized_index ON materialized (id);
CREATE RULE rule AS ON DELETE TO plain DO ALSO NOTHING;
CREATE FUNCTION event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER event_trigger ON sql_drop EXECUTE FUNCTION event();
CREATE FUNCTION trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER trigger BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION trigger();
CREATE POLICY policy ON plain USING (true);
CREATE PUBLICATION publication FOR TABLE plain, TABLES IN SCHEMA app;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO regress_kinds;
CREATE SUBSCRIPTION subscription CONNECTION 'dbname=nowhere' PUBLICATION nothing
	WITH (connect = false, slot_name = NONE);
-- no provider of labels comes with the server
SET LOCAL allow_system_table_mods = on;
INSERT INTO pg_seclabel VALUES ('plain'::regclass, 'pg_class'::regclass, 0, 'provider', 'it''s secret'),
	('plain'::regclass, 'pg_class'::regclass, 1, 'provider', 'column');
RESET allow_system_table_mods;

SELECT results_eq($$ SELECT kind FROM dbm_diff('empty', 'live') WHERE change = 'create' GROUP BY kind ORDER BY kind COLLATE "C" $$,
	$$ VALUES ('access method'), ('aggregate'), ('base type'), ('cast'), ('collation'), ('composite type'),
		('constraint'), ('conversion'), ('default'), ('domain'), ('enum'), ('event trigger'),
		('extension'), ('foreign key'), ('foreign-data wrapper'), ('function'), ('index'),
		('language'), ('materialized view'), ('operator'), ('operator class'), ('operator family'),
		('operator family member'), ('policy'), ('publication'), ('published schema'), ('published table'),
		('range type'), ('rule'), ('schema'), ('security label'), ('sequence'), ('sequence ownership'), ('server'), ('shell type'),
		('statistics object'), ('table'), ('text search configuration'), ('text search dictionary'),
		('text search mapping'), ('text search parser'), ('text search template'), ('transform'), ('trigger'),
		('typed table'), ('user mapping'), ('view'), ('view column default') $$,
	'a statement for each kind');
SELECT is((SELECT string_agg(kind || ' ' || identity, ', ') FROM dbm_diff('empty', 'live') WHERE change = 'not managed'),
	'subscription subscription', 'a subscription is named');
SELECT results_eq($$ SELECT statement FROM dbm_diff('empty', 'live') WHERE kind = 'security label' $$,
	$$ VALUES ('SECURITY LABEL FOR provider ON TABLE app.plain IS ''it''''s secret'''),
		('SECURITY LABEL FOR provider ON COLUMN app.plain.id IS ''column''') $$, 'labels');
SELECT results_eq($$ SELECT identity, hazard FROM dbm_diff('live', 'empty') WHERE change = 'not managed' $$,
	$$ VALUES ('subscription', 'only in the old schema; drop it by hand if need be') $$, 'nothing else is left out');

-- a text that makes the same again, and one that is silent of it
SET LOCAL search_path = public;
SELECT dbm_set_model('CREATE CAST (int AS xml) WITH INOUT AS ASSIGNMENT;
	CREATE FUNCTION h() RETURNS language_handler LANGUAGE c AS ''$libdir/plpgsql'', ''plpgsql_call_handler'';
	CREATE LANGUAGE language HANDLER h; CREATE FUNCTION f() RETURNS int LANGUAGE language AS ''BEGIN END'';
	CREATE ACCESS METHOD method TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE t () USING method;
	CREATE SUBSCRIPTION subscription CONNECTION ''dbname=nowhere'' PUBLICATION nothing;
	ALTER SUBSCRIPTION subscription ENABLE; COMMENT ON SUBSCRIPTION subscription IS ''mine''') \gset
SELECT results_eq($$ SELECT statement FROM dbm_diff('live', 'model', '{public}')
	WHERE kind IN ('cast', 'language', 'access method') $$,
	$$ VALUES ('DROP CAST (integer AS xml)'),
		('CREATE OR REPLACE LANGUAGE language HANDLER public.h'),
		('CREATE CAST (integer AS xml) WITH INOUT AS ASSIGNMENT') $$,
	'a model may make its own by the same names');
SELECT is((SELECT hazard FROM dbm_diff('live', 'model', '{public}') WHERE kind = 'subscription'),
	'in both schemas, where it may differ; it is not compared', 'a subscription in a model reaches nobody');
SELECT dbm_set_model('CREATE FUNCTION f() RETURNS int LANGUAGE language AS ''BEGIN END'';
	CREATE TABLE t () USING method; CREATE VIEW v AS SELECT 1::xml AS x') \gset
SELECT results_eq($$ SELECT kind || ' ' || identity FROM dbm_diff('live', 'model', '{public}') WHERE change = 'not managed' AND kind <> 'extension' $$,
	$$ VALUES ('access method method'), ('cast (integer AS xml)'), ('event trigger event_trigger'),
		('foreign-data wrapper wrapper'), ('language language'), ('publication publication'),
		('server server'), ('subscription subscription') $$,
	'one that only uses what there is leaves it alone');
SELECT is((SELECT count(*)::int FROM dbm_diff('live', 'model', '{public}') WHERE statement ~ 'method|LANGUAGE language'), 2,
	'and finds it');
SELECT is((SELECT count(*)::int FROM pg_cast WHERE castsource = 'int'::regtype AND casttarget = 'xml'::regtype), 1,
	'the live cast is as it was');
SELECT is((SELECT count(*)::int FROM pg_language WHERE lanname = 'language'), 1, 'and so is the language');

-- all of it can be taken away
INSERT INTO run SELECT ordinal, statement FROM dbm_diff('live', 'empty')
	WHERE statement IS NOT NULL AND identity NOT IN ('pgtap', 'public');
SELECT lives_ok($$ DO $do$ DECLARE s text; BEGIN
	FOR s IN SELECT statement FROM run ORDER BY ordinal LOOP EXECUTE s; END LOOP; END $do$ $$, 'everything goes');
SELECT is((SELECT string_agg(o.catalog || ' ' || o.object, ', ') FROM pg_temp.objects() o
	LEFT JOIN before b USING (catalog, object) WHERE b.object IS NULL
	AND o.catalog NOT IN ('pg_class', 'pg_type', 'pg_attrdef', 'pg_index')), NULL, 'nothing of it is left');

SELECT * FROM finish();
ROLLBACK;

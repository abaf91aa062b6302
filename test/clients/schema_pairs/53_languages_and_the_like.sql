--- from
CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE plold HANDLER handler;
CREATE LANGUAGE plkept HANDLER handler;
CREATE FUNCTION f() RETURNS int LANGUAGE plkept AS 'BEGIN RETURN 1; END';
CREATE FUNCTION g() RETURNS int LANGUAGE plold AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD heap_old TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD heap_kept TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE t (a int) USING heap_kept;
CREATE CONVERSION kept FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION changed FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH PARSER kept (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE kept (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH CONFIGURATION c (PARSER = kept);
CREATE TYPE ty AS ENUM ('a');
CREATE FUNCTION from_sql(internal) RETURNS internal IMMUTABLE LANGUAGE internal AS 'textin';
CREATE TRANSFORM FOR ty LANGUAGE plkept (FROM SQL WITH FUNCTION from_sql(internal));
--- to
CREATE FUNCTION handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION inline(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE TRUSTED LANGUAGE plkept HANDLER handler INLINE inline;
COMMENT ON LANGUAGE plkept IS 'kept';
REVOKE USAGE ON LANGUAGE plkept FROM PUBLIC;
CREATE LANGUAGE plnew HANDLER handler;
CREATE FUNCTION f() RETURNS int LANGUAGE plkept AS 'BEGIN RETURN 1; END';
CREATE FUNCTION h() RETURNS int LANGUAGE plnew AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD heap_kept TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD heap_kept IS 'kept';
CREATE ACCESS METHOD heap_new TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler;
CREATE TABLE t (a int) USING heap_kept;
CREATE TABLE t2 (a int) USING heap_new;
CREATE CONVERSION kept FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION kept IS 'kept';
CREATE DEFAULT CONVERSION changed FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH PARSER kept (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
COMMENT ON TEXT SEARCH PARSER kept IS 'kept';
CREATE TEXT SEARCH TEMPLATE kept (LEXIZE = dsimple_lexize, INIT = dsimple_init);
COMMENT ON TEXT SEARCH TEMPLATE kept IS 'kept';
CREATE TEXT SEARCH TEMPLATE new (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = kept);
CREATE TEXT SEARCH CONFIGURATION c (PARSER = kept);
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH d;
CREATE TYPE ty AS ENUM ('a');
CREATE FUNCTION from_sql(internal) RETURNS internal IMMUTABLE LANGUAGE internal AS 'textin';
CREATE FUNCTION to_sql(internal) RETURNS ty IMMUTABLE LANGUAGE internal AS 'textin';
CREATE TRANSFORM FOR ty LANGUAGE plkept (FROM SQL WITH FUNCTION from_sql(internal), TO SQL WITH FUNCTION to_sql(internal));
COMMENT ON TRANSFORM FOR ty LANGUAGE plkept IS 'kept';
CREATE TRANSFORM FOR ty LANGUAGE plnew (TO SQL WITH FUNCTION to_sql(internal));
CREATE FUNCTION tf(ty) RETURNS int LANGUAGE plkept TRANSFORM FOR TYPE ty AS 'BEGIN RETURN 1; END';
--- rows
INSERT INTO t VALUES (1);
--- keep
SELECT a FROM t

--- from
CREATE TABLE t (id int, v text);
--- to
CREATE FUNCTION d(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2';
CREATE TYPE fr AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = d);
CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION cfg (COPY = simple);
CREATE TABLE t (id int, v text, f fr, fs fr[]);
CREATE INDEX t_v ON t USING gin (to_tsvector('cfg', v));

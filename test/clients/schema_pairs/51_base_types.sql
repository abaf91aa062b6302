--- from
CREATE TYPE old;
CREATE FUNCTION old_in(cstring) RETURNS old IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION old_out(old) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE old (INPUT = old_in, OUTPUT = old_out, LIKE = int4);
CREATE TYPE kept;
CREATE FUNCTION kept_in(cstring) RETURNS kept IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION kept_out(kept) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE kept (INPUT = kept_in, OUTPUT = kept_out, INTERNALLENGTH = variable, STORAGE = plain, CATEGORY = 'S', PREFERRED = false, DEFAULT = 'none', DELIMITER = ';', COLLATABLE = true);
CREATE TYPE shell;
CREATE TABLE t (id int, k kept, ks kept[]);
CREATE FUNCTION uses(old, old[]) RETURNS kept LANGUAGE internal AS 'int4in';
--- to
CREATE TYPE kept;
CREATE FUNCTION kept_in(cstring) RETURNS kept IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION kept_out(kept) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE FUNCTION kept_send(kept) RETURNS bytea IMMUTABLE STRICT LANGUAGE internal AS 'textsend';
CREATE TYPE kept (INPUT = kept_in, OUTPUT = kept_out, SEND = kept_send, INTERNALLENGTH = variable, STORAGE = plain, CATEGORY = 'S', PREFERRED = false, DEFAULT = 'none', DELIMITER = ';', COLLATABLE = true);
COMMENT ON TYPE kept IS 'kept';
CREATE TYPE new;
CREATE FUNCTION new_in(cstring) RETURNS new IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION new_out(new) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE new (INPUT = new_in, OUTPUT = new_out, LIKE = int4);
REVOKE ALL ON TYPE new FROM PUBLIC;
CREATE FUNCTION new_eq(new, new) RETURNS boolean IMMUTABLE STRICT LANGUAGE internal AS 'int4eq';
CREATE OPERATOR = (LEFTARG = new, RIGHTARG = new, FUNCTION = new_eq, COMMUTATOR = =);
CREATE FUNCTION new_hash(new) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'hashint4';
CREATE OPERATOR CLASS new_ops DEFAULT FOR TYPE new USING hash AS OPERATOR 1 =, FUNCTION 1 new_hash(new);
CREATE CAST (new AS int) WITHOUT FUNCTION;
CREATE TABLE t (id int, k kept, ks kept[], n new DEFAULT '7', CHECK (n = '7'::new));
CREATE INDEX t_n ON t USING hash (n);
CREATE TABLE t2 (n new[]);
--- rows
INSERT INTO t VALUES (1, 'x', '{y;z}');
--- keep
SELECT id, k, ks FROM t

--- from
CREATE TYPE state AS ENUM ('a', 'b');
CREATE FUNCTION state_number(state) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'a' THEN 1 ELSE 2 END $$;
CREATE CAST (state AS int) WITH FUNCTION state_number(state) AS ASSIGNMENT;
CREATE TYPE goes AS (a int);
CREATE CAST (goes AS text) WITH INOUT;
CREATE FUNCTION less(int, int) RETURNS boolean IMMUTABLE LANGUAGE internal AS 'int4gt';
CREATE OPERATOR <<< (LEFTARG = int, RIGHTARG = int, FUNCTION = less);
CREATE OPERATOR FAMILY lone USING hash;
CREATE OPERATOR FAMILY fam USING btree;
CREATE OPERATOR CLASS backward FOR TYPE int USING btree FAMILY fam AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int, int);
ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 1 > (int, bigint), FUNCTION 1 (int, bigint) btint48cmp(int, bigint);
CREATE TABLE t (id int PRIMARY KEY, s state);
CREATE INDEX t_back ON t (id backward);
COMMENT ON CAST (state AS int) IS 'old';
COMMENT ON OPERATOR CLASS backward USING btree IS 'back';
--- to
CREATE TYPE state AS ENUM ('a', 'b');
CREATE FUNCTION state_number(state) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'a' THEN 1 ELSE 2 END $$;
CREATE CAST (state AS int) WITH FUNCTION state_number(state) AS IMPLICIT;
CREATE FUNCTION to_state(int) RETURNS state IMMUTABLE LANGUAGE sql AS $$ SELECT CASE $1 WHEN 1 THEN 'a'::state ELSE 'b' END $$;
CREATE CAST (int AS state) WITH FUNCTION to_state(int);
CREATE FUNCTION less(int, int) RETURNS boolean IMMUTABLE LANGUAGE internal AS 'int4gt';
CREATE FUNCTION lesser(int, int) RETURNS int IMMUTABLE LANGUAGE internal AS 'btint4cmp';
CREATE OPERATOR <<< (LEFTARG = int, RIGHTARG = int, FUNCTION = less);
CREATE OPERATOR FAMILY fam USING btree;
CREATE OPERATOR CLASS backward FOR TYPE int USING btree FAMILY fam AS OPERATOR 1 <<<, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 lesser(int, int);
ALTER OPERATOR FAMILY fam USING btree ADD OPERATOR 1 > (int, smallint);
CREATE OPERATOR CLASS stored FOR TYPE text USING gist AS STORAGE text;
CREATE OPERATOR CLASS own DEFAULT FOR TYPE state USING hash AS OPERATOR 1 =(anyenum, anyenum), FUNCTION 1 hashenum(anyenum);
CREATE TABLE t (id int PRIMARY KEY, s state);
CREATE INDEX t_back ON t (id backward);
CREATE VIEW v AS SELECT id, s::int AS n, id::state AS again FROM t WHERE s::int = 1;
COMMENT ON CAST (state AS int) IS 'new';
COMMENT ON OPERATOR CLASS backward USING btree IS 'forth';
COMMENT ON OPERATOR FAMILY fam USING btree IS 'fam';
--- rows
INSERT INTO t VALUES (1, 'a'), (2, 'b');
--- keep
SELECT id, s FROM t ORDER BY id

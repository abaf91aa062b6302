--- setup
DO $$ BEGIN CREATE ROLE regress_pair; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
--- from
CREATE TABLE t (id int, v int);
GRANT UPDATE (v) ON t TO regress_pair;
CREATE TABLE both_own (id int);
GRANT ALL ON both_own TO regress_pair;
CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;
GRANT EXECUTE ON FUNCTION f() TO regress_pair;
--- to
CREATE TABLE t (id int, v int);
ALTER TABLE t OWNER TO regress_pair;
GRANT UPDATE (v) ON t TO regress_pair;
CREATE TABLE both_own (id int);
ALTER TABLE both_own OWNER TO regress_pair;
GRANT ALL ON both_own TO CURRENT_USER;
CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;
ALTER FUNCTION f() OWNER TO regress_pair;
GRANT EXECUTE ON FUNCTION f() TO regress_pair;

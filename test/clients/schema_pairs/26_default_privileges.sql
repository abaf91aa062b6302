--- setup
DO $$ BEGIN CREATE ROLE regress_pair; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
--- from
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO regress_pair;
CREATE TABLE a (id int);
--- to
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO regress_pair;
CREATE TABLE a (id int);
REVOKE INSERT ON a FROM regress_pair;
CREATE TABLE b (id int);
CREATE TABLE c (id int);
REVOKE ALL ON c FROM regress_pair;

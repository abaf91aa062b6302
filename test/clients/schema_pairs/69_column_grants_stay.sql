Revoked on the table, kept on a column: the server revokes both.
--- setup
DO $$ BEGIN CREATE ROLE regress_pair; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
--- from
CREATE TABLE t (a int, b int);
GRANT SELECT, UPDATE ON t TO regress_pair WITH GRANT OPTION;
GRANT SELECT (a), UPDATE (b) ON t TO regress_pair WITH GRANT OPTION;
CREATE VIEW v AS SELECT a, b FROM t;
GRANT SELECT ON v TO regress_pair;
GRANT SELECT (b) ON v TO regress_pair;
--- to
CREATE TABLE t (a int, b int, c int);
GRANT UPDATE ON t TO regress_pair;
GRANT SELECT (a), UPDATE (b), SELECT (c) ON t TO regress_pair WITH GRANT OPTION;
CREATE VIEW v AS SELECT a, b FROM t;
GRANT SELECT (b) ON v TO regress_pair;
--- rows
INSERT INTO t VALUES (1, 2);
--- keep
SELECT a, b FROM t

--- server
17
--- setup
DO $$ BEGIN CREATE ROLE regress_pair; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
--- from
CREATE TABLE t (id int, v text);
CREATE TABLE p (k int) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
--- to
CREATE COLLATION builtin (provider = builtin, locale = 'C.UTF-8');
CREATE TABLE t (id int, v text COLLATE builtin);
GRANT MAINTAIN ON t TO regress_pair;
CREATE TABLE p (k int, i int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
--- rows
INSERT INTO t VALUES (1, 'a'); INSERT INTO p VALUES (1);
--- keep
SELECT id, v FROM t
SELECT k FROM p

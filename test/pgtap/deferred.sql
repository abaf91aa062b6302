-- Deferred constraints are checked at the end of each revision, whenever in
-- the run or in the transaction they came to be.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION databrain_migrate;
SET databrain_migrate.project = 'late';
-- which would look at all constraints itself
SET databrain_migrate.step_snapshot = off;
CREATE TABLE sink (n int);
SELECT plan(12);

SELECT dbm_register(format('late--%s--r%s.sql', CASE WHEN n = 1 THEN 'base' ELSE 'r' || n - 1 END, n),
	'INSERT INTO sink VALUES (1);') FROM generate_series(1, 5) AS n \g /dev/null

CREATE FUNCTION scans() RETURNS bigint LANGUAGE sql
	AS $$SELECT seq_scan FROM pg_stat_xact_sys_tables WHERE relid = 'pg_constraint'::regclass$$;
SELECT scans() AS before \gset
SELECT is((SELECT count(*) FROM dbm_upgrade()), 5::bigint, 'five revisions that insert');
SELECT cmp_ok(scans() - :before, '<=', 1::bigint, 'look for the constraints at most once');

-- one that comes with a later revision of the same transaction
SELECT dbm_register('late--r5--r6.sql', 'CREATE TABLE child (n int CONSTRAINT fk REFERENCES parent DEFERRABLE INITIALLY DEFERRED);') \g /dev/null
SELECT dbm_register('late--r6--r7.sql', 'INSERT INTO child VALUES (1);') \g /dev/null
SELECT dbm_register('late--r7--r8.sql', 'INSERT INTO parent VALUES (1);') \g /dev/null
CREATE TABLE parent (n int PRIMARY KEY);
SELECT throws_ok('SELECT dbm_upgrade()', '23503', NULL,
	'a row that only the next revision would justify');
SELECT lives_ok($$SELECT dbm_upgrade('r6')$$, 'the constraint alone');
INSERT INTO parent VALUES (1);
SELECT lives_ok($$SELECT dbm_upgrade('r7')$$, 'a justified row');

-- one whose creation is rolled back, after it had been found
DELETE FROM child;
DELETE FROM parent;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT dbm_register('late--r8--r9.sql', 'INSERT INTO child VALUES (2);') \g /dev/null
SAVEPOINT a;
ALTER TABLE child ADD CONSTRAINT other FOREIGN KEY (n) REFERENCES parent DEFERRABLE INITIALLY DEFERRED;
SELECT throws_ok($$SELECT dbm_upgrade('r9')$$, '23503', NULL, 'two constraints');
ROLLBACK TO SAVEPOINT a;
ALTER TABLE child DROP CONSTRAINT fk;
SELECT lives_ok($$SELECT dbm_upgrade('r9')$$, 'none any more');

-- a script that ends as a role which may not look into the schema
CREATE SCHEMA hidden;
CREATE ROLE regress_dbm_nobody;
SELECT dbm_register('gone--base--g1.sql', 'CREATE TABLE hidden.parent (n int PRIMARY KEY);
CREATE TABLE hidden.child (n int REFERENCES hidden.parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO hidden.parent VALUES (1);
INSERT INTO hidden.child VALUES (1);
SET ROLE regress_dbm_nobody;') \g /dev/null
SELECT dbm_register('gone--g1--g2.sql', 'DROP TABLE hidden.child;') \g /dev/null
SELECT lives_ok($$SELECT dbm_upgrade(project => 'gone')$$,
	'constraints are checked as the role that called');

-- one in a schema that the caller may not use is checked at the commit
CREATE TABLE hidden.late (n int REFERENCES hidden.parent DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION put_late(n int) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO hidden.late VALUES (n)';
GRANT EXECUTE ON FUNCTION dbm_upgrade TO regress_dbm_nobody;
SELECT dbm_register('unseen--base--u1.sql', 'SELECT public.put_late(7)') \g /dev/null
SET ROLE regress_dbm_nobody;
SELECT lives_ok($$SELECT dbm_upgrade(project => 'unseen')$$, 'a constraint that the caller cannot name');
RESET ROLE;
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '23503', NULL, 'is still to be checked');
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM hidden.late;

-- a name that constraints of both sorts bear
SELECT dbm_register('alike--base--a1.sql', 'CREATE TABLE bound (n int CONSTRAINT alike REFERENCES parent);
CREATE TABLE late (n int CONSTRAINT alike REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO parent VALUES (3);
INSERT INTO late VALUES (3);') \g /dev/null
SELECT dbm_register('alike--a1--a2.sql', 'INSERT INTO late VALUES (4);') \g /dev/null
SELECT lives_ok($$SELECT dbm_upgrade('a1', 'alike')$$, 'a name of two constraints');
SELECT throws_ok($$SELECT dbm_upgrade('a2', 'alike')$$, '23503', NULL, 'is checked by it');

SELECT * FROM finish();
ROLLBACK;

-- What psql shows when a script is wrong: the line that is meant, and where to
-- look for it.
CREATE EXTENSION databrain_migrate;
\set SHOW_CONTEXT always

-- refused when it is registered
SELECT dbm_register('wrong--base--aaaa0001.sql', E'-- wrong\n\nSELECT 1;\nSELECT 2\n  FRM x y;\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'SELECT 1;\nSELECT \'ä\', \'ö\' \'ü\';\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'CREATE TABLE t (a int);\n  COMMIT;\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'-- wrong\n\\connect other\nSELECT 1;\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'CREATE TABLE t (a int);\n\nCOPY t (a) FROM stdin;\n1\n2\n\\.\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'SELECT 1;\nSELECT $x$ open\n');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'-- wrong\n-- Revision ID: bbbb0002\nSELECT 1;');
SELECT dbm_register('wrong--base--aaaa0001.sql', E'-- wrong\n-- Transactional: sometimes\nSELECT 1;');
SELECT dbm_register('wrong--base.sql', 'SELECT 1;');

-- found when it is run
SELECT dbm_register('run--base--aaaa0001.sql', E'-- first\n-- Revision ID: aaaa0001\nCREATE TABLE run_one (a int);\n');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'-- second\n-- Revision ID: bbbb0002\nCREATE TABLE run_two (a int);\nALTER TABLE run_one\n  ADD COLUMN b int,\n  ADD COLUMN a text;\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'-- second\n-- Revision ID: bbbb0002\nINSERT INTO run_one (a, c)\n  VALUES (1, 2);\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'-- second\n-- Revision ID: bbbb0002\nSELECT \'ä\'; SELECT \'ö\',\n  nothing(1);\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'DO $x$\nBEGIN\n  RAISE NOTICE \'so far\';\n  INSERT INTO run_one VALUES (\'x\');\nEND\n$x$;\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'CREATE FUNCTION run_f() RETURNS int LANGUAGE sql AS $$\n  SELECT nowhere\n$$;\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', E'CREATE INDEX CONCURRENTLY ON run_one (a);\n');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT count(*) FROM dbm_current('run');

-- targets
SELECT dbm_register('run--aaaa0001--bbbb0002.sql', 'SELECT 1');
SELECT dbm_register('run--aaaa0001--bbbb0003.sql', 'SELECT 1');
SELECT revision FROM dbm_upgrade(project => 'run');
SELECT revision FROM dbm_upgrade('bbbb', 'run');
SELECT revision FROM dbm_upgrade('cccc', 'run');
SELECT revision FROM dbm_upgrade('aa', 'run');
SELECT revision FROM dbm_upgrade('', 'run');
SELECT revision FROM dbm_upgrade(NULL, 'run');
SELECT revision FROM dbm_upgrade('head', 'runs');

DROP EXTENSION databrain_migrate;

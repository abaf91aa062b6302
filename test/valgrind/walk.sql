-- Walks the main functions once, errors included, for the server under
-- valgrind: what they return is tested elsewhere.

-- Runs a statement that must fail: the paths of errors free memory, too.
CREATE FUNCTION pg_temp.fails(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		RETURN;
	END;
	RAISE EXCEPTION 'did not fail: %', statement;
END $$;

CREATE EXTENSION databrain CASCADE;

SELECT * FROM dbm_history();
SELECT * FROM dbm_heads();
SELECT * FROM dbm_branches();
SELECT * FROM dbm_graph('text');
SELECT * FROM dbm_graph('dot');
SELECT * FROM dbm_graph('mermaid');

SELECT * FROM dbm_upgrade('+1');
SELECT * FROM dbm_upgrade();
SELECT * FROM dbm_upgrade();
SELECT * FROM dbm_current();
SELECT * FROM dbm_projects();
SELECT * FROM dbm_show('heads');
SELECT dbm_require('29e0e8f6dd42');
SELECT * FROM dbm_downgrade('-2');
SELECT * FROM dbm_stamp('head');
SELECT * FROM dbm_stamp('750bcd1e35fa', true);

ALTER EXTENSION databrain UPDATE;
ALTER EXTENSION databrain UPDATE TO '3901';
ALTER EXTENSION databrain UPDATE TO '+1';

SELECT dbm_register('databrain--29e0e8f6dd42--aaaaaaaaaaaa.sql',
	E'-- left\n--\n-- Revision ID: aaaaaaaaaaaa\n-- Revises: 29e0e8f6dd42\n-- Branch Labels: left\nCREATE TABLE aa (x int);\n');
SELECT dbm_register('databrain--aaaaaaaaaaaa--29e0e8f6dd42.sql',
	E'-- left\n--\n-- Revision ID: aaaaaaaaaaaa\n-- Revises: 29e0e8f6dd42\n-- Branch Labels: left\nDROP TABLE aa;\n');
SELECT dbm_register('databrain--29e0e8f6dd42--bbbbbbbbbbbb.sql',
	E'-- right\n--\n-- Revision ID: bbbbbbbbbbbb\n-- Revises: 29e0e8f6dd42\nCREATE TABLE bb (x int);\nSELECT 1/0;\n');
SELECT dbm_adopt('bbbbbbbbbbbb');
SELECT * FROM dbm_history();
SELECT * FROM dbm_history('base:left@head');
SELECT * FROM dbm_branches();
SELECT * FROM dbm_upgrade('left@head');
SELECT * FROM dbm_downgrade('left@-1');

SELECT pg_temp.fails($$SELECT dbm_upgrade()$$);
SELECT pg_temp.fails($$SELECT dbm_upgrade('heads')$$);
SELECT pg_temp.fails($$SELECT dbm_upgrade('nothing')$$);
SELECT pg_temp.fails($$SELECT dbm_upgrade('bbbb')$$);
SELECT pg_temp.fails($$SELECT dbm_downgrade('-10')$$);
SELECT pg_temp.fails($$SELECT dbm_require('aaaaaaaaaaaa')$$);
SELECT pg_temp.fails($$SELECT dbm_register('strange.sql', '')$$);
SELECT pg_temp.fails($$SELECT dbm_register('databrain--29e0e8f6dd42--cccccccccccc.sql',
	E'-- m\n--\n-- Revision ID: dddddddddddd\n-- Revises: base\n')$$);
SELECT pg_temp.fails($$ALTER EXTENSION databrain UPDATE TO 'nothing'$$);

SELECT dbm_unregister('bbbbbbbbbbbb');

-- With a commit after each revision, in a worker, and with errors there.  The
-- last one leaves an invalid index, which the next call drops and builds again.
CALL dbm_migrate('base');
CALL dbm_migrate('+1');
CALL dbm_migrate('29e0');
CALL dbm_migrate('29e0');
BEGIN;
CALL dbm_migrate('-1');
ROLLBACK;

CREATE TABLE walk (x int);
INSERT INTO walk VALUES (1), (1);
SELECT dbm_register('databrain--29e0e8f6dd42--eeeeeeeeeeee.sql',
	E'-- outside\n--\n-- Revision ID: eeeeeeeeeeee\n-- Revises: 29e0e8f6dd42\n-- Transactional: no\nSET work_mem = 1000;\nDO $$ BEGIN RAISE NOTICE ''from the worker''; END $$;\nCREATE UNIQUE INDEX CONCURRENTLY walk_x ON walk (x);\nVACUUM walk;\n');
SELECT dbm_register('databrain--eeeeeeeeeeee--29e0e8f6dd42.sql',
	E'-- outside\n--\n-- Revision ID: eeeeeeeeeeee\n-- Revises: 29e0e8f6dd42\n-- Transactional: no\nDROP INDEX CONCURRENTLY walk_x;\n');
SELECT dbm_register('databrain--eeeeeeeeeeee--ffffffffffff.sql',
	E'-- inside\n--\n-- Revision ID: ffffffffffff\n-- Revises: eeeeeeeeeeee\nSELECT 1;\nSELECT nothing;\n');

\set ON_ERROR_STOP off
CALL dbm_migrate('eeee');
\set failed :ERROR
CALL dbm_migrate('nothing');
\set ON_ERROR_STOP on
\if :failed
\else
	DO $$ BEGIN RAISE EXCEPTION 'the worker did not fail'; END $$;
\endif
DELETE FROM walk WHERE ctid = '(0,1)';
CALL dbm_migrate('eeee');
SELECT pg_temp.fails($$SELECT dbm_upgrade('ffff')$$);
\set ON_ERROR_STOP off
CALL dbm_migrate('ffff');
\set failed :ERROR
\set ON_ERROR_STOP on
\if :failed
\else
	DO $$ BEGIN RAISE EXCEPTION 'the revision did not fail'; END $$;
\endif
SELECT * FROM dbm_progress();
SELECT * FROM dbm_log();
CALL dbm_migrate('29e0');

-- The store: the same again, other text, by force, adopted, removed.
SELECT dbm_register('databrain--eeeeeeeeeeee--ffffffffffff.sql', E'-- inside\n--\n-- Revision ID: ffffffffffff\n-- Revises: eeeeeeeeeeee\nSELECT 2;\n');
SELECT dbm_register('databrain--eeeeeeeeeeee--ffffffffffff.sql', E'-- inside\n--\n-- Revision ID: ffffffffffff\n-- Revises: eeeeeeeeeeee\nSELECT 2;\n', true);
SELECT dbm_adopt('ffff');
SELECT dbm_unregister('ffff');
SELECT pg_temp.fails($$SELECT dbm_unregister('ffff')$$);
SELECT pg_temp.fails($$SELECT dbm_adopt('ffff')$$);
SELECT * FROM dbm_stamp('eeee');
SELECT pg_temp.fails($$SELECT dbm_unregister('eeee')$$);
SELECT * FROM dbm_stamp('3901', true);
SELECT * FROM dbm_stamp('29e0');
SELECT pg_temp.fails($$SELECT dbm_stamp('nothing')$$);

-- A script that may not act on the session.
CREATE ROLE walk_author;
GRANT EXECUTE ON FUNCTION dbm_register, dbm_upgrade TO walk_author;
SET ROLE walk_author;
SELECT dbm_register('walk--base--aaaaaaaaaaaa.sql', 'RESET ROLE');
SELECT pg_temp.fails($$SELECT dbm_upgrade(project => 'walk')$$);
RESET ROLE;
DROP OWNED BY walk_author;
DROP ROLE walk_author;
DROP TABLE walk;

SELECT * FROM dbm_log();

-- Schemas: a model, one that fails, comparisons each way, checks, trials.
SELECT dbm_set_model($$CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE walk (a int PRIMARY KEY, b mood DEFAULT 'a', CHECK (a > 0));
	CREATE INDEX walk_b ON walk (b) WHERE a > 1; CREATE VIEW walk_v AS SELECT a FROM walk; COMMENT ON VIEW walk_v IS 'x'$$);
SELECT * FROM dbm_diff('live', 'model');
SELECT * FROM dbm_diff('model', 'live');
SELECT * FROM dbm_check();
SELECT dbm_set_model('CREATE TABLE walk (a nope)');
SELECT pg_temp.fails($$SELECT * FROM dbm_diff('live', 'model')$$);
SELECT * FROM dbm_check();
SELECT dbm_register('trial--base--aaaaaaaaaaaa.sql', 'CREATE TABLE walk ()'),
	dbm_register('trial--aaaaaaaaaaaa--base.sql', 'DROP TABLE wolk');
SELECT * FROM dbm_test('trial');

SELECT * FROM dbm_downgrade('base');
DROP EXTENSION databrain;

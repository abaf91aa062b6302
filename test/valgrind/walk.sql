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
SELECT * FROM dbm_log();
SELECT * FROM dbm_downgrade('base');
DROP EXTENSION databrain;

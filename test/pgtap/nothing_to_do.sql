-- Calls that find nothing to do read no script, so each way of having
-- something to do, or something wrong, must still be found.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION databrain_migrate;
SET databrain_migrate.project = 'idle';
SELECT plan(15);

SELECT dbm_register('idle--base--aaaa.sql', E'-- a\n-- Revision ID: aaaa\n-- Revises: base\nCREATE TABLE a (n int);') \g /dev/null
SELECT dbm_register('idle--aaaa--base.sql', E'-- a\n-- Revision ID: aaaa\n-- Revises: base\nDROP TABLE a;') \g /dev/null
SELECT dbm_register('idle--aaaa--bbbb.sql', 'CREATE TABLE b (n int);') \g /dev/null
SELECT dbm_register('idle--bbbb--aaaa.sql', 'DROP TABLE b;') \g /dev/null
SELECT dbm_upgrade() \g /dev/null

SELECT is_empty('SELECT * FROM dbm_upgrade()', 'at head');
SELECT is_empty($$SELECT * FROM dbm_upgrade('heads')$$, 'at heads');
SELECT is_empty($$SELECT * FROM dbm_upgrade('aaaa')$$, 'at a revision below');
SELECT throws_ok($$SELECT * FROM dbm_upgrade('cccc')$$, '42704', NULL, 'no such revision');
SELECT isnt_empty($$SELECT * FROM dbm_downgrade('-1')$$, 'a downgrade has something to do');
SELECT is((SELECT array_agg(revision) FROM dbm_upgrade()), '{bbbb}', 'and the upgrade after it, too');

-- only scripts that are known as applied count
INSERT INTO dbm.script SELECT project, 'base', to_revision, script, checksum, author, registered_at
	FROM dbm.script WHERE from_revision = 'aaaa' AND to_revision = 'bbbb';
SELECT throws_ok('SELECT * FROM dbm_upgrade()', '42710', NULL,
	'a second upgrade script of an applied revision');
DELETE FROM dbm.script WHERE from_revision = 'base' AND to_revision = 'bbbb';
SELECT is_empty('SELECT * FROM dbm_upgrade()', 'without it again nothing');
INSERT INTO dbm.script SELECT project, 'zzzz', 'bbbb', E'-- z\n-- Revision ID: zzzz\n-- Revises: bbbb\n', checksum, author, registered_at
	FROM dbm.script WHERE from_revision = 'aaaa' AND to_revision = 'bbbb';
SELECT throws_ok('SELECT * FROM dbm_upgrade()', '42P17', NULL,
	'a downgrade script of a revision without upgrade script');
DELETE FROM dbm.script WHERE from_revision = 'zzzz';

SELECT dbm_register('idle--bbbb--cccc.sql', 'CREATE TABLE c (n int);') \g /dev/null
SELECT is((SELECT array_agg(revision) FROM dbm_upgrade()), '{cccc}', 'a new script');

-- several heads, all applied
SELECT dbm_register('idle--bbbb--dddd.sql', E'-- d\n-- Revision ID: dddd\n-- Revises: bbbb\nCREATE TABLE d (n int);') \g /dev/null
SELECT throws_ok('SELECT * FROM dbm_upgrade()', NULL, NULL, 'two heads, one pending');
SELECT is((SELECT array_agg(revision) FROM dbm_upgrade('heads')), '{dddd}', 'heads');
SELECT throws_ok('SELECT * FROM dbm_upgrade()', NULL, NULL, 'two heads, both applied');
SELECT is_empty($$SELECT * FROM dbm_upgrade('heads')$$, 'at both heads');

-- what a downgrade runs is the script of now
SELECT dbm_register('idle--aaaa--base.sql', E'-- a\n-- Revision ID: aaaa\n-- Revises: base\nALTER TABLE a RENAME TO gone;', force => true) \g /dev/null
SELECT dbm_register('idle--cccc--bbbb.sql', 'DROP TABLE c;', force => true) \g /dev/null
SELECT dbm_register('idle--dddd--bbbb.sql', 'DROP TABLE d;', force => true) \g /dev/null
SELECT dbm_downgrade('base') \g /dev/null
SELECT has_table('gone', 'a downgrade from head runs the script of now');

SELECT * FROM finish();
ROLLBACK;

-- ALTER EXTENSION, as psql shows it.
CREATE EXTENSION databrain VERSION '750bcd1e35fa' CASCADE;
CREATE EXTENSION databrain CASCADE;
ALTER EXTENSION databrain UPDATE TO '+1';
ALTER EXTENSION databrain UPDATE;
SELECT extname, extversion FROM pg_extension WHERE extname = 'databrain';
ALTER EXTENSION databrain UPDATE;
ALTER EXTENSION databrain UPDATE TO '3901';
ALTER EXTENSION databrain UPDATE TO nowhere;
ALTER EXTENSION databrain UPDATE TO '+5';
ALTER EXTENSION databrain_migrate UPDATE TO '750bcd1e35fa';
SELECT objid::regclass FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'databrain');
DROP EXTENSION databrain;
SELECT revision FROM dbm_current();
CREATE EXTENSION databrain;
SELECT extname, extversion FROM pg_extension WHERE extname = 'databrain';
DROP EXTENSION databrain;
CREATE EXTENSION IF NOT EXISTS databrain VERSION 'head';
CREATE EXTENSION IF NOT EXISTS databrain VERSION 'base';
SELECT extname, extversion FROM pg_extension WHERE extname = 'databrain';

-- a new session, without the event triggers: the server runs nothing
ALTER EVENT TRIGGER dbm_ddl_command_start DISABLE;
\c -
SELECT dbm_require('head');
ALTER EXTENSION databrain UPDATE TO '39015ae510e0';
SELECT extname, extversion FROM pg_extension WHERE extname = 'databrain';
ALTER EVENT TRIGGER dbm_ddl_command_start ENABLE ALWAYS;

ALTER EXTENSION databrain UPDATE TO base;
SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1;
DROP EXTENSION databrain_migrate CASCADE;

-- base: the state before any revision
--
-- This creates nothing, and must stay so: pg_dump writes CREATE EXTENSION
-- without a version and before the tables, so whatever were created here would
-- collide on restore.  The one call loads the engine's library, whose guards
-- keep core from running the revision scripts by itself.
\echo Use "CREATE EXTENSION databrain" to load this file. \quit

SELECT pg_catalog.dbm_project_base('databrain');

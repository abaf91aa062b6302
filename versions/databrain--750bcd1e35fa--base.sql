-- init alembic
--
-- Revision ID: 750bcd1e35fa
-- Revises: base
-- Create Date: 2025-03-11 14:25:37+00
\echo Use "ALTER EXTENSION databrain UPDATE TO 'base'" to load this file. \quit

-- Data lost: everything.  Upgrading again brings back empty tables.
--
-- There is no CASCADE: if anything else has come to depend on these tables,
-- the downgrade fails and says what.
DROP TABLE chunk;
DROP TABLE document;
DROP TABLE source;
DROP TABLE tenant;

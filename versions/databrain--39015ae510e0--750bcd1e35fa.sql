-- add status to chunk and document tables
--
-- Revision ID: 39015ae510e0
-- Revises: 750bcd1e35fa
-- Create Date: 2025-04-22 09:12:04+00
\echo Use "ALTER EXTENSION databrain UPDATE TO '750bcd1e35fa'" to load this file. \quit

-- Data lost: the status of every document and chunk.  Upgrading again makes
-- all of them pending.
DROP INDEX document_pending_idx;
DROP INDEX chunk_pending_idx;

ALTER TABLE document DROP COLUMN status;
ALTER TABLE chunk DROP COLUMN status;

DROP TYPE processing_status;

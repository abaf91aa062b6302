-- adding chunk metadata
--
-- Revision ID: 29e0e8f6dd42
-- Revises: 39015ae510e0
-- Create Date: 2025-05-19 16:40:51+00
\echo Use "ALTER EXTENSION databrain UPDATE TO '39015ae510e0'" to load this file. \quit

-- Data lost: the metadata of every chunk.
DROP INDEX chunk_metadata_idx;

ALTER TABLE chunk
	DROP CONSTRAINT chunk_metadata_check,
	DROP COLUMN metadata;

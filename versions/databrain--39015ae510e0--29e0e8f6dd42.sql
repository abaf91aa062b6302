-- adding chunk metadata
--
-- Revision ID: 29e0e8f6dd42
-- Revises: 39015ae510e0
-- Create Date: 2025-05-19 16:40:51+00
\echo Use "ALTER EXTENSION databrain UPDATE TO '29e0e8f6dd42'" to load this file. \quit

-- Column and check in one command: the constant default rewrites nothing, and
-- the check reads the table once.  NOT VALID would gain nothing here, since
-- the exclusive lock that adding the column takes is held to the end of the
-- transaction anyway.
ALTER TABLE chunk
	ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
	ADD CONSTRAINT chunk_metadata_check CHECK (jsonb_typeof(metadata) = 'object');

COMMENT ON COLUMN chunk.metadata IS 'What else is known of the chunk, for filters: page, heading, language; always an object';

-- jsonb_path_ops: smaller and faster than the default class, and filters ask
-- by containment (@>) only.
CREATE INDEX chunk_metadata_idx ON chunk USING gin (metadata jsonb_path_ops);

COMMENT ON INDEX chunk_metadata_idx IS 'Filters on metadata by containment';

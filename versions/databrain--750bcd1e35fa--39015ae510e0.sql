-- add status to chunk and document tables
--
-- Revision ID: 39015ae510e0
-- Revises: 750bcd1e35fa
-- Create Date: 2025-04-22 09:12:04+00
\echo Use "ALTER EXTENSION databrain UPDATE TO '39015ae510e0'" to load this file. \quit

CREATE TYPE processing_status AS ENUM ('pending', 'running', 'done', 'failed');

COMMENT ON TYPE processing_status IS 'How far the processing of a document or a chunk has come';

-- The default is a constant, so no table is rewritten.  Rows that are there
-- become pending: nobody knows how far they came, and work done twice is
-- better than work never done.  Parent before child, in the order in which
-- deleting a document locks the two tables.
ALTER TABLE document ADD COLUMN status processing_status NOT NULL DEFAULT 'pending';
ALTER TABLE chunk ADD COLUMN status processing_status NOT NULL DEFAULT 'pending';

COMMENT ON COLUMN document.status IS 'Progress of cutting the document into chunks';
COMMENT ON COLUMN chunk.status IS 'Progress of embedding the chunk';

-- The work queues.  Workers take the oldest documents first, and the chunks of
-- a document in order; what is done takes no room in either index.
CREATE INDEX document_pending_idx ON document (created_at, id) WHERE status = 'pending';
CREATE INDEX chunk_pending_idx ON chunk (document_id, position) WHERE status = 'pending';

COMMENT ON INDEX document_pending_idx IS 'Work queue: documents to be cut, oldest first';
COMMENT ON INDEX chunk_pending_idx IS 'Work queue: chunks to be embedded, in order';

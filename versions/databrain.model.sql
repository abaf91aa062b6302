-- The schema of DataBrain at its newest revision (29e0e8f6dd42), declared as
-- plain DDL.  Upgrading an empty database to head gives exactly this, columns
-- in this order.

CREATE TYPE processing_status AS ENUM ('pending', 'running', 'done', 'failed');

COMMENT ON TYPE processing_status IS 'How far the processing of a document or a chunk has come';

CREATE TABLE tenant (
	id bigint GENERATED ALWAYS AS IDENTITY,
	name text NOT NULL,
	created_at timestamp with time zone NOT NULL DEFAULT now(),
	CONSTRAINT tenant_pkey PRIMARY KEY (id),
	CONSTRAINT tenant_name_key UNIQUE (name),
	CONSTRAINT tenant_name_check CHECK (name <> '')
);

COMMENT ON TABLE tenant IS 'Customers; each owns its sources and all that was read from them';
COMMENT ON COLUMN tenant.id IS 'Surrogate key';
COMMENT ON COLUMN tenant.name IS 'Name of the tenant, unique in the installation';
COMMENT ON COLUMN tenant.created_at IS 'When the tenant was added';

CREATE TABLE source (
	id bigint GENERATED ALWAYS AS IDENTITY,
	tenant_id bigint NOT NULL,
	name text NOT NULL,
	uri text NOT NULL,
	created_at timestamp with time zone NOT NULL DEFAULT now(),
	CONSTRAINT source_pkey PRIMARY KEY (id),
	CONSTRAINT source_tenant_id_name_key UNIQUE (tenant_id, name),
	CONSTRAINT source_tenant_id_fkey FOREIGN KEY (tenant_id)
		REFERENCES tenant (id) ON DELETE RESTRICT,
	CONSTRAINT source_name_check CHECK (name <> '')
);

COMMENT ON TABLE source IS 'Places that documents are read from: a bucket, a site, a mailbox';
COMMENT ON COLUMN source.id IS 'Surrogate key';
COMMENT ON COLUMN source.tenant_id IS 'Tenant that owns the source and so every document in it';
COMMENT ON COLUMN source.name IS 'Name of the source, unique for its tenant';
COMMENT ON COLUMN source.uri IS 'Where the source is found';
COMMENT ON COLUMN source.created_at IS 'When the source was added';

CREATE TABLE document (
	id bigint GENERATED ALWAYS AS IDENTITY,
	source_id bigint NOT NULL,
	uri text NOT NULL,
	title text,
	media_type text NOT NULL DEFAULT 'text/plain',
	content_hash bytea NOT NULL,
	byte_count bigint NOT NULL,
	created_at timestamp with time zone NOT NULL DEFAULT now(),
	status processing_status NOT NULL DEFAULT 'pending',
	CONSTRAINT document_pkey PRIMARY KEY (id),
	CONSTRAINT document_source_id_content_hash_key UNIQUE (source_id, content_hash),
	CONSTRAINT document_source_id_fkey FOREIGN KEY (source_id)
		REFERENCES source (id) ON DELETE RESTRICT,
	CONSTRAINT document_content_hash_check CHECK (octet_length(content_hash) = 32),
	CONSTRAINT document_byte_count_check CHECK (byte_count >= 0)
);

COMMENT ON TABLE document IS 'Documents as they were ingested; a changed document is a new row';
COMMENT ON COLUMN document.id IS 'Surrogate key';
COMMENT ON COLUMN document.source_id IS 'Source the document was read from';
COMMENT ON COLUMN document.uri IS 'Where the document lies in its source';
COMMENT ON COLUMN document.title IS 'Title to show with a hit; null if the document has none';
COMMENT ON COLUMN document.media_type IS 'Media type of the document as it was read';
COMMENT ON COLUMN document.content_hash IS 'SHA-256 of the document''s bytes; keeps a source from being ingested twice';
COMMENT ON COLUMN document.byte_count IS 'Size of the document in bytes';
COMMENT ON COLUMN document.created_at IS 'When the document was ingested';
COMMENT ON COLUMN document.status IS 'Progress of cutting the document into chunks';

CREATE INDEX document_pending_idx ON document (created_at, id) WHERE status = 'pending';

COMMENT ON INDEX document_pending_idx IS 'Work queue: documents to be cut, oldest first';

CREATE TABLE chunk (
	id bigint GENERATED ALWAYS AS IDENTITY,
	document_id bigint NOT NULL,
	position integer NOT NULL,
	content text NOT NULL,
	token_count integer NOT NULL,
	created_at timestamp with time zone NOT NULL DEFAULT now(),
	status processing_status NOT NULL DEFAULT 'pending',
	metadata jsonb NOT NULL DEFAULT '{}',
	CONSTRAINT chunk_pkey PRIMARY KEY (id),
	CONSTRAINT chunk_document_id_position_key UNIQUE (document_id, position),
	CONSTRAINT chunk_document_id_fkey FOREIGN KEY (document_id)
		REFERENCES document (id) ON DELETE CASCADE,
	CONSTRAINT chunk_position_check CHECK (position >= 0),
	CONSTRAINT chunk_content_check CHECK (content <> ''),
	CONSTRAINT chunk_token_count_check CHECK (token_count > 0),
	CONSTRAINT chunk_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);

COMMENT ON TABLE chunk IS 'Pieces of documents, the unit of retrieval';
COMMENT ON COLUMN chunk.id IS 'Surrogate key';
COMMENT ON COLUMN chunk.document_id IS 'Document the chunk was cut from';
COMMENT ON COLUMN chunk.position IS 'Place of the chunk in its document, counted from 0';
COMMENT ON COLUMN chunk.content IS 'Text of the chunk';
COMMENT ON COLUMN chunk.token_count IS 'Length of the text in tokens of the embedding model';
COMMENT ON COLUMN chunk.created_at IS 'When the chunk was cut';
COMMENT ON COLUMN chunk.status IS 'Progress of embedding the chunk';
COMMENT ON COLUMN chunk.metadata IS 'What else is known of the chunk, for filters: page, heading, language; always an object';

CREATE INDEX chunk_pending_idx ON chunk (document_id, position) WHERE status = 'pending';
CREATE INDEX chunk_metadata_idx ON chunk USING gin (metadata jsonb_path_ops);

COMMENT ON INDEX chunk_pending_idx IS 'Work queue: chunks to be embedded, in order';
COMMENT ON INDEX chunk_metadata_idx IS 'Filters on metadata by containment';

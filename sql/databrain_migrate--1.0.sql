/* databrain_migrate--1.0.sql */

\echo Use "CREATE EXTENSION databrain_migrate" to load this file. \quit

--
-- Tables.  Their rows are written by the engine alone, which checks who may;
-- reading them directly is for pg_dump run by the database's owner.
--

CREATE SCHEMA dbm;
COMMENT ON SCHEMA dbm IS 'tables of the schema-migration engine databrain_migrate';

CREATE TABLE dbm.applied (
    project           pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    revision          pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    down_revisions    pg_catalog.text[] NOT NULL,
    depends_on        pg_catalog.text[] NOT NULL,
    branch_labels     pg_catalog.text[] NOT NULL,
    message           pg_catalog.text NOT NULL,
    create_date       pg_catalog.timestamptz,
    upgrade_script    pg_catalog.text,
    downgrade_script  pg_catalog.text,
    upgrade_author    pg_catalog.text,
    downgrade_author  pg_catalog.text,
    transactional     pg_catalog.bool NOT NULL,
    checksum          pg_catalog.text,
    applied_at        pg_catalog.timestamptz NOT NULL,
    applied_by        pg_catalog.text NOT NULL,
    stamped           pg_catalog.bool NOT NULL,
    CONSTRAINT applied_pkey PRIMARY KEY (project, revision)
);
COMMENT ON TABLE dbm.applied IS 'the state: revisions applied in this database, with their place in the graph and their texts';
COMMENT ON COLUMN dbm.applied.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.applied.revision IS 'the revision''s identifier';
COMMENT ON COLUMN dbm.applied.down_revisions IS 'its parents when it was applied; empty for a first revision';
COMMENT ON COLUMN dbm.applied.depends_on IS 'its dependencies when it was applied';
COMMENT ON COLUMN dbm.applied.branch_labels IS 'the branch labels in its header';
COMMENT ON COLUMN dbm.applied.message IS 'the first comment line of its script';
COMMENT ON COLUMN dbm.applied.create_date IS 'when the script was written, by its header';
COMMENT ON COLUMN dbm.applied.upgrade_script IS 'text of the upgrade script that ran; of a stamped revision, the one known then';
COMMENT ON COLUMN dbm.applied.downgrade_script IS 'text of the downgrade script known when it was applied';
COMMENT ON COLUMN dbm.applied.upgrade_author IS 'role that registered the upgrade script; NULL for a file of the server';
COMMENT ON COLUMN dbm.applied.downgrade_author IS 'role that registered the downgrade script; NULL for a file of the server';
COMMENT ON COLUMN dbm.applied.transactional IS 'whether its upgrade script runs in a transaction';
COMMENT ON COLUMN dbm.applied.checksum IS 'checksum of the upgrade script';
COMMENT ON COLUMN dbm.applied.applied_at IS 'when it was applied or stamped';
COMMENT ON COLUMN dbm.applied.applied_by IS 'the role that did it';
COMMENT ON COLUMN dbm.applied.stamped IS 'marked as applied by dbm_stamp, without running its script';

CREATE TABLE dbm.script (
    project        pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    from_revision  pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    to_revision    pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    script         pg_catalog.text NOT NULL,
    checksum       pg_catalog.text NOT NULL,
    author         pg_catalog.text NOT NULL,
    registered_at  pg_catalog.timestamptz NOT NULL,
    CONSTRAINT script_pkey PRIMARY KEY (project, from_revision, to_revision)
);
COMMENT ON TABLE dbm.script IS 'registered revision scripts';
COMMENT ON COLUMN dbm.script.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.script.from_revision IS 'FROM in the file name PROJECT--FROM--TO.sql';
COMMENT ON COLUMN dbm.script.to_revision IS 'TO in the file name PROJECT--FROM--TO.sql';
COMMENT ON COLUMN dbm.script.script IS 'the text';
COMMENT ON COLUMN dbm.script.checksum IS 'its checksum, which comments and formatting do not change';
COMMENT ON COLUMN dbm.script.author IS 'the role that registered it, or adopted it since';
COMMENT ON COLUMN dbm.script.registered_at IS 'when the text was registered';

CREATE TABLE dbm.step (
    project    pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    revision   pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    direction  pg_catalog.text NOT NULL,
    finished   pg_catalog.int4 NOT NULL,
    attempted  pg_catalog.int4 NOT NULL,
    checksum   pg_catalog.text NOT NULL,
    CONSTRAINT step_pkey PRIMARY KEY (project, revision)
);
COMMENT ON TABLE dbm.step IS 'revisions begun outside of a transaction and not finished yet: where the next CALL dbm_migrate resumes';
COMMENT ON COLUMN dbm.step.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.step.revision IS 'the revision''s identifier';
COMMENT ON COLUMN dbm.step.direction IS 'upgrade or downgrade';
COMMENT ON COLUMN dbm.step.finished IS 'how many statements of its script are done';
COMMENT ON COLUMN dbm.step.attempted IS 'the number of the last statement that is done, or was started and could leave something behind';
COMMENT ON COLUMN dbm.step.checksum IS 'checksum of the statements that are done';

CREATE TABLE dbm.template (
    project   pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    template  pg_catalog.text NOT NULL,
    author    pg_catalog.text NOT NULL,
    CONSTRAINT template_pkey PRIMARY KEY (project)
);
COMMENT ON TABLE dbm.template IS 'templates for the scripts of new revisions, where one was set';
COMMENT ON COLUMN dbm.template.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.template.template IS 'the text, with placeholders';
COMMENT ON COLUMN dbm.template.author IS 'the role that set it';

CREATE TABLE dbm.dump (
    file           pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    database       pg_catalog.text NOT NULL,
    project        pg_catalog.text NOT NULL,
    heads          pg_catalog.text[] NOT NULL,
    format         pg_catalog.text NOT NULL,
    schemas        pg_catalog.text[],
    data           pg_catalog.bool NOT NULL,
    all_databases  pg_catalog.bool NOT NULL,
    size           pg_catalog.int8 NOT NULL,
    sha256         pg_catalog.text NOT NULL,
    dumped_by      pg_catalog.text NOT NULL,
    dumped_at      pg_catalog.timestamptz NOT NULL,
    elapsed        pg_catalog.interval NOT NULL,
    CONSTRAINT dump_pkey PRIMARY KEY (file)
);
COMMENT ON TABLE dbm.dump IS 'dumps that dbm_dump wrote; see the function dbm_dumps()';
COMMENT ON COLUMN dbm.dump.file IS 'name of the file in databrain_migrate.dump_path';
COMMENT ON COLUMN dbm.dump.database IS 'the database that was dumped, or that dumped all';
COMMENT ON COLUMN dbm.dump.project IS 'the project that heads is about';
COMMENT ON COLUMN dbm.dump.heads IS 'the project''s current heads in the dump; empty: base';
COMMENT ON COLUMN dbm.dump.format IS 'plain or custom';
COMMENT ON COLUMN dbm.dump.schemas IS 'the schemas in the dump; NULL: the whole database';
COMMENT ON COLUMN dbm.dump.data IS 'whether rows are in it, or definitions only';
COMMENT ON COLUMN dbm.dump.all_databases IS 'whether it is a dump of the whole cluster';
COMMENT ON COLUMN dbm.dump.size IS 'of the file, in bytes';
COMMENT ON COLUMN dbm.dump.sha256 IS 'of the file, in hex';
COMMENT ON COLUMN dbm.dump.dumped_by IS 'the role that called dbm_dump';
COMMENT ON COLUMN dbm.dump.dumped_at IS 'when it began';
COMMENT ON COLUMN dbm.dump.elapsed IS 'how long it took';

CREATE TABLE dbm.model (
    project  pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    ddl      pg_catalog.text NOT NULL,
    author   pg_catalog.text NOT NULL,
    set_at   pg_catalog.timestamptz NOT NULL,
    CONSTRAINT model_pkey PRIMARY KEY (project)
);
COMMENT ON TABLE dbm.model IS 'models: the schema of a project as it should be, in DDL';
COMMENT ON COLUMN dbm.model.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.model.ddl IS 'the text';
COMMENT ON COLUMN dbm.model.author IS 'the role that set it, as which it runs';
COMMENT ON COLUMN dbm.model.set_at IS 'when it was set';

CREATE TABLE dbm.snapshot (
    project         pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    name            pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    heads           pg_catalog.text[] NOT NULL,
    objects         pg_catalog.int4 NOT NULL,
    fingerprint     pg_catalog.text NOT NULL,
    inventory       pg_catalog.jsonb NOT NULL,
    dump            pg_catalog.text,
    server_version  pg_catalog.text NOT NULL,
    taken_by        pg_catalog.text NOT NULL,
    taken_at        pg_catalog.timestamptz NOT NULL,
    CONSTRAINT snapshot_pkey PRIMARY KEY (project, name)
);
COMMENT ON TABLE dbm.snapshot IS 'schemas kept by dbm_snapshot; see the function dbm_snapshots()';
COMMENT ON COLUMN dbm.snapshot.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.snapshot.name IS 'the name it was given';
COMMENT ON COLUMN dbm.snapshot.heads IS 'the project''s current heads then; empty: base';
COMMENT ON COLUMN dbm.snapshot.objects IS 'how many objects and parts of objects it has';
COMMENT ON COLUMN dbm.snapshot.fingerprint IS 'SHA-256 of what schemas are compared by, in hex';
COMMENT ON COLUMN dbm.snapshot.inventory IS 'the objects, with all that makes them up';
COMMENT ON COLUMN dbm.snapshot.dump IS 'the dump that was taken with it, if any; see dbm.dump';
COMMENT ON COLUMN dbm.snapshot.server_version IS 'of the server that it was taken on';
COMMENT ON COLUMN dbm.snapshot.taken_by IS 'the role that took it, with whose privileges it was read';
COMMENT ON COLUMN dbm.snapshot.taken_at IS 'when it was taken';

-- No dump has its rows, and nobody may read it: what it saves can be computed.
CREATE TABLE dbm.inventory (
    project    pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    key        pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    source     pg_catalog.text NOT NULL,
    inventory  pg_catalog.jsonb NOT NULL,
    spellings  pg_catalog.text[] NOT NULL,
    kept_at    pg_catalog.timestamptz NOT NULL,
    CONSTRAINT inventory_pkey PRIMARY KEY (project, key)
);
COMMENT ON TABLE dbm.inventory IS 'what models and revisions were found to build, so that they need not be run again';
COMMENT ON COLUMN dbm.inventory.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.inventory.key IS 'SHA-256, in hex, of all that the inventory depends on';
COMMENT ON COLUMN dbm.inventory.source IS 'the schema source that it is of';
COMMENT ON COLUMN dbm.inventory.inventory IS 'the objects, with all that makes them up';
COMMENT ON COLUMN dbm.inventory.spellings IS 'objects of other schemas that are spelled differently: their SHA-256, and which attributes mean the same';
COMMENT ON COLUMN dbm.inventory.kept_at IS 'when it was computed';
ALTER TABLE dbm.inventory ALTER COLUMN inventory SET STORAGE EXTERNAL;

CREATE TABLE dbm.fingerprint (
    project         pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    heads           pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    objects         pg_catalog.int4 NOT NULL,
    fingerprint     pg_catalog.text NOT NULL,
    inventory       pg_catalog.jsonb,
    server_version  pg_catalog.text NOT NULL,
    taken_by        pg_catalog.text NOT NULL,
    taken_at        pg_catalog.timestamptz NOT NULL,
    CONSTRAINT fingerprint_pkey PRIMARY KEY (project, heads)
);
COMMENT ON TABLE dbm.fingerprint IS 'the schema as it was when a run reached its target; see the function dbm_snapshots()';
COMMENT ON COLUMN dbm.fingerprint.project IS 'the project, named as its extension';
COMMENT ON COLUMN dbm.fingerprint.heads IS 'the current heads that the run led to, joined by commas, or base';
COMMENT ON COLUMN dbm.fingerprint.objects IS 'how many objects and parts of objects there were';
COMMENT ON COLUMN dbm.fingerprint.fingerprint IS 'SHA-256 of what schemas are compared by, in hex';
COMMENT ON COLUMN dbm.fingerprint.inventory IS 'the objects, if databrain_migrate.step_snapshot was inventory';
COMMENT ON COLUMN dbm.fingerprint.server_version IS 'of the server';
COMMENT ON COLUMN dbm.fingerprint.taken_by IS 'the role that ran the revisions';
COMMENT ON COLUMN dbm.fingerprint.taken_at IS 'when the target was reached';

CREATE SEQUENCE dbm.log_id_seq;

CREATE TABLE dbm.log (
    id                pg_catalog.int8 NOT NULL DEFAULT pg_catalog.nextval('dbm.log_id_seq'),
    project           pg_catalog.text COLLATE pg_catalog."C" NOT NULL,
    revision          pg_catalog.text NOT NULL,
    direction         pg_catalog.text NOT NULL,
    from_revisions    pg_catalog.text[] NOT NULL,
    to_revisions      pg_catalog.text[] NOT NULL,
    checksum          pg_catalog.text,
    statements        pg_catalog.int4 NOT NULL,
    started_at        pg_catalog.timestamptz NOT NULL,
    elapsed           pg_catalog.interval NOT NULL,
    role              pg_catalog.text NOT NULL,
    session_role      pg_catalog.text NOT NULL,
    client_addr       pg_catalog.inet,
    application_name  pg_catalog.text NOT NULL,
    outcome           pg_catalog.text NOT NULL,
    sqlstate          pg_catalog.text,
    error             pg_catalog.text,
    file              pg_catalog.text,
    line              pg_catalog.int4,
    CONSTRAINT log_pkey PRIMARY KEY (id)
);
ALTER SEQUENCE dbm.log_id_seq OWNED BY dbm.log.id;
CREATE INDEX log_project_id_idx ON dbm.log (project, id);
COMMENT ON TABLE dbm.log IS 'every step ever done, oldest first by id; see the function dbm_log()';

CREATE TABLE dbm.ddl (
    recorded_at       pg_catalog.timestamptz NOT NULL,
    command           pg_catalog.text NOT NULL,
    kinds             pg_catalog.text[] NOT NULL,
    identities        pg_catalog.text[] NOT NULL,
    role              pg_catalog.text NOT NULL,
    session_role      pg_catalog.text NOT NULL,
    client_addr       pg_catalog.inet,
    application_name  pg_catalog.text NOT NULL,
    transaction_id    pg_catalog.xid8 NOT NULL,
    statement         pg_catalog.text,
    glass_broken      pg_catalog.bool NOT NULL
);
COMMENT ON TABLE dbm.ddl IS 'DDL on managed schemas that did not come from the engine; see the function dbm_ddl()';
COMMENT ON COLUMN dbm.ddl.recorded_at IS 'when the command ended';
COMMENT ON COLUMN dbm.ddl.command IS 'its tag';
COMMENT ON COLUMN dbm.ddl.kinds IS 'kinds of the objects that it created, changed or dropped';
COMMENT ON COLUMN dbm.ddl.identities IS 'their names, in the same order';
COMMENT ON COLUMN dbm.ddl.role IS 'the role that ran it';
COMMENT ON COLUMN dbm.ddl.session_role IS 'the role of the session';
COMMENT ON COLUMN dbm.ddl.client_addr IS 'where the client is; NULL: on the server';
COMMENT ON COLUMN dbm.ddl.application_name IS 'what the client called itself';
COMMENT ON COLUMN dbm.ddl.transaction_id IS 'the transaction, as in pg_current_xact_id()';
COMMENT ON COLUMN dbm.ddl.statement IS 'the statement that the client sent, shortened; NULL where it may hold a password';
COMMENT ON COLUMN dbm.ddl.glass_broken IS 'whether it passed where DDL is refused: by databrain_migrate.break_glass, or as part of a restore';

SELECT pg_catalog.pg_extension_config_dump('dbm.applied', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.script', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.step', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.template', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.dump', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.model', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.fingerprint', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.ddl', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.log', '');
SELECT pg_catalog.pg_extension_config_dump('dbm.log_id_seq', '');

GRANT USAGE ON SCHEMA dbm TO pg_database_owner;
GRANT SELECT ON dbm.applied, dbm.script, dbm.step, dbm.template, dbm.dump, dbm.model, dbm.snapshot, dbm.fingerprint,
    dbm.ddl, dbm.log TO pg_database_owner;
GRANT SELECT ON SEQUENCE dbm.log_id_seq TO pg_database_owner;

--
-- Running revisions
--

CREATE FUNCTION pg_catalog.dbm_upgrade(
    target pg_catalog.text DEFAULT 'head',
    project pg_catalog.text DEFAULT NULL,
    OUT step pg_catalog.int4,
    OUT direction pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT from_revisions pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT statements pg_catalog.int4,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_upgrade';
COMMENT ON FUNCTION pg_catalog.dbm_upgrade(pg_catalog.text, pg_catalog.text)
IS 'run upgrade scripts up to a target revision, all or nothing';
REVOKE ALL ON FUNCTION pg_catalog.dbm_upgrade(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_downgrade(
    target pg_catalog.text,
    project pg_catalog.text DEFAULT NULL,
    OUT step pg_catalog.int4,
    OUT direction pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT from_revisions pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT statements pg_catalog.int4,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_downgrade';
COMMENT ON FUNCTION pg_catalog.dbm_downgrade(pg_catalog.text, pg_catalog.text)
IS 'run downgrade scripts down to a target revision, all or nothing';
REVOKE ALL ON FUNCTION pg_catalog.dbm_downgrade(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE PROCEDURE pg_catalog.dbm_migrate(
    target pg_catalog.text DEFAULT 'head',
    project pg_catalog.text DEFAULT NULL,
    dump pg_catalog.bool DEFAULT false)
LANGUAGE C
AS 'MODULE_PATHNAME', 'dbmig_migrate_call';
COMMENT ON PROCEDURE pg_catalog.dbm_migrate(pg_catalog.text, pg_catalog.text, pg_catalog.bool)
IS 'upgrade or downgrade with a commit after each revision; runs what cannot run in a transaction';
REVOKE ALL ON PROCEDURE pg_catalog.dbm_migrate(pg_catalog.text, pg_catalog.text, pg_catalog.bool) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_stamp(
    target pg_catalog.text,
    purge pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT step pg_catalog.int4,
    OUT direction pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT from_revisions pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT statements pg_catalog.int4,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_stamp';
COMMENT ON FUNCTION pg_catalog.dbm_stamp(pg_catalog.text, pg_catalog.bool, pg_catalog.text)
IS 'set which revisions count as applied, without running anything';
REVOKE ALL ON FUNCTION pg_catalog.dbm_stamp(pg_catalog.text, pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_require(
    revision pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_require';
COMMENT ON FUNCTION pg_catalog.dbm_require(pg_catalog.text, pg_catalog.text)
IS 'raise an error unless the revision is applied';

--
-- The schema as it should be
--

CREATE FUNCTION pg_catalog.dbm_set_model(
    ddl pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_set_model';
COMMENT ON FUNCTION pg_catalog.dbm_set_model(pg_catalog.text, pg_catalog.text)
IS 'store the DDL that declares the schema as it should be';
REVOKE ALL ON FUNCTION pg_catalog.dbm_set_model(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_model(
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_model';
COMMENT ON FUNCTION pg_catalog.dbm_model(pg_catalog.text)
IS 'the DDL that declares the schema as it should be';
REVOKE ALL ON FUNCTION pg_catalog.dbm_model(pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_diff(
    from_source pg_catalog.text,
    to_source pg_catalog.text,
    schemas pg_catalog.text[] DEFAULT NULL,
    kinds pg_catalog.text[] DEFAULT NULL,
    include pg_catalog.text DEFAULT NULL,
    exclude pg_catalog.text DEFAULT NULL,
    renames pg_catalog.text[] DEFAULT NULL,
    concurrently pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT ordinal pg_catalog.int4,
    OUT change pg_catalog.text,
    OUT kind pg_catalog.text,
    OUT identity pg_catalog.text,
    OUT statement pg_catalog.text,
    OUT hazard pg_catalog.text,
    OUT unit pg_catalog.int4,
    OUT transactional pg_catalog.bool)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_diff_sources';
COMMENT ON FUNCTION pg_catalog.dbm_diff(pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.text[], pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.text)
IS 'statements that lead from one schema to another: live, model, revision:ID, empty';
REVOKE ALL ON FUNCTION pg_catalog.dbm_diff(pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.text[], pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_check(
    project pg_catalog.text DEFAULT NULL,
    OUT problem pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT object pg_catalog.text,
    OUT detail pg_catalog.text,
    OUT hint pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_check';
COMMENT ON FUNCTION pg_catalog.dbm_check(pg_catalog.text)
IS 'what is wrong with a project in this database; no row if nothing is';
REVOKE ALL ON FUNCTION pg_catalog.dbm_check(pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_test(
    project pg_catalog.text DEFAULT NULL)
RETURNS SETOF pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_test';
COMMENT ON FUNCTION pg_catalog.dbm_test(pg_catalog.text)
IS 'try every revision up, down and up in a sandbox; lines of TAP for pg_prove';
REVOKE ALL ON FUNCTION pg_catalog.dbm_test(pg_catalog.text) FROM PUBLIC;

--
-- Looking
--

CREATE FUNCTION pg_catalog.dbm_current(
    project pg_catalog.text DEFAULT NULL,
    OUT revision pg_catalog.text,
    OUT message pg_catalog.text,
    OUT is_head pg_catalog.bool,
    OUT applied_at pg_catalog.timestamptz,
    OUT applied_by pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_current';
COMMENT ON FUNCTION pg_catalog.dbm_current(pg_catalog.text)
IS 'current heads: the applied revisions that no applied one follows';

CREATE FUNCTION pg_catalog.dbm_history(
    range pg_catalog.text DEFAULT NULL,
    project pg_catalog.text DEFAULT NULL,
    OUT graph pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT down_revisions pg_catalog.text[],
    OUT branch_labels pg_catalog.text[],
    OUT depends_on pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT create_date pg_catalog.timestamptz,
    OUT is_head pg_catalog.bool,
    OUT is_base pg_catalog.bool,
    OUT is_branch_point pg_catalog.bool,
    OUT is_merge_point pg_catalog.bool,
    OUT is_current pg_catalog.bool,
    OUT is_applied pg_catalog.bool,
    OUT source pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_history';
COMMENT ON FUNCTION pg_catalog.dbm_history(pg_catalog.text, pg_catalog.text)
IS 'revisions, newest first, with their graph drawn beside them';

CREATE FUNCTION pg_catalog.dbm_heads(
    project pg_catalog.text DEFAULT NULL,
    OUT revision pg_catalog.text,
    OUT branch_labels pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT is_current pg_catalog.bool)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_heads';
COMMENT ON FUNCTION pg_catalog.dbm_heads(pg_catalog.text)
IS 'revisions that no other revision follows or depends on';

CREATE FUNCTION pg_catalog.dbm_branches(
    project pg_catalog.text DEFAULT NULL,
    OUT revision pg_catalog.text,
    OUT children pg_catalog.text[],
    OUT message pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_branches';
COMMENT ON FUNCTION pg_catalog.dbm_branches(pg_catalog.text)
IS 'revisions with more than one child';

CREATE FUNCTION pg_catalog.dbm_show(
    revision pg_catalog.text,
    project pg_catalog.text DEFAULT NULL,
    OUT graph pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT down_revisions pg_catalog.text[],
    OUT branch_labels pg_catalog.text[],
    OUT depends_on pg_catalog.text[],
    OUT message pg_catalog.text,
    OUT create_date pg_catalog.timestamptz,
    OUT is_head pg_catalog.bool,
    OUT is_base pg_catalog.bool,
    OUT is_branch_point pg_catalog.bool,
    OUT is_merge_point pg_catalog.bool,
    OUT is_current pg_catalog.bool,
    OUT is_applied pg_catalog.bool,
    OUT source pg_catalog.text,
    OUT upgrade_file pg_catalog.text,
    OUT downgrade_file pg_catalog.text,
    OUT upgrade_script pg_catalog.text,
    OUT downgrade_script pg_catalog.text,
    OUT transactional pg_catalog.bool,
    OUT checksum pg_catalog.text,
    OUT applied_at pg_catalog.timestamptz,
    OUT applied_by pg_catalog.text,
    OUT author pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_show';
COMMENT ON FUNCTION pg_catalog.dbm_show(pg_catalog.text, pg_catalog.text)
IS 'everything known about the revisions a text names, their scripts included';
REVOKE ALL ON FUNCTION pg_catalog.dbm_show(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_log(
    project pg_catalog.text DEFAULT NULL,
    OUT id pg_catalog.int8,
    OUT project pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT direction pg_catalog.text,
    OUT from_revisions pg_catalog.text[],
    OUT to_revisions pg_catalog.text[],
    OUT checksum pg_catalog.text,
    OUT statements pg_catalog.int4,
    OUT started_at pg_catalog.timestamptz,
    OUT elapsed pg_catalog.interval,
    OUT role pg_catalog.text,
    OUT session_role pg_catalog.text,
    OUT client_addr pg_catalog.inet,
    OUT application_name pg_catalog.text,
    OUT outcome pg_catalog.text,
    OUT sqlstate pg_catalog.text,
    OUT error pg_catalog.text,
    OUT file pg_catalog.text,
    OUT line pg_catalog.int4)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_log';
COMMENT ON FUNCTION pg_catalog.dbm_log(pg_catalog.text)
IS 'every step ever done in this database, oldest first';
REVOKE ALL ON FUNCTION pg_catalog.dbm_log(pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_graph(
    format pg_catalog.text DEFAULT 'text',
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_graph';
COMMENT ON FUNCTION pg_catalog.dbm_graph(pg_catalog.text, pg_catalog.text)
IS 'the whole revision graph as text, dot or mermaid';

CREATE FUNCTION pg_catalog.dbm_projects(
    OUT project pg_catalog.text,
    OUT heads pg_catalog.text[],
    OUT current pg_catalog.text[],
    OUT extension pg_catalog.bool,
    OUT pending pg_catalog.int4)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_projects';
COMMENT ON FUNCTION pg_catalog.dbm_projects()
IS 'the projects known in this database';

CREATE FUNCTION pg_catalog.dbm_progress(
    OUT project pg_catalog.text,
    OUT pid pg_catalog.int4,
    OUT target pg_catalog.text,
    OUT revision pg_catalog.text,
    OUT step pg_catalog.int4,
    OUT steps pg_catalog.int4,
    OUT statement_number pg_catalog.int4,
    OUT statements pg_catalog.int4,
    OUT statement pg_catalog.text,
    OUT started_at pg_catalog.timestamptz,
    OUT waiting_for pg_catalog.int4[],
    OUT phase pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_progress';
COMMENT ON FUNCTION pg_catalog.dbm_progress()
IS 'the migrations that run in this database now, seen from every session';

--
-- Registered scripts
--

CREATE FUNCTION pg_catalog.dbm_register(
    file_name pg_catalog.text,
    script pg_catalog.text,
    force pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_register';
COMMENT ON FUNCTION pg_catalog.dbm_register(pg_catalog.text, pg_catalog.text, pg_catalog.bool)
IS 'put a script file into the catalog store; returns its revision';
REVOKE ALL ON FUNCTION pg_catalog.dbm_register(pg_catalog.text, pg_catalog.text, pg_catalog.bool) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_unregister(
    revision pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_unregister';
COMMENT ON FUNCTION pg_catalog.dbm_unregister(pg_catalog.text, pg_catalog.text)
IS 'remove the registered scripts of a revision that is not applied';
REVOKE ALL ON FUNCTION pg_catalog.dbm_unregister(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_adopt(
    revision pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_adopt';
COMMENT ON FUNCTION pg_catalog.dbm_adopt(pg_catalog.text, pg_catalog.text)
IS 'make the caller the author of a revision''s registered scripts, after reading them';
REVOKE ALL ON FUNCTION pg_catalog.dbm_adopt(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

--
-- Authoring
--

CREATE FUNCTION pg_catalog.dbm_revision(
    message pg_catalog.text,
    autogenerate pg_catalog.bool DEFAULT false,
    upgrade_sql pg_catalog.text DEFAULT NULL,
    downgrade_sql pg_catalog.text DEFAULT NULL,
    head pg_catalog.text DEFAULT 'head',
    splice pg_catalog.bool DEFAULT false,
    branch_label pg_catalog.text DEFAULT NULL,
    depends_on pg_catalog.text[] DEFAULT NULL,
    rev_id pg_catalog.text DEFAULT NULL,
    transactional pg_catalog.bool DEFAULT true,
    compare_with pg_catalog.text DEFAULT 'revisions',
    schemas pg_catalog.text[] DEFAULT NULL,
    kinds pg_catalog.text[] DEFAULT NULL,
    include pg_catalog.text DEFAULT NULL,
    exclude pg_catalog.text DEFAULT NULL,
    renames pg_catalog.text[] DEFAULT NULL,
    concurrently pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT file_name pg_catalog.text,
    OUT script pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_revision_create';
COMMENT ON FUNCTION pg_catalog.dbm_revision(pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text[], pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text[], pg_catalog.text[], pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.text)
IS 'write a new revision to the store; returns its script files';
REVOKE ALL ON FUNCTION pg_catalog.dbm_revision(pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text[], pg_catalog.text, pg_catalog.bool, pg_catalog.text, pg_catalog.text[], pg_catalog.text[], pg_catalog.text, pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_merge(
    revisions pg_catalog.text DEFAULT 'heads',
    message pg_catalog.text DEFAULT NULL,
    branch_label pg_catalog.text DEFAULT NULL,
    rev_id pg_catalog.text DEFAULT NULL,
    splice pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT file_name pg_catalog.text,
    OUT script pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_merge';
COMMENT ON FUNCTION pg_catalog.dbm_merge(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text)
IS 'write a revision that joins several to the store; returns its script files';
REVOKE ALL ON FUNCTION pg_catalog.dbm_merge(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_squash(
    from_revision pg_catalog.text,
    to_revision pg_catalog.text,
    message pg_catalog.text DEFAULT NULL,
    project pg_catalog.text DEFAULT NULL,
    OUT file_name pg_catalog.text,
    OUT script pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_squash';
COMMENT ON FUNCTION pg_catalog.dbm_squash(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text)
IS 'write one revision that replaces a range of revisions';
REVOKE ALL ON FUNCTION pg_catalog.dbm_squash(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_export(
    range pg_catalog.text DEFAULT 'base:heads',
    project pg_catalog.text DEFAULT NULL,
    OUT file_name pg_catalog.text,
    OUT script pg_catalog.text)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_export';
COMMENT ON FUNCTION pg_catalog.dbm_export(pg_catalog.text, pg_catalog.text)
IS 'script files of a range of revisions, oldest first';
REVOKE ALL ON FUNCTION pg_catalog.dbm_export(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_set_template(
    template pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_set_template';
COMMENT ON FUNCTION pg_catalog.dbm_set_template(pg_catalog.text, pg_catalog.text)
IS 'set the template for the scripts of new revisions; NULL: the default one';
REVOKE ALL ON FUNCTION pg_catalog.dbm_set_template(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_template(
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_template';
COMMENT ON FUNCTION pg_catalog.dbm_template(pg_catalog.text)
IS 'the template for the scripts of new revisions';
REVOKE ALL ON FUNCTION pg_catalog.dbm_template(pg_catalog.text) FROM PUBLIC;

--
-- To and from other tools
--

CREATE FUNCTION pg_catalog.dbm_sql(
    target pg_catalog.text,
    bookkeeping pg_catalog.text DEFAULT 'dbm',
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_sql';
COMMENT ON FUNCTION pg_catalog.dbm_sql(pg_catalog.text, pg_catalog.text, pg_catalog.text)
IS 'what an upgrade or downgrade would do, as a script for psql';
REVOKE ALL ON FUNCTION pg_catalog.dbm_sql(pg_catalog.text, pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_import_alembic(
    upgrade_sql pg_catalog.text,
    downgrade_sql pg_catalog.text DEFAULT NULL,
    project pg_catalog.text DEFAULT NULL,
    OUT revision pg_catalog.text,
    OUT message pg_catalog.text,
    OUT stamped pg_catalog.bool)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_import_alembic';
COMMENT ON FUNCTION pg_catalog.dbm_import_alembic(pg_catalog.text, pg_catalog.text, pg_catalog.text)
IS 'take over the revisions and the state of an Alembic project, from the texts that alembic prints with --sql';
REVOKE ALL ON FUNCTION pg_catalog.dbm_import_alembic(pg_catalog.text, pg_catalog.text, pg_catalog.text) FROM PUBLIC;

--
-- Dumps
--

CREATE FUNCTION pg_catalog.dbm_dump(
    format pg_catalog.text DEFAULT 'plain',
    schemas pg_catalog.text[] DEFAULT NULL,
    data pg_catalog.bool DEFAULT true,
    all_databases pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT file pg_catalog.text,
    OUT path pg_catalog.text,
    OUT heads pg_catalog.text[],
    OUT size pg_catalog.int8,
    OUT sha256 pg_catalog.text,
    OUT elapsed pg_catalog.interval)
RETURNS pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_dump_call';
COMMENT ON FUNCTION pg_catalog.dbm_dump(pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.bool, pg_catalog.text)
IS 'write a dump with the server''s own pg_dump into databrain_migrate.dump_path';
REVOKE ALL ON FUNCTION pg_catalog.dbm_dump(pg_catalog.text, pg_catalog.text[], pg_catalog.bool, pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_snapshot(
    name pg_catalog.text,
    with_data pg_catalog.bool DEFAULT false,
    project pg_catalog.text DEFAULT NULL,
    OUT snapshot pg_catalog.text,
    OUT heads pg_catalog.text[],
    OUT objects pg_catalog.int4,
    OUT fingerprint pg_catalog.text,
    OUT dump pg_catalog.text)
RETURNS pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_snapshot_call';
COMMENT ON FUNCTION pg_catalog.dbm_snapshot(pg_catalog.text, pg_catalog.bool, pg_catalog.text)
IS 'keep the schema as it is now under a name, with a dump beside it if wanted';
REVOKE ALL ON FUNCTION pg_catalog.dbm_snapshot(pg_catalog.text, pg_catalog.bool, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_snapshots(
    project pg_catalog.text DEFAULT NULL,
    OUT name pg_catalog.text,
    OUT heads pg_catalog.text[],
    OUT objects pg_catalog.int4,
    OUT fingerprint pg_catalog.text,
    OUT is_live pg_catalog.bool,
    OUT has_inventory pg_catalog.bool,
    OUT dump pg_catalog.text,
    OUT server_version pg_catalog.text,
    OUT taken_by pg_catalog.text,
    OUT taken_at pg_catalog.timestamptz)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_snapshots';
COMMENT ON FUNCTION pg_catalog.dbm_snapshots(pg_catalog.text)
IS 'the snapshots that were taken, and whether the schema is still the same';
REVOKE ALL ON FUNCTION pg_catalog.dbm_snapshots(pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_drop_snapshot(
    name pg_catalog.text,
    project pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_drop_snapshot_call';
COMMENT ON FUNCTION pg_catalog.dbm_drop_snapshot(pg_catalog.text, pg_catalog.text)
IS 'remove a snapshot; its dump stays';
REVOKE ALL ON FUNCTION pg_catalog.dbm_drop_snapshot(pg_catalog.text, pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_dumps(
    verify pg_catalog.bool DEFAULT true,
    OUT file pg_catalog.text,
    OUT path pg_catalog.text,
    OUT status pg_catalog.text,
    OUT database pg_catalog.text,
    OUT project pg_catalog.text,
    OUT heads pg_catalog.text[],
    OUT format pg_catalog.text,
    OUT schemas pg_catalog.text[],
    OUT data pg_catalog.bool,
    OUT all_databases pg_catalog.bool,
    OUT size pg_catalog.int8,
    OUT sha256 pg_catalog.text,
    OUT dumped_by pg_catalog.text,
    OUT dumped_at pg_catalog.timestamptz,
    OUT elapsed pg_catalog.interval)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_dumps';
COMMENT ON FUNCTION pg_catalog.dbm_dumps(pg_catalog.bool)
IS 'dumps written from this database, and whether their files are still what they were';
REVOKE ALL ON FUNCTION pg_catalog.dbm_dumps(pg_catalog.bool) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_restore(
    dump pg_catalog.text,
    into_database pg_catalog.text,
    replace pg_catalog.bool DEFAULT false,
    OUT database pg_catalog.text,
    OUT path pg_catalog.text,
    OUT elapsed pg_catalog.interval)
RETURNS pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_restore_call';
COMMENT ON FUNCTION pg_catalog.dbm_restore(pg_catalog.text, pg_catalog.text, pg_catalog.bool)
IS 'create a database and restore a dump into it';
REVOKE ALL ON FUNCTION pg_catalog.dbm_restore(pg_catalog.text, pg_catalog.text, pg_catalog.bool) FROM PUBLIC;

--
-- The door: ALTER EXTENSION project UPDATE.  Both triggers fire always, in
-- sessions with session_replication_role = replica too, because the server
-- itself must never run a project's scripts.
--

CREATE FUNCTION pg_catalog.dbm_project_base(project pg_catalog.text)
RETURNS pg_catalog.void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_project_base';
COMMENT ON FUNCTION pg_catalog.dbm_project_base(pg_catalog.text)
IS 'called by PROJECT--base.sql alone: loads the engine into the session that creates the project';

CREATE FUNCTION pg_catalog.dbm_ddl_command_start()
RETURNS pg_catalog.event_trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_ddl_command_start';
COMMENT ON FUNCTION pg_catalog.dbm_ddl_command_start()
IS 'event trigger: turns ALTER EXTENSION of a project into an upgrade or downgrade by the engine';

CREATE FUNCTION pg_catalog.dbm_ddl_command_end()
RETURNS pg_catalog.event_trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_ddl_command_end';
COMMENT ON FUNCTION pg_catalog.dbm_ddl_command_end()
IS 'event trigger: upgrades a project created with VERSION';

CREATE EVENT TRIGGER dbm_ddl_command_start ON ddl_command_start
    WHEN TAG IN ('CREATE EXTENSION', 'ALTER EXTENSION')
    EXECUTE FUNCTION pg_catalog.dbm_ddl_command_start();
ALTER EVENT TRIGGER dbm_ddl_command_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER dbm_ddl_command_start
IS 'databrain_migrate: ALTER EXTENSION of a project is done by the engine';

CREATE EVENT TRIGGER dbm_ddl_command_end ON ddl_command_end
    WHEN TAG IN ('CREATE EXTENSION', 'ALTER EXTENSION')
    EXECUTE FUNCTION pg_catalog.dbm_ddl_command_end();
ALTER EVENT TRIGGER dbm_ddl_command_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER dbm_ddl_command_end
IS 'databrain_migrate: CREATE EXTENSION of a project with VERSION is done by the engine';

--
-- Drift: what is changed without the engine.  The triggers fire always, so that
-- nothing passes them by session_replication_role.
--

CREATE FUNCTION pg_catalog.dbm_drift(
    project pg_catalog.text DEFAULT NULL,
    OUT kind pg_catalog.text,
    OUT identity pg_catalog.text,
    OUT difference pg_catalog.text,
    OUT repair pg_catalog.text,
    OUT adopt pg_catalog.text,
    OUT changed_by pg_catalog.text,
    OUT changed_at pg_catalog.timestamptz)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_drift';
COMMENT ON FUNCTION pg_catalog.dbm_drift(pg_catalog.text)
IS 'what differs from what the applied revisions build, and how to undo or adopt it';
REVOKE ALL ON FUNCTION pg_catalog.dbm_drift(pg_catalog.text) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_ddl(
    OUT recorded_at pg_catalog.timestamptz,
    OUT command pg_catalog.text,
    OUT kind pg_catalog.text,
    OUT identity pg_catalog.text,
    OUT role pg_catalog.text,
    OUT session_role pg_catalog.text,
    OUT client_addr pg_catalog.inet,
    OUT application_name pg_catalog.text,
    OUT transaction_id pg_catalog.xid8,
    OUT statement pg_catalog.text,
    OUT glass_broken pg_catalog.bool)
RETURNS SETOF pg_catalog.record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_ddl';
COMMENT ON FUNCTION pg_catalog.dbm_ddl()
IS 'DDL on managed schemas that did not come from the engine, a row for each object, oldest first';
REVOKE ALL ON FUNCTION pg_catalog.dbm_ddl() FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_forget_ddl(
    before pg_catalog.timestamptz DEFAULT pg_catalog.clock_timestamp())
RETURNS pg_catalog.int8
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_forget_ddl';
COMMENT ON FUNCTION pg_catalog.dbm_forget_ddl(pg_catalog.timestamptz)
IS 'forget recorded DDL that is older; returns how many commands';
REVOKE ALL ON FUNCTION pg_catalog.dbm_forget_ddl(pg_catalog.timestamptz) FROM PUBLIC;

CREATE FUNCTION pg_catalog.dbm_watch_ddl()
RETURNS pg_catalog.event_trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'dbmig_watch_ddl';
COMMENT ON FUNCTION pg_catalog.dbm_watch_ddl()
IS 'event trigger: records, warns of or refuses DDL that does not come from the engine';

CREATE EVENT TRIGGER dbm_watch_start ON ddl_command_start
    WHEN TAG IN ('CREATE INDEX', 'DROP INDEX', 'ALTER TABLE')
    EXECUTE FUNCTION pg_catalog.dbm_watch_ddl();
ALTER EVENT TRIGGER dbm_watch_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER dbm_watch_start
IS 'databrain_migrate: refuses in time what commits in its middle';

CREATE EVENT TRIGGER dbm_watch_drop ON sql_drop
    EXECUTE FUNCTION pg_catalog.dbm_watch_ddl();
ALTER EVENT TRIGGER dbm_watch_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER dbm_watch_drop
IS 'databrain_migrate: DDL that does not come from the engine';

CREATE EVENT TRIGGER dbm_watch_end ON ddl_command_end
    EXECUTE FUNCTION pg_catalog.dbm_watch_ddl();
ALTER EVENT TRIGGER dbm_watch_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER dbm_watch_end
IS 'databrain_migrate: DDL that does not come from the engine';

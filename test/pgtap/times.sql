-- Constants such as 'now', which the server computes when it reads them.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION databrain_migrate;
SELECT no_plan();

-- as if made at another time
SET LOCAL TimeZone = 'Asia/Tokyo';
CREATE DOMAIN public.moment AS timestamptz DEFAULT '2020-02-02 02:02+00';
CREATE TABLE public.t (
	a timestamptz DEFAULT '2020-02-02 02:02:02+00',
	b timestamp DEFAULT '2020-02-02 02:02:02.5',
	c date DEFAULT '2020-02-02',
	d time DEFAULT '02:02',
	e timetz DEFAULT '02:02+01',
	f tstzrange DEFAULT '[2020-02-02 02:02:02+00,)',
	g timestamptz[] DEFAULT '{2020-02-02 02:02:02+00}',
	h timestamp DEFAULT '2020-02-02 12:00',
	i date DEFAULT ('2020-02-02'::date - 7),
	CONSTRAINT future CHECK (c > '2020-02-01'::date));
CREATE VIEW public.v AS SELECT a FROM public.t WHERE a > '2020-02-02 00:00+00'::timestamptz;
SELECT dbm_set_model($$
CREATE DOMAIN public.moment AS timestamptz DEFAULT 'now';
CREATE TABLE public.t (
	a timestamptz DEFAULT 'now'::timestamptz,
	b timestamp DEFAULT 'now',
	c date DEFAULT 'today',
	d time DEFAULT 'now',
	e timetz DEFAULT 'now',
	f tstzrange DEFAULT '[now,)',
	g timestamptz[] DEFAULT '{now}',
	h timestamp DEFAULT 'today 12:00',
	i date DEFAULT ('Tomorrow'::date - 7),
	CONSTRAINT future CHECK (c > date 'yesterday'));
CREATE VIEW public.v AS SELECT a FROM public.t WHERE a > 'today';
$$) \gset
SELECT is_empty($$ SELECT statement FROM dbm_diff('live', 'model', '{public}') WHERE statement IS NOT NULL $$, 'another time is no difference');
SELECT is_empty($$ SELECT statement FROM dbm_diff('model', 'live', '{public}') WHERE statement IS NOT NULL $$, 'nor on the way back');
ALTER TABLE public.t ALTER i SET DEFAULT '2020-02-02'::date - 8, ALTER d SET DEFAULT '02:02'::time + '1 h',
	ALTER a SET DEFAULT 'infinity', ALTER b DROP DEFAULT;
SELECT bag_eq($$ SELECT identity FROM dbm_diff('live', 'model') WHERE statement IS NOT NULL $$,
	$$ VALUES ('public.t.a'), ('public.t.b'), ('public.t.d'), ('public.t.i') $$, 'more than another time is one');
DROP VIEW public.v;
DROP TABLE public.t;
DROP DOMAIN public.moment;

SELECT dbm_set_model(format('CREATE TABLE public.t (a date DEFAULT %L)', current_date)) \gset
CREATE TABLE public.t (a date DEFAULT '2020-02-02');
SELECT isnt_empty($$ SELECT statement FROM dbm_diff('live', 'model', '{public}') WHERE statement IS NOT NULL $$, 'a day that is written out is what it is');
DROP TABLE public.t;

-- revisions
SET LOCAL databrain_migrate.project = 'shop';
SELECT dbm_register('shop--base--aaaa0001.sql', E'-- Revision ID: aaaa0001\n-- Revises: base\n'
	'CREATE TABLE public.t (a timestamptz DEFAULT ''now'');') \gset
SELECT count(*) FROM dbm_upgrade() \gset
SELECT isnt_empty($$ SELECT * FROM dbm_diff('empty', 'revision:aaaa0001') $$, 'from nothing');
ALTER TABLE public.t ALTER a SET DEFAULT '2020-02-02 02:02:02+00';
SELECT is_empty('SELECT * FROM dbm_drift()', 'when a revision was applied is no drift');

SELECT * FROM finish();
ROLLBACK;

--- from
CREATE TABLE t (v varchar(10), n int, CONSTRAINT c1 CHECK (v IN ('x', 'y')), CONSTRAINT c2 CHECK (n BETWEEN 1 AND 5), CONSTRAINT c3 CHECK (v <> 'z'));
CREATE INDEX i ON t (n) WHERE v IN ('x', 'y');
CREATE VIEW w AS SELECT n FROM t WHERE v IN ('x', 'y');
--- to
CREATE TABLE t (v varchar(10), n int, CONSTRAINT c1 CHECK (((v)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))), CONSTRAINT c2 CHECK (n >= 1 AND n <= 5), CONSTRAINT c3 CHECK (v != 'z'));
CREATE INDEX i ON t (n) WHERE ((v)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]));
CREATE VIEW w AS SELECT t.n FROM t WHERE ((t.v)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]));
--- nothing
yes

--- from
CREATE FUNCTION f(x int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE t (id int, a int DEFAULT f(1), CHECK (f(a) > 0));
CREATE INDEX t_f_idx ON t (f(id));
CREATE VIEW v AS SELECT id, f(id) AS fid FROM t;
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (f(new.id) > 0) EXECUTE FUNCTION tf();
--- to
CREATE FUNCTION f(y int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE t (id int, a int DEFAULT f(1), CHECK (f(a) > 0));
CREATE INDEX t_f_idx ON t (f(id));
CREATE VIEW v AS SELECT id, f(id) AS fid FROM t;
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (f(new.id) > 0) EXECUTE FUNCTION tf();
--- rows
INSERT INTO t (id) SELECT generate_series(1, 5);
--- keep
SELECT id, a FROM t ORDER BY id

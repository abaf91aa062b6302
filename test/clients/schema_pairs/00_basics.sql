--- from
CREATE TABLE a (id int PRIMARY KEY, v text, gone int);
CREATE VIEW w AS SELECT id, v FROM a;
--- to
CREATE TABLE a (id bigint PRIMARY KEY, v text NOT NULL DEFAULT 'x', added int CHECK (added > 0));
COMMENT ON TABLE a IS 'a''s';
CREATE INDEX a_v_idx ON a (v);
CREATE TABLE b (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id bigint REFERENCES a, t timestamptz DEFAULT now());
CREATE VIEW w AS SELECT id, v FROM a;
CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 1';
--- rows
INSERT INTO a SELECT n, CASE WHEN n > 3 THEN 'v' || n END, n FROM generate_series(1, 5) n;
--- keep
SELECT id, coalesce(v, 'x') FROM a ORDER BY id

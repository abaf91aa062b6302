--- from
CREATE TABLE t (a int, b text, c int, CONSTRAINT u UNIQUE (a));
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (b);
CREATE INDEX i3 ON t (c) WITH (fillfactor = 70);
--- to
CREATE TABLE t (a int, b text, c int, CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a));
CREATE INDEX i1 ON t (a DESC NULLS LAST) INCLUDE (c);
CREATE INDEX i2 ON t (b COLLATE "C" text_pattern_ops);
CREATE INDEX i3 ON t (c) WITH (fillfactor = 90);
CREATE INDEX i4 ON t USING hash (a);
--- rows
INSERT INTO t VALUES (1, 'x', 1);
--- keep
SELECT * FROM t

--- from
CREATE TABLE t (id int, a text, b text COLLATE "C");
CREATE INDEX t_a ON t (a);
CREATE DOMAIN d AS text;
--- to
CREATE COLLATION mine (provider = icu, locale = 'de-u-co-phonebk');
CREATE TABLE t (id int, a text COLLATE "C", b text COLLATE mine);
CREATE INDEX t_a ON t (a COLLATE mine);
CREATE DOMAIN d AS text COLLATE mine;
--- rows
INSERT INTO t VALUES (1, 'x', 'y');
--- keep
SELECT * FROM t

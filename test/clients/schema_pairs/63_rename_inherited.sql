--- from
CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE INDEX ON p (at);
CREATE INDEX by_id ON p (id);
CREATE TABLE base (id int, n text CONSTRAINT long CHECK (length(n) > 1));
CREATE TABLE child (x int) INHERITS (base);
CREATE TABLE refs (id int, at date, FOREIGN KEY (id, at) REFERENCES p);
CREATE VIEW v AS SELECT * FROM p;
--- to
CREATE TABLE parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE INDEX ON parts (day);
CREATE INDEX by_number ON parts (id);
CREATE TABLE base (id int, name text CONSTRAINT lengthy CHECK (length(name) > 1));
CREATE TABLE child (x int) INHERITS (base);
CREATE TABLE refs (id int, at date, FOREIGN KEY (id, at) REFERENCES parts);
CREATE VIEW v AS SELECT id, day AS at FROM parts;
--- rows
INSERT INTO p VALUES (1, '2001-02-02');
INSERT INTO base VALUES (1, 'aa');
INSERT INTO child VALUES (1, 'bb', 2);
INSERT INTO refs TABLE p;
--- renames
table p -> parts
p.at -> day
by_id -> by_number
base.n -> name
constraint base.long -> lengthy
--- renames back
parts -> p
parts.day -> at
by_number -> by_id
base.name -> n
constraint base.lengthy -> long
--- kept
DROP|CREATE
--- keep
SELECT query_to_xml('SELECT t::text AS x FROM ' || oid::regclass || ' t ORDER BY 1', false, true, '')::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1

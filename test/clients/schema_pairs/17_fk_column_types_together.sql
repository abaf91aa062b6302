--- from
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int REFERENCES p);
--- to
CREATE TABLE p (id text PRIMARY KEY);
CREATE TABLE c (p text REFERENCES p);
--- rows
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1), (2);
--- keep
SELECT id::text FROM p ORDER BY 1
SELECT p::text FROM c ORDER BY 1

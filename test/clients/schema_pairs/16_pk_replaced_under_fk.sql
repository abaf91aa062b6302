--- from
CREATE TABLE p (id int NOT NULL, other int NOT NULL, CONSTRAINT p_pkey PRIMARY KEY (id), CONSTRAINT p_other UNIQUE (other));
CREATE TABLE c (p int, CONSTRAINT c_fk FOREIGN KEY (p) REFERENCES p (id));
--- to
CREATE TABLE p (id int NOT NULL, other int NOT NULL, CONSTRAINT p_pkey PRIMARY KEY (other), CONSTRAINT p_other UNIQUE (id));
CREATE TABLE c (p int, CONSTRAINT c_fk FOREIGN KEY (p) REFERENCES p (id));
--- rows
INSERT INTO p VALUES (1, 10), (2, 20);
INSERT INTO c VALUES (1), (2);
--- keep
SELECT * FROM p ORDER BY id
SELECT * FROM c ORDER BY p

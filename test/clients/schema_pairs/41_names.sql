--- from
CREATE SCHEMA "S p";
CREATE SCHEMA other;
CREATE TABLE other.t (id int PRIMARY KEY);
CREATE VIEW other.v AS SELECT id FROM other.t;
CREATE TABLE "S p"."Ta""b.le" ("Se lect" int, "from" text);
CREATE TABLE "Ta""b.le" (x int);
--- to
CREATE SCHEMA "S p";
CREATE TABLE "S p"."Ta""b.le" ("Se lect" bigint CONSTRAINT "c.k" CHECK ("Se lect" > 0), "from" text DEFAULT 'it''s', "größe" int);
CREATE TABLE "Ta""b.le" (x int);
CREATE INDEX "In dex" ON "S p"."Ta""b.le" ("from");
CREATE TYPE "S p"."E num" AS ENUM ('a''b', 'c "d"', 'e\f');
CREATE TABLE a23456789012345678901234567890123456789012345678901234567890123 (b23456789012345678901234567890123456789012345678901234567890123 "S p"."E num" DEFAULT 'a''b');
CREATE FUNCTION "S p"."F()"("A a" int) RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON COLUMN "S p"."Ta""b.le"."Se lect" IS 'x';
--- rows
INSERT INTO "S p"."Ta""b.le" VALUES (1, 'f');
--- keep
SELECT "Se lect", "from" FROM "S p"."Ta""b.le"

--- from
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION g(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a';
--- to
CREATE FUNCTION f(a int, b int, c int) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION g(a int, b int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT a';

-- A superuser who runs a script as its author, in a worker: what the script
-- does, it does as its author.
CREATE EXTENSION databrain_migrate;
CREATE ROLE regress_dbm_author LOGIN;
CREATE TABLE said (who name DEFAULT current_user, what text);
GRANT INSERT ON said TO regress_dbm_author;
GRANT EXECUTE ON FUNCTION dbm_register(text, text, boolean), dbm_upgrade(text, text) TO regress_dbm_author;
GRANT EXECUTE ON PROCEDURE dbm_migrate TO regress_dbm_author;

SET ROLE regress_dbm_author;
SELECT dbm_register('worker--base--aaaa0001.sql', E'-- Transactional: no\nINSERT INTO said (what) VALUES (''before'');\nRESET ROLE;\nINSERT INTO said (what) VALUES (''after RESET ROLE'');\nRESET SESSION AUTHORIZATION;\nINSERT INTO said (what) VALUES (''after RESET SESSION AUTHORIZATION'');');
CALL dbm_migrate(project => 'worker');
SELECT current_user;
RESET ROLE;
SELECT * FROM said;
SELECT revision, role, outcome FROM dbm_log('worker');

-- on its own account, a superuser may do as it likes
SELECT dbm_register('own--base--aaaa0001.sql', E'-- Transactional: no\nSET ROLE regress_dbm_author;\nINSERT INTO said (what) VALUES (''after SET ROLE'');\nRESET ROLE;\nDELETE FROM said WHERE what = ''before'';');
CALL dbm_migrate(project => 'own');
SELECT * FROM said;

DROP TABLE said;
DROP EXTENSION databrain_migrate;
DROP ROLE regress_dbm_author;

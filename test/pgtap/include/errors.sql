-- What statements raise, for files that \ir this one.

-- What a statement raises: SQLSTATE and message, then detail, hint and
-- context, a line each where there is one.  "no error" if it raises nothing.
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text;
	message text;
	detail text;
	hint text;
	context text;
BEGIN
	BEGIN
		EXECUTE statement;
		RETURN 'no error';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
			message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
			hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	END;
	-- whoever runs this
	detail := replace(detail, format('role "%s"', session_user), 'role "self"');
	-- without what the execution from here adds
	context := regexp_replace(split_part(context, format('SQL statement "%s"', statement), 1),
		'\n?(PL/pgSQL function pg_temp_\d+\.error_of.*)?$', '');
	RETURN concat_ws(E'\n', state || ' ' || message,
		'detail: ' || nullif(detail, ''), 'hint: ' || nullif(hint, ''),
		'context: ' || nullif(context, ''));
END
$$;

-- The same in a read-only transaction.
CREATE FUNCTION pg_temp.read_only_error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	-- only going back out of the block ends this mode again
	PERFORM set_config('transaction_read_only', 'on', true);
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'RONLY';
EXCEPTION
	WHEN SQLSTATE 'RONLY' THEN RETURN 'no error';
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

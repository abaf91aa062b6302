/*-------------------------------------------------------------------------
 *
 * script.c
 *		From the text of a revision script to tokens, checksum, statements.
 *
 * The server's own scanner and parser do the reading, so everything that the
 * server takes for a comment, a constant or a function body is one here.  What
 * they do not know is psql: a line that begins with \echo where a statement could
 * begin is made blank, and any other backslash outside of comments and constants
 * is an error.  Blanks take the place of what they hide, byte for byte, so that
 * an offset means the same in the text as written and in the clean one.
 *
 * Errors and warnings name the file and the line in their context, and show
 * the line.  Syntax errors of the server keep their message and SQLSTATE.
 *
 * The checksum
 * ------------
 * A checksum is "1:" and the SHA-256, in 64 lower-case hexadecimal digits, of
 * the two bytes "1:" and one frame for each token.  The 1 is the version of
 * this format.  A frame is one byte that gives the token's class, four bytes,
 * most significant first, with the length of its value, and the value, in
 * UTF-8 (a database in SQL_ASCII: as it is).  Classes and values are
 *
 *	w	word, keyword or not: ASCII letters in lower case; N before a string
 *		is the word "nchar"
 *	q	name in double quotes: without them, "" inside made "
 *	Q	the same with U& before it: escapes are not resolved
 *	s	string constant of any notation, '', E'' or $$: what it stands for,
 *		joined when it is continued on the next line
 *	S	string constant with U& before it: escapes are not resolved
 *	b	bit string: the letter b or x and the digits as written
 *	n	number: a decimal integer without leading zeros if it fits 32 bits, else
 *		as written with ASCII letters in lower case
 *	o	everything else, operators, punctuation, parameters: as written, but
 *		"<>" for "!="
 *
 * A string is read with standard_conforming_strings on.  Comments, blanks and
 * \echo lines are no tokens.  A semicolon counts only between two other tokens,
 * and once, however many there are.
 *
 * Nothing in it depends on which words this server takes for keywords, nor on
 * the database's encoding, nor on a setting.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "base/hash.h"
#include "common/keywords.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "port/pg_bswap.h"
#include "store/store.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define CHECKSUM_VERSION "1:"

/*
 * The scanner's tokens above the single characters.  scanner.h promises these
 * numbers; the names are not installed with newer servers.  Behind them come
 * the tokens of the grammar, which are keywords as a rule.
 */
enum
{
	TOKEN_IDENT = 258,
	TOKEN_UIDENT,
	TOKEN_FCONST,
	TOKEN_SCONST,
	TOKEN_USCONST,
	TOKEN_BCONST,
	TOKEN_XCONST,
	TOKEN_OP,
	TOKEN_ICONST,
	TOKEN_PARAM,
	TOKEN_TYPECAST,
	TOKEN_DOT_DOT,
	TOKEN_COLON_EQUALS,
	TOKEN_EQUALS_GREATER,
	TOKEN_LESS_EQUALS,
	TOKEN_GREATER_EQUALS,
	TOKEN_NOT_EQUALS
};

/* A text that is being read.  Errors raised meanwhile name their place in it. */
typedef struct Source
{
	const char *file_name;
	const char *text;			/* as written */
	char	   *clean;			/* what the server's parser gets */
	bool		is_model;		/* and not a revision's script */
	ErrorContextCallback callback;
} Source;

/* A scanner at work, and the token it stands on. */
typedef struct Lexer
{
	Source	   *source;
	MemoryContext context;		/* of the scanner and its tokens */
	core_yyscan_t scanner;
	core_yy_extra_type extra;
	int			token;
	core_YYSTYPE value;
	int			start;			/* offset of the token */
	int			length;
} Lexer;

/* How far a COPY statement has been read. */
typedef struct CopyWatch
{
	enum
	{
		COPY_NOT,				/* nothing left to find out */
		COPY_TARGET,			/* before its FROM or TO */
		COPY_DIRECTION			/* behind it */
	}			state;
	int			depth;			/* of parentheses */
	bool		after_dot;		/* the next word is a name */
	bool		is_from;
} CopyWatch;

/* Count the line ends between two offsets. */
static int
count_lines(const char *text, int from, int to)
{
	int			n = 0;

	for (int i = from; i < to; i++)
	{
		if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n'))
			n++;
	}
	return n;
}

/* The number of the line, from 1, in which an offset lies. */
int
dbmig_line_number(const char *text, int offset)
{
	return 1 + count_lines(text, 0, offset);
}

/* The start of the line after the one that starts here, or the text's end. */
const char *
dbmig_next_line(const char *line)
{
	line += strcspn(line, "\r\n");
	if (line[0] == '\r' && line[1] == '\n')
		line++;
	if (*line != '\0')
		line++;
	return line;
}

/* The length of the byte order mark that a text begins with; 0 for none. */
int
dbmig_mark_length(const char *text)
{
	static const char mark[] = "\xEF\xBB\xBF";

	return strncmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
}

/* Is this psql's command \echo?  Text points to its backslash. */
bool
dbmig_is_echo(const char *text)
{
	unsigned char next;

	if (strncmp(text, "\\echo", strlen("\\echo")) != 0)
		return false;
	next = text[strlen("\\echo")];
	return !IS_HIGHBIT_SET(next) && !isalnum(next) && next != '_';
}

/* The line that the last error context named; 0 when it named none. */
static int	error_line = 0;

/* Remember the line of an error, for the log. */
void
dbmig_note_error_line(int line)
{
	error_line = line;
}

/* The line of the last error; forgotten by asking. */
int
dbmig_take_error_line(void)
{
	int			line = error_line;

	error_line = 0;
	return line;
}

/*
 * Turn the position of an error in the text into file, line, and a query that
 * is only this line.
 */
static void
source_error_callback(void *arg)
{
	Source	   *source = (Source *) arg;
	int			position = geterrposition();
	int			offset;
	int			start;
	int			end;

	if (position <= 0)
	{
		errcontext("file \"%s\"", source->file_name);
		return;
	}

	offset = pg_mbcharcliplen(source->clean, strlen(source->clean),
							  position - 1);

	/* an error at the end of the text belongs to its last line with a word */
	if (source->clean[offset] == '\0')
	{
		while (offset > 0 &&
			   isspace((unsigned char) source->clean[offset - 1]))
			offset--;
	}
	start = offset;
	while (start > 0 && strchr("\r\n", source->text[start - 1]) == NULL)
		start--;
	end = offset + strcspn(source->text + offset, "\r\n");

	errposition(0);
	internalerrposition(pg_mbstrlen_with_len(source->text + start,
											 offset - start) + 1);
	internalerrquery(pnstrdup(source->text + start, end - start));
	dbmig_note_error_line(dbmig_line_number(source->text, offset));
	errcontext("file \"%s\", line %d", source->file_name, error_line);
}

/*
 * Begin to read a text.  The clean text is in the current memory context.
 * Between this and end_source(), errors name their place.
 */
static void
begin_source(Source *source, const char *text, const char *file_name)
{
	source->file_name = file_name;
	source->text = text;
	source->is_model = false;
	source->clean = pstrdup(text);
	memset(source->clean, ' ', dbmig_mark_length(text));

	source->callback.callback = source_error_callback;
	source->callback.arg = source;
	source->callback.previous = error_context_stack;
	error_context_stack = &source->callback;
}

/* Stop naming places in errors.  The clean text stays. */
static void
end_source(Source *source)
{
	error_context_stack = source->callback.previous;
}

/* Set the position of an error to an offset in the text; for ereport(). */
static int
source_errposition(const Source *source, int offset)
{
	return errposition(pg_mbstrlen_with_len(source->clean, offset) + 1);
}

/*
 * Begin to scan a text by the caller's settings.  What the scanner allocates
 * lives until end_scan().  It warns of nothing; the parser does.
 */
static void
begin_scan(Lexer *lexer, Source *source)
{
	MemoryContext caller;

	lexer->source = source;
	lexer->token = 0;
	lexer->context = AllocSetContextCreate(CurrentMemoryContext,
										   "databrain_migrate scanner",
										   ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(lexer->context);
	lexer->scanner = scanner_init(source->clean, &lexer->extra, &ScanKeywords,
								  ScanKeywordTokens);
	lexer->extra.escape_string_warning = false;
	MemoryContextSwitchTo(caller);
}

/* Free all that the scanner and its tokens occupy. */
static void
end_scan(Lexer *lexer)
{
	scanner_finish(lexer->scanner);
	MemoryContextDelete(lexer->context);
}

/* Let the scanner take one step, whatever comes; token 0 is the text's end. */
static void
step(Lexer *lexer)
{
	MemoryContext caller = MemoryContextSwitchTo(lexer->context);

	lexer->token = core_yylex(&lexer->value, &lexer->start, lexer->scanner);
	MemoryContextSwitchTo(caller);

	/* the scanner ends the text of a token by a zero in its buffer */
	lexer->length = strlen(lexer->extra.scanbuf + lexer->start);
}

/*
 * Make the line blank whose \echo the scanner stands on, or raise an error.
 * Inside a statement that would not do: two constants on lines with nothing
 * but blanks between them are one.
 */
static void
skip_psql_command(Lexer *lexer, bool in_statement)
{
	Source	   *source = lexer->source;
	char	   *command = source->clean + lexer->start;
	int			before = lexer->start;
	int			length;

	while (before > 0 && strchr(" \t\f\v", source->clean[before - 1]) != NULL)
		before--;
	if (in_statement || !dbmig_is_echo(command) ||
		(before > 0 && strchr("\r\n", source->clean[before - 1]) == NULL))
	{
		length = 1 + strcspn(command + 1, " \t\f\v\r\n\\;");
		length = pg_mbcliplen(command, length, NAMEDATALEN);
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				source->is_model ?
				errmsg("psql command \"%.*s\" is not supported in a model",
					   length, command) :
				errmsg("psql command \"%.*s\" is not supported in a revision script",
					   length, command),
				source->is_model ?
				errdetail("Models are run by the server, which knows no psql command but \\echo, \\restrict and \\unrestrict, on lines between the statements.") :
				errdetail("Revision scripts are run by the server, which knows no psql command but \\echo, on lines between the statements."),
				source_errposition(source, lexer->start));
	}

	length = strcspn(command, "\r\n");
	memset(command, ' ', length);

	/*
	 * The scanner works in its buffer, so that what is ahead can be changed
	 * there too, instead of beginning anew behind the line.  Only the byte
	 * behind the backslash it has already taken; it comes as a token.
	 */
	memset(lexer->extra.scanbuf + lexer->start + 2, ' ', length - 2);
	step(lexer);
	Assert(lexer->token == TOKEN_IDENT && lexer->length == 1);
}

/* Go to the next token.  Returns false at the end of the text. */
static bool
next_token(Lexer *lexer)
{
	bool		in_statement = lexer->token != 0 && lexer->token != ';';

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		step(lexer);
		if (lexer->token != '\\')
			return lexer->token != 0;
		skip_psql_command(lexer, in_statement);
	}
}

/* The text of the token, as written. */
static const char *
token_text(const Lexer *lexer)
{
	return lexer->extra.scanbuf + lexer->start;
}

/* The keyword the scanner stands on, or "" if it is none. */
static const char *
token_keyword(const Lexer *lexer)
{
	unsigned char first = token_text(lexer)[0];

	if (lexer->token > TOKEN_NOT_EQUALS && isalpha(first))
		return lexer->value.keyword;
	return "";
}

/* Add the frame of a token to the checksum. */
static void
hash_token(pg_cryptohash_ctx *hash, char class, const char *value)
{
	int			encoding = GetDatabaseEncoding();
	uint32		length;

	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
		value = pg_server_to_any(value, strlen(value), PG_UTF8);
	length = pg_hton32((uint32) strlen(value));
	dbmig_hash_bytes(hash, &class, 1);
	dbmig_hash_bytes(hash, &length, sizeof(length));
	dbmig_hash_bytes(hash, value, strlen(value));
}

/* A copy with ASCII letters in lower case. */
static char *
ascii_lower(const char *text)
{
	char	   *result = pstrdup(text);

	for (char *p = result; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return result;
}

/* Add the token that the scanner stands on to the checksum. */
static void
hash_scanned(pg_cryptohash_ctx *hash, const Lexer *lexer)
{
	const char *text = token_text(lexer);
	const char *keyword = token_keyword(lexer);

	switch (lexer->token)
	{
		case TOKEN_IDENT:
			if (*text == '"')
				hash_token(hash, 'q', lexer->value.str);
			else
				hash_token(hash, 'w', ascii_lower(text));
			break;
		case TOKEN_UIDENT:
			hash_token(hash, 'Q', lexer->value.str);
			break;
		case TOKEN_SCONST:
			hash_token(hash, 's', lexer->value.str);
			break;
		case TOKEN_USCONST:
			hash_token(hash, 'S', lexer->value.str);
			break;
		case TOKEN_BCONST:
		case TOKEN_XCONST:
			hash_token(hash, 'b', lexer->value.str);
			break;
		case TOKEN_ICONST:
			hash_token(hash, 'n', psprintf("%d", lexer->value.ival));
			break;
		case TOKEN_FCONST:
			hash_token(hash, 'n', ascii_lower(lexer->value.str));
			break;
		case TOKEN_NOT_EQUALS:
			hash_token(hash, 'o', "<>");
			break;
		default:
			if (*keyword != '\0')
				hash_token(hash, 'w', keyword);
			else
				hash_token(hash, 'o', text);
			break;
	}
}

/*
 * The checksum of a script, in the current memory context.  A text that cannot
 * be scanned is an error.
 */
char *
dbmig_script_checksum(const char *text, const char *file_name)
{
	Source		source;
	Lexer		lexer;
	pg_cryptohash_ctx *hash = dbmig_hash_begin();
	MemoryContext caller;
	bool		any = false;	/* was there a token but semicolons? */
	bool		semicolon = false;	/* and a semicolon since? */

	dbmig_hash_bytes(hash, CHECKSUM_VERSION, strlen(CHECKSUM_VERSION));

	begin_source(&source, text, file_name);
	begin_scan(&lexer, &source);
	lexer.extra.standard_conforming_strings = true;
	lexer.extra.backslash_quote = BACKSLASH_QUOTE_ON;
	caller = MemoryContextSwitchTo(lexer.context);
	while (next_token(&lexer))
	{
		if (lexer.token == ';')
		{
			semicolon = any;
			continue;
		}
		if (semicolon)
			hash_token(hash, 'o', ";");
		semicolon = false;
		any = true;
		hash_scanned(hash, &lexer);
	}
	MemoryContextSwitchTo(caller);
	end_scan(&lexer);
	end_source(&source);
	pfree(source.clean);

	return psprintf(CHECKSUM_VERSION "%s", dbmig_hash_end(hash));
}

/*
 * Refuse a COPY from or to the client.  This looks at tokens, not at the parse
 * tree, since the rows that follow such a statement cannot be scanned, and
 * would give an error that does not help.  A COPY statement's first FROM or TO
 * outside of parentheses is its direction, unless it is a part of the table's
 * qualified name.
 */
static void
watch_copy(CopyWatch *watch, const Lexer *lexer, bool first)
{
	const char *keyword = token_keyword(lexer);

	if (first)
	{
		watch->state = strcmp(keyword, "copy") == 0 ? COPY_TARGET : COPY_NOT;
		watch->depth = 0;
	}
	else if (watch->state == COPY_TARGET)
	{
		if (lexer->token == '(')
			watch->depth++;
		else if (lexer->token == ')')
			watch->depth--;
		else if (watch->depth == 0 && !watch->after_dot)
		{
			watch->is_from = strcmp(keyword, "from") == 0;
			if (watch->is_from || strcmp(keyword, "to") == 0)
				watch->state = COPY_DIRECTION;
		}
	}
	else if (watch->state == COPY_DIRECTION)
	{
		if (strcmp(keyword, "stdin") == 0 || strcmp(keyword, "stdout") == 0)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					lexer->source->is_model ?
					errmsg("COPY with the client is not supported in a model") :
					watch->is_from ?
					errmsg("COPY FROM STDIN is not supported in a revision script") :
					errmsg("COPY TO STDOUT is not supported in a revision script"),
					lexer->source->is_model ?
					errdetail("Models are run by the server, without a client to exchange rows with.") :
					errdetail("Revision scripts are run by the server, without a client to exchange rows with."),
					lexer->source->is_model ?
					errhint("A model needs no rows: leave it out.") :
					watch->is_from ?
					errhint("Use INSERT with a VALUES list, or COPY from a file of the server.") :
					errhint("Use COPY to a file of the server."),
					source_errposition(lexer->source, lexer->start));
		watch->state = COPY_NOT;
	}
	watch->after_dot = (lexer->token == '.');
}

/*
 * Clean the text, and list where each run of tokens between semicolons starts
 * and ends.  A statement is one run, or several: the bodies of SQL-standard
 * functions have semicolons too.
 */
static void
find_runs(Source *source, List **starts, List **ends)
{
	Lexer		lexer;
	CopyWatch	watch = {COPY_NOT};
	bool		first = true;
	int			end = 0;

	begin_scan(&lexer, source);
	while (next_token(&lexer))
	{
		if (lexer.token == ';')
		{
			if (!first)
				*ends = lappend_int(*ends, end);
			first = true;
			continue;
		}
		if (first)
			*starts = lappend_int(*starts, lexer.start);
		watch_copy(&watch, &lexer, first);
		end = lexer.start + lexer.length;
		first = false;
	}
	if (!first)
		*ends = lappend_int(*ends, end);
	end_scan(&lexer);
}

/*
 * Parse a source.  Returns a list of DbmigStatement in the current memory
 * context.
 */
static List *
parse_source(Source *source)
{
	List	   *starts = NIL;
	List	   *ends = NIL;
	List	   *result = NIL;
	ListCell   *cell;
	int			run = 0;
	int			offset = 0;
	int			line = 1;

	find_runs(source, &starts, &ends);

	foreach(cell, raw_parser(source->clean, RAW_PARSE_DEFAULT))
	{
		RawStmt    *raw = lfirst_node(RawStmt, cell);
		DbmigStatement *statement = palloc(sizeof(DbmigStatement));
		int			limit = raw->stmt_len > 0 ?
			raw->stmt_location + raw->stmt_len : INT_MAX;

		CHECK_FOR_INTERRUPTS();

		/*
		 * The server says from where on to look, which before version 18 is
		 * behind the last semicolon, and where the statement ends if a
		 * semicolon ends it.  It has seen the same tokens, so there is a run
		 * for each statement.
		 */
		while (list_nth_int(starts, run) < raw->stmt_location)
			run++;
		statement->raw = raw;
		statement->start = list_nth_int(starts, run);
		while (run + 1 < list_length(starts) &&
			   list_nth_int(starts, run + 1) < limit)
			run++;
		statement->length = list_nth_int(ends, run) - statement->start;
		run++;

		line += count_lines(source->text, offset, statement->start);
		offset = statement->start;
		statement->line = line;
		result = lappend(result, statement);
	}

	list_free(starts);
	list_free(ends);
	return result;
}

/*
 * Parse a text that need not be a revision script: it may begin and end
 * transactions.  Otherwise as dbmig_script_parse().
 */
List *
dbmig_statements_parse(const char *text, const char *file_name, char **clean)
{
	Source		source;
	List	   *result;

	begin_source(&source, text, file_name);
	result = parse_source(&source);
	end_source(&source);
	*clean = source.clean;
	return result;
}

/* Raise if a statement begins or ends a transaction. */
static void
reject_transactions(const Source *source, List *statements)
{
	ListCell   *cell;

	foreach(cell, statements)
	{
		const DbmigStatement *statement = lfirst(cell);

		if (!IsA(statement->raw->stmt, TransactionStmt))
			continue;
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				source->is_model ?
				errmsg("%s is not supported in a model",
					   CreateCommandName(statement->raw->stmt)) :
				errmsg("%s is not supported in a revision script",
					   CreateCommandName(statement->raw->stmt)),
				source->is_model ?
				errdetail("A model is run in a subtransaction that is rolled back.") :
				errdetail("Transactions are begun and ended around revisions, not by them."),
				source->is_model ?
				errhint("Leave it out.") :
				errhint("Split the revision in two, or give it the header \"Transactional: no\" to run it outside of a transaction."),
				source_errposition(source, statement->start));
	}
}

static List *
parse_without_transactions(const char *text, const char *file_name,
						   char **clean, bool is_model)
{
	Source		source;
	List	   *result;

	begin_source(&source, text, file_name);
	source.is_model = is_model;
	result = parse_source(&source);
	reject_transactions(&source, result);
	end_source(&source);
	*clean = source.clean;
	return result;
}

/*
 * Parse a script.  Returns a list of DbmigStatement, none for a script that
 * has only comments, and sets *clean to the text that their offsets and the
 * locations in the parse trees point into, all in the current memory context.
 * Statements that no revision may contain are errors.
 */
List *
dbmig_script_parse(const char *text, const char *file_name, char **clean)
{
	return parse_without_transactions(text, file_name, clean, false);
}

/* The same for a model, with errors that speak of one. */
List *
dbmig_model_parse(const char *text, const char *file_name, char **clean)
{
	return parse_without_transactions(text, file_name, clean, true);
}

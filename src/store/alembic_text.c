/*-------------------------------------------------------------------------
 *
 * alembic_text.c
 *		Takes the output of "alembic upgrade --sql" or "downgrade --sql" apart.
 *
 * Alembic prints, for each revision, a comment, the revision's statements, and
 * what keeps its table alembic_version:
 *
 *		-- Running upgrade 750bcd1e35fa -> 39015ae510e0
 *		ALTER TABLE document ADD COLUMN status text;
 *		UPDATE alembic_version SET version_num='39015ae510e0' WHERE ...;
 *
 * A merge has its parents before the arrow, separated by commas; a first
 * revision has nothing there.  A downgrade has them behind it.  BEGIN and COMMIT
 * stand around all of it or around each revision, and the other way round
 * around what must not run in a transaction.
 *
 * The statements are the server's parser's, so nothing inside of one is taken
 * for a comment; comments are looked for between statements only.  A revision
 * counts when its bookkeeping fits its comment, which also finds a comment of
 * the user's that looks like Alembic's, and a text that was cut off.
 *
 * What the text does not tell: branch labels, messages, dates, and dependencies
 * except for those that were heads when the revision was run, because then
 * their row in the table goes.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "store/store.h"
#include "tcop/utility.h"

#define BLANKS " \t\r\n\f\v"
#define MARKER "-- Running "

/* A text being taken apart. */
typedef struct Reader
{
	const char *name;			/* what the caller calls the text */
	bool		upgrade;
	char	   *text;
	List	   *revisions;
	DbmigAlembicRevision *current;	/* NULL before the first one */
	StringInfoData comments;	/* that the next statement will follow */
	bool		in_transaction;
	int			line;			/* for errors */
} Reader;

/* What a statement does to Alembic's table. */
typedef struct Bookkeeping
{
	bool		table;			/* concerns the table, no row */
	char	   *old;			/* the version whose row goes, or NULL */
	char	   *new;			/* the version that gets one, or NULL */
} Bookkeeping;

static void
reader_error_callback(void *arg)
{
	Reader	   *reader = (Reader *) arg;

	errcontext("\"%s\", line %d", reader->name, reader->line);
}

/* ---------------- bookkeeping ---------------- */

static bool
is_alembic_table(const RangeVar *relation)
{
	return relation && strcmp(relation->relname, DBMIG_ALEMBIC_TABLE) == 0;
}

static bool
is_alembic_drop(const DropStmt *drop)
{
	return drop->removeType == OBJECT_TABLE && list_length(drop->objects) == 1 &&
		strcmp(strVal(llast(linitial_node(List, drop->objects))),
			   DBMIG_ALEMBIC_TABLE) == 0;
}

/* The value of a string constant; NULL if the node is something else. */
static char *
string_constant(Node *node)
{
	A_Const    *constant = (A_Const *) node;

	if (node == NULL || !IsA(node, A_Const) || constant->isnull ||
		!IsA(&constant->val, String))
		return NULL;
	return strVal(&constant->val);
}

/* The version in "version_num = 'version'", or NULL. */
static char *
compared_version(Node *where)
{
	A_Expr	   *expr = (A_Expr *) where;

	if (where == NULL || !IsA(where, A_Expr) || expr->kind != AEXPR_OP ||
		strcmp(strVal(llast(expr->name)), "=") != 0 ||
		!IsA(expr->lexpr, ColumnRef))
		return NULL;
	return string_constant(expr->rexpr);
}

/* The version in "INSERT ... VALUES ('version')", or NULL. */
static char *
inserted_version(const InsertStmt *insert)
{
	SelectStmt *select = (SelectStmt *) insert->selectStmt;
	List	   *row;

	if (select == NULL || !IsA(select, SelectStmt) ||
		list_length(select->valuesLists) != 1)
		return NULL;
	row = linitial(select->valuesLists);
	return list_length(row) == 1 ? string_constant(linitial(row)) : NULL;
}

/*
 * Is this statement about Alembic's table?  Then says what it does; one that
 * Alembic would not print is an error.
 */
static bool
read_bookkeeping(Node *node, Bookkeeping *result)
{
	memset(result, 0, sizeof(Bookkeeping));
	result->table =
		(IsA(node, CreateStmt) &&
		 is_alembic_table(((CreateStmt *) node)->relation)) ||
		(IsA(node, AlterTableStmt) &&
		 is_alembic_table(((AlterTableStmt *) node)->relation)) ||
		(IsA(node, DropStmt) && is_alembic_drop((DropStmt *) node));
	if (result->table)
		return true;

	if (IsA(node, InsertStmt) && is_alembic_table(((InsertStmt *) node)->relation))
	{
		result->new = inserted_version((InsertStmt *) node);
		if (result->new)
			return true;
	}
	else if (IsA(node, DeleteStmt) &&
			 is_alembic_table(((DeleteStmt *) node)->relation))
	{
		result->old = compared_version(((DeleteStmt *) node)->whereClause);
		if (result->old)
			return true;
	}
	else if (IsA(node, UpdateStmt) &&
			 is_alembic_table(((UpdateStmt *) node)->relation))
	{
		UpdateStmt *update = (UpdateStmt *) node;

		result->old = compared_version(update->whereClause);
		if (list_length(update->targetList) == 1)
			result->new = string_constant(linitial_node(ResTarget,
														update->targetList)->val);
		if (result->old && result->new)
			return true;
	}
	else
		return false;
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("%s of table \"%s\" is none that Alembic prints",
				   CreateCommandName(node), DBMIG_ALEMBIC_TABLE));
}

/* Does a revision have this parent? */
static bool
has_parent(const DbmigAlembicRevision *revision, const char *id)
{
	for (int i = 0; i < revision->ndown; i++)
	{
		if (strcmp(revision->down[i], id) == 0)
			return true;
	}
	return false;
}

/*
 * Compare bookkeeping with the revision it should belong to.  The row of the
 * revision itself comes or goes; any other is of a parent or a dependency.
 */
static void
check_bookkeeping(Reader *reader, const Bookkeeping *bookkeeping)
{
	DbmigAlembicRevision *revision = reader->current;
	char	   *self = reader->upgrade ? bookkeeping->new : bookkeeping->old;
	char	   *other = reader->upgrade ? bookkeeping->old : bookkeeping->new;
	ListCell   *lc;

	if (revision == NULL || (self && strcmp(self, revision->id) != 0))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("bookkeeping of Alembic does not fit the revision"),
				revision ?
				errdetail("Version \"%s\" is recorded for revision \"%s\".",
						  self, revision->id) :
				errdetail("Version \"%s\" is recorded before the first revision.",
						  self ? self : other));
	revision->recorded |= (self != NULL);
	if (other == NULL || has_parent(revision, other))
		return;
	dbmig_check_identifier(other, "revision identifier");
	foreach(lc, revision->deps)
	{
		if (strcmp(lfirst(lc), other) == 0)
			return;
	}
	revision->deps = lappend(revision->deps, other);
}

/* ---------------- comments ---------------- */

/* A copy of len bytes without the blanks at both ends. */
static char *
trimmed(const char *text, size_t len)
{
	size_t		skip = strspn(text, BLANKS);

	if (skip >= len)
		return pstrdup("");
	while (len > skip && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	return pnstrdup(text + skip, len - skip);
}

/* Split a list of revisions at its commas.  Returns how many there are. */
static int
split_revisions(const char *list, char ***names)
{
	int			n = 0;
	int			size = 1;

	if (*list == '\0')
		return 0;
	for (const char *p = list; *p != '\0'; p++)
		size += (*p == ',');
	*names = palloc(sizeof(char *) * size);
	for (;;)
	{
		size_t		len = strcspn(list, ",");

		(*names)[n] = trimmed(list, len);
		dbmig_check_identifier((*names)[n++], "revision identifier");
		if (list[len] == '\0')
			return n;
		list += len + 1;
	}
}

/* A revision ends where the next one begins, or with the text. */
static void
end_revision(Reader *reader)
{
	DbmigAlembicRevision *revision = reader->current;

	if (revision == NULL)
		return;
	if (!revision->recorded)
	{
		reader->line = revision->line;
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("bookkeeping of revision \"%s\" is missing", revision->id),
				errdetail("No statement records it in table \"%s\".",
						  DBMIG_ALEMBIC_TABLE),
				errhint("Give the whole output of Alembic.  If the project has set \"version_table\", print the text without that setting."));
	}
	appendBinaryStringInfo(&revision->body, reader->comments.data,
						   reader->comments.len);
	resetStringInfo(&reader->comments);
}

/*
 * Is this comment one of Alembic's that begin a revision?  Then begins it.
 * The comment has no line end.
 */
static bool
begin_revision(Reader *reader, const char *comment)
{
	DbmigAlembicRevision *revision;
	const char *kind = comment + strlen(MARKER);
	const char *from;
	const char *arrow;
	const char *to;
	char	   *id;

	if (strncmp(comment, MARKER, strlen(MARKER)) != 0)
		return false;
	arrow = strstr(kind, "->");
	if (arrow == NULL)
		return false;
	to = arrow + strlen("->");
	from = kind + strcspn(kind, " ");
	if (strncmp(kind, "upgrade ", 8) != 0 && strncmp(kind, "downgrade ", 10) != 0 &&
		strncmp(kind, "stamp_revision ", 15) != 0)
		return false;
	if (strncmp(kind, reader->upgrade ? "upgrade " : "downgrade ",
				reader->upgrade ? 8 : 10) != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" is not the output of \"alembic %s --sql\"",
					   reader->name, reader->upgrade ? "upgrade" : "downgrade"),
				errdetail("It contains \"%s\".", comment));

	end_revision(reader);
	revision = palloc0(sizeof(DbmigAlembicRevision));
	revision->line = reader->line;
	revision->transactional = true;
	initStringInfo(&revision->body);
	if (reader->upgrade)
	{
		size_t		len = strcspn(to, ",");

		id = trimmed(to, len);
		revision->ndown = split_revisions(trimmed(from, arrow - from),
										  &revision->down);
		revision->message = to[len] == ',' ?
			trimmed(to + len + 1, strlen(to + len + 1)) : pstrdup("");
	}
	else
	{
		id = trimmed(from, arrow - from);
		revision->ndown = split_revisions(trimmed(to, strlen(to)), &revision->down);
		revision->message = pstrdup("");
	}
	dbmig_check_identifier(id, "revision identifier");
	revision->id = id;
	reader->current = revision;
	reader->revisions = lappend(reader->revisions, revision);
	return true;
}

/* The length of the comment that the text begins with, nested ones included. */
static int
block_comment_length(const char *text)
{
	const char *p = text;
	int			depth = 0;

	do
	{
		if (strncmp(p, "/*", 2) == 0)
		{
			depth++;
			p += 2;
		}
		else if (strncmp(p, "*/", 2) == 0)
		{
			depth--;
			p += 2;
		}
		else
			p++;
	} while (depth > 0 && *p != '\0');
	return p - text;
}

/*
 * Read what is between two statements: blanks, semicolons and comments.  The
 * reader's line is that of its first byte.
 */
static void
read_gap(Reader *reader, int start, int end)
{
	const char *p = reader->text + start;
	const char *stop = reader->text + end;

	while (p < stop)
	{
		int			len = 1;

		CHECK_FOR_INTERRUPTS();
		if (p[0] == '-' && p[1] == '-')
		{
			char	   *comment;

			len = strcspn(p, "\r\n");
			comment = pnstrdup(p, len);
			if ((p > reader->text && strchr("\r\n", p[-1]) == NULL) ||
				!begin_revision(reader, comment))
				appendStringInfo(&reader->comments, "%s\n", comment);
		}
		else if (p[0] == '/' && p[1] == '*')
		{
			len = block_comment_length(p);
			appendBinaryStringInfo(&reader->comments, p, len);
			appendStringInfoChar(&reader->comments, '\n');
		}
		for (const char *q = p; q < p + len; q++)
			reader->line += (*q == '\n');
		p += len;
	}
}

/* ---------------- statements ---------------- */

/* Read one statement. */
static void
read_statement(Reader *reader, const DbmigStatement *statement)
{
	Node	   *node = statement->raw->stmt;
	DbmigAlembicRevision *revision = reader->current;
	Bookkeeping bookkeeping;

	reader->line = statement->line;
	if (IsA(node, TransactionStmt))
	{
		TransactionStmt *transaction = (TransactionStmt *) node;

		if (transaction->kind != TRANS_STMT_BEGIN &&
			transaction->kind != TRANS_STMT_START &&
			transaction->kind != TRANS_STMT_COMMIT)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s is not supported in a revision script",
						   CreateCommandName(node)));
		reader->in_transaction = (transaction->kind != TRANS_STMT_COMMIT);
		return;
	}
	if (read_bookkeeping(node, &bookkeeping))
	{
		if (!bookkeeping.table)
			check_bookkeeping(reader, &bookkeeping);
		return;
	}
	if (revision == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s belongs to no revision", CreateCommandName(node)),
				errdetail("It stands before the first line \"%s%s ...\".", MARKER,
						  reader->upgrade ? "upgrade" : "downgrade"),
				errhint("Give the output of \"alembic %s --sql\" as it is.",
						reader->upgrade ? "upgrade" : "downgrade"));

	revision->transactional &= reader->in_transaction;
	if (revision->body.len > 0)
		appendStringInfoChar(&revision->body, '\n');
	appendBinaryStringInfo(&revision->body, reader->comments.data,
						   reader->comments.len);
	resetStringInfo(&reader->comments);
	appendBinaryStringInfo(&revision->body, reader->text + statement->start,
						   statement->length);
	appendStringInfoString(&revision->body, ";\n");
}

/*
 * Take a text apart.  Returns a list of DbmigAlembicRevision, in the order of
 * the text, at least one.  name is what the caller calls the text.
 */
List *
dbmig_alembic_parse(const char *text, const char *name, bool upgrade)
{
	Reader		reader = {.name = name,.upgrade = upgrade,.line = 1};
	List	   *statements = dbmig_statements_parse(text, name, &reader.text);
	ErrorContextCallback callback;
	int			end = 0;
	ListCell   *lc;

	initStringInfo(&reader.comments);
	callback.callback = reader_error_callback;
	callback.arg = &reader;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	foreach(lc, statements)
	{
		const DbmigStatement *statement = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		read_gap(&reader, end, statement->start);
		read_statement(&reader, statement);
		end = statement->start + statement->length;
		for (int i = statement->start; i < end; i++)
			reader.line += (reader.text[i] == '\n');
	}
	read_gap(&reader, end, strlen(reader.text));
	end_revision(&reader);
	if (reader.revisions == NIL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" contains no revision", name),
				errhint("Give the output of \"alembic %s --sql\".",
						upgrade ? "upgrade base:heads" : "downgrade heads:base"));

	error_context_stack = callback.previous;
	return reader.revisions;
}

/*-------------------------------------------------------------------------
 *
 * header.c
 *		Fuzzes the readers of script headers and of script file names.
 *
 * The input is a script.  Its first line, without the dashes, is tried as a
 * file name as well.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "shim.h"
#include "store/store.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_names(char **names, int count)
{
	const char *reason;

	for (int i = 0; i < count; i++)
		SHIM_CHECK(dbmig_identifier_is_valid(names[i], &reason));
}

static void
same_names(char **a, int na, char **b, int nb)
{
	SHIM_CHECK(na == nb);
	for (int i = 0; i < na; i++)
		SHIM_CHECK(strcmp(a[i], b[i]) == 0);
}

static void
try_header(const char *text)
{
	int			length = dbmig_header_length(text);
	char	   *cut = pnstrdup(text, length);
	DbmigHeader *whole = NULL;
	DbmigHeader *part = NULL;
	bool		good = SHIM_TRY(whole = dbmig_header_parse(text, "file"));

	/* what stands behind the header makes no difference */
	SHIM_CHECK(SHIM_TRY(part = dbmig_header_parse(cut, "file")) == good);
	if (!good)
		return;

	SHIM_CHECK(whole->body == length && part->body == length);
	SHIM_CHECK(strcmp(whole->message, part->message) == 0);
	SHIM_CHECK(strpbrk(whole->message, "\r\n") == NULL);
	if (whole->revision)
		check_names(&whole->revision, 1);
	check_names(whole->down, whole->ndown);
	check_names(whole->deps, whole->ndeps);
	check_names(whole->labels, whole->nlabels);
	SHIM_CHECK(whole->has_revises || whole->ndown == 0);
	SHIM_CHECK((whole->revision == NULL) == (part->revision == NULL));
	same_names(whole->down, whole->ndown, part->down, part->ndown);
	same_names(whole->deps, whole->ndeps, part->deps, part->ndeps);
	same_names(whole->labels, whole->nlabels, part->labels, part->nlabels);
	SHIM_CHECK(whole->transactional == part->transactional);
}

static void
try_file_name(const char *name)
{
	char	   *project = NULL;
	char	   *from = NULL;
	char	   *to = NULL;
	const char *reason;
	bool		good = SHIM_TRY(dbmig_file_name_parse(name, &project, &from, &to));

	if (!good)
		return;
	/* a name can be taken apart in one way, and leads to no other place */
	SHIM_CHECK(strcmp(dbmig_file_name(project, from, to), name) == 0);
	SHIM_CHECK(dbmig_project_is_valid(project, NULL));
	SHIM_CHECK(strpbrk(name, "/\\'\"$; \n\r") == NULL);
	SHIM_CHECK(strcmp(from, "base") == 0 || dbmig_identifier_is_valid(from, &reason));
	SHIM_CHECK(strcmp(to, "base") == 0 || dbmig_identifier_is_valid(to, &reason));
	SHIM_CHECK(dbmig_file_name_split(name, project, &from, &to));
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *text = pnstrdup((const char *) data, size);
	char	   *first = text + strspn(text, "- ");

	try_header(text);
	try_file_name(pnstrdup(first, strcspn(first, "\r\n")));
	shim_free_all();
	return 0;
}

/*-------------------------------------------------------------------------
 *
 * write.c
 *		Writes script files into a directory of the server.
 *
 * All of the files appear, whole and on disk, or none does, and a file that is
 * there already is never touched: each is written under another name, flushed,
 * and then linked to its own name, which fails if that is taken.  What a crash
 * may leave behind is a file ".databrain_migrate.PID.N", which no reader takes
 * for a script.
 *
 * Files know nothing of transactions: they stay when the transaction that
 * wrote them is rolled back.  So writing them has to be the last that a
 * command does.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/store.h"

/* Readable by all, as what COPY writes: people have to get at the scripts. */
#define FILE_MODE	(S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH)

/* A file on its way. */
typedef struct Draft
{
	char	   *path;
	char	   *temporary;
	bool		exists;			/* is there a file of the temporary name? */
	bool		linked;			/* and one of the other, from us? */
	char	   *text;			/* in UTF-8 */
} Draft;

/* All files of one call. */
typedef struct Batch
{
	int			n;
	Draft	   *drafts;
} Batch;

/* Raise an error about a file whose errno says why. */
static void
could_not(const char *what, const char *path)
{
	ereport(ERROR,
			errcode_for_file_access(),
			errmsg("could not %s file \"%s\": %m", what, path));
}

/* Write one file under its temporary name. */
static void
write_draft(Draft *draft)
{
	size_t		left = strlen(draft->text);
	const char *p = draft->text;
	int			fd;

	fd = OpenTransientFilePerm(draft->temporary,
							   O_CREAT | O_EXCL | O_WRONLY | PG_BINARY,
							   FILE_MODE);
	if (fd < 0)
		could_not("create", draft->path);
	draft->exists = true;

	/* the server's umask is stricter */
	if (fchmod(fd, FILE_MODE) != 0)
		could_not("set permissions of", draft->path);
	while (left > 0)
	{
		ssize_t		written;

		errno = 0;
		written = write(fd, p, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			/* if it did not say why, the disk is full */
			if (errno == 0)
				errno = ENOSPC;
			could_not("write", draft->path);
		}
		p += written;
		left -= written;
	}
	if (pg_fsync(fd) != 0)
		could_not("fsync", draft->path);
	if (CloseTransientFile(fd) != 0)
		could_not("close", draft->path);
}

/* Make the files appear; the drafts say how far that got if it fails. */
static void
publish(const Batch *batch, const char *directory)
{
	for (int i = 0; i < batch->n; i++)
		write_draft(&batch->drafts[i]);
	for (int i = 0; i < batch->n; i++)
	{
		Draft	   *draft = &batch->drafts[i];

		if (link(draft->temporary, draft->path) != 0)
			could_not("create", draft->path);
		draft->linked = true;
	}
	for (int i = 0; i < batch->n; i++)
	{
		Draft	   *draft = &batch->drafts[i];

		if (unlink(draft->temporary) != 0)
			could_not("remove", draft->temporary);
		draft->exists = false;
	}
	(void) fsync_fname_ext(directory, true, false, ERROR);
}

/* Remove whatever publish() has made. */
static void
withdraw(const Batch *batch)
{
	for (int i = 0; i < batch->n; i++)
	{
		const Draft *draft = &batch->drafts[i];

		if (draft->exists)
			(void) unlink(draft->temporary);
		if (draft->linked)
			(void) unlink(draft->path);
	}
}

/* Write a list of DbmigFile into a directory; all of them, or none. */
void
dbmig_write_files(const char *directory, List *files)
{
	Batch		batch = {0};
	ListCell   *lc;

	batch.drafts = palloc0(sizeof(Draft) * list_length(files));
	foreach(lc, files)
	{
		const DbmigFile *file = lfirst(lc);
		Draft	   *draft = &batch.drafts[batch.n];

		draft->path = psprintf("%s/%s", directory, file->file_name);
		draft->temporary = psprintf("%s/.databrain_migrate.%d.%d", directory,
									MyProcPid, batch.n);
		draft->text = pg_server_to_any(file->text, strlen(file->text), PG_UTF8);
		batch.n++;
	}

	PG_TRY();
	{
		publish(&batch, directory);
	}
	PG_CATCH();
	{
		withdraw(&batch);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

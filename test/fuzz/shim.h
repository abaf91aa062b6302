/*-------------------------------------------------------------------------
 *
 * shim.h
 *		What the fuzzers need in place of a server; see shim.c.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef SHIM_H
#define SHIM_H

#include <setjmp.h>

extern sigjmp_buf shim_error;	/* where ereport(ERROR) goes */
extern void shim_free_all(void);

/* Run a statement; false if it raised an error. */
#define SHIM_TRY(...) \
	(sigsetjmp(shim_error, 0) == 0 ? ((__VA_ARGS__), true) : false)

/* A property that holds for every input. */
#define SHIM_CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif							/* SHIM_H */

/*-------------------------------------------------------------------------
 *
 * hash.h
 *		SHA-256 in hexadecimal digits.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_HASH_H
#define DBMIG_HASH_H

#include "common/cryptohash.h"
#include "common/sha2.h"

/* Digits of a hash. */
#define DBMIG_HASH_DIGITS	(2 * PG_SHA256_DIGEST_LENGTH)

extern pg_cryptohash_ctx *dbmig_hash_begin(void);
extern void dbmig_hash_bytes(pg_cryptohash_ctx *hash, const void *data, size_t length);
extern void dbmig_hash_text(pg_cryptohash_ctx *hash, const char *text);
extern char *dbmig_hash_end(pg_cryptohash_ctx *hash);
extern char *dbmig_hash(const void *data, size_t length);

#endif							/* DBMIG_HASH_H */

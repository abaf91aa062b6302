/*-------------------------------------------------------------------------
 *
 * hash.c
 *		SHA-256 in hexadecimal digits.
 *
 * A hash is begun, given what it is of, and ended, which frees it.  An error
 * in between frees it too.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "utils/builtins.h"

static void
fail(pg_cryptohash_ctx *hash)
{
	elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(hash));
}

pg_cryptohash_ctx *
dbmig_hash_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		fail(hash);
	return hash;
}

void
dbmig_hash_bytes(pg_cryptohash_ctx *hash, const void *data, size_t length)
{
	if (pg_cryptohash_update(hash, data, length) < 0)
		fail(hash);
}

/* Add a text and its end; NULL is told from empty. */
void
dbmig_hash_text(pg_cryptohash_ctx *hash, const char *text)
{
	dbmig_hash_bytes(hash, text ? "+" : "-", 1);
	dbmig_hash_bytes(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* The digits, palloc'd in the current memory context. */
char *
dbmig_hash_end(pg_cryptohash_ctx *hash)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *digits = palloc(DBMIG_HASH_DIGITS + 1);

	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		fail(hash);
	pg_cryptohash_free(hash);
	digits[hex_encode((const char *) digest, sizeof(digest), digits)] = '\0';
	return digits;
}

/* The hash of bytes, palloc'd in the current memory context. */
char *
dbmig_hash(const void *data, size_t length)
{
	pg_cryptohash_ctx *hash = dbmig_hash_begin();

	dbmig_hash_bytes(hash, data, length);
	return dbmig_hash_end(hash);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal.h"

#include <sodium.h>

_Static_assert(SEAL_KEY == crypto_kdf_KEYBYTES && SEAL_LEN >= crypto_generichash_BYTES_MIN, "libsodium's sizes");

#define CONTEXT "byrebeat" /* names the key among all that derive from the cluster's */

void seal_derive(const unsigned char cluster_key[SEAL_KEY], unsigned char ret[SEAL_KEY])
{
	crypto_kdf_derive_from_key(ret, SEAL_KEY, 1, CONTEXT, cluster_key);
}

void seal_put(const unsigned char key[SEAL_KEY], uint8_t *data, size_t len)
{
	crypto_generichash(data + len, SEAL_LEN, data, len, key, SEAL_KEY);
}

bool seal_check(const unsigned char key[SEAL_KEY], const uint8_t *data, size_t len, size_t *ret_len)
{
	uint8_t own[SEAL_LEN];

	if (len < SEAL_LEN)
		return false;
	crypto_generichash(own, SEAL_LEN, data, len - SEAL_LEN, key, SEAL_KEY);
	if (sodium_memcmp(own, data + len - SEAL_LEN, SEAL_LEN) != 0)
		return false;
	*ret_len = len - SEAL_LEN;
	return true;
}

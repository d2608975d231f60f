/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication of heartbeats: BLAKE2b with a key that derives from the cluster's (libsodium's crypto_generichash and crypto_kdf), 16 bytes at the end. */
#ifndef BYRE_METAMASTER_SEAL_H
#define BYRE_METAMASTER_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY 32
#define SEAL_LEN 16

/* The key of heartbeats, from the cluster's. */
void seal_derive(const unsigned char cluster_key[SEAL_KEY], unsigned char ret[SEAL_KEY]);
/* Writes the seal of LEN bytes behind them. */
void seal_put(const unsigned char key[SEAL_KEY], uint8_t *data, size_t len);
/* Whether the last SEAL_LEN of LEN bytes are the seal of what is before them; that many are left in *RET_LEN then. */
bool seal_check(const unsigned char key[SEAL_KEY], const uint8_t *data, size_t len, size_t *ret_len);

#endif

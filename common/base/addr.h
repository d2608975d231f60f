/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 and Ethernet addresses as people write them. IPv4 addresses are kept in host byte order. */
#ifndef BYRE_BASE_ADDR_H
#define BYRE_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#define IP4_LEN 16 /* "255.255.255.255" and NUL */
#define MAC_LEN 18 /* "aa:bb:cc:dd:ee:ff" and NUL */

struct mac {
	uint8_t b[6];
};

/* Strict dotted quad: 0 or -EINVAL. */
int ip4_parse(const char *s, uint32_t *ret);
char *ip4_format(char dst[IP4_LEN], uint32_t ip);
/* A netmask of contiguous ones, 255.0.0.0 to 255.255.255.252: its prefix length, or -EINVAL. */
int ip4_mask_bits(uint32_t mask);

/* aa:bb:cc:dd:ee:ff or with '-', any case; refuses multicast and all-zero addresses: 0 or -EINVAL. */
int mac_parse(const char *s, struct mac *ret);
char *mac_format(char dst[MAC_LEN], const struct mac *mac);
bool mac_equal(const struct mac *a, const struct mac *b);

#endif

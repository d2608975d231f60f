/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int ip4_parse(const char *s, uint32_t *ret)
{
	struct in_addr a;

	if (inet_pton(AF_INET, s, &a) != 1)
		return -EINVAL;
	*ret = ntohl(a.s_addr);
	return 0;
}

char *ip4_format(char dst[IP4_LEN], uint32_t ip)
{
	snprintf(dst, IP4_LEN, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	return dst;
}

int ip4_mask_bits(uint32_t mask)
{
	int bits = 0;

	while (bits < 32 && mask & (1u << (31 - bits)))
		bits++;
	if (bits < 8 || bits > 30 || (mask << bits) != 0)
		return -EINVAL;
	return bits;
}

int mac_parse(const char *s, struct mac *ret)
{
	static const struct mac zero;
	char pair[3] = "";
	struct mac m;

	if (strlen(s) != MAC_LEN - 1)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		memcpy(pair, s + 3 * i, 2);
		if (str_unhex(pair, &m.b[i], 1) < 0)
			return -EINVAL;
		if (i < 5 && ((s[3 * i + 2] != ':' && s[3 * i + 2] != '-') || s[3 * i + 2] != s[2]))
			return -EINVAL;
	}
	if (m.b[0] & 1 || mac_equal(&m, &zero))
		return -EINVAL;
	*ret = m;
	return 0;
}

char *mac_format(char dst[MAC_LEN], const struct mac *mac)
{
	const uint8_t *b = mac->b;

	snprintf(dst, MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return dst;
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

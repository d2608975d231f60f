/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/portals.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORTAL_LEN 22 /* 255.255.255.255:65535 and NUL */

static int parse_one(const char *text, int len, unsigned port, struct portal *ret, struct error *e)
{
	char word[PORTAL_LEN], *colon;

	ret->port = port;
	if ((size_t)snprintf(word, sizeof(word), "%.*s", len, text) >= sizeof(word))
		return error_set(e, EINVAL, "'%.*s' is no portal: write IP or IP:PORT", len < 40 ? len : 40, text);
	colon = strchr(word, ':');
	if (colon)
		*colon++ = '\0';
	if (ip4_parse(word, &ret->ip) < 0 || (colon && str_to_uint(colon, 1, 65535, &ret->port) < 0))
		return error_set(e, EINVAL, "'%.*s' is no portal: write IP or IP:PORT", len, text);
	if (ret->ip >> 24 == 0 || ret->ip >> 24 == 127 || ret->ip >> 24 >= 224)
		return error_set(e, EINVAL, "%s is not the address of one machine", word);
	return 0;
}

int portals_parse(const char *text, unsigned port, struct portal ret[PORTALS_MAX], size_t *ret_n, struct error *e)
{
	struct portal v[PORTALS_MAX];
	size_t n = 0;

	for (const char *c = text; *text; c++) {
		int len = (int)strcspn(c, ","), r;

		if (n == PORTALS_MAX)
			return error_set(e, EINVAL, "more than %d portals", PORTALS_MAX);
		r = parse_one(c, len, port, &v[n], e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++)
			if (v[i].ip == v[n].ip && v[i].port == v[n].port)
				return error_set(e, EINVAL, "%.*s is there twice", len, c);
		n++;
		c += len;
		if (!*c)
			break;
	}
	memcpy(ret, v, n * sizeof(*v));
	*ret_n = n;
	return 0;
}

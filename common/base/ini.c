/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ini.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static int parse_line(char *line, ini_pair_fn *pair, void *data, struct error *e)
{
	char *eq, *key = str_trim(line), *value;

	if (!*key || *key == '#')
		return 0;
	eq = strchr(key, '=');
	if (!eq)
		return error_set(e, EINVAL, "no '=' in '%.60s'", key);
	*eq = '\0';
	key = str_trim(key);
	value = str_trim(eq + 1);
	if (!*key || key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789.-")])
		return error_set(e, EINVAL, "'%.60s' is no key", key);
	return pair(key, value, data, e);
}

int ini_parse(const char *name, const char *text, size_t len, ini_pair_fn *pair, void *data, struct error *e)
{
	cleanup_free char *copy = malloc(len + 1);
	char *line, *rest = copy;
	unsigned number = 0;

	if (!copy)
		return error_errno(e, ENOMEM, "%s", name);
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	if (strlen(copy) != len)
		return error_set(e, EINVAL, "%s: a NUL byte is in it: not a text file", name);
	while ((line = strsep(&rest, "\n"))) {
		int r = (number++, parse_line(line, pair, data, e));

		if (r < 0)
			return error_wrap(e, "%s:%u", name, number);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/members.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

json_t *members_load(const char *text, size_t len, struct error *e)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		error_set(e, EINVAL, "line %d: %s", why.line, why.text);
	return root;
}

static int add_chunk(const char *data, size_t len, void *b)
{
	buf_add(b, data, len);
	return 0;
}

int members_print(const json_t *root, struct buf *b, struct error *e)
{
	if (!root || json_dump_callback(root, add_chunk, b, JSON_COMPACT) < 0 || !buf_ok(b))
		return error_set(e, EINVAL, "cannot be printed as JSON");
	return 0;
}

bool number_of(const json_t *j, uint64_t max, uint64_t *ret)
{
	json_int_t n = json_integer_value(j);

	if (!json_is_integer(j) || n < 0 || (uint64_t)n > max)
		return false;
	*ret = (uint64_t)n;
	return true;
}

int member_text(const json_t *o, const char *key, char *dst, size_t size, struct error *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return error_set(e, EINVAL, "%s: no text", key);
	if (json_string_length(j) != strlen(json_string_value(j)) || str_copy(dst, size, json_string_value(j)) < 0)
		return error_set(e, EINVAL, "%s: no text of less than %zu bytes", key, size);
	return 0;
}

int member_u64(const json_t *o, const char *key, uint64_t max, uint64_t *ret, struct error *e)
{
	if (!number_of(json_object_get(o, key), max, ret))
		return error_set(e, EINVAL, "%s: no number from 0 to %" PRIu64, key, max);
	return 0;
}

int member_uint(const json_t *o, const char *key, unsigned max, unsigned *ret, struct error *e)
{
	uint64_t n = 0;
	int r = member_u64(o, key, max, &n, e);

	if (r == 0)
		*ret = (unsigned)n;
	return r;
}

int may_text(const json_t *o, const char *key, char *dst, size_t size, struct error *e)
{
	return json_object_get(o, key) ? member_text(o, key, dst, size, e) : 0;
}

int may_u64(const json_t *o, const char *key, uint64_t max, uint64_t *ret, struct error *e)
{
	return json_object_get(o, key) ? member_u64(o, key, max, ret, e) : 0;
}

int may_uint(const json_t *o, const char *key, unsigned max, unsigned *ret, struct error *e)
{
	return json_object_get(o, key) ? member_uint(o, key, max, ret, e) : 0;
}

int may_bool(const json_t *o, const char *key, bool *ret, struct error *e)
{
	const json_t *j = json_object_get(o, key);

	if (j && !json_is_boolean(j))
		return error_set(e, EINVAL, "%s: neither true nor false", key);
	*ret = j ? json_is_true(j) : *ret;
	return 0;
}

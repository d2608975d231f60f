/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int answers_read(const char *path, struct settings *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read(AT_FDCWD, path, ANSWERS_MAX, &text, &len, e);

	if (r == -EFBIG)
		return error_set(e, EFBIG, "%s: larger than %u KiB: not an answers file", path, ANSWERS_MAX / 1024);
	if (r < 0)
		return r;
	return settings_parse(path, text, len, ret, e);
}

static int write_out(const char *text, struct error *e)
{
	if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		return error_errno(e, errno, "standard output");
	return 0;
}

static int add_lists(json_t *o, const struct settings *s)
{
	json_t *keys = json_array(), *macs = json_array();
	char mac[MAC_LEN];
	int r = 0;

	for (size_t i = 0; i < s->n_ssh_keys; i++)
		r |= json_array_append_new(keys, json_string(s->ssh_keys[i]));
	for (size_t i = 0; i < s->n_macs; i++)
		r |= json_array_append_new(macs, json_string(mac_format(mac, &s->macs[i])));
	r |= json_object_set_new(o, "ssh-key", keys);
	r |= json_object_set_new(o, "mac", macs);
	return r;
}

/* One member per key, as its text. */
static int print_json(const struct settings *s, struct buf *b)
{
	json_auto_t *o = json_object();
	cleanup_free char *text = NULL;
	int r = 0;

	for (const struct setting *d = settings_table; d->key; d++) {
		struct buf value cleanup_buf = BUF_INIT;

		settings_format(s, d, &value);
		r |= json_object_set_new(o, d->key, json_string(buf_str(&value)));
	}
	if (r || add_lists(o, s))
		return -ENOMEM;
	text = json_dumps(o, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	buf_printf(b, "%s\n", text);
	return 0;
}

int answers_check(const char *path, bool json, struct error *e)
{
	struct settings s CLEANUP(settings_free);
	struct buf b cleanup_buf = BUF_INIT;
	int r;

	settings_init(&s);
	r = answers_read(path, &s, e);
	if (r < 0)
		return r;
	if (json)
		r = print_json(&s, &b);
	else
		settings_print(&s, &b);
	if (r < 0 || !buf_ok(&b))
		return error_errno(e, ENOMEM, "%s", path);
	return write_out(buf_str(&b), e);
}

/* --- --list-keys ------------------------------------------------------------------------------------------------------ */

static const struct table_column key_columns[] = {
	{"KEY", "key", TABLE_TEXT},
	{"VALUE", "value", TABLE_TEXT},
	{"DEFAULT", "default", TABLE_TEXT},
	{"MEANING", "meaning", TABLE_TEXT},
};

static void describe_type(const struct setting *d, struct buf *b)
{
	switch (d->type) {
	case SET_TEXT:
	case SET_WORDS:
		buf_puts(b, "text");
		break;
	case SET_SECRET:
		buf_puts(b, "text, kept secret");
		break;
	case SET_LABEL:
		buf_puts(b, "name");
		break;
	case SET_DOMAIN:
		buf_puts(b, "domain");
		break;
	case SET_IP:
		buf_puts(b, "address");
		break;
	case SET_MASK:
		buf_puts(b, "netmask");
		break;
	case SET_UINT:
		buf_printf(b, "%" PRIu64 "-%" PRIu64, d->min, d->max);
		break;
	case SET_SIZE:
		buf_printf(b, "%" PRIu64 "-%" PRIu64 " MiB", d->min, d->max);
		break;
	case SET_BOOL:
		buf_puts(b, "yes|no");
		break;
	case SET_CHOICE:
		for (size_t i = 0; d->choice[i]; i++)
			buf_printf(b, "%s%s", i ? "|" : "", d->choice[i]);
		break;
	}
}

static void describe_default(const struct setting *d, struct buf *b)
{
	if (!d->def)
		buf_puts(b, "must be given");
	else if (d->def[0] == '.')
		buf_printf(b, "host %s of the storage network", d->def + 1);
	else if (d->def[0] == '=')
		buf_printf(b, "as %s", d->def + 1);
	else if (d->def[0] == '\0')
		buf_puts(b, "none");
	else
		buf_puts(b, d->def);
}

static void list_key(struct table *t, const char *key, const char *value, const char *def, const char *meaning)
{
	table_row(t);
	table_text(t, key);
	table_text(t, value);
	table_text(t, def);
	table_text(t, meaning);
}

int answers_list_keys(bool json, struct error *e)
{
	struct table *t CLEANUP(table_freep) = table_new(key_columns, ARRAY_SIZE(key_columns));

	if (!t)
		return error_errno(e, ENOMEM, "keys");
	for (const struct setting *d = settings_table; d->key; d++) {
		struct buf value cleanup_buf = BUF_INIT, def cleanup_buf = BUF_INIT;

		describe_type(d, &value);
		describe_default(d, &def);
		list_key(t, d->key, buf_str(&value), buf_str(&def), d->meaning);
	}
	list_key(t, "first-node-ip-netboot-netstorage", "address", "none",
		 "both first-node addresses at once, when boot and storage share a network");
	list_key(t, "ssh-key", "public key", "none", "may log in as root; may be given more than once");
	list_key(t, "mac.N", "MAC address", "must be given", "boot interface of node N; mac.1 is the machine that installs");
	return table_print(t, json, "keys", e);
}

int step_answers(struct install *in, struct error *e)
{
	int r = answers_read(in->o->answers, &in->settings, e);

	if (r < 0)
		return r;
	if (in->settings.n_macs != in->settings.number_of_nodes)
		return error_set(e, EINVAL, "%s: mac-gather-procedure: an unattended installation needs mac.1 to mac.%u", in->o->answers,
				 in->settings.number_of_nodes);
	if (geteuid() != 0)
		return error_set(e, EPERM, "only root can install");
	tell("answers: %s: cluster of %u nodes, container %s, distribution %s", in->o->answers, in->settings.number_of_nodes,
	     in->settings.container_name, in->settings.base_distribution);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "cluster/document.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define HIDDEN "(hidden)"

bool state_show_secrets;

/* What nobody but the cluster itself needs to know. */
static void hide_secrets(json_t *doc)
{
	json_t *settings = json_object_get(doc, "settings");
	const char *hash = json_string_value(json_object_get(settings, "root-password-hash"));

	json_object_set_new(doc, "key", json_string(HIDDEN));
	if (hash && *hash)
		json_object_set_new(settings, "root-password-hash", json_string(HIDDEN));
}

static int show(const char *text, size_t len, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	cleanup_free char *out = NULL;
	json_auto_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (!doc)
		return error_set(e, EINVAL, "the document is no JSON");
	if (!state_show_secrets)
		hide_secrets(doc);
	out = json_dumps(doc, JSON_INDENT(2));
	if (!out)
		return error_errno(e, ENOMEM, "document");
	buf_printf(&b, "%s\n", out);
	return print_all(&b, e);
}

int state_show_run(int argc, char **argv, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	struct view v cleanup_view;
	int r = view_open(&v, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = document_print(&v.c, &b, e);
	return r == 0 ? show(buf_str(&b), b.len, e) : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cluster/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BOOTED_STATE "/run/byre/state.json"
#define MAX_FOUND    16

struct tool_options options;

void warn(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "volmgr: warning: %s\n", text);
}

int print_all(const struct buf *b, struct error *e)
{
	int r;

	if (!buf_ok(b))
		return error_errno(e, ENOMEM, "output");
	fflush(stdout);
	r = write_full(STDOUT_FILENO, buf_str(b), b->len);
	return r < 0 ? error_errno(e, r, "standard output") : 0;
}

/* --- which container ---------------------------------------------------------------------------------------------------- */

/* The container that this node was booted from, or "". */
static void booted_container(char ret[NAME_SIZE])
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	cleanup_free char *text = NULL;
	size_t len;

	ret[0] = '\0';
	cluster_init(&c);
	if (file_read(AT_FDCWD, BOOTED_STATE, DOCUMENT_MAX, &text, &len, NULL) == 0 && document_parse(text, len, &c, NULL) == 0)
		snprintf(ret, NAME_SIZE, "%s", c.settings.container_name);
}

static int several(const struct container_place *found, size_t n, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;

	for (size_t i = 0; i < n && i < MAX_FOUND; i++)
		buf_printf(&b, "%s%s on %s", i ? ", " : "", found[i].name, found[i].disk);
	return error_set(e, ENOTUNIQ, "several containers are here (%.400s): name one with --container, or its partition with --state",
			 buf_str(&b));
}

static int find_place(struct container_place *ret, struct error *e)
{
	struct container_place found[MAX_FOUND];
	char booted[NAME_SIZE];
	const char *name = options.container;
	int n;

	if (!name) {
		booted_container(booted);
		name = booted;
	}
	n = container_find(name, found, MAX_FOUND, e);
	if (n < 0)
		return n;
	if (n == 0)
		return error_set(e, ENOENT, "no container%s%s on any disk of this machine: is the SAN attached?", *name ? " " : "", name);
	if (n > 1)
		return several(found, (size_t)n, e);
	*ret = found[0];
	return 0;
}

int view_open(struct view *v, struct error *e)
{
	const char *device = options.state;
	int r = 0;

	memset(v, 0, sizeof(*v));
	cluster_init(&v->c);
	if (!device) {
		r = find_place(&v->place, e);
		device = v->place.state;
	}
	if (r == 0)
		r = state_area_open(device, false, &v->area, e);
	if (r == 0)
		r = state_area_load(v->area, &v->c, &v->report, e);
	if (r < 0)
		return r;
	if (v->report.warning[0])
		warn("%s: %s", device, v->report.warning);
	if (cluster_pv_paths(&v->c, &v->pvs, &v->no_pvs) < 0)
		v->pvs = NULL;
	return 0;
}

void view_close(struct view *v)
{
	state_area_close(v->area);
	cluster_free(&v->c);
	free(v->pvs);
	memset(v, 0, sizeof(*v));
}

int view_need_pvs(const struct view *v, struct error *e)
{
	return v->pvs ? 0 : error_set(e, v->no_pvs.code, "%s", v->no_pvs.text);
}

/* --- command line ---------------------------------------------------------------------------------------------------------- */

static const struct cli_option common[] = {
	{'c', "container", CLI_TEXT, &options.container, "NAME", "the container (default: the one this node booted from, or the only one)"},
	{'s', "state", CLI_TEXT, &options.state, "FILE", "its state area: a partition, or a copy of one"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option json_option[] = {
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option show_options[] = {
	{0, "secrets", CLI_FLAG, &state_show_secrets, NULL, "print the cluster's key and the password's hash, too"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option attach_options[] = {
	{'r', "read-only", CLI_FLAG, &attach_read_only, NULL, "required: nothing is written to the node's volume"},
	{'f', "force", CLI_FLAG, &attach_force, NULL, "although nothing proves that the node is off: you know that it is"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"list", NULL, 0, 0, json_option, list_run, "every volume: node, image, size, private bytes used, where it is composed"},
	{"status", NULL, 0, 0, json_option, status_run, "the container: disk, space, images, state area"},
	{"state show", NULL, 0, 0, show_options, state_show_run, "the state document as JSON, secrets hidden"},
	{"image verify", "[IMAGE]", 0, 1, NULL, image_verify_run, "read an image (or all) and compare its checksum"},
	{"attach", "NODE", 1, 1, attach_options, attach_run, "make the root of a node that is off readable here"},
	{"detach", "NODE", 1, 1, NULL, detach_run, "take it away again"},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

static const struct cli_program program = {
	.name = "volmgr",
	.summary = "Shows the volumes of a cluster on its SAN, and looks after them.",
	.options = common,
	.commands = commands,
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}

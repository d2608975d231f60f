/* SPDX-License-Identifier: GPL-2.0-or-later */
/* byre-status: the nodes, and what each last told of itself in its status slot. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cluster/document.h"
#include "cluster/status.h"
#include "volmgr/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BOOTED "/run/byre/state.json"

static const char *opt_state, *opt_container;
static bool opt_json;

static const struct table_column columns[] = {
	{"NODE", "number", TABLE_NUMBER}, {"NAME", "name", TABLE_TEXT},
	{"MAC", "mac", TABLE_TEXT},       {"ADDRESS", "address", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},   {"ROOT VOLUME", "root_volume", TABLE_TEXT},
	{"IMAGE", "image", TABLE_TEXT},   {"PRIVATE", "private_bytes", TABLE_BYTES},
	{"BOOT", "boot_ms", TABLE_MS},    {"GENERATION", "generation", TABLE_NUMBER},
	{NULL, "boot_id", TABLE_TEXT},    {NULL, "uptime_ms", TABLE_MS},
	{NULL, "live", TABLE_TEXT},
};

/* The container of the state that this machine was booted with; "" finds any. */
static void booted_container(char dst[NAME_SIZE])
{
	struct cluster c CLEANUP(cluster_freep);
	cleanup_free char *text = NULL;
	size_t len;

	cluster_init(&c);
	dst[0] = '\0';
	if (file_read(AT_FDCWD, BOOTED, DOCUMENT_MAX, &text, &len, NULL) == 0 && document_parse(text, len, &c, NULL) == 0)
		str_copy(dst, NAME_SIZE, c.settings.container_name);
}

static int open_area(struct state_area **ret, struct error *e)
{
	struct container_place place;
	char name[NAME_SIZE];
	int r;

	if (opt_state)
		return state_area_open(opt_state, false, ret, e);
	booted_container(name);
	if (opt_container && str_copy(name, sizeof(name), opt_container) < 0)
		return error_set(e, EINVAL, "no container can be called '%s'", opt_container);
	r = container_find_one(name, &place, e);
	return r < 0 ? r : state_area_open(place.state, false, ret, e);
}

static void add_node(struct table *t, const struct cluster *c, const struct node *n, struct state_area *a)
{
	const struct volume *v = cluster_node_volume(c, n->number, VOLUME_ROOT);
	struct node_status s = {0};
	bool known = node_status_read(a, n->number, &s, NULL) == 0, live = known && !s.root.device[0];
	char mac[MAC_LEN], ip[IP4_LEN];

	table_row(t);
	table_number(t, n->number);
	table_text(t, n->name);
	table_text(t, mac_format(mac, &n->mac));
	table_text(t, ip4_format(ip, n->boot_ip));
	table_text(t, node_state_name(status_judge(known ? &s : NULL, (uint64_t)time(NULL))));
	table_text(t, v ? v->name : NULL);
	table_text(t, v ? v->image : n->image);
	table_number_if(t, known && !live, s.root.data_used);
	table_number_if(t, known && s.boot_ms, s.boot_ms);
	table_number_if(t, known, s.generation);
	table_text(t, known ? s.boot_id : NULL);
	table_number_if(t, known, s.uptime_ms);
	table_text(t, !known ? NULL : live ? "yes" : "no");
}

static int run(int argc, char **argv, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));
	struct cluster c CLEANUP(cluster_freep);
	struct state_report rep = {0};
	int r;

	(void)argc;
	(void)argv;
	cluster_init(&c);
	if (!t)
		return error_errno(e, ENOMEM, "status");
	r = open_area(&a, e);
	if (r == 0)
		r = state_area_load(a, &c, &rep, e);
	if (r < 0)
		return r;
	if (rep.warning[0])
		fprintf(stderr, "byre-status: state: %s\n", rep.warning);
	for (size_t i = 0; i < c.n_nodes; i++)
		add_node(t, &c, &c.nodes[i], a);
	return table_print(t, opt_json, "nodes", e);
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{0, "json", CLI_FLAG, &opt_json, NULL, "print JSON"},
		{0, "container", CLI_TEXT, &opt_container, "NAME", "the container, when this machine is no node"},
		{0, "state", CLI_TEXT, &opt_state, "FILE", "a state area in a file or on a partition"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"", NULL, 0, 0, options, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"byre-status",
		"shows the nodes of the cluster and what each last told of itself",
		NULL,
		commands,
		"States: up (told something in the last 45 s), left (shut down cleanly), silent, unseen.",
	};

	return cli_main(&program, argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/table.h"

#include <stdio.h>
#include <time.h>

unsigned state_history_number = 20;

static const struct table_column columns[] = {
	{"GENERATION", "generation", TABLE_NUMBER},
	{"TIME", "local_time", TABLE_TEXT},
	{NULL, "time", TABLE_NUMBER},
	{"BY", "by", TABLE_TEXT},
	{NULL, "node", TABLE_NUMBER},
	{"BYTES", "bytes", TABLE_NUMBER},
	{"STATE", "state", TABLE_TEXT},
	{"WHAT", "what", TABLE_TEXT},
};

/*
 * NEWER: the generation of the record after this one, 0 = none. Generations skip a number only behind a damaged document: the one before the gap was given up.
 */
static const char *fate(const struct history_record *h, uint64_t newer, uint64_t newest)
{
	if (h->generation > newest)
		return "never published";
	if (h->generation == newest)
		return "newest";
	return newer > h->generation + 1 && newer <= newest ? "given up" : "published";
}

static void add_time(struct table *t, uint64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char text[32] = "";

	if (seconds && localtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	table_text(t, text);
	table_number(t, seconds);
}

static void add_row(const struct view *v, const struct history_record *h, const char *state, struct table *t)
{
	const struct node *n = cluster_node(&v->c, h->note.node);
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "node %u", h->note.node);
	table_row(t);
	table_number(t, h->generation);
	add_time(t, h->note.time);
	table_text(t, h->note.node == 0 ? "installer" : n ? n->name : name);
	table_number_if(t, h->note.node, h->note.node);
	table_number(t, h->length);
	table_text(t, state);
	table_text(t, h->note.what);
}

/* The history can be read when no document can. */
int state_history_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));
	cleanup_free struct history_record *list = NULL;
	struct error unread = ERROR_INIT;
	size_t n = 0;
	int r = view_open_area(&v, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = area_history_list(v.area, &list, &n, e);
	if (r < 0)
		return r;
	if (view_load(&v, &unread) < 0)
		warn("%s", unread.text);
	for (size_t i = 0; i < n && i < state_history_number; i++)
		add_row(&v, &list[i], fate(&list[i], i ? list[i - 1].generation : 0, v.report.generation), t);
	return table_print(t, options.json, "history", e);
}

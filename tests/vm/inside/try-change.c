/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes as a test wants them: try-change CONTAINER|/STATE COUNT LOG [HOLD]. Each adds one to the number in the state's note ("count N"), and once it is
 * published appends a line "GENERATION N" to LOG. COUNT 0: for ever. HOLD: milliseconds to keep the lease before each publish.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/document.h"
#include "volmgr/area/area.h"
#include "volmgr/change.h"
#include "volmgr/lease.h"
#include "volmgr/volmgr.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void waiting(const char *what, void *data)
{
	(void)data;
	fprintf(stderr, "try-change: %s\n", what);
}

static uint64_t count_of(const char *note)
{
	uint64_t n = 0;

	if (str_starts(note, "count "))
		str_to_u64(note + 6, 0, UINT64_MAX - 1, &n);
	return n;
}

static int acknowledge(const char *log, uint64_t generation, uint64_t n, struct error *e)
{
	cleanup_fd int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	char line[64];

	snprintf(line, sizeof(line), "%llu %llu\n", (unsigned long long)generation, (unsigned long long)n);
	return fd < 0 || write_full(fd, line, strlen(line)) < 0 || fsync(fd) < 0 ? error_set(e, 5, "%s cannot be written", log) : 0;
}

static int once(const struct change_options *o, const char *log, unsigned hold, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	uint64_t n;
	int r = change_begin(o, &ch, e);

	if (r < 0)
		return r;
	n = count_of(ch->c.note.what) + 1;
	snprintf(ch->what, sizeof(ch->what), "count %llu", (unsigned long long)n);
	nanosleep(&(struct timespec){hold / 1000, hold % 1000 * 1000000l}, NULL);
	r = change_publish(ch, e);
	return r == 0 ? acknowledge(log, ch->c.generation, n, e) : r;
}

/* format STATE DOCUMENT: a state area with that document, and its lease. */
static int format(const char *state, const char *document, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct cluster c CLEANUP(cluster_freep);
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read(AT_FDCWD, document, DOCUMENT_MAX, &text, &len, e);

	cluster_init(&c);
	if (r == 0)
		r = document_parse(text, len, &c, e);
	if (r == 0)
		r = state_area_format(state, c.settings.container_name, c.id, e);
	if (r == 0)
		r = lease_format(&(struct lease_place){state, &c}, e);
	if (r == 0)
		r = state_area_open(state, true, &a, e);
	c.generation = 0;
	return r == 0 ? state_area_publish(a, &c, e) : r;
}

/* history STATE: "GENERATION NODE N" of everything that was published, from old to new. */
static int history(const char *state, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	cleanup_free struct history_record *list = NULL;
	uint64_t newest = 0;
	size_t n = 0;
	int r = state_area_open(state, false, &a, e);

	if (r == 0)
		r = state_area_generation(a, &newest, e);
	if (r == 0)
		r = area_history_list(a, &list, &n, e);
	while (n--)
		if (list[n].generation <= newest)
			printf("%llu %u %llu\n", (unsigned long long)list[n].generation, list[n].note.node,
			       (unsigned long long)count_of(list[n].note.what));
	return r;
}

static int said(const struct error *e)
{
	if (e->code)
		fprintf(stderr, "try-change: %s\n", e->text);
	return e->code ? 1 : 0;
}

static int change(int argc, char **argv)
{
	struct change_options o = {.what = "count 0", .wait = 3, .waiting = waiting};
	unsigned count, hold = 0, failed = 0;

	if (argc < 4 || str_to_uint(argv[2], 0, 1000000, &count) < 0 || (argc > 4 && str_to_uint(argv[4], 0, 1000000, &hold) < 0))
		return 2;
	*(argv[1][0] == '/' ? &o.state : &o.container) = argv[1];
	for (unsigned i = 0; !count || i < count; i++) {
		struct error e = ERROR_INIT;

		if (once(&o, argv[3], hold, &e) == 0)
			continue;
		said(&e);
		failed++;
		nanosleep(&(struct timespec){0, 200000000l}, NULL);
	}
	return failed ? 1 : 0;
}

/* holder STATE: who holds the lease. */
static int holder(const char *state, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct cluster c CLEANUP(cluster_freep);
	unsigned host = 0;
	int r = state_area_open(state, false, &a, e);

	cluster_init(&c);
	if (r == 0)
		r = state_area_load(a, &c, NULL, e);
	if (r == 0)
		r = lease_holder(&(struct lease_place){state, &c}, &host, e);
	if (r == 0)
		printf("%u\n", host);
	return r;
}

int main(int argc, char **argv)
{
	struct error why = ERROR_INIT;

	if (argc == 4 && strcmp(argv[1], "format") == 0)
		format(argv[2], argv[3], &why);
	else if (argc == 3 && strcmp(argv[1], "history") == 0)
		history(argv[2], &why);
	else if (argc == 3 && strcmp(argv[1], "holder") == 0)
		holder(argv[2], &why);
	else
		return change(argc, argv);
	return said(&why);
}

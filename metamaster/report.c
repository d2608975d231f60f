/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's status slot: written when something changed, and as a sign of life. */
#include "meta.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "volmgr/registration.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define USAGE_EVERY_MS 10000
#define BOOT_EVERY_MS  10000  /* systemd is asked, */
#define BOOT_FOR_MS    900000 /* so long: a start that takes longer is not told */

/* The initrd's phases; a live system and a test have none. */
static void read_phases(const struct options *o, struct node_status *s)
{
	cleanup_free char *text = NULL;
	struct error e = ERROR_INIT;
	char path[256];
	size_t len;

	snprintf(path, sizeof(path), "%s/boot.json", o->byre_dir);
	if (file_read(AT_FDCWD, path, 65536, &text, &len, NULL) == 0 && status_parse_phases(text, len, s, &e) < 0)
		log_warning("%s: %s", path, e.text);
}

/* When systemd had started everything that it was to start, in ms since the kernel's start; 0: not yet, or no systemd. */
static uint64_t ask_boot_ms(void)
{
	static const char *const argv[] = {"systemctl", "show", "--property=FinishTimestampMonotonic", "--value", NULL};
	const struct spawn s = {.argv = argv};
	cleanup_free char *text = NULL;
	uint64_t us = 0;

	if (access("/run/systemd/system", F_OK) < 0 || spawn_run(&s, &text, NULL, NULL) < 0)
		return 0;
	str_to_u64(str_trim(text), 0, INT64_MAX, &us);
	return us / 1000;
}

static void read_boot_ms(struct report *r, struct node_status *s)
{
	uint64_t now = clock_boot_ms();

	if (s->boot_ms || (r->asked_ms && now - r->asked_ms < BOOT_EVERY_MS))
		return;
	if (!r->asked_first_ms)
		r->asked_first_ms = now;
	if (now - r->asked_first_ms > BOOT_FOR_MS)
		return;
	r->asked_ms = now;
	s->boot_ms = ask_boot_ms();
}

static void read_usage(const struct cluster *c, unsigned node, struct node_status *s)
{
	const struct volume *v = cluster_node_volume(c, node, VOLUME_ROOT);
	struct store_usage u;

	memset(&s->root, 0, sizeof(s->root));
	if (!v || volume_usage(c, v, &u, NULL) < 0)
		return;
	snprintf(s->root.device, sizeof(s->root.device), "/dev/mapper/byre-%s-%s", c->settings.container_name, v->name);
	s->root.data_used = u.data_used;
	s->root.data_total = u.data_total;
	s->root.metadata_used = u.metadata_used;
	s->root.metadata_total = u.metadata_total;
}

static bool usage_differs(const struct node_status *a, const struct node_status *b)
{
	return a->root.data_used != b->root.data_used || a->root.data_total != b->root.data_total ||
	       a->root.metadata_used != b->root.metadata_used || a->root.metadata_total != b->root.metadata_total;
}

static void write_slot(struct report *r, const struct options *o, struct state_area *a, struct node_status *s)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	s->node = o->node;
	s->uptime_ms = clock_boot_ms();
	s->written = (uint64_t)time(NULL);
	s->counter++;
	r->written_ms = s->uptime_ms;
	if (status_print(s, &b, &e) < 0 || state_status_write(a, o->node, buf_str(&b), b.len, &e) < 0) {
		if (strncmp(r->complaint, e.text, sizeof(r->complaint) - 1) != 0)
			log_warning("this node's status cannot be written: %s", e.text);
		snprintf(r->complaint, sizeof(r->complaint), "%s", e.text);
		return;
	}
	r->complaint[0] = '\0';
	r->last = *s;
}

void report_tick(struct report *r, const struct options *o, const struct cluster *c, struct state_area *a, uint64_t generation,
		 bool leaving)
{
	uint64_t age = clock_boot_ms() - r->written_ms;
	struct node_status s = r->last;
	bool due, first = r->written_ms == 0;

	s.generation = generation;
	s.leaving = leaving;
	read_boot_ms(r, &s);
	if (!r->has_phases) {
		fence_boot_id(s.boot_id, NULL);
		read_phases(o, &s);
		r->has_phases = true;
		memcpy(r->last.phases, s.phases, sizeof(s.phases));
		r->last.n_phases = s.n_phases;
		memcpy(r->last.boot_id, s.boot_id, sizeof(s.boot_id));
	}
	if (first || age >= USAGE_EVERY_MS)
		read_usage(c, o->node, &s);
	due = first || leaving || age >= STATUS_SIGN_OF_LIFE * 1000 || s.generation != r->last.generation || s.boot_ms != r->last.boot_ms ||
	      (age >= USAGE_EVERY_MS && usage_differs(&s, &r->last));
	if (due)
		write_slot(r, o, a, &s);
}

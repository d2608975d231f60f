/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/interrupt.h"

#include <stdio.h>
#include <string.h>

struct step {
	int (*run)(struct install *in, struct error *e);
	bool writes; /* to the SAN, or makes this machine another: left out by --dry-run */
};

/* In this order. install_step_names has their names at the same places. */
static const struct step steps[] = {
	{step_answers, false}, {step_medium, false},  {step_network, false}, {step_san, false},
	{step_plan, false},    {step_cluster, false}, {step_fencing, true},  {step_container, true},
	{step_image, true},    {step_publish, true},  {step_node, true},
};
const char *const install_step_names[] = {"answers", "medium",    "network", "san",     "plan", "cluster",
					  "fencing", "container", "image",   "publish", "node", NULL};
_Static_assert(ARRAY_SIZE(steps) + 1 == ARRAY_SIZE(install_step_names) && ARRAY_SIZE(steps) <= STEPS_MAX, "a name for every step");

void install_init(struct install *in, const struct install_options *o)
{
	memset(in, 0, sizeof(*in));
	in->o = o;
	in->started_ms = clock_boot_ms();
	settings_init(&in->settings);
	cluster_init(&in->cluster);
}

void install_free(struct install *in)
{
	cluster_free(&in->cluster);
	disk_info_free(&in->info);
	image_source_close(in->source);
	settings_free(&in->settings);
}

/* A disk that was blank is not quite so again. */
static bool keeps_table(const struct install *in)
{
	struct disk_info now CLEANUP(disk_info_free) = {.path = ""};

	return !in->info.has_table && disk_inspect(in->disk, &now, NULL) == 0 && now.has_table;
}

/* Puts the SAN back as it was, if that is still possible, and says in E what holds now. */
static int give_up(struct install *in, struct error *e)
{
	struct error undo = ERROR_INIT;
	size_t used = strlen(e->text);
	const char *what = in->former_touched ? "nothing on the SAN was changed but the former unfinished container"
					      : "nothing on the SAN was changed";

	if (in->published)
		return -e->code;
	if (in->san_touched) {
		what = "the unfinished container was taken away again";
		if (container_undo(in, &undo) < 0) {
			tell("container %s is left unfinished on %s: %s", in->settings.container_name, in->disk, undo.text);
			what = "an unfinished container is left on the SAN";
		} else if (keeps_table(in))
			what = "the unfinished container was taken away again; the disk, blank before, keeps an empty GPT";
	}
	if (used < sizeof(e->text))
		snprintf(e->text + used, sizeof(e->text) - used, " (%s)", what);
	return -e->code;
}

int install_run(struct install *in, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t before = clock_boot_ms();
		int r = 0;

		if (steps[i].writes && in->o->dry_run)
			continue;
		r = interrupt_check(e);
		if (r == 0)
			r = steps[i].run(in, e);
		if (r < 0)
			return give_up(in, e);
		in->step_ms[i] = clock_boot_ms() - before;
		tell_more(in, "step %s took %.2f s", install_step_names[i], (double)in->step_ms[i] / 1000);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/interrupt.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct install_options opts = {.medium = "/run/byre/medium"};

static const struct cli_option options[] = {
	{'a', "answers", CLI_TEXT, &opts.answers, "FILE", "install from this answers file, without a question"},
	{'m', "medium", CLI_TEXT, &opts.medium, "DIR", "where the live medium is mounted (default /run/byre/medium)"},
	{0, "disk", CLI_TEXT, &opts.disk, "DEVICE", "install on an attached disk of the SAN instead of logging in by iSCSI"},
	{'n', "dry-run", CLI_FLAG, &opts.dry_run, NULL, "print every volume and every write, change nothing on the SAN"},
	{0, "restart", CLI_FLAG, &opts.restart, NULL, "first take away an unfinished container of that name"},
	{'c', "check", CLI_TEXT, &opts.check, "FILE", "only check an answers file; print it with every default filled in"},
	{'l', "list-keys", CLI_FLAG, &opts.list_keys, NULL, "list the keys of an answers file"},
	{'j', "json", CLI_FLAG, &opts.json, NULL, "print what is printed as JSON"},
	{'v', "verbose", CLI_FLAG, &opts.verbose, NULL, "tell more"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static double seconds_since(uint64_t start_ms)
{
	return (double)(clock_boot_ms() - start_ms) / 1000;
}

static int print_done_json(const struct install *in, double seconds, struct error *e)
{
	cleanup_free char *text = NULL;
	json_t *steps = json_object();
	json_auto_t *o = NULL;

	for (size_t i = 0; install_step_names[i]; i++)
		json_object_set_new(steps, install_step_names[i], json_integer((json_int_t)in->step_ms[i]));
	o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:o}", "cluster", in->settings.cluster_hostname, "nodes",
		      (json_int_t)in->cluster.n_nodes, "id", in->cluster.id, "container", in->settings.container_name, "disk", in->disk,
		      "content_bytes", (json_int_t)in->content.bytes, "total_ms", (json_int_t)(seconds * 1000), "steps_ms", steps);
	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	if (!text)
		return error_errno(e, ENOMEM, "result");
	return puts(text) < 0 || fflush(stdout) != 0 ? error_errno(e, errno, "standard output") : 0;
}

static int print_done(const struct install *in, struct error *e)
{
	double seconds = seconds_since(in->started_ms);

	if (opts.dry_run)
		return plan_print(in, e);
	if (opts.json && print_done_json(in, seconds, e) < 0)
		return -e->code;
	tell("done: cluster %s, %zu nodes, container %s on %s, %.1f s", in->settings.cluster_hostname, in->cluster.n_nodes,
	     in->settings.container_name, in->disk, seconds);
	return 0;
}

static int install(struct error *e)
{
	struct install *in = malloc(sizeof(*in));
	int r;

	if (!in)
		return error_errno(e, ENOMEM, "failed");
	install_init(in, &opts);
	interrupt_watch();
	r = install_run(in, e);
	if (r == 0)
		r = print_done(in, e);
	install_free(in);
	free(in);
	return r < 0 ? error_wrap(e, "failed") : 0;
}

static int run(int argc, char **argv, struct error *e)
{
	(void)argc;
	(void)argv;
	if (opts.restart && (opts.dry_run || !opts.answers)) {
		error_set(e, EINVAL, "--restart is for an installation: give --answers, and no --dry-run");
		return -CLI_USAGE;
	}
	if (opts.list_keys)
		return answers_list_keys(opts.json, e);
	if (opts.check)
		return answers_check(opts.check, opts.json, e);
	if (opts.answers)
		return install(e);
	error_set(e, EINVAL, "nothing to do: give --answers, --check or --list-keys");
	return -CLI_USAGE;
}

static const struct cli_command commands[] = {
	{"", NULL, 0, 0, NULL, run, "install a cluster on a SAN"},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

static const struct cli_program program = {
	.name = "byre-install",
	.summary = "install a cluster of disk-less nodes on a SAN",
	.options = options,
	.commands = commands,
	.epilog = "The last line says how it ended: 'byre-install: done: ...' or 'byre-install: failed: WHY'.",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}

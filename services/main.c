/* SPDX-License-Identifier: GPL-2.0-or-later */
/* byre-services: makes a node what the state says that it is. */
#include "apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cluster/document.h"
#include "cluster/self.h"
#include "services/services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static unsigned opt_node;
static const char *opt_root = "/", *opt_state = "/run/byre/state.json", *opt_node_file = SELF_FILE;
static bool opt_check, opt_dry_run, opt_json;

/* --- reading what to apply ------------------------------------------------------------------------------------------- */

static int load_state(struct cluster *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int r = file_read(AT_FDCWD, opt_state, DOCUMENT_MAX, &text, &len, e);

	if (r < 0)
		return r;
	r = document_parse(text, len, ret, e);
	explicit_bzero(text, len);
	return r < 0 ? error_wrap(e, "%s", opt_state) : 0;
}

static int find_self(const struct cluster *c, const struct node **ret, struct error *e)
{
	*ret = cluster_node(c, opt_node);
	return *ret ? 0 : error_set(e, ENOENT, "node %u is not in the state: 'byre status' lists the nodes", opt_node);
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

struct changes {
	unsigned files;
	const struct service *services[16]; /* with a unit */
	size_t n_services;
};

static void on_change(const struct service *s, const struct service_file *f, void *data)
{
	struct changes *ch = data;

	printf("%s %s\n", opt_dry_run ? "would write" : "wrote", f->path);
	ch->files++;
	if (!s->unit || (ch->n_services && ch->services[ch->n_services - 1] == s) || ch->n_services == ARRAY_SIZE(ch->services))
		return;
	ch->services[ch->n_services++] = s;
}

static int render(const struct cluster *c, const struct node *self, int rootfd, struct changes *ch, struct error *e)
{
	int r = services_render_tell(c, self, rootfd, opt_dry_run, on_change, ch, e);

	if (fflush(stdout) != 0 && r == 0)
		r = error_errno(e, errno, "standard output");
	return r;
}

static int open_root(int *ret, struct error *e)
{
	*ret = open(opt_root, O_DIRECTORY | O_PATH | O_CLOEXEC);
	return *ret < 0 ? error_errno(e, errno, "%s", opt_root) : 0;
}

/* With --check a difference is a failure. */
static int judge(unsigned changed, struct error *e)
{
	if (!opt_check || !changed)
		return 0;
	return error_set(e, ESTALE, "%u differ from the state: 'byre services apply' writes them", changed);
}

static int run_render(int argc, char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep);
	struct changes ch = {0};
	const struct node *self;
	cleanup_fd int rootfd = -1;
	int r;

	(void)argc;
	(void)argv;
	cluster_init(&c);
	opt_dry_run |= opt_check;
	if (!opt_node)
		return error_set(e, CLI_USAGE, "which node? Give --node N");
	r = load_state(&c, e);
	if (r == 0)
		r = find_self(&c, &self, e);
	if (r == 0)
		r = open_root(&rootfd, e);
	if (r == 0)
		r = render(&c, self, rootfd, &ch, e);
	return r < 0 ? r : judge(ch.files, e);
}

/* --- this machine ------------------------------------------------------------------------------------------------------- */

/* Each step goes on after another failed: a node without swap is better than one without keys. */
static void note(int r, struct error *worst, struct error *step)
{
	if (r < 0 && !worst->code)
		*worst = *step;
	else if (r < 0)
		fprintf(stderr, "byre-services: %s\n", step->text);
	error_clear(step);
}

static void reload_units(const struct changes *ch, struct error *worst)
{
	struct error step = ERROR_INIT;

	if (access("/run/systemd/system", F_OK) < 0)
		return;
	for (size_t i = 0; i < ch->n_services; i++)
		note(spawn_simple(&step, "systemctl", "--no-block", "try-reload-or-restart", ch->services[i]->unit, NULL), worst, &step);
}

static void apply_machine(const struct cluster *c, const struct node *self, struct error *worst)
{
	struct error step = ERROR_INIT;

	note(hostname_set(self->name, &step), worst, &step);
	note(boot_address_set(c, self, &step), worst, &step);
	note(swap_start(c, self, &step), worst, &step);
}

static int apply(const struct cluster *c, const struct node *self, struct error *e)
{
	struct error worst = ERROR_INIT, step = ERROR_INIT;
	struct changes ch = {0};
	cleanup_fd int rootfd = -1;
	int password, r = open_root(&rootfd, e);

	if (r < 0)
		return r;
	note(render(c, self, rootfd, &ch, &step), &worst, &step);
	password = shadow_set_root(rootfd, c->settings.root_password_hash, opt_dry_run, &step);
	note(password, &worst, &step);
	if (password > 0)
		printf("%s root's password in /etc/shadow\n", opt_dry_run ? "would write" : "wrote");
	if (!opt_dry_run && strcmp(opt_root, "/") == 0) {
		apply_machine(c, self, &worst);
		reload_units(&ch, &worst);
	}
	if (worst.code) {
		*e = worst;
		return -worst.code;
	}
	return judge(ch.files + (password > 0), e);
}

static int run_apply(int argc, char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep);
	const struct node *self;
	int r;

	(void)argc;
	(void)argv;
	cluster_init(&c);
	opt_dry_run |= opt_check;
	r = opt_node ? 0 : self_read(opt_node_file, &opt_node, e);
	if (r == 0)
		r = load_state(&c, e);
	if (r == 0)
		r = find_self(&c, &self, e);
	return r < 0 ? r : apply(&c, self, e);
}

/* --- the table ------------------------------------------------------------------------------------------------------------ */

static int run_list(int argc, char **argv, struct error *e)
{
	static const struct table_column columns[] = {
		{"SERVICE", "service", TABLE_TEXT},
		{"CLASS", "class", TABLE_TEXT},
		{"PACKAGE", "package", TABLE_TEXT},
		{"WHEN A NODE DIES", "when_node_dies", TABLE_TEXT},
	};
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));

	(void)argc;
	(void)argv;
	if (!t)
		return error_errno(e, ENOMEM, "list");
	for (const struct service *s = services_table; s->name; s++) {
		table_row(t);
		table_text(t, s->name);
		table_text(t, service_class_name(s->class));
		table_text(t, s->package);
		table_text(t, s->when_node_dies);
	}
	return table_print(t, opt_json, "services", e);
}

#define COMMON_OPTIONS                                                                                                                     \
	{0, "node", CLI_UINT, &opt_node, "N", "number of the node"}, {0, "root", CLI_TEXT, &opt_root, "DIR", "write below DIR"},           \
		{0, "state", CLI_TEXT, &opt_state, "FILE", "the state document (/run/byre/state.json)"},                                   \
		{0, "dry-run", CLI_FLAG, &opt_dry_run, NULL, "only tell which files would be written"},                                    \
	{                                                                                                                                  \
		0, "check", CLI_FLAG, &opt_check, NULL, "as --dry-run, and fail when there are any"                                        \
	}

int main(int argc, char **argv)
{
	static const struct cli_option file_options[] = {
		COMMON_OPTIONS,
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_option list_options[] = {
		{0, "json", CLI_FLAG, &opt_json, NULL, "print JSON"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"apply", NULL, 0, 0, file_options, run_apply, "make this machine the node that it is in the state"},
		{"list", NULL, 0, 0, list_options, run_list, "the services and their fault-tolerance classes"},
		{"render", NULL, 0, 0, file_options, run_render, "write the files of one node, and touch nothing else"},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"byre-services", "makes a node what the state of the cluster says that it is", NULL,
		commands,        "At boot, byre-boot.service runs 'byre-services apply'.",
	};

	return cli_main(&program, argc, argv);
}

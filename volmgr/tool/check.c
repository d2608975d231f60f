/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "look.h"
#include "reconcile.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define LOOKS 5 /* at a state that others go on changing */

bool check_repair;

/* One look, and what was found. */
struct round {
	struct look l;
	struct findings f;
};

static void round_free(struct round *r)
{
	look_free(&r->l);
	findings_free(&r->f);
}
#define cleanup_round CLEANUP(round_free)

static int look_and_judge(struct view *v, struct round *ret, struct error *e)
{
	int r = -EAGAIN;

	round_free(ret);
	for (int i = 0; i < LOOKS && r == -EAGAIN; i++)
		r = look_at(v->area, v->device, !options.state, &ret->l, e);
	if (r < 0)
		return r;
	findings_judge(&ret->l.seen, &ret->f);
	return ret->f.failed ? error_errno(e, ENOMEM, "findings") : 0;
}

static bool has_remedy(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].remedy != REMEDY_NONE)
			return true;
	return false;
}

static bool is_among(const struct finding *x, const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].fault == x->fault && f->v[i].number == x->number && strcmp(f->v[i].name, x->name) == 0)
			return true;
	return false;
}

static int run_repair(const struct findings *f, struct error *e)
{
	const struct change_options o = {.container = options.container, .what = "volmgr check --repair"};
	struct change *ch CLEANUP(change_endp) = NULL;
	int r = change_begin(&o, &ch, e);

	return r == 0 ? repair(ch, f, e) : r;
}

/* --- telling ----------------------------------------------------------------------------------------------------------------- */

/* A finding and what has become of it. */
static const char *outcome(const struct finding *x, const struct findings *now)
{
	if (fault_is_note(x->fault))
		return "note";
	if (check_repair && !is_among(x, now))
		return "repaired";
	return x->remedy != REMEDY_NONE ? "repairable" : "fault";
}

static void put_text(const struct finding *x, const struct findings *now, struct buf *b)
{
	const char *what = outcome(x, now);

	buf_printf(b, "%-10s  %s\n", what, x->text);
	if (x->how[0] && strcmp(what, "repaired") != 0)
		buf_printf(b, "%-10s  %s%s\n", "", x->remedy != REMEDY_NONE ? "with --repair " : "", x->how);
}

static json_t *json_of(const struct finding *x, const struct findings *now)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:s,s:s}", "fault", fault_name(x->fault), "outcome", outcome(x, now), "name", x->name, "number",
			 (int)x->number, "text", x->text, "how", x->how);
}

/* All of FIRST, and of NOW what was not there at first. */
static int print_findings(const struct findings *first, const struct findings *now, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	json_auto_t *o = json_object();
	json_t *list = json_array();

	json_object_set_new(o, "findings", list);
	for (size_t i = 0; i < first->n + now->n; i++) {
		const struct finding *x = i < first->n ? &first->v[i] : &now->v[i - first->n];

		if (i >= first->n && is_among(x, first))
			continue;
		put_text(x, now, &b);
		json_array_append_new(list, json_of(x, now));
	}
	if (options.json) {
		cleanup_free char *text = json_dumps(o, JSON_INDENT(2));

		buf_free(&b);
		b = (struct buf)BUF_INIT;
		buf_printf(&b, "%s\n", text ? text : "{}");
	} else if (b.len == 0) {
		buf_puts(&b, "nothing is wrong\n");
	}
	return print_all(&b, e);
}

int check_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct round first cleanup_round = {.f = {NULL, 0, false}}, second cleanup_round = {.f = {NULL, 0, false}};
	struct error why = ERROR_INIT;
	const struct findings *now = &first.f;
	size_t left;
	int repaired = 0, r = view_open_area(&v, e);

	(void)argc;
	(void)argv;
	if (r == 0 && check_repair && options.state)
		return error_set(e, CLI_USAGE, "--repair wants the container itself, not --state");
	if (r == 0)
		r = look_and_judge(&v, &first, e);
	if (r == 0 && check_repair && has_remedy(&first.f)) {
		repaired = run_repair(&first.f, &why);
		r = look_and_judge(&v, &second, e);
		now = &second.f;
	}
	if (r == 0)
		r = print_findings(&first.f, now, e);
	if (r < 0)
		return r;
	left = findings_faults(now);
	if (repaired < 0)
		return error_set(e, why.code, "repairing: %s", why.text);
	if (left)
		return error_set(e, EUCLEAN, "%zu fault%s%s", left, left == 1 ? "" : "s",
				 !check_repair && has_remedy(now) ? ": volmgr check --repair mends what can be" : "");
	return 0;
}

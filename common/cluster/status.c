/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cluster/status.h"

#include "base/str.h"
#include "cluster/members.h"

#include <errno.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool is_uuid(const char *s)
{
	return strlen(s) == BOOT_ID_SIZE - 1 && s[strspn(s, "0123456789abcdef-")] == '\0';
}

static int read_phases(const json_t *o, struct node_status *s, struct error *e)
{
	const json_t *list = json_object_get(o, "phases");

	if (!json_is_array(list) || json_array_size(list) > STATUS_MAX_PHASES)
		return error_set(e, EINVAL, "phases: no list of at most %d", STATUS_MAX_PHASES);
	s->n_phases = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct status_phase *p = &s->phases[i];

		if (member_text(j, "name", p->name, sizeof(p->name), e) < 0 || member_u64(j, "ms", INT64_MAX, &p->ms, e) < 0)
			return error_wrap(e, "phases[%zu]", i);
		s->n_phases++;
	}
	return 0;
}

static int read_root(const json_t *o, struct node_status *s, struct error *e)
{
	const json_t *root = json_object_get(o, "root");
	int r = member_text(root, "device", s->root.device, sizeof(s->root.device), e);

	if (r == 0)
		r = member_u64(root, "data_used", INT64_MAX, &s->root.data_used, e);
	if (r == 0)
		r = member_u64(root, "data_total", INT64_MAX, &s->root.data_total, e);
	if (r == 0)
		r = member_u64(root, "metadata_used", INT64_MAX, &s->root.metadata_used, e);
	if (r == 0)
		r = member_u64(root, "metadata_total", INT64_MAX, &s->root.metadata_total, e);
	return r < 0 ? error_wrap(e, "root") : 0;
}

static int read_head(const json_t *o, struct node_status *s, struct error *e)
{
	int r = member_uint(o, "node", CLUSTER_MAX_NODES, &s->node, e);

	if (r == 0)
		r = member_u64(o, "generation", INT64_MAX, &s->generation, e);
	if (r == 0)
		r = member_text(o, "boot_id", s->boot_id, sizeof(s->boot_id), e);
	if (r == 0 && !is_uuid(s->boot_id))
		r = error_set(e, EINVAL, "boot_id: no UUID");
	if (r == 0)
		r = member_u64(o, "uptime_ms", INT64_MAX, &s->uptime_ms, e);
	if (r == 0)
		r = member_u64(o, "written", INT64_MAX, &s->written, e);
	if (r == 0)
		r = member_u64(o, "counter", INT64_MAX, &s->counter, e);
	return r < 0 ? r : member_u64(o, "boot_ms", INT64_MAX, &s->boot_ms, e);
}

int status_parse(const char *text, size_t len, struct node_status *ret, struct error *e)
{
	json_auto_t *o = members_load(text, len, e);
	struct node_status s = {0};
	int r;

	if (!o)
		return error_wrap(e, "status");
	r = read_head(o, &s, e);
	if (r == 0)
		r = read_phases(o, &s, e);
	if (r == 0)
		r = read_root(o, &s, e);
	if (r < 0)
		return error_wrap(e, "status");
	s.leaving = json_is_true(json_object_get(o, "leaving"));
	*ret = s;
	return 0;
}

int status_parse_phases(const char *text, size_t len, struct node_status *s, struct error *e)
{
	json_auto_t *o = members_load(text, len, e);
	struct node_status got = {0};

	if (!o || read_phases(o, &got, e) < 0)
		return error_wrap(e, "phases of the boot");
	memcpy(s->phases, got.phases, sizeof(s->phases));
	s->n_phases = got.n_phases;
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static json_t *print_phases(const struct node_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_phases; i++)
		json_array_append_new(list, json_pack("{s:s,s:I}", "name", s->phases[i].name, "ms", (json_int_t)s->phases[i].ms));
	return list;
}

int status_print(const struct node_status *s, struct buf *b, struct error *e)
{
	json_auto_t *o = json_pack("{s:i,s:I,s:s,s:I,s:I,s:I,s:I,s:b,s:o,s:{s:s,s:I,s:I,s:I,s:I}}", "node", (int)s->node, "generation",
				   (json_int_t)s->generation, "boot_id", s->boot_id, "uptime_ms", (json_int_t)s->uptime_ms, "written",
				   (json_int_t)s->written, "counter", (json_int_t)s->counter, "boot_ms", (json_int_t)s->boot_ms, "leaving",
				   s->leaving, "phases", print_phases(s), "root", "device", s->root.device, "data_used",
				   (json_int_t)s->root.data_used, "data_total", (json_int_t)s->root.data_total, "metadata_used",
				   (json_int_t)s->root.metadata_used, "metadata_total", (json_int_t)s->root.metadata_total);

	return members_print(o, b, e) < 0 ? error_wrap(e, "status") : 0;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

enum node_state status_judge(const struct node_status *s, uint64_t now)
{
	if (!s)
		return NODE_UNSEEN;
	if (s->leaving)
		return NODE_LEFT;
	if ((now > s->written ? now - s->written : s->written - now) > STATUS_FRESH)
		return NODE_SILENT;
	return NODE_UP;
}

const char *node_state_name(enum node_state state)
{
	static const char *const names[] = {"up", "left", "silent", "unseen"};

	return (unsigned)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

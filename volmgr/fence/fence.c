/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/fence.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/spawn.h"
#include "base/str.h"
#include "lease_record.h"
#include "pr.h"
#include "probe.h"
#include "volmgr/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS          16 /* of taking keys off, while new ones of the same node appear */
#define COMMAND_SECONDS "60"

/* --- reservations ----------------------------------------------------------------------------------------------------------- */

/* A key of node VICTIM in LIST; 0: none. */
static uint64_t find_key(const struct pr_keys *list, const struct registrant *self, unsigned victim)
{
	const uint32_t cluster = pr_key_cluster(self->cluster);
	struct pr_key k;

	for (size_t i = 0; i < list->n; i++)
		if (pr_key_decode(list->v[i], &k) && k.cluster == cluster && k.node == victim && k.role <= PR_OTHER)
			return list->v[i];
	return 0;
}

/* *ABORTED becomes false when it is not sure that what was under way has ended. -EBADE: somebody else took the victim off in the meantime, or us: the list will tell. */
static int take_off(struct scsi_port *p, uint64_t key, uint64_t victim, bool *aborted, struct error *e)
{
	int r = pr_preempt(p, key, victim, true, e);

	if (r == -EOPNOTSUPP) {
		*aborted = false;
		r = pr_preempt(p, key, victim, false, e);
	}
	if (r == -EBADE)
		*aborted = false;
	return r;
}

static int take_all_off(struct scsi_port *p, const struct registrant *self, uint64_t key, unsigned victim, bool *ret_aborted,
			struct error *e)
{
	bool aborted = true, any = false, refused = false;

	for (int i = 0; i < ROUNDS; i++) {
		struct pr_keys list CLEANUP(pr_keys_free) = {.n = 0};
		uint64_t found;
		int r = pr_read_keys(p, &list, e);

		if (r < 0)
			return r;
		if (!pr_keys_have(&list, key))
			return error_set(e, EKEYREJECTED, "%s: this machine was itself fenced", p->name);
		found = find_key(&list, self, victim);
		*ret_aborted = any && aborted;
		if (!found)
			return 0;
		r = take_off(p, key, found, &aborted, e);
		refused = r == -EBADE;
		if (r < 0 && !refused)
			return r;
		any = true;
	}
	return refused ? error_set(e, EIO, "%s: the SAN does not let this machine take node %u off its list", p->name, victim)
		       : error_set(e, EAGAIN, "%s: node %u registers again and again", p->name, victim);
}

int fence_on(struct scsi_port *p, const struct registrant *self, unsigned victim, bool *known, bool *ret_aborted, struct error *e)
{
	struct pr_reservation v;
	uint64_t key = 0;
	int r = registration_join(p, self, known, &key, e);

	if (r == 0)
		r = take_all_off(p, self, key, victim, ret_aborted, e);
	if (r == 0)
		r = pr_read_reservation(p, &v, e);
	if (r == 0 && !v.held)
		r = error_set(e, EIO, "%s: the SAN has lost its reservation", p->name);
	return r == 0 ? registration_check_type(p, &v, e) : r;
}

/* --- the site's command ----------------------------------------------------------------------------------------------------- */

/* One character of the command, or what a % names. Returns how many it takes, 0: it means nothing. */
static size_t add_piece(struct buf *b, const char *p, const struct node *n)
{
	char mac[MAC_LEN];

	if (*p != '%') {
		buf_add(b, p, 1);
		return 1;
	}
	switch (p[1]) {
	case 'n':
		buf_printf(b, "%u", n->number);
		return 2;
	case 'N':
		buf_puts(b, n->name);
		return 2;
	case 'm':
		buf_puts(b, mac_format(mac, &n->mac));
		return 2;
	case '%':
		buf_puts(b, "%");
		return 2;
	default:
		return 0;
	}
}

/* The words one behind the other, each ended by a NUL; *RET_N of them. */
static int print_words(const char *command, const struct node *n, struct buf *b, size_t *ret_n, struct error *e)
{
	const char *p = command + strspn(command, " ");
	size_t words = 0;

	while (*p) {
		for (size_t took; *p && *p != ' '; p += took) {
			took = add_piece(b, p, n);
			if (!took)
				return error_set(e, EINVAL, "fence-command: '%.2s' is none of %%n, %%N, %%m and %%%%", p);
		}
		buf_add(b, "", 1);
		words++;
		p += strspn(p, " ");
	}
	*ret_n = words;
	return words ? 0 : error_set(e, EINVAL, "fence-command: is empty");
}

int fence_command_words(const char *command, const struct node *n, char ***ret, char **ret_text, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	size_t words = 0;
	char **list, *text;
	int r = print_words(command, n, &b, &words, e);

	if (r < 0)
		return r;
	list = calloc(words + 1, sizeof(*list));
	text = buf_steal(&b);
	if (!list || !text) {
		free(list);
		free(text);
		return error_errno(e, ENOMEM, "fence-command");
	}
	for (size_t i = 0; i < words; i++)
		list[i] = i ? list[i - 1] + strlen(list[i - 1]) + 1 : text;
	*ret = list;
	*ret_text = text;
	return 0;
}

/* Under timeout(1): a power controller that does not answer must not hold up the cluster for ever. */
static int run_command(const struct cluster *c, const struct node *n, struct error *e)
{
	cleanup_free char **words = NULL, *text = NULL;
	cleanup_free const char **argv = NULL;
	struct spawn s = {.argv = NULL};
	size_t count = 0;
	int r = fence_command_words(c->settings.fence_command, n, &words, &text, e);

	if (r < 0)
		return r;
	while (words[count])
		count++;
	argv = calloc(count + 5, sizeof(*argv));
	if (!argv)
		return error_errno(e, ENOMEM, "fence-command");
	argv[0] = "timeout";
	argv[1] = "--kill-after=5";
	argv[2] = COMMAND_SECONDS;
	memcpy(argv + 3, words, count * sizeof(*argv));
	s.argv = argv;
	r = spawn_run(&s, NULL, NULL, e);
	return r < 0 ? error_wrap(e, "fence-command %s for %s", words[0], n->name) : 0;
}

/* --- all of it ----------------------------------------------------------------------------------------------------------------- */

typedef int lun_fn(struct scsi_port *p, const struct registrant *self, unsigned victim, struct error *e);

static int reservation_on(struct scsi_port *p, const struct registrant *self, unsigned victim, struct error *e)
{
	bool known = true, aborted = false;
	int r = fence_on(p, self, victim, &known, &aborted, e);

	return r < 0 || aborted ? r : scsi_reset_lun(p, e);
}

/* The node is off; what it had sent before may be under way in the SAN. */
static int reset_on(struct scsi_port *p, const struct registrant *self, unsigned victim, struct error *e)
{
	(void)self;
	(void)victim;
	return scsi_reset_lun(p, e);
}

/* --- the reservation ---------------------------------------------------------------------------------------------------------- */

static void session_closep(struct scsi_port **p)
{
	session_close(*p);
}

/* By the session P with KEY. Somebody else may have done it in the meantime. */
static int reserve_by(struct scsi_port *p, uint64_t key, struct error *e)
{
	struct pr_reservation v;
	int r = pr_reserve(p, key, e);

	if (r < 0 && r != -EBADE)
		return r;
	r = pr_read_reservation(p, &v, e);
	if (r == 0 && !v.held)
		r = error_set(e, EIO, "%s: cannot be reserved", p->name);
	return r == 0 ? registration_check_type(p, &v, e) : r;
}

/* By a session of its own. -EPROTO: the SAN does not let it in. */
static int reserve_apart(const struct registrant *self, const char *disk, struct error *e)
{
	struct scsi_port *p CLEANUP(session_closep) = NULL;
	const uint64_t key = pr_key_of(self->cluster, 0, PR_HOLDER, "");
	struct session_place place;
	int r = session_place("", disk, &place, e);

	if (r == 0)
		r = str_copy(place.initiator, sizeof(place.initiator), FENCE_HOLDER);
	if (r == 0)
		r = session_open(&place, 1, &p, e);
	explicit_bzero(&place, sizeof(place));
	if (r == 0)
		r = pr_register_anyhow(p, key, true, e);
	return r < 0 ? r : reserve_by(p, key, e);
}

static int reserve_on(struct scsi_port *p, const struct registrant *self, unsigned victim, struct error *e)
{
	struct pr_reservation v;
	bool known = true;
	uint64_t key;
	int r = pr_read_reservation(p, &v, e);

	(void)victim;
	if (r < 0 || v.held)
		return r < 0 ? r : registration_check_type(p, &v, e);
	r = reserve_apart(self, p->name, e);
	if (r != -EPROTO && r != -EOPNOTSUPP)
		return r;
	r = registration_join(p, self, &known, &key, e);
	return r < 0 ? r : reserve_by(p, key, e);
}

/* --- every LUN ------------------------------------------------------------------------------------------------------------------ */

/* By the first path that works. */
static int on_device(const char *device, lun_fn *fn, const struct registrant *self, unsigned victim, struct error *e)
{
	char disks[SCSI_PATHS_MAX][64];
	int n = scsi_paths("", device, disks, e);
	int r = n == 0 ? error_set(e, EOPNOTSUPP, "%s: is no SCSI disk", device) : n;

	for (int i = 0; i < n; i++) {
		struct scsi_port p CLEANUP(scsi_close) = {.fd = -1};

		r = scsi_open(disks[i], &p, e);
		if (r == 0)
			r = fn(&p, self, victim, e);
		if (r == 0 || r == -EKEYREJECTED)
			break;
	}
	return r;
}

static int on_every_lun(const struct cluster *c, const char *const *devices, size_t n, lun_fn *fn, unsigned victim, struct error *e)
{
	char boot[BOOT_ID_SIZE];
	struct registrant self = {c->id, this_node(), boot, true};
	int r = fence_boot_id(boot, e);

	for (size_t i = 0; i < n && r == 0; i++)
		r = on_device(devices[i], fn, &self, victim, e);
	return r;
}

int fence_reserve(const struct cluster *c, const char *const *devices, size_t n, struct error *e)
{
	return c->settings.fencing == FENCING_RESERVATION ? on_every_lun(c, devices, n, reserve_on, 0, e) : 0;
}

static int is_ours(struct scsi_port *p, const struct registrant *self, unsigned victim, struct error *e)
{
	struct pr_reservation v = {.held = false};
	struct pr_key k;
	int r = pr_read_reservation(p, &v, e);

	(void)self;
	(void)victim;
	if (r == 0 && (!v.held || !pr_key_decode(v.key, &k)))
		r = -ENODATA;
	return r;
}

int fence_is_reserved(const char *const *devices, size_t n, bool *ret, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = on_device(devices[i], is_ours, NULL, 0, e);
	if (r < 0 && r != -ENODATA)
		return r;
	*ret = r == 0;
	return 0;
}

/* This machine must be on the lists to take others off. */
static int by_reservation(const struct cluster *c, const char *const *pv_paths, unsigned node, struct error *e)
{
	int r = fence_register(c, pv_paths, this_node(), NULL, e);

	if (r == 0)
		r = fence_reserve(c, pv_paths, c->n_pvs, e);
	return r < 0 ? r : on_every_lun(c, pv_paths, c->n_pvs, reservation_on, node, e);
}

static int cannot(const struct cluster *c, const struct node *n, struct error *e)
{
	return error_set(e, EOPNOTSUPP,
			 "%s cannot be fenced here%s%s: switch it off by hand, then its lease is free %u s later; or set fence-command",
			 n->name, c->fencing_why[0] ? ": " : "", c->fencing_why, lease_dead_after(c->settings.lease_timeout));
}

int fence_node(const struct cluster *c, const char *const *pv_paths, unsigned node, struct error *e)
{
	const struct node *n = cluster_node(c, node);
	int r;

	if (!n)
		return error_set(e, EOPNOTSUPP, "machine %u is no node of this cluster: it cannot be fenced; switch it off by hand", node);
	if (node == this_node())
		return error_set(e, EINVAL, "%s is this machine: it does not fence itself", n->name);
	switch (c->settings.fencing) {
	case FENCING_RESERVATION:
		r = by_reservation(c, pv_paths, node, e);
		break;
	case FENCING_COMMAND:
		r = run_command(c, n, e);
		if (r == 0)
			r = on_every_lun(c, pv_paths, c->n_pvs, reset_on, node, e);
		break;
	default:
		return cannot(c, n, e);
	}
	return r < 0 ? error_wrap(e, "fencing %s", n->name) : 0;
}

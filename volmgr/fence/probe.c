/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe.h"

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/str.h"
#include "volmgr/fence.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* --- one LUN: pure but for its ports ------------------------------------------------------------------------------------------- */

/* 1: the SAN does as it must; 0: it does not, and WHY says what; else an error. R is what the command gave. */
static int verdict(int r, char why[PROBE_WHY], const char *what)
{
	if (r == 0)
		return 1;
	if (r != -EOPNOTSUPP && r != -EBADE)
		return r;
	snprintf(why, PROBE_WHY, "the SAN %s", what);
	return 0;
}

/* Whether KEY is on the list as WANTED; 1, 0, or an error. */
static int listed(struct scsi_port *p, uint64_t key, bool wanted, char why[PROBE_WHY], const char *what, struct error *e)
{
	struct pr_keys list CLEANUP(pr_keys_free) = {.n = 0};
	int r = pr_read_keys(p, &list, e);

	if (r == 0 && pr_keys_have(&list, key) != wanted)
		r = -EBADE;
	return verdict(r, why, what);
}

static int try_capabilities(struct probe *t, char why[PROBE_WHY], struct error *e)
{
	struct pr_capabilities can = {.persists = false};
	int r = verdict(pr_report_capabilities(t->a, &can, e), why, "does not tell what its reservations can do");

	if (r == 1 && !can.registrants_only)
		r = verdict(-EOPNOTSUPP, why, "has no reservation for writing by those who are registered");
	if (r == 1 && !can.persists)
		r = verdict(-EOPNOTSUPP, why, "forgets its reservations when it restarts");
	return r;
}

static int try_register(struct probe *t, char why[PROBE_WHY], struct error *e)
{
	int r = verdict(pr_register_anyhow(t->a, t->key_a, true, e), why, "refuses keys that are to outlive its restart");

	if (r == 1)
		r = verdict(pr_register_anyhow(t->b, t->key_b, true, e), why, "takes one key only");
	return r == 1 ? listed(t->b, t->key_a, true, why, "does not list the keys it took", e) : r;
}

static int try_renewal(struct probe *t, char why[PROBE_WHY], struct error *e)
{
	static const char lost[] = "forgets a key when its session logs in again";
	int r = t->renew(t, e);

	if (r == 0)
		r = listed(t->b, t->key_a, true, why, lost, e);
	return r == 1 ? verdict(pr_register(t->a, t->key_a, t->key_a, true, e), why, lost) : r;
}

static int try_preempt(struct probe *t, char why[PROBE_WHY], struct error *e)
{
	int r = verdict(pr_preempt(t->b, t->key_b, t->key_a, true, e), why, "cannot take a key off and end what was under way");

	if (r == 1)
		r = listed(t->b, t->key_a, false, why, "keeps a key that was taken off", e);
	if (r == 1 && pr_register(t->a, t->key_a, t->key_a, true, e) != -EBADE)
		r = verdict(-EBADE, why, "lets a session have a key that was taken off");
	if (r == 1 && pr_preempt(t->b, t->key_b, t->key_a, true, e) != -EBADE)
		r = verdict(-EBADE, why, "takes a key off that is not there");
	return r;
}

/* Whether the list outlives a restart of the SAN is said with each registration, for all of it: so these say yes, too. */
static void clean_up(struct probe *t)
{
	struct error e;

	pr_register(t->a, t->key_a, 0, true, &e);
	pr_register(t->b, t->key_b, 0, true, &e);
}

int probe_lun(struct probe *t, bool *ret_conforms, char why[PROBE_WHY], struct error *e)
{
	int r = try_capabilities(t, why, e);

	if (r == 1)
		r = try_register(t, why, e);
	if (r == 1)
		r = try_renewal(t, why, e);
	if (r == 1)
		r = try_preempt(t, why, e);
	clean_up(t);
	if (r < 0)
		return r;
	if (r == 1)
		snprintf(why, PROBE_WHY, "the SAN keeps its keys, and takes them off for good");
	*ret_conforms = r;
	return 0;
}

/* --- every LUN --------------------------------------------------------------------------------------------------------------- */

static void session_closep(struct scsi_port **p)
{
	session_close(*p);
}

static int renew(struct probe *t, struct error *e)
{
	return session_renew(t->a, e);
}

static int open_two(struct probe *t, const struct session_place *place, const uint32_t port[2], struct scsi_port **a, struct scsi_port **b,
		    struct error *e)
{
	int r = session_open(place, port[0] & 0xffffff, a, e);

	if (r == 0)
		r = session_open(place, port[1] & 0xffffff, b, e);
	t->a = *a;
	t->b = *b;
	return r;
}

/*
 * Under a name of its own: LIO keeps by initiator name who may write, so what the probe takes off would be taken from this machine. Where the SAN lets only its nodes in,
 * under this machine's name, as long as nobody has reserved the LUN.
 */
static int log_in(struct probe *t, const char *disk, const struct session_place *place, const uint32_t port[2], struct scsi_port **a,
		  struct scsi_port **b, struct error *e)
{
	struct session_place apart = *place;
	bool reserved = false;
	int r = str_copy(apart.initiator, sizeof(apart.initiator), PROBE_INITIATOR);

	if (r == 0)
		r = open_two(t, &apart, port, a, b, e);
	explicit_bzero(&apart, sizeof(apart));
	if (r != -EPROTO)
		return r;
	session_close(steal_ptr(*a));
	r = fence_is_reserved(&disk, 1, &reserved, e);
	if (r == 0 && reserved)
		r = error_set(e, EACCES, "%s is in use, and the SAN does not let %s in, as which it could be tried", disk, PROBE_INITIATOR);
	return r < 0 ? r : open_two(t, place, port, a, b, e);
}

static int probe_disk(const struct cluster *c, const char *disk, bool *ret_conforms, char why[PROBE_WHY], struct error *e)
{
	struct scsi_port *a CLEANUP(session_closep) = NULL, *b CLEANUP(session_closep) = NULL;
	struct probe t = {.renew = renew};
	struct session_place place;
	uint32_t random[2] = {1, 2};
	char boot[32];
	int r = session_place("", disk, &place, e);

	if (r == -EOPNOTSUPP) {
		snprintf(why, PROBE_WHY, "%s is not on iSCSI, so its reservations cannot be tried", disk);
		*ret_conforms = false;
		return 0;
	}
	(void)!getrandom(random, sizeof(random), 0);
	random[1] += random[0] == random[1];
	if (r == 0)
		r = log_in(&t, disk, &place, random, &a, &b, e);
	explicit_bzero(&place, sizeof(place));
	if (r < 0)
		return r;
	snprintf(boot, sizeof(boot), "a%x", random[0]);
	t.key_a = pr_key_of(c->id, 0, PR_PROBE, boot);
	snprintf(boot, sizeof(boot), "b%x", random[1]);
	t.key_b = pr_key_of(c->id, 0, PR_PROBE, boot);
	return probe_lun(&t, ret_conforms, why, e);
}

int fence_probe(const struct cluster *c, const char *const *devices, size_t n, enum fencing *ret, char why[160], struct error *e)
{
	bool conforms = n > 0;
	int r = 0;

	snprintf(why, PROBE_WHY, "there is no disk");
	for (size_t i = 0; i < n && r == 0 && conforms; i++) {
		char disks[SCSI_PATHS_MAX][64];
		int paths = scsi_paths("", devices[i], disks, e);

		if (paths < 0)
			return paths;
		r = probe_disk(c, paths ? disks[0] : devices[i], &conforms, why, e);
	}
	if (r == 0)
		*ret = conforms ? FENCING_RESERVATION : FENCING_WAIT;
	return r;
}

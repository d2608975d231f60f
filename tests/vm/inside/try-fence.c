/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reservations against a real SAN, for test-fence.sh, by sessions of this process: it needs the network only, no kernel's initiator.
 * usage: try-fence probe|nodes|left|list PORTAL TARGET LUN
 */
#include "base/clock.h"
#include "base/str.h"
#include "volmgr/fence.h"
#include "volmgr/fence/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct session_place place = {.initiator = "iqn.2026-11.org.byre.lab:try1"};
static struct error e;

#define CLUSTER "7d1c1f5e-0c5e-4f0f-8f43-2f6f1d1c9b11"

static int failed(const char *what, int r)
{
	printf("FAIL %s: %d: %s\n", what, r, r < 0 ? e.text : "");
	return 1;
}

static int renew(struct probe *t, struct error *err)
{
	return session_renew(t->a, err);
}

static int do_probe(void)
{
	struct probe t = {.renew = renew, .key_a = pr_key_of(CLUSTER, 0, PR_PROBE, "a"), .key_b = pr_key_of(CLUSTER, 0, PR_PROBE, "b")};
	char why[PROBE_WHY] = "";
	bool conforms = false;
	int r = session_open(&place, 1, &t.a, &e);

	if (r == 0)
		r = session_open(&place, 2, &t.b, &e);
	if (r == 0)
		r = probe_lun(&t, &conforms, why, &e);
	session_close(t.a);
	session_close(t.b);
	if (r < 0)
		return failed("probe", r);
	printf("%s: %s\n", conforms ? "reservation" : "wait", why);
	return 0;
}

/* Writes the LUN's last block but one with what it holds: 0, -EBADE or another error. */
static int touch(struct scsi_port *p)
{
	static unsigned char block[512];
	struct scsi_command in = {.cdb = {0x28, [8] = 1}, .cdb_len = 10, .data = block, .len = sizeof(block)};
	struct scsi_command out = {.cdb = {0x2a, [8] = 1}, .cdb_len = 10, .data = block, .len = sizeof(block), .out = true};
	int r = scsi_run(p, &in, &e);

	return r < 0 ? r : scsi_run(p, &out, &e);
}

#define EXPECT(call, want)                                                                                                                 \
	do {                                                                                                                               \
		int got = (call);                                                                                                          \
		if (got != (want))                                                                                                         \
			return failed(#call, got);                                                                                         \
	} while (0)

/* As fence_reserve does it. */
static int reserve(void)
{
	struct session_place apart = place;
	struct scsi_port *p = NULL;
	const uint64_t key = pr_key_of(CLUSTER, 0, PR_HOLDER, "");
	int r;

	snprintf(apart.initiator, sizeof(apart.initiator), "%s", FENCE_HOLDER);
	r = session_open(&apart, 1, &p, &e);
	if (r == 0)
		r = pr_register_anyhow(p, key, true, &e);
	if (r == 0)
		r = pr_reserve(p, key, &e);
	session_close(p);
	return r;
}

/* Node 1 has two sessions, node 2 one; node 2 takes node 1's keys off. */
static int do_nodes(void)
{
	struct registrant one = {CLUSTER, 1, "boot-1", true}, two = {CLUSTER, 2, "boot-2", true}, again = {CLUSTER, 1, "boot-3", true};
	struct scsi_port *volumes, *control, *other, *stranger;
	bool known1 = false, known2 = false, known3 = false, aborted = false;
	uint64_t key, start;

	EXPECT(session_open(&place, 11, &volumes, &e), 0);
	EXPECT(session_open(&place, 12, &control, &e), 0);
	place.initiator[strlen(place.initiator) - 1] = '2';
	EXPECT(session_open(&place, 21, &other, &e), 0);
	place.initiator[strlen(place.initiator) - 1] = '3';
	EXPECT(session_open(&place, 31, &stranger, &e), 0);
	EXPECT(touch(stranger), 0);
	EXPECT(registration_join(volumes, &one, &known1, &key, &e), 0);
	EXPECT(reserve(), 0);
	EXPECT(touch(stranger), -EBADE);
	EXPECT(registration_join(control, &one, &known1, &key, &e), 0);
	EXPECT(registration_join(other, &two, &known2, &key, &e), 0);
	EXPECT(touch(volumes), 0);
	EXPECT(touch(control), 0);
	EXPECT(session_renew(volumes, &e), 0);
	EXPECT(touch(volumes), 0);
	start = clock_boot_ms();
	EXPECT(fence_on(other, &two, 1, &known2, &aborted, &e), 0);
	EXPECT(touch(other), 0);
	printf("fenced and written after %llu ms\n", (unsigned long long)(clock_boot_ms() - start));
	EXPECT(aborted, true);
	EXPECT(touch(volumes), -EBADE);
	EXPECT(touch(control), -EBADE);
	EXPECT(session_renew(volumes, &e), 0);
	EXPECT(touch(volumes), -EBADE);
	EXPECT(registration_check(volumes, &one, &e), -EKEYREJECTED);
	EXPECT(registration_join(volumes, &one, &known1, &key, &e), -EKEYREJECTED);
	EXPECT(registration_join(control, &again, &known3, &key, &e), 0);
	EXPECT(touch(control), 0);
	EXPECT(registration_check(other, &two, &e), 0);
	session_close(volumes);
	session_close(control);
	session_close(other);
	session_close(stranger);
	puts("nodes: as it must be");
	return 0;
}

/* After do_nodes: the reservation stands, and whoever was registered can write. */
static int do_left(void)
{
	struct scsi_port *other, *stranger;
	struct pr_reservation v;

	/* LIO takes each up again when its session comes. */
	EXPECT(reserve(), 0);
	place.initiator[strlen(place.initiator) - 1] = '2';
	EXPECT(session_open(&place, 21, &other, &e), 0);
	place.initiator[strlen(place.initiator) - 1] = '3';
	EXPECT(session_open(&place, 31, &stranger, &e), 0);
	EXPECT(pr_read_reservation(other, &v, &e), 0);
	EXPECT(v.held && v.key == pr_key_of(CLUSTER, 0, PR_HOLDER, ""), 1);
	EXPECT(pr_register(other, pr_key_of(CLUSTER, 2, PR_ANCHOR, "boot-2"), pr_key_of(CLUSTER, 2, PR_ANCHOR, "boot-2"), true, &e), 0);
	EXPECT(touch(other), 0);
	EXPECT(touch(stranger), -EBADE);
	session_close(other);
	session_close(stranger);
	puts("left: as it was");
	return 0;
}

/* Who has reserved the LUN and who may write there, a line for each: "reserved", "node 1: 2". */
static int do_list(void)
{
	struct pr_keys list CLEANUP(pr_keys_free) = {.n = 0};
	unsigned count[16] = {0};
	struct pr_reservation v;
	struct scsi_port *p;
	struct pr_key k;

	EXPECT(session_open(&place, 41, &p, &e), 0);
	EXPECT(pr_read_reservation(p, &v, &e), 0);
	EXPECT(pr_read_keys(p, &list, &e), 0);
	session_close(p);
	puts(v.held && pr_key_decode(v.key, &k) && k.role == PR_HOLDER ? "reserved" : "not reserved");
	for (size_t i = 0; i < list.n; i++)
		if (pr_key_decode(list.v[i], &k) && k.role <= PR_OTHER && k.node < ARRAY_SIZE(count))
			count[k.node]++;
	for (unsigned i = 0; i < ARRAY_SIZE(count); i++)
		if (count[i])
			printf("node %u: %u\n", i, count[i]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 5 || str_to_uint(argv[4], 0, 255, &place.lun) < 0)
		return 2;
	str_copy(place.portal, sizeof(place.portal), argv[2]);
	str_copy(place.target, sizeof(place.target), argv[3]);
	if (strcmp(argv[1], "left") == 0)
		return do_left();
	if (strcmp(argv[1], "list") == 0)
		return do_list();
	return strcmp(argv[1], "probe") == 0 ? do_probe() : do_nodes();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "tests/unit/simpr.h"
#include "volmgr/fence.h"
#include "volmgr/fence/probe.h"

#include <errno.h>
#include <stdio.h>

#define CLUSTER "7d1c1f5e-0c5e-4f0f-8f43-2f6f1d1c9b11"
#define FOREIGN "00000000-0c5e-4f0f-8f43-2f6f1d1c9b11"

static const struct registrant one = {CLUSTER, 1, "boot-1", true}, two = {CLUSTER, 2, "boot-2", true};
static struct error e;

/* --- data ------------------------------------------------------------------------------------------------------------------ */

static void a_key_says_whose_it_is(void **state)
{
	const struct pr_key k = {.cluster = 0xabcde, .node = 2000, .role = PR_OTHER, .boot = 0x12345};
	struct pr_key again;

	(void)state;
	assert_true(pr_key_encode(&k) == 0xb7abcde7d0112345ull);
	assert_true(pr_key_decode(pr_key_encode(&k), &again));
	assert_memory_equal(&k, &again, sizeof(k));
	assert_false(pr_key_decode(0x17abcde7d0112345ull, &again));
	assert_true(pr_key_decode(pr_key_of(CLUSTER, 7, PR_ANCHOR, "x"), &again));
	assert_int_equal(again.node, 7);
	assert_int_equal(again.cluster, pr_key_cluster(CLUSTER));
	assert_true(pr_key_of(CLUSTER, 7, PR_ANCHOR, "x") != pr_key_of(CLUSTER, 7, PR_ANCHOR, "y"));
}

static void lists_are_decoded(void **state)
{
	static const unsigned char two_keys[] = {0, 0, 0, 9, 0, 0, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0, 0, 0, 0, 0, 0, 1};
	static const unsigned char odd[] = {0, 0, 0, 9, 0, 0, 0, 15};
	struct pr_keys k CLEANUP(pr_keys_free) = {.n = 0}, cut CLEANUP(pr_keys_free) = {.n = 0};
	size_t wanted;

	(void)state;
	assert_int_equal(pr_decode_keys(two_keys, sizeof(two_keys), &k, &wanted), 0);
	assert_int_equal(k.n, 2);
	assert_int_equal(k.generation, 9);
	assert_true(k.v[0] == 0x0102030405060708 && k.v[1] == 0xff00000000000001);
	assert_int_equal(pr_decode_keys(two_keys, 20, &cut, &wanted), 0);
	assert_int_equal(cut.n, 1);
	assert_int_equal(wanted, 24);
	assert_int_equal(pr_decode_keys(two_keys, 7, &cut, &wanted), -EPROTO);
	assert_int_equal(pr_decode_keys(odd, sizeof(odd), &cut, &wanted), -EPROTO);
}

static void a_reservation_is_decoded(void **state)
{
	unsigned char d[24] = {0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 5, [21] = 0x15};
	struct pr_reservation v;

	(void)state;
	assert_int_equal(pr_decode_reservation(d, sizeof(d), &v), 0);
	assert_true(v.held && v.key == 5 && v.type == 5 && v.scope == 1);
	assert_int_equal(pr_decode_reservation(d, 23, &v), -EPROTO);
	d[7] = 0;
	assert_int_equal(pr_decode_reservation(d, 8, &v), 0);
	assert_false(v.held);
}

static void senses_are_of_two_formats(void **state)
{
	static const unsigned char fixed[18] = {0xf0, 0, 6, [12] = 0x29, [13] = 7}, descriptor[8] = {0x72, 5, 0x24, 1};
	struct scsi_command c = {.status = SCSI_CHECK_CONDITION};

	(void)state;
	scsi_sense(fixed, sizeof(fixed), &c);
	assert_true(c.key == 6 && c.asc == 0x29 && c.ascq == 7);
	scsi_sense(descriptor, sizeof(descriptor), &c);
	assert_true(c.key == 5 && c.asc == 0x24 && c.ascq == 1);
	scsi_sense(fixed, 2, &c);
	assert_int_equal(c.key, 0);
}

/* --- registering ------------------------------------------------------------------------------------------------------------ */

static int join(struct sim_session *s, const struct registrant *who, bool *known)
{
	uint64_t key;

	return registration_join(&s->port, who, known, &key, &e);
}

/* The session apart that holds the reservation is number 7. */
static void reserve(struct sim_lun *l)
{
	struct sim_session h = sim_session(l, 7);

	assert_int_equal(pr_register_anyhow(&h.port, pr_key_of(CLUSTER, 0, PR_HOLDER, ""), true, &e), 0);
	assert_int_equal(pr_reserve(&h.port, pr_key_of(CLUSTER, 0, PR_HOLDER, ""), &e), 0);
}

static void a_boot_registers_its_sessions(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), b = sim_session(&l, 1);
	bool known = false;
	uint32_t before;

	(void)state;
	reserve(&l);
	l.attentions = 3;
	assert_int_equal(join(&a, &one, &known), 0);
	assert_true(known);
	assert_true(l.key[0] == pr_key_of(CLUSTER, 1, PR_ANCHOR, "boot-1"));
	assert_int_equal(join(&b, &one, &known), 0);
	assert_true(l.key[1] == pr_key_of(CLUSTER, 1, PR_OTHER, "boot-1"));
	before = l.generation;
	assert_int_equal(join(&a, &one, &known), 0);
	assert_int_equal(join(&b, &one, &known), 0);
	assert_true(l.key[0] != l.key[1] && l.generation > before); /* only asked, not replaced */
	assert_int_equal(registration_check(&b.port, &one, &e), 0);
}

static void earlier_boots_authorise_nothing(void **state)
{
	const struct registrant later = {CLUSTER, 1, "boot-9", true};
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), b = sim_session(&l, 1), c = sim_session(&l, 2), other = sim_session(&l, 3);
	bool known = false, known2 = false, fresh = false;

	(void)state;
	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	assert_int_equal(join(&b, &one, &known), 0);
	assert_int_equal(join(&other, &two, &known2), 0);
	l.key[5] = pr_key_of(FOREIGN, 1, PR_ANCHOR, "boot-1");
	assert_int_equal(join(&c, &later, &fresh), 0);
	assert_false(sim_may_write(&l, 0) || sim_may_write(&l, 1));
	assert_true(sim_may_write(&l, 2) && sim_may_write(&l, 3) && sim_may_write(&l, 5));
	assert_int_equal(join(&a, &one, &known), -EKEYREJECTED);
}

static void who_is_not_asked_leaves_a_lun_alone(void **state)
{
	const struct registrant idle = {CLUSTER, 1, "boot-1", false};
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0);
	bool known = false;

	(void)state;
	assert_int_equal(join(&a, &idle, &known), 0);
	assert_true(!known && l.generation == 0);
	l.no_reservations = true;
	assert_int_equal(join(&a, &idle, &known), 0);
	assert_int_equal(join(&a, &one, &known), -EOPNOTSUPP);
	l.no_reservations = false;
	reserve(&l); /* by another container on the same LUN, say */
	assert_int_equal(join(&a, &idle, &known), 0);
	assert_true(known && sim_may_write(&l, 0));
}

static void a_foreign_reservation_is_told(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0);
	bool known = false;

	(void)state;
	l.key[4] = 77;
	l.holder = 4;
	l.type = 3;
	assert_int_equal(join(&a, &one, &known), -EBUSY);
	assert_string_equal(e.text, "lun: is reserved with type 3 by somebody else (key 000000000000004d): end that first");
	assert_true(l.key[0] == 0);
}

/* A SAN that lost everything has not fenced anybody: a fence leaves the fencer's key. */
static void a_san_that_forgot_is_no_fence(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0);
	bool known = true;

	(void)state;
	assert_int_equal(registration_check(&a.port, &one, &e), 1);
	assert_int_equal(join(&a, &one, &known), 0);
	assert_true(l.key[0] != 0);
}

/* --- fencing ---------------------------------------------------------------------------------------------------------------- */

static void a_fenced_node_writes_no_more(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), b = sim_session(&l, 1), c = sim_session(&l, 2);
	bool known = false, known2 = false, aborted = false;

	(void)state;
	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	assert_int_equal(join(&b, &one, &known), 0);
	l.key[5] = pr_key_of(FOREIGN, 1, PR_ANCHOR, "boot-1");
	assert_int_equal(fence_on(&c.port, &two, 1, &known2, &aborted, &e), 0);
	assert_true(aborted && known2);
	assert_int_equal(l.aborts, 2);
	assert_false(sim_may_write(&l, 0) || sim_may_write(&l, 1));
	assert_true(sim_may_write(&l, 2) && sim_may_write(&l, 5));
	assert_int_equal(registration_check(&a.port, &one, &e), -EKEYREJECTED);
	assert_int_equal(join(&b, &one, &known), -EKEYREJECTED);
	assert_false(sim_may_write(&l, 0) || sim_may_write(&l, 1));
	/* Absent already: what it had sent may still be under way. */
	assert_int_equal(fence_on(&c.port, &two, 1, &known2, &aborted, &e), 0);
	assert_false(aborted);
}

static void without_abort_the_lun_must_be_reset(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), c = sim_session(&l, 2);
	bool known = false, known2 = false, aborted = true;

	(void)state;
	l.no_abort = true;
	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	assert_int_equal(fence_on(&c.port, &two, 1, &known2, &aborted, &e), 0);
	assert_false(aborted || sim_may_write(&l, 0));
}

static void without_a_reservation_nobody_is_fenced(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session c = sim_session(&l, 2);
	bool known = false, aborted = false;

	(void)state;
	assert_int_equal(fence_on(&c.port, &two, 1, &known, &aborted, &e), -EIO);
}

static void a_san_that_takes_nobody_off_is_told(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), c = sim_session(&l, 2);
	bool known = false, known2 = false, aborted = true;

	(void)state;
	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	l.no_preempt = true;
	assert_int_equal(fence_on(&c.port, &two, 1, &known2, &aborted, &e), -EIO);
	assert_string_equal(e.text, "lun: the SAN does not let this machine take node 1 off its list");
}

static void who_was_fenced_fences_nobody(void **state)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0), c = sim_session(&l, 2);
	bool known = false, known2 = false, aborted = false;

	(void)state;
	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	assert_int_equal(fence_on(&c.port, &two, 1, &known2, &aborted, &e), 0);
	assert_int_equal(fence_on(&a.port, &one, 2, &known, &aborted, &e), -EKEYREJECTED);
	assert_true(sim_may_write(&l, 2));
}

/* --- at the same time -------------------------------------------------------------------------------------------------------- */

static unsigned when;
static bool done;

/* Node 2 fences node 1 between two of its commands. */
static void fence_at(struct sim_lun *l, unsigned command)
{
	struct sim_session c = sim_session(l, 2);
	bool known = false, aborted;

	if (command != when || done)
		return;
	done = true;
	l->hook = NULL;
	assert_int_equal(fence_on(&c.port, &two, 1, &known, &aborted, &e), 0);
}

/* Node 1's second session registers between two commands of node 2. */
static void join_at(struct sim_lun *l, unsigned command)
{
	struct sim_session b = sim_session(l, 1);
	bool known = true;

	if (command != when || done)
		return;
	done = true;
	l->hook = NULL;
	join(&b, &one, &known);
}

static struct sim_lun node_1_is_up(void)
{
	struct sim_lun l = sim_lun();
	struct sim_session a = sim_session(&l, 0);
	bool known = false;

	reserve(&l);
	assert_int_equal(join(&a, &one, &known), 0);
	l.commands = 0;
	done = false;
	return l;
}

static void a_late_session_does_not_undo_a_fence(void **state)
{
	(void)state;
	for (when = 0, done = true; done; when++) {
		struct sim_lun l = node_1_is_up();
		struct sim_session b = sim_session(&l, 1);
		bool known = true;
		int r;

		l.hook = fence_at;
		r = join(&b, &one, &known);
		if (done)
			assert_false(sim_may_write(&l, 0) || sim_may_write(&l, 1));
		else
			assert_int_equal(r, 0);
	}
	assert_true(when > 5);
	for (when = 0, done = true; done; when++) {
		struct sim_lun l = node_1_is_up();
		struct sim_session c = sim_session(&l, 2);
		bool known = false, aborted;

		l.hook = join_at;
		assert_int_equal(fence_on(&c.port, &two, 1, &known, &aborted, &e), 0);
		assert_false(sim_may_write(&l, 0) || sim_may_write(&l, 1));
	}
	assert_true(when > 5);
}

/* Two fence each other: at most one is left, and who is off knows it. */
static void fence_back(struct sim_lun *l, unsigned command)
{
	struct sim_session a = sim_session(l, 0);
	bool known = true, aborted;

	if (command != when || done)
		return;
	done = true;
	l->hook = NULL;
	fence_on(&a.port, &one, 2, &known, &aborted, &e);
}

static void of_two_who_fence_each_other_one_remains(void **state)
{
	(void)state;
	for (when = 0, done = true; done; when++) {
		struct sim_lun l = node_1_is_up();
		struct sim_session c = sim_session(&l, 2);
		bool known = false, aborted;
		int r;

		assert_int_equal(join(&c, &two, &known), 0);
		l.commands = 0;
		l.hook = fence_back;
		r = fence_on(&c.port, &two, 1, &known, &aborted, &e);
		assert_true(r == 0 || r == -EKEYREJECTED);
		assert_true(sim_may_write(&l, 2) == (r == 0));
		assert_true(sim_may_write(&l, 0) == (r != 0));
	}
	assert_true(when > 5);
}

/* --- the probe -------------------------------------------------------------------------------------------------------------- */

static int renew(struct probe *t, struct error *err)
{
	struct sim_session *s = (struct sim_session *)t->a;

	(void)err;
	if (s->lun->forgets)
		s->lun->key[s->number] = 0;
	return 0;
}

static void judges(struct sim_lun l, bool wanted, const char *wanted_why)
{
	struct sim_session a = sim_session(&l, 0), b = sim_session(&l, 1);
	struct probe t = {&a.port, &b.port, renew, pr_key_of(CLUSTER, 0, PR_PROBE, "a"), pr_key_of(CLUSTER, 0, PR_PROBE, "b")};
	char why[PROBE_WHY] = "";
	bool conforms = !wanted;

	l.persists = true;
	assert_int_equal(probe_lun(&t, &conforms, why, &e), 0);
	assert_int_equal(conforms, wanted);
	assert_string_equal(why, wanted_why);
	assert_true(l.key[0] == 0 && l.key[1] == 0);
	assert_int_equal(l.holder, -1);
	assert_true(l.persists); /* of whoever else is on the list */
}

static void a_probe_tells_what_a_san_gets_wrong(void **state)
{
	struct sim_lun l = sim_lun();

	(void)state;
	judges(l, true, "the SAN keeps its keys, and takes them off for good");
	l.no_abort = true;
	judges(l, false, "the SAN cannot take a key off and end what was under way");
	l = sim_lun();
	l.forgets = true;
	judges(l, false, "the SAN forgets a key when its session logs in again");
	l = sim_lun();
	l.no_persistence = true;
	judges(l, false, "the SAN forgets its reservations when it restarts");
	l = sim_lun();
	l.no_reservations = true;
	judges(l, false, "the SAN does not tell what its reservations can do");
}

/* --- the site's command ------------------------------------------------------------------------------------------------------- */

static void a_command_is_split_into_words(void **state)
{
	const struct node n = {.number = 3, .name = "node3; rm -rf", .mac = {{0x52, 0x54, 0, 0, 0, 3}}};
	cleanup_free char **words = NULL, *text = NULL;

	(void)state;
	assert_int_equal(fence_command_words("  /sbin/off -n %N  --mac=%m/%n 100%% ", &n, &words, &text, &e), 0);
	assert_string_equal(words[0], "/sbin/off");
	assert_string_equal(words[1], "-n");
	assert_string_equal(words[2], "node3; rm -rf");
	assert_string_equal(words[3], "--mac=52:54:00:00:00:03/3");
	assert_string_equal(words[4], "100%");
	assert_null(words[5]);
	assert_int_equal(fence_command_words("  ", &n, &words, &text, &e), -EINVAL);
	assert_int_equal(fence_command_words("off %h", &n, &words, &text, &e), -EINVAL);
	assert_int_equal(fence_command_words("off %", &n, &words, &text, &e), -EINVAL);
}

static void what_cannot_be_fenced_is_told(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	static const char *const none[] = {"/dev/none"};

	(void)state;
	load_sample(&c);
	assert_int_equal(fence_node(&c, none, 2, &e), -EOPNOTSUPP);
	assert_string_equal(e.text, "node2 cannot be fenced here: switch it off by hand, then its lease is free 100 s later; or set fence-command");
	assert_int_equal(fence_node(&c, none, 1999, &e), -EOPNOTSUPP);
	str_copy(c.settings.fence_command, sizeof(c.settings.fence_command), "false %n");
	c.settings.fencing = FENCING_COMMAND;
	assert_int_equal(fence_node(&c, none, 2, &e), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_says_whose_it_is),
		cmocka_unit_test(lists_are_decoded),
		cmocka_unit_test(a_reservation_is_decoded),
		cmocka_unit_test(senses_are_of_two_formats),
		cmocka_unit_test(a_boot_registers_its_sessions),
		cmocka_unit_test(earlier_boots_authorise_nothing),
		cmocka_unit_test(who_is_not_asked_leaves_a_lun_alone),
		cmocka_unit_test(a_foreign_reservation_is_told),
		cmocka_unit_test(a_san_that_forgot_is_no_fence),
		cmocka_unit_test(a_fenced_node_writes_no_more),
		cmocka_unit_test(without_abort_the_lun_must_be_reset),
		cmocka_unit_test(without_a_reservation_nobody_is_fenced),
		cmocka_unit_test(a_san_that_takes_nobody_off_is_told),
		cmocka_unit_test(who_was_fenced_fences_nobody),
		cmocka_unit_test(a_late_session_does_not_undo_a_fence),
		cmocka_unit_test(of_two_who_fence_each_other_one_remains),
		cmocka_unit_test(a_probe_tells_what_a_san_gets_wrong),
		cmocka_unit_test(a_command_is_split_into_words),
		cmocka_unit_test(what_cannot_be_fenced_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

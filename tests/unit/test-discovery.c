/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "initrd/discovery.h"

#include <errno.h>

static unsigned char pdu[DISCOVERY_PDU];

static void answer(unsigned char opcode, unsigned char flags, const char *text, size_t len)
{
	memset(pdu, 0, sizeof(pdu));
	pdu[0] = opcode;
	pdu[1] = flags;
	pdu[6] = (unsigned char)(len >> 8);
	pdu[7] = (unsigned char)len;
	memset(pdu + 20, 0xff, 4); /* no more to come */
	memcpy(pdu + DISCOVERY_HEADER, text, len);
}

static void log_in(struct discovery *d)
{
	discovery_init(d, "iqn.2026-11.org.byre:525400123456");
	assert_true(discovery_next(d, pdu) % 4 == 0);
	answer(0x23, 0x87, "", 0);
	assert_int_equal(discovery_take(d, pdu, NULL), 1);
	assert_true(d->logged_in);
}

static void the_login_says_who_and_what_for(void **state)
{
	struct discovery d;
	size_t len;

	(void)state;
	discovery_init(&d, "iqn.x:1");
	len = discovery_next(&d, pdu);
	assert_int_equal(pdu[0], 0x43);
	assert_int_equal(pdu[1], 0x87);
	assert_int_equal(len, DISCOVERY_HEADER + discovery_data_size(pdu));
	assert_memory_equal(pdu + DISCOVERY_HEADER, "InitiatorName=iqn.x:1\0SessionType=Discovery\0", 44);
	discovery_free(&d);
}

static void targets_are_named_a_line_each(void **state)
{
	static const char text[] = "TargetName=iqn.a:1\0TargetAddress=10.0.0.1:3260,1\0TargetName=iqn.b:"
				   "2\0TargetAddress=10.0.0.1:3260,1";
	struct discovery d;

	(void)state;
	log_in(&d);
	discovery_next(&d, pdu);
	assert_int_equal(pdu[0], 0x44);
	assert_memory_equal(pdu + DISCOVERY_HEADER, "SendTargets=All", 16);
	answer(0x24, 0x80, text, sizeof(text));
	assert_int_equal(discovery_take(&d, pdu, NULL), 0);
	assert_string_equal(buf_str(&d.names), "iqn.a:1\niqn.b:2\n");
	discovery_free(&d);
}

static void a_list_may_come_in_pieces(void **state)
{
	struct discovery d;

	(void)state;
	log_in(&d);
	answer(0x24, 0x40, "TargetName=iq", 13);
	memset(pdu + 20, 7, 4);
	assert_int_equal(discovery_take(&d, pdu, NULL), 1);
	discovery_next(&d, pdu);
	assert_int_equal(pdu[20], 7);
	assert_int_equal(discovery_data_size(pdu), 0);
	answer(0x24, 0x80, "n.a:1", 6);
	assert_int_equal(discovery_take(&d, pdu, NULL), 0);
	assert_string_equal(buf_str(&d.names), "iqn.a:1\n");
	discovery_free(&d);
}

static void no_target_is_no_error(void **state)
{
	struct discovery d;

	(void)state;
	log_in(&d);
	answer(0x24, 0x80, "", 0);
	assert_int_equal(discovery_take(&d, pdu, NULL), 0);
	assert_string_equal(buf_str(&d.names), "");
	discovery_free(&d);
}

static void refused(const unsigned char *a, bool logged_in, const char *why)
{
	struct discovery d;
	struct error e = ERROR_INIT;
	unsigned char copy[DISCOVERY_PDU];

	memcpy(copy, a, sizeof(copy));
	if (logged_in)
		log_in(&d);
	else
		discovery_init(&d, "iqn.x:1");
	assert_true(discovery_take(&d, copy, &e) < 0);
	assert_string_equal(e.text, why);
	discovery_free(&d);
}

static void refusals_say_what_to_do(void **state)
{
	(void)state;
	answer(0x23, 0x87, "", 0);
	pdu[36] = 2;
	pdu[37] = 1;
	refused(pdu, false,
		"the SAN refuses iqn.x:1: check its access list (a discovery that needs a password is not "
		"supported: give ivid)");
	pdu[37] = 3;
	refused(pdu, false, "the SAN refuses the discovery (status 0203): give the target's name in ivid");
	answer('H', 'T', "", 0);
	refused(pdu, false, "the answer is not iSCSI's: check storage_port");
	answer(0x3f, 0x80, "", 0);
	refused(pdu, true, "the SAN refuses to name its targets: give the target's name in ivid");
	answer(0x24, 0x40, "x", 1);
	refused(pdu, true, "the SAN's list of targets breaks off: give the target's name in ivid");
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(the_login_says_who_and_what_for), cmocka_unit_test(targets_are_named_a_line_each),
		cmocka_unit_test(a_list_may_come_in_pieces),       cmocka_unit_test(no_target_is_no_error),
		cmocka_unit_test(refusals_say_what_to_do),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes answer a client, and which packets are a member's. */
#include "tests/unit/unit.h"

#include "metamaster/member/seal.h"
#include "metamaster/member/share.h"

#define NODES 40

static uint16_t live[NODES];

static struct mac client(unsigned i)
{
	return (struct mac){{0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static unsigned answers(size_t n, unsigned k, const struct mac *mac, unsigned each[NODES + 1])
{
	unsigned count = 0;

	for (size_t i = 0; i < n; i++)
		if (share_answers(live, n, k, live[i], mac)) {
			count++;
			each[live[i]]++;
		}
	return count;
}

static int make_live(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NODES; i++)
		live[i] = (uint16_t)(i + 1);
	return 0;
}

static void every_client_has_its_servers(void **state)
{
	unsigned each[NODES + 1] = {0};

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct mac mac = client(i);

		assert_int_equal(answers(NODES, 3, &mac, each), 3);
		assert_int_equal(answers(2, 3, &mac, each), 2);
		assert_int_equal(answers(1, 3, &mac, each), 1);
	}
	/* 2,000 clients, 3 answers each, 40 nodes: 150 each; the first two have those of small clusters as well */
	for (unsigned i = 3; i <= NODES; i++)
		assert_in_range(each[i], 100, 200);
}

static void a_death_moves_its_own_clients_only(void **state)
{
	uint16_t left[NODES - 1];

	(void)state;
	for (unsigned i = 0; i < NODES - 1; i++)
		left[i] = (uint16_t)(i < 9 ? i + 1 : i + 2); /* node 10 died */
	for (unsigned i = 0; i < 500; i++) {
		struct mac mac = client(i);
		unsigned more = 0;

		for (unsigned k = 0; k < NODES - 1; k++) {
			bool before = share_answers(live, NODES, 3, left[k], &mac), now = share_answers(left, NODES - 1, 3, left[k], &mac);

			assert_false(before && !now);
			more += now && !before;
		}
		assert_int_equal(more, share_answers(live, NODES, 3, 10, &mac));
	}
}

static void a_seal_fits_its_text_and_key_only(void **state)
{
	unsigned char cluster[SEAL_KEY] = {1}, other[SEAL_KEY] = {2}, key[SEAL_KEY], wrong[SEAL_KEY];
	uint8_t text[80 + SEAL_LEN];
	size_t len = 0;

	(void)state;
	seal_derive(cluster, key);
	seal_derive(other, wrong);
	assert_memory_not_equal(key, cluster, SEAL_KEY);
	for (unsigned i = 0; i < 80; i++)
		text[i] = (uint8_t)i;
	seal_put(key, text, 80);
	assert_true(seal_check(key, text, sizeof(text), &len));
	assert_int_equal(len, 80);
	assert_false(seal_check(wrong, text, sizeof(text), &len));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 0x10;
		assert_false(seal_check(key, text, sizeof(text), &len));
		text[i] ^= 0x10;
		assert_false(seal_check(key, text, i, &len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_client_has_its_servers, make_live),
		cmocka_unit_test_setup(a_death_moves_its_own_clients_only, make_live),
		cmocka_unit_test(a_seal_fits_its_text_and_key_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

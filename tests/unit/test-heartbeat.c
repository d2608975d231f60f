/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heartbeats on the wire, and the graph along which they go. */
#include "tests/unit/unit.h"

#include "metamaster/member/packet.h"
#include "metamaster/member/ring.h"

#include <errno.h>

static const uint8_t ages[] = {0x10, 0x32, 0xff};

static struct packet sample(void)
{
	return (struct packet){
		.flags = PACKET_HEARS | PACKET_HOLDS,
		.net = 1,
		.from = 7,
		.to = 258,
		.run = 0x1122334455667788,
		.challenge = 2,
		.echo = 3,
		.seq = 4,
		.generation = 5,
		.claim = {6, 7},
		.n = 5,
		.ages = ages,
	};
}

static void a_heartbeat_is_read_as_it_was_written(void **state)
{
	const struct packet p = sample();
	uint8_t wire[PACKET_HEADER + sizeof(ages)];
	struct packet got;

	(void)state;
	assert_int_equal(packet_len(p.n), sizeof(wire));
	packet_print(&p, wire);
	assert_int_equal(packet_parse(wire, sizeof(wire), &got), 0);
	assert_int_equal(got.flags, p.flags);
	assert_int_equal(got.net, 1);
	assert_int_equal(got.from, 7);
	assert_int_equal(got.to, 258);
	assert_int_equal(got.run, p.run);
	assert_int_equal(got.challenge, 2);
	assert_int_equal(got.echo, 3);
	assert_int_equal(got.seq, 4);
	assert_int_equal(got.generation, 5);
	assert_int_equal(got.claim.term, 6);
	assert_int_equal(got.claim.owner, 7);
	assert_int_equal(got.n, 5);
	assert_ptr_equal(got.ages, wire + PACKET_HEADER);
	assert_memory_equal(got.ages, ages, sizeof(ages));
}

/* The header's fields stand where packet.h says. */
static void the_bytes_are_the_formats(void **state)
{
	const struct packet p = sample();
	const uint8_t want[] = {
		'b',  'y', 'r', 'M', 1, 5, 1, 0, 0, 7, 1, 2, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
		0x88, 0,   0,   0,   0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3,    0,    0,    0,    0,    0,    0,
		0,    4,   0,   0,   0, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0, 7, 0,    5,    0x10, 0x32, 0xff,
	};
	uint8_t wire[sizeof(want)];

	(void)state;
	packet_print(&p, wire);
	assert_memory_equal(wire, want, sizeof(want));
}

static void refuse(size_t at, uint8_t value)
{
	const struct packet p = sample();
	uint8_t wire[PACKET_HEADER + sizeof(ages)];
	struct packet got;

	packet_print(&p, wire);
	assert_int_not_equal(wire[at], value);
	wire[at] = value;
	if (packet_parse(wire, sizeof(wire), &got) != -EINVAL)
		fail_msg("byte %zu may be %u", at, value);
}

static void what_is_no_heartbeat_is_refused(void **state)
{
	const struct packet p = sample();
	uint8_t wire[PACKET_HEADER + sizeof(ages) + 1] = {0};
	struct packet got;

	(void)state;
	packet_print(&p, wire);
	for (size_t len = 0; len <= sizeof(wire); len++)
		assert_int_equal(packet_parse(wire, len, &got), len == sizeof(wire) - 1 ? 0 : -EINVAL);
	refuse(0, 'B');
	refuse(4, 2);     /* format */
	refuse(5, 8);     /* flags */
	refuse(7, 1);     /* reserved, */
	refuse(15, 1);    /* too */
	refuse(8, 0x29);  /* from 10503 */
	refuse(9, 0);     /* from nobody */
	refuse(10, 0x29); /* to */
	refuse(47, 0);    /* no sequence */
	refuse(59, 0);    /* an owner without a term */
	refuse(61, 0);    /* a term without an owner */
	refuse(63, 7);    /* more ages than there are */
	refuse(63, 3);    /* fewer */
}

/* Places that lie as far as STEPS from place 0, at most. */
static unsigned eccentricity(size_t n)
{
	unsigned char far[1024] = {0};
	size_t queue[1024], head = 0, tail = 0, near[RING_NEIGHBOURS], k;
	unsigned most = 0;

	queue[tail++] = 0;
	while (head < tail) {
		size_t at = queue[head++];

		most = far[at];
		k = ring_neighbours(n, at, near);
		for (size_t i = 0; i < k; i++)
			if (near[i] && !far[near[i]]) {
				far[near[i]] = (unsigned char)(far[at] + 1);
				queue[tail++] = near[i];
			}
	}
	assert_int_equal(tail, n);
	return most;
}

static bool lists(size_t n, size_t place, size_t other)
{
	size_t near[RING_NEIGHBOURS], k = ring_neighbours(n, place, near);

	for (size_t i = 0; i < k; i++)
		if (near[i] == other)
			return true;
	return false;
}

static void the_graph_is_short_and_mutual(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 1024; n++) {
		size_t near[RING_NEIGHBOURS], place = n / 3, k = ring_neighbours(n, place, near);

		if (eccentricity(n) > ring_steps(n))
			fail_msg("%zu places: %u steps, not %u", n, eccentricity(n), ring_steps(n));
		for (size_t i = 0; i < k; i++)
			assert_true(near[i] < n && near[i] != place && lists(n, near[i], place));
	}
	assert_int_equal(ring_steps(1), 0);
	assert_int_equal(ring_steps(1024), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heartbeat_is_read_as_it_was_written),
		cmocka_unit_test(the_bytes_are_the_formats),
		cmocka_unit_test(what_is_no_heartbeat_is_refused),
		cmocka_unit_test(the_graph_is_short_and_mutual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

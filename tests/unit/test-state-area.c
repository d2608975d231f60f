/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state area under a disk that fails at every single write: the newest whole document is read, never a mix, never none. */
#include "tests/unit/unit.h"

#include "tests/unit/simdisk.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <stdlib.h>

#define SEEDS 40

static const struct superblock super = {"debian12", "1f3870be-2749-4c83-9aa4-51c5a0a3b9d1"};

static void format(struct sim *s)
{
	assert_int_equal(area_format_io(&sim_io, s, &super, NULL), 0);
}

/* Document N: its number, then LEN - 9 letters that depend on it. */
static char *document(unsigned n, size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (i * 7 + n * 13 + i / 512 * n) % 26);
	memcpy(text, "00000000", 8);
	for (unsigned i = 0, d = n; i < 8; i++, d /= 10)
		text[7 - i] = (char)('0' + d % 10);
	text[len] = '\0';
	return text;
}

static int publish(struct state_area *a, unsigned n, size_t len)
{
	cleanup_free char *text = document(n, len);
	uint64_t g;
	int r = area_next_generation(a, -1, 0, &g, NULL);

	return r < 0 ? r : area_write_document(a, g, text, len, NULL);
}

/* The number of the document there, checked as a whole; or a negative errno. */
static int read_number(struct state_area *a, struct state_report *rep)
{
	cleanup_free char *text = NULL, *want = NULL;
	size_t len;
	int r = state_area_read(a, &text, &len, rep, NULL), n;

	if (r < 0)
		return r;
	assert_int_equal(strlen(text), len);
	assert_true(len > 8);
	n = 0;
	for (int i = 0; i < 8; i++)
		n = n * 10 + (text[i] - '0');
	want = document((unsigned)n, len);
	assert_string_equal(text, want);
	return n;
}

static void an_empty_area_has_no_document(void **state)
{
	struct sim s;
	struct state_area *a;
	uint64_t g = 9;

	(void)state;
	sim_init(&s, 1);
	assert_int_equal(area_open_io(&sim_io, &s, "disk", true, &a, NULL), -EINVAL);
	format(&s);
	a = sim_open(&s);
	assert_string_equal(area_superblock(a)->container, "debian12");
	assert_int_equal(read_number(a, NULL), -ENODATA);
	assert_int_equal(state_area_generation(a, &g, NULL), 0);
	assert_int_equal(g, 0);
	state_area_close(a);
	sim_free(&s);
}

static void generations_follow_each_other(void **state)
{
	struct state_report rep;
	struct sim s;
	struct state_area *a;
	uint64_t g;

	(void)state;
	sim_init(&s, 1);
	format(&s);
	a = sim_open(&s);
	for (unsigned n = 1; n < 9; n++) {
		assert_int_equal(publish(a, n, 100 * n * n * n + 4096 * (n % 2)), 0);
		assert_int_equal(read_number(a, &rep), n);
		assert_int_equal(rep.generation, n);
		assert_int_equal(rep.slot, n % 2);
		assert_string_equal(rep.warning, "");
		assert_int_equal(state_area_generation(a, &g, NULL), 0);
		assert_int_equal(g, n);
	}
	state_area_close(a);
	sim_free(&s);
}

/* One publish over two documents, with FAULT at operation AT. False when the publish had fewer operations. */
static bool strike(enum sim_fault fault, unsigned at, size_t len, uint64_t seed)
{
	struct sim s;
	struct state_area *a;
	int r, n;
	bool struck;

	sim_init(&s, seed);
	format(&s);
	a = sim_open(&s);
	assert_int_equal(publish(a, 1, len), 0);
	assert_int_equal(publish(a, 2, len / 2 + 9), 0);
	s.operations = 0;
	s.fault = fault;
	s.at = at;
	r = publish(a, 3, len);
	struck = s.operations >= at;
	if (!struck)
		assert_int_equal(r, 0);
	sim_power_on(&s);
	n = read_number(a, NULL);
	if (n != 3 && (r == 0 || n != 2))
		fail_msg("fault %d at %u, seed %d: publish said %d, then document %d is there", fault, at, (int)seed, r, n);
	assert_int_equal(publish(a, 4, len), 0);
	assert_int_equal(read_number(a, NULL), 4);
	state_area_close(a);
	sim_free(&s);
	return struck;
}

static void every_write_may_fail(void **state)
{
	static const enum sim_fault faults[] = {SIM_POWER, SIM_LOSE, SIM_TEAR, SIM_ERROR};
	static const size_t sizes[] = {40, 5000, 1200000};
	unsigned runs = 0;

	(void)state;
	for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
		for (size_t z = 0; z < sizeof(sizes) / sizeof(sizes[0]); z++)
			for (unsigned at = 1, more = 1; more; at++) {
				more = 0;
				for (uint64_t seed = 1; seed <= (sizes[z] > 100000 ? 2 : SEEDS / 4); seed++, runs++)
					more |= strike(faults[f], at, sizes[z], seed);
			}
	print_message("# %u faults\n", runs);
}

/* Many publishes with a fault now and then: what was acknowledged is never lost, and nothing older than the last acknowledged is read. */
static void a_long_life(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct sim s;
		struct state_area *a;
		int acknowledged = 0;

		sim_init(&s, seed);
		format(&s);
		a = sim_open(&s);
		for (unsigned n = 1; n < 20; n++) {
			int got;

			sim_may_fail(&s, 6);
			if (publish(a, n, 9 + sim_random(&s) % 9000) == 0)
				acknowledged = (int)n;
			sim_power_on(&s);
			got = read_number(a, NULL);
			if (acknowledged == 0 && got < 0)
				continue;
			if (got < acknowledged || got > (int)n)
				fail_msg("seed %d: %d acknowledged, %d read", (int)seed, acknowledged, got);
			acknowledged = got;
		}
		state_area_close(a);
		sim_free(&s);
	}
}

static void prepare(struct sim *s, struct state_area **a)
{
	sim_init(s, 3);
	format(s);
	*a = sim_open(s);
	assert_int_equal(publish(*a, 1, 5000), 0);
	assert_int_equal(publish(*a, 2, 5000), 0);
}

static void a_damaged_newest_document_is_told_and_the_older_used(void **state)
{
	static const uint64_t places[] = {0, LAYOUT_HEADER - 1, LAYOUT_BLOCK + 17, LAYOUT_BLOCK + 4999};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct state_report rep;
		struct slot_view view[2];
		struct sim s;
		struct state_area *a;

		prepare(&s, &a);
		sim_damage(&s, slot_offset(0) + places[i]);
		assert_int_equal(read_number(a, &rep), 1);
		assert_int_equal(rep.generation, 1);
		assert_string_equal(rep.warning, i < 2 ? "the header of slot 0 is damaged: generation 1 in slot 1 is used"
						       : "generation 2 in slot 0 is unusable (its text does not match its checksum): the "
							 "older generation 1 is used");
		assert_int_equal(area_inspect(a, view, NULL), 0);
		assert_int_equal(view[0].state, SLOT_DAMAGED);
		assert_int_equal(view[1].state, SLOT_WHOLE);
		assert_int_equal(publish(a, 3, 6000), 0); /* into the damaged slot */
		assert_int_equal(read_number(a, &rep), 3);
		assert_int_equal(rep.slot, 0);
		assert_int_equal(rep.generation, 4);
		assert_string_equal(rep.warning, "");
		state_area_close(a);
		sim_free(&s);
	}
}

static void two_damaged_documents_are_none(void **state)
{
	struct error e = ERROR_INIT;
	cleanup_free char *text = NULL;
	struct sim s;
	struct state_area *a;

	(void)state;
	prepare(&s, &a);
	sim_damage(&s, slot_offset(0) + LAYOUT_BLOCK);
	sim_damage(&s, slot_offset(1) + 100);
	assert_int_equal(state_area_read(a, &text, NULL, NULL, &e), -EUCLEAN);
	assert_string_equal(e.text,
			    "disk: no slot holds a whole document (slot 0 torn, slot 1 damaged: its text does not match its checksum)");
	assert_int_equal(publish(a, 5, 100), 0);
	assert_int_equal(read_number(a, NULL), 5);
	state_area_close(a);
	sim_free(&s);
}

/* What cannot be read is not judged. */
static void a_san_that_drops_is_no_damage(void **state)
{
	static const int codes[] = {EIO, ENOLINK, ETIMEDOUT, EREMOTEIO, ENODEV, EBADE};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct error e = ERROR_INIT;
		cleanup_free char *text = NULL;
		struct sim s;
		struct state_area *a;

		prepare(&s, &a);
		s.broken_code = codes[i];
		s.broken_to = UINT64_MAX;
		assert_int_equal(read_number(a, NULL), -codes[i]); /* headers */
		s.broken_from = slot_offset(0) + LAYOUT_BLOCK;
		s.broken_to = s.broken_from + 1; /* the newest text */
		assert_int_equal(read_number(a, NULL), 1);
		sim_damage(&s, slot_offset(1) + LAYOUT_BLOCK); /* and the older is torn */
		assert_int_equal(state_area_read(a, &text, NULL, NULL, &e), -codes[i]);
		assert_non_null(strstr(e.text, "disk: reading at "));
		state_area_close(a);
		sim_free(&s);
	}
}

static void the_superblocks_copy_serves(void **state)
{
	struct error e = ERROR_INIT;
	struct sim s;
	struct state_area *a;

	(void)state;
	prepare(&s, &a);
	state_area_close(a);
	sim_damage(&s, 40);
	a = sim_open(&s);
	assert_int_equal(read_number(a, NULL), 2);
	state_area_close(a);
	sim_damage(&s, LAYOUT_COPY + 40);
	assert_int_equal(area_open_io(&sim_io, &s, "disk", false, &a, &e), -EUCLEAN);
	assert_string_equal(e.text, "disk: both superblocks of the state area are damaged");
	sim_free(&s);
}

/* A format over an old area: cut short anywhere, the old documents are there whole or not at all. */
static void an_interrupted_format_shows_nothing_of_both(void **state)
{
	(void)state;
	for (unsigned at = 1; at < 10; at++)
		for (uint64_t seed = 1; seed < 10; seed++) {
			static const struct superblock other = {"other", "00000000-2749-4c83-9aa4-51c5a0a3b9d1"};
			struct sim s;
			struct state_area *a;

			prepare(&s, &a);
			state_area_close(a);
			s.random = seed * 7919;
			s.operations = 0;
			s.fault = SIM_POWER;
			s.at = at;
			area_format_io(&sim_io, &s, &other, NULL);
			sim_power_on(&s);
			if (area_open_io(&sim_io, &s, "disk", false, &a, NULL) == 0) {
				int n = read_number(a, NULL);

				if (strcmp(area_superblock(a)->container, "other") == 0)
					assert_int_equal(n, -ENODATA);
				else
					assert_true(n == 2 || n == 1 || n == -ENODATA || n == -EUCLEAN);
				state_area_close(a);
			}
			sim_free(&s);
		}
}

/* --- status slots ------------------------------------------------------------------------------------------------------- */

static void a_status_is_whole_or_none(void **state)
{
	cleanup_free char *text = NULL, *big = document(1, STATUS_MAX);
	struct sim s;
	struct state_area *a;
	size_t len;

	(void)state;
	prepare(&s, &a);
	assert_int_equal(state_status_read(a, 3, &text, &len, NULL), -ENODATA);
	assert_int_equal(state_status_write(a, 3, "{\"node\":3}", 10, NULL), 0);
	assert_int_equal(state_status_read(a, 3, &text, &len, NULL), 0);
	assert_string_equal(text, "{\"node\":3}");
	assert_int_equal(len, 10);
	free(steal_ptr(text));
	assert_int_equal(state_status_write(a, 2000, big, STATUS_MAX, NULL), 0);
	assert_int_equal(state_status_read(a, 2000, &text, &len, NULL), 0);
	assert_string_equal(text, big);
	free(steal_ptr(text));
	assert_int_equal(state_status_write(a, 3, big, STATUS_MAX + 1, NULL), -EFBIG);
	assert_int_equal(state_status_write(a, 0, big, 1, NULL), -EINVAL);
	assert_int_equal(state_status_write(a, 2048, big, 1, NULL), -EINVAL);
	assert_int_equal(sim_flush(&s), 0);
	sim_damage(&s, status_offset(3) + LAYOUT_BLOCK);
	assert_int_equal(state_status_read(a, 3, &text, &len, NULL), -ENODATA);
	assert_int_equal(read_number(a, NULL), 2);
	state_area_close(a);
	sim_free(&s);
}

/* Both slots of a node are its own: neither writes over the other, nor over another node's. */
static void a_node_has_two_slots(void **state)
{
	cleanup_free char *text = NULL, *big = document(1, STATUS_MAX);
	struct sim s;
	struct state_area *a;
	size_t len;

	(void)state;
	prepare(&s, &a);
	assert_int_equal(state_status_write(a, 2000, "{\"node\":2000}", 13, NULL), 0);
	for (unsigned node = 1; node <= 2000; node += 1999) {
		assert_int_equal(state_volumes_read(a, node, &text, &len, NULL), -ENODATA);
		assert_int_equal(state_volumes_write(a, node, big, STATUS_MAX, NULL), 0);
		assert_int_equal(state_volumes_read(a, node, &text, &len, NULL), 0);
		assert_string_equal(text, big);
		assert_int_equal(len, STATUS_MAX);
		free(steal_ptr(text));
	}
	assert_int_equal(state_volumes_read(a, 2, &text, &len, NULL), -ENODATA);
	assert_int_equal(state_status_read(a, 1, &text, &len, NULL), -ENODATA);
	assert_int_equal(state_status_read(a, 2000, &text, &len, NULL), 0);
	assert_string_equal(text, "{\"node\":2000}");
	assert_int_equal(state_volumes_write(a, 2048, big, 1, NULL), -EINVAL);
	state_area_close(a);
	sim_free(&s);
}

/* --- intent, history ---------------------------------------------------------------------------------------------------- */

static void an_intent_is_set_until_it_is_taken_back(void **state)
{
	static const struct superblock other = {"debian12", "00000000-2749-4c83-9aa4-51c5a0a3b9d1"};
	struct sim s;
	struct state_area *a;
	bool set = true;

	(void)state;
	prepare(&s, &a);
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_false(set);
	assert_int_equal(area_intent_write(a, true, NULL), 0);
	sim_power_on(&s);
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_true(set);
	assert_int_equal(area_intent_write(a, false, NULL), 0);
	sim_power_on(&s);
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_false(set);
	sim_damage(&s, LAYOUT_INTENT + 17); /* nobody knows: look */
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_true(set);
	assert_int_equal(area_format_io(&sim_io, &s, &super, NULL), 0);
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_false(set);
	assert_int_equal(area_intent_write(a, true, NULL), 0);
	state_area_close(a);
	for (size_t i = 0; i < 2; i++) { /* an area of another id, whose format did not come to the intent */
		unsigned char block[LAYOUT_BLOCK];

		superblock_encode(block, &other);
		for (size_t k = 0; k < LAYOUT_BLOCK / SIM_SECTOR; k++)
			sim_put(&s.medium, i * LAYOUT_COPY / SIM_SECTOR + k, block + k * SIM_SECTOR);
	}
	a = sim_open(&s);
	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	assert_false(set);
	state_area_close(a);
	sim_free(&s);
}

static struct history_record record_of(uint64_t generation)
{
	struct history_record h = {.generation = generation, .length = 100 + generation, .crc = 7, .note = {.time = 1700000000, .node = 3}};

	snprintf(h.note.what, sizeof(h.note.what), "volmgr reset node%llu", (unsigned long long)generation);
	return h;
}

static void history_tells_of_the_last_4096(void **state)
{
	cleanup_free struct history_record *list = NULL;
	struct history_record h, got;
	struct sim s;
	struct state_area *a;
	size_t n;

	(void)state;
	prepare(&s, &a);
	assert_int_equal(area_history_list(a, &list, &n, NULL), 0);
	assert_int_equal(n, 0);
	free(steal_ptr(list));
	assert_int_equal(area_history_read(a, 1, &got, NULL), -ENODATA);
	for (uint64_t g = 1; g <= 4100; g++) {
		h = record_of(g);
		assert_int_equal(area_history_write(a, &h, NULL), 0);
	}
	assert_int_equal(sim_flush(&s), 0);
	for (uint64_t g = 5; g <= 4100; g += 819) {
		h = record_of(g);
		assert_int_equal(area_history_read(a, g, &got, NULL), 0);
		assert_int_equal(got.length, h.length);
		assert_int_equal(got.crc, h.crc);
		assert_int_equal(got.note.time, h.note.time);
		assert_int_equal(got.note.node, h.note.node);
		assert_string_equal(got.note.what, h.note.what);
	}
	assert_int_equal(area_history_read(a, 4, &got, NULL), -ENODATA); /* overwritten */
	sim_damage(&s, history_offset(4099) + 30);
	assert_int_equal(area_history_read(a, 4099, &got, NULL), -ENODATA);
	assert_int_equal(area_history_list(a, &list, &n, NULL), 0);
	assert_int_equal(n, 4095);
	assert_int_equal(list[0].generation, 4100);
	assert_int_equal(list[1].generation, 4098);
	assert_int_equal(list[4094].generation, 5);
	state_area_close(a);
	sim_free(&s);
}

/* --- on an ordinary file, with a real document ------------------------------------------------------------------------------ */

static void a_cluster_is_published_and_loaded(void **state)
{
	struct cluster c CLEANUP(cluster_freep), again CLEANUP(cluster_freep);
	char path[] = "/tmp/state-area.XXXXXX";
	struct state_report rep;
	struct error e = ERROR_INIT;
	struct state_area *a = NULL;
	int fd = mkstemp(path);

	(void)state;
	load_sample(&c);
	cluster_init(&again);
	assert_true(fd >= 0);
	assert_int_equal(state_area_format(path, "debian12", c.id, NULL), -ENOSPC);
	assert_int_equal(ftruncate(fd, LAYOUT_SIZE), 0);
	assert_int_equal(state_area_format(path, "debian12", c.id, NULL), 0);
	assert_int_equal(state_area_open(path, true, &a, NULL), 0);
	assert_int_equal(state_area_publish(a, &c, &e), -ESTALE); /* it says 1: of an area that was before */
	assert_string_equal(
		e.text, "generation 0 of the state is the newest, this change was made to generation 1: nothing was written, try again");
	c.generation = 0;
	if (state_area_publish(a, &c, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(c.generation, 1);
	assert_int_equal(state_area_publish(a, &c, NULL), 0);
	assert_int_equal(state_area_load(a, &again, &rep, NULL), 0);
	assert_int_equal(again.generation, 2);
	assert_int_equal(again.n_volumes, c.n_volumes);
	state_area_close(a);
	assert_int_equal(state_area_open(path, false, &a, NULL), 0);
	assert_int_equal(state_area_publish(a, &c, NULL), -EROFS);
	assert_int_equal(c.generation, 2);
	state_area_close(a);
	close(fd);
	unlink(path);
}

static void poke(int fd, uint64_t offset, const char *text)
{
	assert_int_equal(pwrite(fd, text, strlen(text), (off_t)offset), strlen(text));
}

/* What may be taken away, and above all what may not. */
static void only_what_never_had_a_document_is_unfinished(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct container_place p = {.name = "debian12", .disk = "", .state = "/tmp/state-area.XXXXXX"};
	struct state_area *a = NULL;
	struct error e = ERROR_INIT;
	char *before = malloc(LAYOUT_SIZE), *after = malloc(LAYOUT_SIZE);
	int fd = mkstemp(p.state);

	(void)state;
	load_sample(&c);
	assert_true(fd >= 0 && before && after);
	memcpy(p.disk, p.state, sizeof(p.disk));
	memcpy(p.pv, p.state, sizeof(p.pv));
	assert_int_equal(ftruncate(fd, LAYOUT_SIZE), 0);
	assert_int_equal(container_check_unfinished(&p, &e), 0); /* cut off before the superblock, the first it has of an area */
	poke(fd, 0, "rubbish of others");
	poke(fd, slot_offset(1), "rubbish of others");
	assert_int_equal(container_check_unfinished(&p, &e), 0);
	assert_int_equal(state_area_format(p.state, "debian12", c.id, NULL), 0);
	assert_int_equal(container_check_unfinished(&p, &e), 0);
	snprintf(p.name, sizeof(p.name), "other");
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST);
	snprintf(p.name, sizeof(p.name), "debian12");

	assert_int_equal(state_area_open(p.state, true, &a, NULL), 0); /* a status alone */
	assert_int_equal(state_status_write(a, 3, "{}", 2, NULL), 0);
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST);
	assert_non_null(strstr(e.text, "node 3 has told of itself"));
	state_area_close(a);

	assert_int_equal(state_area_format(p.state, "debian12", "00000000-2749-4c83-9aa4-51c5a0a3b9d1", NULL), 0);
	assert_int_equal(container_check_unfinished(&p, &e), 0); /* the status is that of an area before it */
	poke(fd, slot_offset(1) + 100, "x");                     /* a header that is damaged was one */
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST);

	assert_int_equal(state_area_format(p.state, "debian12", c.id, NULL), 0);
	assert_int_equal(state_area_open(p.state, true, &a, NULL), 0);
	c.generation = 0;
	assert_int_equal(state_area_publish(a, &c, NULL), 0);
	state_area_close(a);
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST);
	poke(fd, slot_offset(1) + LAYOUT_BLOCK, "torn");
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST);
	assert_int_equal(pread_full(fd, before, LAYOUT_SIZE, 0), 0);
	assert_int_equal(container_remove_unfinished(&p, &e), -EEXIST);
	assert_non_null(strstr(e.text, "a document was published"));
	assert_int_equal(pread_full(fd, after, LAYOUT_SIZE, 0), 0);
	assert_memory_equal(before, after, LAYOUT_SIZE);

	poke(fd, 0, "superblock");
	poke(fd, LAYOUT_COPY, "superblock");
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST); /* a cluster that has lost its superblocks, … */
	poke(fd, slot_offset(0), "no header");
	poke(fd, slot_offset(1), "no header");
	assert_int_equal(container_check_unfinished(&p, &e), -EEXIST); /* … and its documents */
	assert_non_null(strstr(e.text, "there is no superblock, but a document was published"));
	free(before);
	free(after);
	close(fd);
	unlink(p.state);
}

/* A whole text that is no document: written by a program gone wrong. The older one serves. */
static void a_document_that_does_not_parse_is_passed_over(void **state)
{
	struct cluster c CLEANUP(cluster_freep), again CLEANUP(cluster_freep);
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct state_report rep;
	struct sim s;
	struct state_area *a;

	(void)state;
	load_sample(&c);
	cluster_init(&again);
	assert_int_equal(document_print(&c, &b, NULL), 0);
	sim_init(&s, 1);
	format(&s);
	a = sim_open(&s);
	assert_int_equal(area_write_document(a, 1, buf_str(&b), b.len, NULL), 0);
	assert_int_equal(area_write_document(a, 2, "{}", 2, NULL), 0);
	assert_int_equal(state_area_load(a, &again, &rep, NULL), 0);
	assert_int_equal(rep.generation, 1);
	assert_string_equal(
		rep.warning,
		"generation 2 in slot 0 is unusable (document: format: no number from 0 to 4294967295): the older generation 1 is used");
	state_area_close(a);
	sim_free(&s);
}

/* What a newer program, or another node, wrote there tells nothing of this node. */
static void a_slot_tells_of_its_own_node_only(void **state)
{
	struct buf good cleanup_buf = BUF_INIT, stores cleanup_buf = BUF_INIT;
	struct node_status status = {.node = 3, .generation = 1, .boot_id = "0f0e0d0c-0b0a-0908-0706-050403020100"};
	struct volume_status volumes = {.node = 3};
	struct sim s;
	struct state_area *a;

	(void)state;
	prepare(&s, &a);
	assert_int_equal(status_print(&status, &good, NULL), 0);
	assert_int_equal(volume_status_print(&volumes, STATUS_MAX, &stores, NULL), 0);
	assert_int_equal(node_status_read(a, 3, &status, NULL), -ENODATA);
	assert_int_equal(state_status_write(a, 3, good.data, good.len, NULL), 0);
	assert_int_equal(node_status_read(a, 3, &status, NULL), 0);
	assert_int_equal(status.node, 3);
	assert_int_equal(state_status_write(a, 4, good.data, good.len, NULL), 0);
	assert_int_equal(node_status_read(a, 4, &status, NULL), -ENODATA);
	assert_int_equal(state_status_write(a, 3, "{\"node\":3}", 10, NULL), 0);
	assert_int_equal(node_status_read(a, 3, &status, NULL), -ENODATA);
	assert_int_equal(state_volumes_write(a, 3, stores.data, stores.len, NULL), 0);
	assert_int_equal(volume_status_read(a, 3, &volumes, NULL), 0);
	assert_int_equal(state_volumes_write(a, 4, stores.data, stores.len, NULL), 0);
	assert_int_equal(volume_status_read(a, 4, &volumes, NULL), -ENODATA);
	assert_int_equal(state_volumes_write(a, 3, "{\"node\":3}", 10, NULL), 0);
	assert_int_equal(volume_status_read(a, 3, &volumes, NULL), -ENODATA);
	state_area_close(a);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_area_has_no_document),
		cmocka_unit_test(generations_follow_each_other),
		cmocka_unit_test(every_write_may_fail),
		cmocka_unit_test(a_long_life),
		cmocka_unit_test(a_damaged_newest_document_is_told_and_the_older_used),
		cmocka_unit_test(two_damaged_documents_are_none),
		cmocka_unit_test(a_san_that_drops_is_no_damage),
		cmocka_unit_test(the_superblocks_copy_serves),
		cmocka_unit_test(an_interrupted_format_shows_nothing_of_both),
		cmocka_unit_test(a_status_is_whole_or_none),
		cmocka_unit_test(a_node_has_two_slots),
		cmocka_unit_test(a_slot_tells_of_its_own_node_only),
		cmocka_unit_test(an_intent_is_set_until_it_is_taken_back),
		cmocka_unit_test(history_tells_of_the_last_4096),
		cmocka_unit_test(a_cluster_is_published_and_loaded),
		cmocka_unit_test(a_document_that_does_not_parse_is_passed_over),
		cmocka_unit_test(only_what_never_had_a_document_is_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

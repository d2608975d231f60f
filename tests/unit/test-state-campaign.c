/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole changes of a real document on a simulated disk: intent, history, text, header, intent again, with every single write lost, torn or cut off by power. After
 * each the newest whole document is read, the warning tells what is wrong, the intent stands, and the next change works. CAMPAIGN=N: N times as many seeds.
 */
#include "tests/unit/unit.h"

#include "tests/unit/simdisk.h"
#include "base/crc32c.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ID "7d1c1f5e-0c5e-4f0f-8f43-2f6f1d1c9b11" /* the sample's */

static const struct superblock super = {"debian12", ID};

static unsigned campaign(void)
{
	const char *text = getenv("CAMPAIGN");
	unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : 1;

	return n ? n : 1;
}

/* A key of LEN bytes makes the document that much longer. */
static void set_key(struct cluster *c, size_t len, char letter)
{
	char *key = malloc(len + 1);

	assert_non_null(key);
	memset(key, letter, len);
	key[len] = '\0';
	free(c->settings.ssh_keys[0]);
	c->settings.ssh_keys[0] = key;
}

/* The document that change N makes: told by its note, its key, and the size of a volume. */
static void edit(struct cluster *c, unsigned n, size_t len)
{
	c->note = (struct change_note){.time = 1700000000 + n, .node = n % 4};
	snprintf(c->note.what, sizeof(c->note.what), "change %u", n);
	set_key(c, len, (char)('a' + n % 26));
	cluster_volume(c, "node1.root")->bytes = 4096ull * (n + 1);
}

static int publish(struct state_area *a, struct cluster *c, unsigned n, size_t len)
{
	edit(c, n, len);
	return state_area_publish(a, c, NULL);
}

/* What readers get: the number of the change that made it, every part of it that change's. Or a negative errno. */
static int load(struct state_area *a, struct cluster *ret, struct state_report *rep)
{
	unsigned n;
	int r;

	cluster_free(ret);
	cluster_init(ret);
	r = state_area_load(a, ret, rep, NULL);
	if (r < 0)
		return r;
	assert_int_equal(sscanf(ret->note.what, "change %u", &n), 1);
	assert_int_equal(ret->note.time, 1700000000 + n);
	assert_int_equal(cluster_volume(ret, "node1.root")->bytes, 4096ull * (n + 1));
	assert_int_equal(ret->settings.ssh_keys[0][0], 'a' + n % 26);
	assert_int_equal(strspn(ret->settings.ssh_keys[0], (char[]){(char)('a' + n % 26), '\0'}), strlen(ret->settings.ssh_keys[0]));
	assert_int_equal(rep->generation, ret->generation);
	return (int)n;
}

/* What the report has to say, from a look at both slots that is another function's. */
static void check_warning(struct state_area *a, const struct state_report *rep)
{
	struct slot_view v[2];
	unsigned slot = rep->slot, other = 1 - slot;
	unsigned long long g = rep->generation;
	char want[256] = "";

	assert_int_equal(area_inspect(a, v, NULL), 0);
	assert_int_equal(v[slot].state, SLOT_WHOLE);
	assert_int_equal(v[slot].header.generation, g);
	if (v[other].has_header && v[other].header.generation > g)
		snprintf(want, sizeof(want),
			 "generation %llu in slot %u is unusable (its text does not match its checksum): the older generation %llu is used",
			 (unsigned long long)v[other].header.generation, other, g);
	else if (v[other].state == SLOT_DAMAGED && !v[other].has_header)
		snprintf(want, sizeof(want), "the header of slot %u is damaged: generation %llu in slot %u is used", other, g, slot);
	else if (v[other].state == SLOT_EMPTY && g > 1)
		snprintf(want, sizeof(want), "slot %u was erased: generation %llu in slot %u is used", other, g, slot);
	assert_string_equal(rep->warning, want);
}

static void check_record(struct state_area *a, const struct cluster *c)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct history_record h;

	assert_int_equal(document_print(c, &b, NULL), 0);
	assert_int_equal(area_history_read(a, c->generation, &h, NULL), 0);
	assert_int_equal(h.length, b.len);
	assert_int_equal(h.crc, crc32c(0, b.data, b.len));
	assert_int_equal(h.note.time, c->note.time);
	assert_int_equal(h.note.node, c->note.node);
	assert_string_equal(h.note.what, c->note.what);
}

/* An area with two generations, made by change 1 and 2; C is the newest. */
static void prepare(struct sim *s, uint64_t seed, struct state_area **a, struct cluster *c, size_t len)
{
	sim_init(s, seed);
	assert_int_equal(area_format_io(&sim_io, s, &super, NULL), 0);
	*a = sim_open(s);
	load_sample(c);
	c->generation = 0;
	assert_int_equal(publish(*a, c, 1, len), 0);
	assert_int_equal(publish(*a, c, 2, len / 2 + 1), 0);
}

/* How far a change came. */
struct course {
	int intended, published, cleared; /* what each step said; 1 = not tried */
};

static void change(struct state_area *a, struct cluster *c, unsigned n, size_t len, struct course *ret)
{
	*ret = (struct course){1, 1, 1};
	ret->intended = area_intent_write(a, true, NULL);
	if (ret->intended == 0)
		ret->published = publish(a, c, n, len);
	if (ret->published == 0)
		ret->cleared = area_intent_write(a, false, NULL);
}

static void check_intent(struct state_area *a, const struct course *was)
{
	bool set;

	assert_int_equal(area_intent_read(a, &set, NULL), 0);
	if (was->intended == 0 && was->cleared == 1)
		assert_true(set);
	if (was->cleared == 0)
		assert_false(set);
}

/* One change over two documents, with FAULT at operation AT. False when the change had fewer operations. */
static bool strike(enum sim_fault fault, unsigned at, size_t len, uint64_t seed)
{
	struct cluster c CLEANUP(cluster_freep), there CLEANUP(cluster_freep);
	struct state_report rep;
	struct history_record h;
	struct course was;
	struct sim s;
	struct state_area *a;
	bool struck;
	int n;

	cluster_init(&there);
	prepare(&s, seed, &a, &c, len);
	s.operations = 0;
	s.fault = fault;
	s.at = at;
	change(a, &c, 3, len, &was);
	struck = s.operations >= at;
	sim_power_on(&s);
	n = load(a, &there, &rep);
	if (n != 3 && (was.published == 0 || n != 2))
		fail_msg("fault %d at %u, seed %d: publish said %d, then document %d is there", fault, at, (int)seed, was.published, n);
	if (!struck && (was.cleared != 0 || n != 3))
		fail_msg("no fault, and yet %d %d %d", was.intended, was.published, was.cleared);
	check_warning(a, &rep);
	if (fault == SIM_POWER || fault == SIM_ERROR) /* an honest disk: a header is there after its text only */
		assert_null(strstr(rep.warning, "unusable"));
	check_intent(a, &was);
	for (uint64_t g = 1; g <= 2; g++)
		assert_int_equal(area_history_read(a, g, &h, NULL), 0);
	if (n == 3 && fault != SIM_LOSE && fault != SIM_TEAR) /* of a disk that lies, the record may be gone */
		check_record(a, &there);

	change(a, &there, 4, len / 3 + 1, &was); /* the next one knows nothing of it */
	assert_int_equal(was.cleared, 0);
	assert_int_equal(load(a, &there, &rep), 4);
	assert_string_equal(rep.warning, "");
	check_record(a, &there);
	state_area_close(a);
	sim_free(&s);
	return struck;
}

static void every_write_of_a_change(void **state)
{
	static const enum sim_fault faults[] = {SIM_POWER, SIM_LOSE, SIM_TEAR, SIM_ERROR};
	static const size_t sizes[] = {40, 1200000}; /* a text of one write, and of two */
	unsigned runs = 0, points = 0;

	(void)state;
	for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
		for (size_t z = 0; z < sizeof(sizes) / sizeof(sizes[0]); z++)
			for (unsigned at = 1, more = 1; more; at++, points++) {
				unsigned seeds = (sizes[z] > 100000 ? 1 : 12) * campaign();

				more = 0;
				for (uint64_t seed = 1; seed <= seeds; seed++, runs++)
					more |= strike(faults[f], at, sizes[z], seed);
			}
	print_message("# %u faults at %u points\n", runs, points);
}

/* Changes one after the other, faults now and then: what was acknowledged is never lost, generations only grow. */
static void a_life_of_changes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 25 * campaign(); seed++) {
		struct cluster c CLEANUP(cluster_freep);
		struct state_report rep;
		struct sim s;
		struct state_area *a;
		uint64_t generation = 2;
		int acknowledged = 2;

		prepare(&s, seed, &a, &c, 50);
		for (unsigned n = 3; n < 20; n++) {
			struct course was;
			int got;

			sim_may_fail(&s, 11);
			change(a, &c, n, 9 + sim_random(&s) % 9000, &was);
			if (was.published == 0)
				acknowledged = (int)n;
			sim_power_on(&s);
			got = load(a, &c, &rep);
			if (got < acknowledged || got > (int)n)
				fail_msg("seed %d: %d acknowledged, %d read", (int)seed, acknowledged, got);
			check_warning(a, &rep);
			check_intent(a, &was);
			assert_true(rep.generation >= generation);
			acknowledged = got;
			generation = rep.generation;
		}
		state_area_close(a);
		sim_free(&s);
	}
}

/* --- damage --------------------------------------------------------------------------------------------------------------- */

/* What an area gives. */
struct seen {
	int change; /* of the document */
	bool intent, history, status, volumes;
};

static void look(struct state_area *a, struct seen *ret, struct state_report *rep)
{
	struct cluster c CLEANUP(cluster_freep);
	struct history_record h;
	char *text;

	cluster_init(&c);
	*ret = (struct seen){.change = load(a, &c, rep)};
	assert_int_equal(area_intent_read(a, &ret->intent, NULL), 0);
	ret->history = area_history_read(a, 2, &h, NULL) == 0;
	ret->status = state_status_read(a, 1, &text, NULL, NULL) == 0;
	if (ret->status)
		free(text);
	ret->volumes = state_volumes_read(a, 1, &text, NULL, NULL) == 0;
	if (ret->volumes)
		free(text);
	if (ret->change > 0)
		check_warning(a, rep);
}

/* A wrong checksum, or a changed byte, in one part: that part is not taken, every other serves. */
static void one_damaged_byte_in_each_part(void **state)
{
	static const struct {
		const char *name;
		uint64_t offset;
		unsigned size;
		struct seen want;
	} parts[] = {
		{"superblock", 0, LAYOUT_HEADER, {2, false, true, true, true}},
		{"its copy", LAYOUT_COPY, LAYOUT_HEADER, {2, false, true, true, true}},
		{"newest header", LAYOUT_SLOTS, LAYOUT_HEADER, {1, false, true, true, true}},
		{"newest text", LAYOUT_SLOTS + LAYOUT_BLOCK, 4000, {1, false, true, true, true}},
		{"older header", LAYOUT_SLOTS + LAYOUT_SLOT_SIZE, LAYOUT_HEADER, {2, false, true, true, true}},
		{"older text", LAYOUT_SLOTS + LAYOUT_SLOT_SIZE + LAYOUT_BLOCK, 4000, {2, false, true, true, true}},
		{"intent", LAYOUT_INTENT, LAYOUT_HEADER, {2, true, true, true, true}},
		{"history", LAYOUT_HISTORY + 2 * LAYOUT_BLOCK, LAYOUT_HEADER, {2, false, false, true, true}},
		{"status header", LAYOUT_STATUS + LAYOUT_STATUS_SIZE, LAYOUT_HEADER, {2, false, true, false, true}},
		{"status text", LAYOUT_STATUS + LAYOUT_STATUS_SIZE + LAYOUT_BLOCK, 10, {2, false, true, false, true}},
		{"volumes header", LAYOUT_VOLUMES + LAYOUT_STATUS_SIZE, LAYOUT_HEADER, {2, false, true, true, false}},
		{"volumes text", LAYOUT_VOLUMES + LAYOUT_STATUS_SIZE + LAYOUT_BLOCK, 10, {2, false, true, true, false}},
	};
	struct cluster c CLEANUP(cluster_freep);
	struct state_area *a;
	struct sim s;

	(void)state;
	prepare(&s, 5, &a, &c, 5000);
	assert_int_equal(state_status_write(a, 1, "{\"node\":1}", 10, NULL), 0);
	assert_int_equal(state_volumes_write(a, 1, "{\"node\":1}", 10, NULL), 0);
	assert_int_equal(area_intent_write(a, false, NULL), 0);
	state_area_close(a);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (unsigned k = 0; k < 60 * campaign(); k++) {
			uint64_t at = parts[i].offset + (k == 0 ? parts[i].size - 1 : sim_random(&s) % parts[i].size);
			struct state_report rep;
			struct seen got;

			sim_damage(&s, at);
			a = sim_open(&s);
			look(a, &got, &rep);
			if (got.change != parts[i].want.change || got.intent != parts[i].want.intent ||
			    got.history != parts[i].want.history || got.status != parts[i].want.status ||
			    got.volumes != parts[i].want.volumes)
				fail_msg("%s, byte %u: change %d, intent %d, history %d, status %d, volumes %d", parts[i].name,
					 (unsigned)(at - parts[i].offset), got.change, got.intent, got.history, got.status, got.volumes);
			state_area_close(a);
			sim_damage(&s, at); /* mends it */
		}
	sim_free(&s);
}

enum ruin { RUIN_ZEROS, RUIN_RUBBISH, RUIN_OTHER_SLOT, RUIN_KINDS };

static void ruin(struct sim *s, unsigned slot, enum ruin kind)
{
	unsigned char sector[SIM_SECTOR] = {0};

	for (size_t i = 0; i < 64; i++) { /* what the header and the text take */
		uint64_t to = slot_offset(slot) / SIM_SECTOR + i, from = slot_offset(1 - slot) / SIM_SECTOR + i;

		for (size_t k = 0; kind == RUIN_RUBBISH && k < SIM_SECTOR; k++)
			sector[k] = (unsigned char)sim_random(s);
		if (kind == RUIN_OTHER_SLOT && s->medium.sector[from])
			memcpy(sector, s->medium.sector[from], SIM_SECTOR);
		sim_put(&s->medium, to, sector);
	}
}

/* One slot gone: the other serves, the warning says which, and no number is given out twice. */
static void one_destroyed_slot(void **state)
{
	(void)state;
	for (enum ruin kind = 0; kind < RUIN_KINDS; kind++)
		for (unsigned slot = 0; slot < 2; slot++) {
			struct cluster c CLEANUP(cluster_freep);
			struct state_report rep;
			struct state_area *a;
			struct sim s;

			prepare(&s, 9, &a, &c, 5000);
			assert_int_equal(publish(a, &c, 3, 5000), 0); /* in slot 1; 2 in slot 0 */
			ruin(&s, slot, kind);
			assert_int_equal(load(a, &c, &rep), slot == 1 ? 2 : 3);
			check_warning(a, &rep);
			assert_non_null(strstr(rep.warning, kind == RUIN_ZEROS ? "was erased" : "is damaged"));
			assert_int_equal(publish(a, &c, 4, 5000), 0);
			assert_true(c.generation > 3);
			assert_int_equal(load(a, &c, &rep), 4);
			assert_string_equal(rep.warning, "");
			state_area_close(a);
			sim_free(&s);
		}
}

/* Both gone: an exported document is published again, under a number that nobody has seen. */
static void two_destroyed_slots_and_an_export(void **state)
{
	(void)state;
	for (enum ruin kind = RUIN_ZEROS; kind <= RUIN_RUBBISH; kind++) {
		struct cluster c CLEANUP(cluster_freep), old CLEANUP(cluster_freep), other CLEANUP(cluster_freep);
		struct state_report rep;
		struct state_area *a;
		struct sim s;

		prepare(&s, 9, &a, &c, 5000);
		cluster_init(&old);
		load_sample(&other);
		other.id[0] = '0';
		assert_int_equal(load(a, &old, &rep), 2);
		for (unsigned n = 3; n < 8; n++)
			assert_int_equal(publish(a, &c, n, 50), 0);
		ruin(&s, 0, kind);
		ruin(&s, 1, kind);
		assert_int_equal(load(a, &c, &rep), kind == RUIN_ZEROS ? -ENODATA : -EUCLEAN);
		cluster_free(&c);
		load_sample(&c);
		c.generation = 0; /* a first publish is not a repair */
		assert_int_equal(publish(a, &c, 1, 50), -EUCLEAN);
		assert_int_equal(area_restore(a, &other, NULL), -EXDEV);
		assert_int_equal(area_restore(a, &old, NULL), 0);
		assert_int_equal(old.generation, 8); /* the history tells of 7 */
		assert_int_equal(load(a, &c, &rep), 2);
		assert_int_equal(rep.generation, 8);
		check_warning(a, &rep);
		assert_int_equal(publish(a, &c, 9, 50), 0);
		assert_int_equal(load(a, &c, &rep), 9);
		assert_string_equal(rep.warning, "");
		state_area_close(a);
		sim_free(&s);
	}
}

static void both_superblocks_destroyed(void **state)
{
	static const uint64_t copies[] = {0, LAYOUT_COPY};
	unsigned char zeros[SIM_SECTOR] = {0};
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;
	struct state_area *a;
	struct sim s;

	(void)state;
	prepare(&s, 9, &a, &c, 50);
	state_area_close(a);
	sim_damage(&s, 20);
	sim_damage(&s, LAYOUT_COPY + LAYOUT_HEADER - 1);
	assert_int_equal(area_open_io(&sim_io, &s, "disk", false, &a, &e), -EUCLEAN);
	assert_string_equal(e.text, "disk: both superblocks of the state area are damaged");
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < LAYOUT_BLOCK / SIM_SECTOR; k++)
			sim_put(&s.medium, copies[i] / SIM_SECTOR + k, zeros);
	assert_int_equal(area_open_io(&sim_io, &s, "disk", false, &a, &e), -EINVAL);
	assert_string_equal(e.text, "disk: no state area of byre");
	sim_free(&s);
}

/* --- formats, sizes --------------------------------------------------------------------------------------------------------- */

static char *read_first_shape(size_t *ret_len)
{
	char *text = NULL;

	assert_int_equal(file_read(AT_FDCWD, SOURCE_DIR "/tests/unit/data/first-shape.json", DOCUMENT_MAX, &text, ret_len, NULL), 0);
	return text;
}

/* What the first byre published is read, changed and published by this one. */
static void a_document_of_the_first_shape(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct state_report rep;
	struct error e = ERROR_INIT;
	struct sim s;
	struct state_area *a;
	size_t len;
	cleanup_free char *text = read_first_shape(&len);

	(void)state;
	cluster_init(&c);
	sim_init(&s, 1);
	assert_int_equal(area_format_io(&sim_io, &s, &super, NULL), 0);
	a = sim_open(&s);
	assert_int_equal(area_write_document(a, 1, text, len, NULL), 0);
	if (state_area_load(a, &c, &rep, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(rep.warning, "");
	assert_int_equal(c.n_volumes, 7);
	assert_string_equal(c.note.what, "");
	assert_int_equal(cluster_volume(&c, "node1.root")->thin, 0);
	assert_int_equal(publish(a, &c, 2, 50), 0);
	assert_int_equal(load(a, &c, &rep), 2);
	state_area_close(a);
	sim_free(&s);
}

/* Behind a newer program's document the older one must not be taken for the state: what it tells of may be others' by now. */
static void a_document_of_a_newer_format(void **state)
{
	static const char newer[] = "{\"format\":2,\"generation\":3,\"what\":\"nobody knows\"}\n";
	struct cluster c CLEANUP(cluster_freep), there CLEANUP(cluster_freep);
	struct state_report rep;
	struct error e = ERROR_INIT;
	struct sim s;
	struct state_area *a;

	(void)state;
	cluster_init(&there);
	prepare(&s, 9, &a, &c, 50);
	assert_int_equal(area_write_document(a, 3, newer, strlen(newer), NULL), 0);
	assert_int_equal(state_area_load(a, &there, &rep, &e), -ENOTSUP);
	assert_string_equal(e.text, "disk: generation 3: document: format 2: this program reads format 1: use a newer byre");
	s.operations = 0;
	assert_int_equal(publish(a, &c, 3, 50), -ENOTSUP);
	assert_int_equal(s.operations, 0); /* nothing was written */
	state_area_close(a);
	sim_free(&s);
}

static void a_header_of_a_newer_layout(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct cluster c CLEANUP(cluster_freep), there CLEANUP(cluster_freep);
	const struct slot_header h = {3, 100, 1};
	struct state_report rep;
	struct error e = ERROR_INIT;
	struct sim s;
	struct state_area *a;
	uint32_t crc;

	(void)state;
	cluster_init(&there);
	prepare(&s, 9, &a, &c, 50);
	slot_encode(block, &h);
	block[8] = LAYOUT_VERSION + 1;
	crc = crc32c(0, block, LAYOUT_HEADER - 4);
	for (size_t i = 0; i < 4; i++)
		block[LAYOUT_HEADER - 4 + i] = (unsigned char)(crc >> (8 * i));
	for (size_t k = 0; k < LAYOUT_BLOCK / SIM_SECTOR; k++)
		sim_put(&s.medium, slot_offset(1) / SIM_SECTOR + k, block + k * SIM_SECTOR);
	assert_int_equal(state_area_load(a, &there, &rep, &e), -ENOTSUP);
	assert_string_equal(e.text, "disk: the document is of a newer layout: use a newer byre");
	assert_int_equal(publish(a, &c, 3, 50), -ENOTSUP);
	state_area_close(a);
	sim_free(&s);
}

/* A newest document that is whole and makes no sense: readers take the older one, so it is the one that a writer spares. */
static void a_document_of_a_program_gone_wrong(void **state)
{
	(void)state;
	for (unsigned at = 1, more = 1; more; at++) {
		more = 0;
		for (uint64_t seed = 1; seed <= 5 * campaign(); seed++) {
			struct cluster c CLEANUP(cluster_freep), there CLEANUP(cluster_freep);
			struct state_report rep;
			struct state_area *a;
			struct sim s;
			int n;

			cluster_init(&there);
			prepare(&s, seed, &a, &c, 3000);
			assert_int_equal(area_write_document(a, 3, "{}", 2, NULL), 0);
			assert_int_equal(load(a, &there, &rep), 2);
			assert_non_null(strstr(rep.warning, "generation 3 in slot 1 is unusable (document: format: no number"));
			s.operations = 0;
			s.fault = SIM_POWER;
			s.at = at;
			publish(a, &there, 4, 3000);
			more |= s.operations >= at;
			sim_power_on(&s);
			n = load(a, &there, &rep);
			if (n != 2 && n != 4)
				fail_msg("power cut at %u, seed %d: document %d", at, (int)seed, n);
			state_area_close(a);
			sim_free(&s);
		}
	}
}

static void what_contradicts_itself_is_not_published(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;
	struct state_area *a;
	struct sim s;

	(void)state;
	prepare(&s, 9, &a, &c, 50);
	cluster_volume(&c, "node2.swap")->data.v[0].start = 5000;
	s.operations = 0;
	assert_int_equal(state_area_publish(a, &c, &e), -EINVAL);
	assert_string_equal(e.text, "node1.swap and node2.swap overlap on the SAN at extent 5000");
	assert_int_equal(s.operations, 0);
	assert_int_equal(c.generation, 2);
	state_area_close(a);
	sim_free(&s);
}

/* The largest document, and one byte more. */
static void a_document_at_its_limit(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct state_report rep;
	struct error e = ERROR_INIT;
	struct history_record h;
	struct sim s;
	struct state_area *a;
	size_t rest;

	(void)state;
	prepare(&s, 9, &a, &c, 50);
	edit(&c, 3, 50);
	c.generation = 3;
	assert_int_equal(document_print(&c, &b, NULL), 0);
	c.generation = 2;
	rest = DOCUMENT_MAX - b.len + 50;
	edit(&c, 3, rest + 1);
	s.operations = 0;
	assert_int_equal(state_area_publish(a, &c, &e), -EFBIG);
	assert_string_equal(e.text, "document: 32505857 bytes: larger than 32505856");
	assert_int_equal(s.operations, 0);
	assert_int_equal(c.generation, 2);
	assert_int_equal(publish(a, &c, 3, rest), 0);
	assert_int_equal(area_history_read(a, 3, &h, NULL), 0);
	assert_int_equal(h.length, DOCUMENT_MAX);
	assert_int_equal(load(a, &c, &rep), 3);
	assert_string_equal(rep.warning, "");
	state_area_close(a);
	sim_free(&s);
}

/* --- more than one ------------------------------------------------------------------------------------------------------------ */

/* Who read before somebody else published writes nothing. */
static void a_stale_writer_is_refused(void **state)
{
	struct cluster c CLEANUP(cluster_freep), other CLEANUP(cluster_freep);
	struct state_report rep;
	struct sim s;
	struct state_area *a, *b;

	(void)state;
	prepare(&s, 9, &a, &c, 50);
	b = sim_open(&s);
	cluster_init(&other);
	assert_int_equal(load(b, &other, &rep), 2);
	assert_int_equal(publish(b, &other, 3, 60), 0);
	s.operations = 0;
	assert_int_equal(publish(a, &c, 4, 70), -ESTALE);
	assert_int_equal(s.operations, 0);
	assert_int_equal(c.generation, 2);
	assert_int_equal(load(a, &c, &rep), 3);
	assert_int_equal(publish(a, &c, 4, 70), 0);
	state_area_close(a);
	state_area_close(b);
	sim_free(&s);
}

struct race {
	struct state_area *writer;
	struct cluster *c;
	unsigned n, at, burst;
};

static void publish_before_read(struct sim *s, uint64_t offset)
{
	struct race *r = s->data;

	(void)offset;
	if (s->reads != r->at)
		return;
	s->before_read = NULL;
	for (unsigned i = 0; i < r->burst; i++)
		assert_int_equal(publish(r->writer, r->c, ++r->n, 9000), 0);
}

/* Overtaken at any of its reads, by any number of changes, a reader gets a whole document that is not older than the one when it began. */
static void a_slow_reader(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 6; at++)
		for (unsigned burst = 1; burst <= 5; burst++) {
			struct cluster c CLEANUP(cluster_freep), there CLEANUP(cluster_freep);
			struct race r = {.c = &c, .n = 2, .at = at, .burst = burst};
			struct state_report rep;
			struct sim s;
			struct state_area *a;
			int n;

			cluster_init(&there);
			prepare(&s, 9, &a, &c, 9000);
			r.writer = sim_open(&s);
			s.data = &r;
			s.reads = 0;
			s.before_read = publish_before_read;
			n = load(a, &there, &rep);
			if (n < 2 || n > (int)r.n)
				fail_msg("at read %u, %u published: change %d", at, burst, n);
			state_area_close(a);
			state_area_close(r.writer);
			sim_free(&s);
		}
}

int main(void)
{
#define test(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		test(every_write_of_a_change),
		test(a_life_of_changes),
		test(one_damaged_byte_in_each_part),
		test(one_destroyed_slot),
		test(two_destroyed_slots_and_an_export),
		test(both_superblocks_destroyed),
		test(a_document_of_the_first_shape),
		test(a_document_of_a_newer_format),
		test(a_header_of_a_newer_layout),
		test(a_document_of_a_program_gone_wrong),
		test(what_contradicts_itself_is_not_published),
		test(a_document_at_its_limit),
		test(a_stale_writer_is_refused),
		test(a_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: every file of the corpus as it is, then mutations of them from a seed.
 * usage: fuzz-NAME CORPUS-FOLDER RUNS SEED. The same seed gives the same inputs.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGEST_INPUT (256 * 1024)

struct input {
	uint8_t *data;
	size_t len;
};

static uint64_t state;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016). */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static size_t below(size_t n)
{
	return n ? (size_t)(next() % n) : 0;
}

/* Runs one input from a buffer of exactly its size, so that a sanitizer sees a read behind it. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void remove_part(uint8_t *p, size_t *len)
{
	size_t at = below(*len), n = 1 + below(*len - at < 64 ? *len - at : 64);

	if (n > *len - at)
		n = *len - at;
	memmove(p + at, p + at + n, *len - at - n);
	*len -= n;
}

static void insert_part(uint8_t *p, size_t *len, size_t size, const uint8_t *from, size_t from_len)
{
	size_t at = below(*len + 1), start = below(from_len), n = below((from_len - start < 64 ? from_len - start : 64) + 1);

	if (*len + n > size)
		return;
	memmove(p + at + n, p + at, *len - at);
	memmove(p + at, from + start, n);
	*len += n;
}

static void mutate(uint8_t *p, size_t *len, size_t size, const struct input *other)
{
	static const char *const spice[] = {"\0", "-1",     "18446744073709551616", "\xff\xff\xff\xff", "\"", "{", "]", "---", "=",
					    "\n", "\\u0000"};
	const char *s = spice[below(ARRAY_SIZE(spice))];

	switch (below(6)) {
	case 0:
		if (*len)
			p[below(*len)] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		if (*len)
			p[below(*len)] = (uint8_t)next();
		break;
	case 2:
		if (*len)
			remove_part(p, len);
		break;
	case 3:
		insert_part(p, len, size, other->data, other->len);
		break;
	case 4:
		insert_part(p, len, size, (const uint8_t *)s, *s ? strlen(s) : 1);
		break;
	default:
		*len = below(*len + 1);
	}
}

static size_t load_corpus(const char *folder, struct input *ret, size_t max)
{
	cleanup_dir DIR *d = opendir(folder);
	struct dirent *entry;
	size_t n = 0;

	while (d && (entry = readdir(d)) && n < max) {
		char *data;

		if (entry->d_name[0] == '.' || file_read(dirfd(d), entry->d_name, LARGEST_INPUT, &data, &ret[n].len, NULL) < 0)
			continue;
		ret[n++].data = (uint8_t *)data;
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct input corpus[1024];
	static uint8_t input[LARGEST_INPUT];
	uint64_t runs, seed;
	size_t n;

	if (argc != 4 || str_to_u64(argv[2], 0, UINT64_MAX, &runs) < 0 || str_to_u64(argv[3], 1, UINT64_MAX, &seed) < 0) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER RUNS SEED\n", argv[0]);
		return 2;
	}
	n = load_corpus(argv[1], corpus, ARRAY_SIZE(corpus));
	if (n == 0) {
		fprintf(stderr, "%s: %s: no corpus\n", argv[0], argv[1]);
		return 1;
	}
	state = seed;
	for (size_t i = 0; i < n; i++)
		run(corpus[i].data, corpus[i].len);
	for (uint64_t k = 0; k < runs; k++) {
		const struct input *from = &corpus[below(n)];
		size_t len = from->len;

		memcpy(input, from->data, len);
		for (size_t m = 1 + below(4); m; m--)
			mutate(input, &len, sizeof(input), &corpus[below(n)]);
		run(input, len);
	}
	printf("%zu files, %" PRIu64 " mutations, seed %" PRIu64 ": no crash\n", n, runs, seed);
	for (size_t i = 0; i < n; i++)
		free(corpus[i].data);
	return 0;
}

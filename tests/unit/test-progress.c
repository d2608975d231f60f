/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bars one after another, as lines: each begins once, and ends by itself. */
#include "tests/unit/unit.h"

#include "cli/progress.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1024 * 1024ull)

static void lines_of(void (*work)(struct progress_chain *c), char ret[1024])
{
	struct progress_chain c = {.program = "p"};
	int out = memfd_create("stderr", MFD_CLOEXEC), old = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(out >= 0 && old >= 0);
	fflush(stderr);
	assert_true(dup2(out, STDERR_FILENO) >= 0);
	work(&c);
	fflush(stderr);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	n = pread(out, ret, 1023, 0);
	assert_true(n >= 0);
	ret[n] = '\0';
	close(out);
	close(old);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void two_things(struct progress_chain *c)
{
	progress_chain_at(c, "reading", 0, 4 * MIB);
	progress_chain_at(c, "reading", 2 * MIB, 4 * MIB);
	progress_chain_at(c, "writing", 0, MIB);
	progress_chain_at(c, "writing", MIB, MIB);
	progress_chain_at(c, "writing", MIB, MIB);
}

static void each_thing_has_one_bar(void **state)
{
	char text[1024];

	(void)state;
	lines_of(two_things, text);
	assert_int_equal(count(text, "p: reading ...\n"), 1);
	assert_int_equal(count(text, "p: reading: 50 %"), 1);
	assert_int_equal(count(text, "p: reading: done in"), 1);
	assert_int_equal(count(text, "p: writing ...\n"), 1);
	assert_int_equal(count(text, "p: writing: done in"), 1);
	assert_true(strstr(text, "reading: done") < strstr(text, "writing ..."));
}

static void nothing_to_measure(struct progress_chain *c)
{
	progress_chain_at(c, "reading", 0, MIB);
	progress_chain_at(c, "sealing", 0, 0);
}

static void what_has_no_size_has_no_bar(void **state)
{
	char text[1024];

	(void)state;
	lines_of(nothing_to_measure, text);
	assert_int_equal(count(text, "reading: done in"), 1);
	assert_null(strstr(text, "sealing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thing_has_one_bar),
		cmocka_unit_test(what_has_no_size_has_no_bar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

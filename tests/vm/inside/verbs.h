/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the programs that tests run inside machines: a verb and its operands. Some verbs are a change of the state. */
#ifndef BYRE_TESTS_VERBS_H
#define BYRE_TESTS_VERBS_H

#include "base/error.h"
#include "volmgr/change.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct verb {
	const char *name;
	int operands;
	int (*run)(char **argv, struct error *e);
};

/* ARGV: the verb and its ARGC - 1 operands. USAGE: the program's name and what stands before the verb. Returns main's status; what failed is told. */
static inline int run_verb(const struct verb *verbs, size_t n, const char *usage, int argc, char **argv)
{
	struct error e = ERROR_INIT;

	for (size_t i = 0; argc > 0 && i < n; i++) {
		if (strcmp(argv[0], verbs[i].name) != 0 || argc - 1 != verbs[i].operands)
			continue;
		if (verbs[i].run(argv + 1, &e) == 0)
			return 0;
		fprintf(stderr, "%.*s: %s\n", (int)strcspn(usage, " "), usage, e.text);
		return 1;
	}
	fprintf(stderr, "usage: %s VERB OPERANDS\n", usage);
	return 2;
}

typedef int edit_fn(struct change *ch, char **argv, struct error *e);

/* One change of CONTAINER: taken, edited, published. */
static inline int change(const char *container, edit_fn *edit, char **argv, struct error *e)
{
	const struct change_options o = {.container = container, .what = "a test"};
	struct change *ch = NULL;
	int r = change_begin(&o, &ch, e);

	if (r == 0)
		r = edit(ch, argv, e);
	if (r == 0)
		r = change_publish(ch, e);
	change_end(ch);
	return r;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of every tool: a table of options, a table of sub-commands, --help and --version; wrong usage exits with 2
 * and one line, failure with 1 and "prog: doing what: why".
 */
#ifndef BYRE_CLI_CLI_H
#define BYRE_CLI_CLI_H

#include "base/error.h"

#include <stdbool.h>

enum cli_type { CLI_FLAG, CLI_TEXT, CLI_UINT };

/*
 * One option. VALUE points to a bool, a const char * or an unsigned, whose values begin with 1: 0 can mean that the option was not given. A table ends with a
 * NULL name.
 */
struct cli_option {
	char letter; /* 0: long name only */
	const char *name;
	enum cli_type type;
	void *value;
	const char *argument; /* its name in --help; NULL for flags */
	const char *help;
};

/*
 * One sub-command. RUN gets the operands (NULL-terminated ARGV of ARGC, without program and command name) and returns 0, or a negative
 * errno with E set; -CLI_USAGE makes the program exit with 2. A table ends with a NULL name.
 */
struct cli_command {
	const char *name;                 /* may have two words: "state show" */
	const char *operands;             /* in --help, such as "NODE [FILE]"; NULL: none */
	int min_operands, max_operands;   /* max -1: any number */
	const struct cli_option *options; /* may be NULL */
	int (*run)(int argc, char **argv, struct error *e);
	const char *help;
};

struct cli_program {
	const char *name;
	const char *summary;                /* one line */
	const struct cli_option *options;   /* common to all commands; may be NULL */
	const struct cli_command *commands; /* a program without sub-commands has one entry whose name is "" */
	const char *epilog;                 /* printed at the end of --help; may be NULL */
};

#define CLI_USAGE 1000 /* returned as -CLI_USAGE: wrong usage, found by a command itself */

/* Parses, runs, prints the error if there is one; the exit status: 0, 1 or 2. */
int cli_main(const struct cli_program *p, int argc, char **argv);

#endif

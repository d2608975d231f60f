/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"

#include "base/str.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 40

/* The options of the program and of one command, as getopt_long wants them. */
struct option_set {
	const struct cli_option *all[MAX_OPTIONS];
	struct option longs[MAX_OPTIONS + 3];
	char shorts[2 * MAX_OPTIONS + 4];
	int n;
};

enum { OPT_HELP = 256, OPT_VERSION, OPT_FIRST };

static void collect(struct option_set *set, const struct cli_option *table)
{
	size_t used = strlen(set->shorts);

	for (const struct cli_option *o = table; o && o->name && set->n < MAX_OPTIONS; o++) {
		bool takes = o->type != CLI_FLAG;

		set->longs[set->n] = (struct option){o->name, takes ? required_argument : no_argument, NULL, OPT_FIRST + set->n};
		if (o->letter) {
			set->shorts[used++] = o->letter;
			if (takes)
				set->shorts[used++] = ':';
		}
		set->all[set->n++] = o;
	}
	set->shorts[used] = '\0';
}

static void make_set(struct option_set *set, const struct cli_program *p, const struct cli_command *c)
{
	memset(set, 0, sizeof(*set));
	snprintf(set->shorts, sizeof(set->shorts), "+:");
	collect(set, p->options);
	if (c)
		collect(set, c->options);
	set->longs[set->n] = (struct option){"help", no_argument, NULL, OPT_HELP};
	set->longs[set->n + 1] = (struct option){"version", no_argument, NULL, OPT_VERSION};
}

/* --- help ---------------------------------------------------------------------------------------------------------- */

static void print_option(const struct cli_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		 o->argument ? " " : "", o->argument ? o->argument : "");
	printf("  %-30s %s\n", left, o->help);
}

static void print_options(const struct cli_option *table)
{
	for (const struct cli_option *o = table; o && o->name; o++)
		print_option(o);
}

static bool has_commands(const struct cli_program *p)
{
	return p->commands[0].name && p->commands[0].name[0];
}

static void print_program_help(const struct cli_program *p)
{
	const struct cli_command *c = p->commands;

	if (has_commands(p)) {
		printf("Usage: %s [OPTION...] COMMAND [OPERAND...]\n%s\n\nCommands:\n", p->name, p->summary);
		for (; c->name; c++) {
			char left[80];

			snprintf(left, sizeof(left), "%s%s%s", c->name, c->operands ? " " : "", c->operands ? c->operands : "");
			printf("  %-30s %s\n", left, c->help);
		}
	} else {
		printf("Usage: %s [OPTION...]%s%s\n%s\n", p->name, c->operands ? " " : "", c->operands ? c->operands : "", p->summary);
	}
	printf("\nOptions:\n");
	print_options(p->options);
	if (!has_commands(p))
		print_options(c->options);
	printf("  %-30s %s\n  %-30s %s\n", "    --help", "print this help", "    --version", "print the version");
	if (has_commands(p))
		printf("\n'%s COMMAND --help' tells a command's options.\n", p->name);
	if (p->epilog)
		printf("\n%s\n", p->epilog);
}

static void print_command_help(const struct cli_program *p, const struct cli_command *c)
{
	printf("Usage: %s %s [OPTION...]%s%s\n%s\n\nOptions:\n", p->name, c->name, c->operands ? " " : "", c->operands ? c->operands : "",
	       c->help);
	print_options(c->options);
	print_options(p->options);
	printf("  %-30s %s\n", "    --help", "print this help");
}

/* --- parsing ------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int wrong_usage(const struct cli_program *p, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s: Try '%s --help'.\n", p->name, str_printable(what), p->name);
	return 2;
}

static int store(const struct cli_program *p, const struct cli_option *o, const char *value)
{
	if (o->type == CLI_FLAG)
		*(bool *)o->value = true;
	else if (o->type == CLI_TEXT)
		*(const char **)o->value = value;
	else if (str_to_uint(value, 1, UINT_MAX, o->value) < 0)
		return wrong_usage(p, "--%s: '%.80s' is not a number from 1 to %u", o->name, value, UINT_MAX);
	return 0;
}

static const struct cli_option *chosen(const struct option_set *set, int got)
{
	if (got >= OPT_FIRST)
		return set->all[got - OPT_FIRST];
	for (int i = 0; i < set->n; i++)
		if (set->all[i]->letter == got)
			return set->all[i];
	return NULL;
}

/* Takes the options in front of the first operand. -1 to go on; otherwise the exit status. */
static int parse_options(const struct cli_program *p, const struct cli_command *c, int argc, char **argv)
{
	struct option_set set;
	int got, r;

	make_set(&set, p, c);
	opterr = 0;
	while ((got = getopt_long(argc, argv, set.shorts, set.longs, NULL)) != -1) {
		if (got == OPT_HELP) {
			if (c && c->name[0])
				print_command_help(p, c);
			else
				print_program_help(p);
			return 0;
		}
		if (got == OPT_VERSION) {
			printf("%s (byre) %s\n", p->name, BYRE_VERSION);
			return 0;
		}
		if (got == '?')
			return wrong_usage(p, "unknown option '%s'", argv[optind - 1]);
		if (got == ':')
			return wrong_usage(p, "option '%s' needs a value", argv[optind - 1]);
		r = store(p, chosen(&set, got), optarg);
		if (r)
			return r;
	}
	return -1;
}

/* The command whose name stands at the head of ARGV; *RET_WORDS is how many words it takes. */
static const struct cli_command *find_command(const struct cli_program *p, int argc, char **argv, int *ret_words)
{
	char two[128];

	snprintf(two, sizeof(two), "%s %s", argv[0], argc > 1 ? argv[1] : "");
	for (const struct cli_command *c = p->commands; c->name; c++) {
		*ret_words = strchr(c->name, ' ') ? 2 : 1;
		if (strcmp(c->name, *ret_words == 2 ? two : argv[0]) == 0)
			return c;
	}
	return NULL;
}

/* Of a command of two words the first may stand there alone, or with another second one. */
static int unknown_command(const struct cli_program *p, int argc, char **argv)
{
	size_t len = strlen(argv[0]), used = 0;
	char seconds[256] = "";

	for (const struct cli_command *c = p->commands; c->name && used < sizeof(seconds); c++)
		if (str_starts(c->name, argv[0]) && c->name[len] == ' ')
			used += (size_t)snprintf(seconds + used, sizeof(seconds) - used, "%s%s", used ? ", " : "", c->name + len + 1);
	if (!used)
		return wrong_usage(p, "unknown command '%s'", argv[0]);
	return argc > 1 && argv[1][0] != '-' ? wrong_usage(p, "unknown command '%s %s': %s has %s", argv[0], argv[1], argv[0], seconds)
					     : wrong_usage(p, "%s: what of it? %s", argv[0], seconds);
}

/* Moves options that stand behind operands to the front, so that both orders work, and takes them. */
static int parse_mixed(const struct cli_program *p, const struct cli_command *c, int *argc, char **argv)
{
	int n = 1, r;

	optind = 0;
	for (;;) {
		r = parse_options(p, c, *argc, argv);
		if (r >= 0)
			return r;
		if (optind > 1 && strcmp(argv[optind - 1], "--") == 0) {
			while (optind < *argc)
				argv[n++] = argv[optind++];
		}
		if (optind >= *argc)
			break;
		argv[n++] = argv[optind];
		memmove(argv + n, argv + optind + 1, (size_t)(*argc - optind) * sizeof(*argv));
		*argc -= optind + 1 - n;
		optind = n;
	}
	argv[n] = NULL;
	*argc = n;
	return -1;
}

static int finish(const struct cli_program *p, int r, struct error *e)
{
	if (r >= 0)
		return fflush(stdout) == 0 ? 0 : 1;
	if (r == -CLI_USAGE)
		return wrong_usage(p, "%s", e->text);
	fprintf(stderr, "%s: %s\n", p->name, e->text[0] ? str_printable(e->text) : strerror(-r));
	return 1;
}

int cli_main(const struct cli_program *p, int argc, char **argv)
{
	const struct cli_command *c = p->commands;
	struct error e = ERROR_INIT;
	int r, words = 0;

	if (has_commands(p)) {
		optind = 0;
		r = parse_options(p, NULL, argc, argv);
		if (r >= 0)
			return r;
		if (optind >= argc)
			return wrong_usage(p, "%s", "a command is missing");
		argc -= optind;
		argv += optind;
		c = find_command(p, argc, argv, &words);
		if (!c)
			return unknown_command(p, argc, argv);
		argc -= words - 1;
		argv += words - 1;
	}
	r = parse_mixed(p, c, &argc, argv);
	if (r >= 0)
		return r;
	if (argc - 1 < c->min_operands)
		return wrong_usage(p, "%s is missing", c->operands ? c->operands : "an operand");
	if (c->max_operands >= 0 && argc - 1 > c->max_operands)
		return wrong_usage(p, "unexpected operand '%s'", argv[1 + c->max_operands]);
	return finish(p, c->run(argc - 1, argv + 1, &e), &e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* byre: the front door. 'byre VERB' is the program byre-VERB. */
#include "base/cleanup.h"
#include "base/spawn.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX    "byre-"
#define MAX_VERBS 128

static const char *libexec(void)
{
	const char *dir = getenv("BYRE_LIBEXEC");

	return dir && *dir ? dir : BYRE_LIBEXEC;
}

static int is_verb(const struct dirent *de)
{
	return str_starts(de->d_name, PREFIX) && str_is_label(de->d_name + strlen(PREFIX));
}

/* The second line of its --help is what the program is for. */
static void print_verb(const char *file)
{
	char path[512], *save = NULL;
	const char *const argv[] = {path, "--help", NULL};
	const struct spawn s = {.argv = argv};
	cleanup_free char *text = NULL;
	const char *line = NULL;

	snprintf(path, sizeof(path), "%s/%s", libexec(), file);
	if (spawn_run(&s, &text, NULL, NULL) == 0 && strtok_r(text, "\n", &save))
		line = strtok_r(NULL, "\n", &save);
	printf("  %-14s %s\n", file + strlen(PREFIX), line ? line : "");
}

static int help(void)
{
	struct dirent **list = NULL;
	int n = scandir(libexec(), &list, is_verb, alphasort);

	printf("Usage: byre VERB [OPTION...] [OPERAND...]\nlooks after a cluster of disk-less nodes\n\nVerbs:\n");
	for (int i = 0; i < n; i++) {
		print_verb(list[i]->d_name);
		free(list[i]);
	}
	if (n <= 0)
		printf("  (there is none in %s)\n", libexec());
	free(list);
	printf("\nOptions:\n  --help         print this help\n  --version      print the version\n\n'byre VERB --help' tells a verb's "
	       "options.\n");
	return fflush(stdout) == 0 ? 0 : 1;
}

static int wrong_usage(const char *what, const char *verb)
{
	fprintf(stderr, "byre: %s%s%s: Try 'byre --help'.\n", what, *verb ? " " : "", verb);
	return 2;
}

/* Becomes the verb's program. */
static int run(char **argv)
{
	const char *verb = argv[0];
	char path[512];

	if (verb[0] == '-')
		return wrong_usage("no such option:", verb);
	if (!str_is_label(verb))
		return wrong_usage("a verb is made of a-z, 0-9 and '-'", "");
	snprintf(path, sizeof(path), "%s/" PREFIX "%s", libexec(), verb);
	argv[0] = path;
	execv(path, argv);
	if (errno == ENOENT)
		return wrong_usage("no such verb:", verb);
	fprintf(stderr, "byre: %s: %s\n", path, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return wrong_usage("a verb is missing", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		printf("byre (byre) %s\n", BYRE_VERSION);
		return 0;
	}
	return run(argv + 1);
}

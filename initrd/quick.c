/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded into iscsistart.
 *
 * It sleeps a second after its fork so that its other half listens, although it tries again, at growing intervals from 50 ms on, when that one does
 * not yet. A fiftieth of the second does, and a boot is nearly a second shorter.
 *
 * It takes the secret of CHAP as an argument, which every user of the machine can read while it runs. Where BYRE_CHAP is
 * set it comes through standard input: the user's name, a newline, the secret; and goes to it as if they had been arguments -u and -w.
 */
#include <dlfcn.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

unsigned sleep(unsigned seconds)
{
	struct timespec t = {0, (long)seconds * 20000000};

	nanosleep(&t, NULL);
	return 0;
}

static char chap[1024], *secret;

/* 1 when there is something to hand over. */
static int read_chap(void)
{
	ssize_t n = getenv("BYRE_CHAP") ? read(STDIN_FILENO, chap, sizeof(chap) - 1) : -1;

	if (n <= 0)
		return 0;
	unsetenv("BYRE_CHAP");
	secret = strchr(chap, '\n');
	if (!secret)
		return 0;
	*secret++ = '\0';
	return 1;
}

int getopt_long(int argc, char *const *argv, const char *options, const struct option *longs, int *index)
{
	static int (*next)(int, char *const *, const char *, const struct option *, int *);
	static enum { ARGUMENTS, SECRET, END } stage;
	int c;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "getopt_long");
	switch (stage) {
	case ARGUMENTS:
		c = next(argc, argv, options, longs, index);
		if (c != -1)
			return c;
		stage = read_chap() ? SECRET : END;
		optarg = chap;
		return stage == SECRET ? 'u' : -1;
	case SECRET:
		optarg = secret;
		stage = END;
		return 'w';
	default:
		return -1;
	}
}

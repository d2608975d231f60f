/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded into iscsistart: it sleeps a second after its fork so that its other half listens, although it tries
 * again, at growing intervals from 50 ms on, when that one does not yet. A fiftieth of the second does, and a
 * boot is nearly a second shorter.
 */
#include <time.h>
#include <unistd.h>

unsigned sleep(unsigned seconds)
{
	struct timespec t = {0, (long)seconds * 20000000};

	nanosleep(&t, NULL);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long work that can be interrupted between two of its steps. */
#ifndef BYRE_CLI_INTERRUPT_H
#define BYRE_CLI_INTERRUPT_H

#include "base/error.h"

/* SIGINT, SIGTERM and SIGHUP are noted from now on instead of ending the program; what waits in the kernel still ends with EINTR. */
void interrupt_watch(void);

/* -EINTR, and E set, when one came since. */
int interrupt_check(struct error *e);

#endif

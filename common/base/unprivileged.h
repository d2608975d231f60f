/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For programs that read what anybody may send them. */
#ifndef BYRE_BASE_UNPRIVILEGED_H
#define BYRE_BASE_UNPRIVILEGED_H

#include "base/error.h"

/*
 * The folder DIR, an open descriptor, becomes the whole file system of this process (-1: that stays), USER its user, without any privileges and
 * without a way to new ones. Descriptors stay. Nothing is done, successfully, when the process is not root's.
 */
int unprivileged(const char *user, int dir, struct error *e);

#endif

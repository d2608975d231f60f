/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What those who judge append to: the list of findings, and each one's two sentences. */
#ifndef BYRE_VOLMGR_FINDINGS_LIST_H
#define BYRE_VOLMGR_FINDINGS_LIST_H

#include "findings.h"

#define BY_HAND "docs/recover-by-hand.md"

/* One more in F, still without its sentences; valid until the next one. Never NULL: when memory runs out, F says so. */
struct finding *finding_add(struct findings *f, enum fault fault, enum remedy remedy, const char *name, unsigned number);
/* TEXT, what is wrong; and HOW, what mends it. Bytes that cannot be printed are replaced. */
void finding_text(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_how(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

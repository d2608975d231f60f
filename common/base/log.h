/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per event on standard error, for daemons: "prog: text", or with the <N> priority prefix that the journal
 * understands when standard error leads there (JOURNAL_STREAM). Libraries do not log: they return errors.
 */
#ifndef BYRE_BASE_LOG_H
#define BYRE_BASE_LOG_H

#include <syslog.h>

/* Sets the name in front of every line; PROGRAM must stay valid. */
void log_init(const char *program);
/* PRIORITY is one of syslog.h: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG (printed only with BYRE_DEBUG set). */
void log_line(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif

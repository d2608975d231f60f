/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors that travel up. A function that can fail takes a struct error *, returns a negative errno value and
 * leaves one sentence in the object; each caller may put what it was doing in front. Only main() or a daemon's
 * request handler prints. The object lives on the caller's stack and owns nothing: it can be ignored.
 */
#ifndef BYRE_BASE_ERROR_H
#define BYRE_BASE_ERROR_H

struct error {
	int code; /* positive errno value; 0 = no error */
	char text[768];
};

#define ERROR_INIT                                                                                                                         \
	{                                                                                                                                  \
		0, ""                                                                                                                      \
	}

/* Sets E (which may be NULL) to CODE (an errno value of either sign; 0 is taken as EIO) and the formatted text. Returns -CODE. */
int error_set(struct error *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and strerror(CODE) behind the text. */
int error_errno(struct error *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts the formatted text and ": " in front of what E says. Returns E's code as a negative number. E may be NULL: then -EIO. */
int error_wrap(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the error. */
void error_clear(struct error *e);

#endif

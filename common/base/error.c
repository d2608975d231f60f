/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int positive(int code)
{
	if (code == 0)
		return EIO;
	return code < 0 ? -code : code;
}

int error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;

	code = positive(code);
	if (!e)
		return -code;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -code;
}

int error_errno(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	code = positive(code);
	if (!e)
		return -code;
	e->code = code;
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", strerror(code));
	return -code;
}

int error_wrap(struct error *e, const char *fmt, ...)
{
	char inner[sizeof(e->text)];
	va_list ap;
	int n;

	if (!e)
		return -EIO;
	memcpy(inner, e->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", inner);
	e->code = positive(e->code);
	return -e->code;
}

void error_clear(struct error *e)
{
	e->code = 0;
	e->text[0] = '\0';
}

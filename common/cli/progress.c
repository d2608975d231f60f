/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_MS 200

static void amount(const struct progress *p, uint64_t n, char *dst, size_t size)
{
	if (p->bytes)
		str_bytes(dst, size, n);
	else
		snprintf(dst, size, "%llu", (unsigned long long)n);
}

/* " 45 %  1.2 GiB of 2.6 GiB  93 MiB/s" */
static void state(const struct progress *p, char *dst, size_t size)
{
	uint64_t ms = clock_boot_ms() - p->started_ms;
	char done[32], total[32], rate[32];

	amount(p, p->done, done, sizeof(done));
	amount(p, p->total, total, sizeof(total));
	amount(p, ms ? p->done * 1000 / ms : 0, rate, sizeof(rate));
	if (p->total)
		snprintf(dst, size, "%u %%  %s of %s%s%s%s", (unsigned)(p->done * 100 / p->total), done, total, p->bytes ? "  " : "",
			 p->bytes ? rate : "", p->bytes ? "/s" : "");
	else
		snprintf(dst, size, "%s", p->done ? done : "");
}

static void draw(struct progress *p)
{
	char text[128];

	state(p, text, sizeof(text));
	fprintf(stderr, "\r\033[K%s: %s: %s", p->program, p->what, text);
	p->drawn_ms = clock_boot_ms();
}

void progress_begin(struct progress *p, const char *program, const char *what, uint64_t total, bool bytes)
{
	*p = (struct progress){.program = program, .what = what, .total = total, .bytes = bytes};
	p->terminal = isatty(STDERR_FILENO);
	p->started_ms = clock_boot_ms();
	if (p->terminal)
		draw(p);
	else
		fprintf(stderr, "%s: %s ...\n", program, what);
}

void progress_at(struct progress *p, uint64_t done)
{
	char text[128];
	unsigned tenth;

	p->done = p->total && done > p->total ? p->total : done;
	if (p->terminal) {
		if (clock_boot_ms() - p->drawn_ms >= REDRAW_MS)
			draw(p);
		return;
	}
	tenth = p->total ? (unsigned)(p->done * 10 / p->total) : 0;
	if (tenth <= p->told || tenth >= 10)
		return;
	p->told = tenth;
	state(p, text, sizeof(text));
	fprintf(stderr, "%s: %s: %s\n", p->program, p->what, text);
}

void progress_end(struct progress *p)
{
	uint64_t ms = clock_boot_ms() - p->started_ms;
	char done[32], rate[32];

	fprintf(stderr, "%s%s: %s: done in %llu.%llu s", p->terminal ? "\r\033[K" : "", p->program, p->what,
		(unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000 / 100));
	if (p->bytes && p->done) {
		amount(p, p->done, done, sizeof(done));
		amount(p, ms ? p->done * 1000 / ms : p->done, rate, sizeof(rate));
		fprintf(stderr, " (%s, %s/s)", done, rate);
	}
	fputc('\n', stderr);
}

void progress_chain_at(struct progress_chain *c, const char *what, uint64_t done, uint64_t total)
{
	if (c->open && strcmp(c->what, what) != 0)
		progress_chain_end(c);
	if (total == 0 || (!c->open && done >= total && strcmp(c->what, what) == 0)) /* told already */
		return;
	if (!c->open) {
		snprintf(c->what, sizeof(c->what), "%s", what);
		progress_begin(&c->p, c->program, c->what, total, true);
		c->open = true;
	}
	progress_at(&c->p, done);
	if (done >= total)
		progress_chain_end(c);
}

void progress_chain_end(struct progress_chain *c)
{
	if (c->open)
		progress_end(&c->p);
	c->open = false;
}

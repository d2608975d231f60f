/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PHASES   16
#define MAX_CONSOLES 8

static struct {
	const char *name;
	uint64_t start, end; /* ms since the kernel started; end 0: under way */
} phases[MAX_PHASES];
static size_t n_phases;

/* The kernel shows the log's lines by itself unless it is quiet; then we write to these. */
static char consoles[MAX_CONSOLES][32];
static size_t n_consoles;

#define LINE_LEVEL 5 /* KERN_NOTICE */

/* In one write: each is a record of the kernel's log. */
static bool write_line(const char *path, const char *line, size_t len)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && write(fd, line, len) == (ssize_t)len;
}

void say(const char *fmt, ...)
{
	uint64_t now = clock_boot_ms();
	char text[900], line[1000];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof(line), "<%d>byre: %s\n", LINE_LEVEL, text);
	write_line("/dev/kmsg", line, (size_t)n);
	n = snprintf(line, sizeof(line), "[%5u.%06u] byre: %s\r\n", (unsigned)(now / 1000), (unsigned)(now % 1000 * 1000), text);
	for (size_t i = 0; i < n_consoles; i++)
		write_line(consoles[i], line, (size_t)n);
}

static bool kernel_is_quiet(void)
{
	cleanup_free char *text = NULL;
	unsigned level;

	if (file_read(AT_FDCWD, "/proc/sys/kernel/printk", 256, &text, NULL, NULL) < 0)
		return false;
	text[strcspn(text, " \t\n")] = '\0'; /* the first of four */
	return str_to_uint(text, 0, UINT_MAX, &level) == 0 && level <= LINE_LEVEL;
}

static void find_consoles(void)
{
	cleanup_free char *text = NULL;
	char *save = NULL;

	if (file_read(AT_FDCWD, "/sys/class/tty/console/active", 256, &text, NULL, NULL) < 0)
		return;
	for (char *w = strtok_r(text, " \n", &save); w && n_consoles < MAX_CONSOLES; w = strtok_r(NULL, " \n", &save))
		snprintf(consoles[n_consoles++], sizeof(consoles[0]), "/dev/%s", w);
}

void say_init(void)
{
	cleanup_fd int limit = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY | O_CLOEXEC);

	/* Else the kernel drops all but ten of our lines in five seconds. */
	if (limit >= 0)
		(void)!write(limit, "on\n", 3);
	phases[n_phases++].name = "kernel";
	if (kernel_is_quiet())
		find_consoles();
}

void phase_begin(const char *name)
{
	if (n_phases == MAX_PHASES)
		return;
	phases[n_phases].name = name;
	phases[n_phases++].start = clock_boot_ms();
}

void phase_end(const char *done, const char *fmt, ...)
{
	char detail[512];
	uint64_t ms;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	phases[n_phases - 1].end = clock_boot_ms();
	ms = phases[n_phases - 1].end - phases[n_phases - 1].start;
	say("%s in %u.%02u s%s%s%s", done, (unsigned)(ms / 1000), (unsigned)(ms % 1000 / 10), *detail ? " (" : "", detail,
	    *detail ? ")" : "");
}

char *phases_json(void)
{
	struct buf b cleanup_buf = BUF_INIT;

	buf_puts(&b, "{\n  \"phases\": [\n");
	for (size_t i = 0; i < n_phases; i++) {
		uint64_t end = phases[i].end ? phases[i].end : clock_boot_ms();

		buf_printf(&b, "    {\"name\": \"%s\", \"start_ms\": %llu, \"ms\": %llu}%s\n", phases[i].name,
			   (unsigned long long)phases[i].start, (unsigned long long)(end - phases[i].start), i + 1 < n_phases ? "," : "");
	}
	buf_printf(&b, "  ],\n  \"switch_root_ms\": %llu\n}\n", (unsigned long long)clock_boot_ms());
	return buf_steal(&b);
}

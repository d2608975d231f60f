/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Supervised programs: started with exec, started again with growing pauses when they end. */
#include "meta.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <qb/qbloop.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MIN   250
#define BACKOFF_MAX   30000
#define LIVED_LONG_MS 60000 /* after that the pauses begin anew */
#define FIRST_FD      3

extern char **environ;

static qb_loop_t *loop;

void child_loop(struct qb_loop *l)
{
	loop = l;
}

/* --- its standard error ------------------------------------------------------------------------------------------ */

static void take_text(struct child *c, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n' && c->line_len < sizeof(c->line) - 1) {
			c->line[c->line_len++] = text[i];
			continue;
		}
		c->line[c->line_len] = '\0';
		c->on_line(c->line);
		c->line_len = 0;
	}
}

static void close_log(struct child *c)
{
	if (c->log_fd <= 0)
		return;
	qb_loop_poll_del(loop, c->log_fd);
	close(c->log_fd);
	c->log_fd = 0;
}

static int on_log(int32_t fd, int32_t events, void *data)
{
	struct child *c = data;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));

	(void)events;
	if (n > 0) {
		take_text(c, text, (size_t)n);
		return 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	close_log(c);
	return 0;
}

/* The write end for the child; -1: none. */
static int open_log(struct child *c)
{
	int p[2];

	if (!c->on_line || pipe2(p, O_CLOEXEC) < 0)
		return -1;
	close_log(c);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	c->line_len = 0;
	c->log_fd = p[0];
	qb_loop_poll_add(loop, QB_LOOP_MED, p[0], POLLIN | POLLHUP, c, on_log);
	return p[1];
}

/* --- its life ------------------------------------------------------------------------------------------------------ */

static int spawn_it(struct child *c, int log)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	if (log >= 0) {
		posix_spawn_file_actions_adddup2(&fa, log, 1);
		posix_spawn_file_actions_adddup2(&fa, log, 2);
	}
	for (size_t i = 0; i < c->n_fds; i++)
		posix_spawn_file_actions_adddup2(&fa, c->fds[i], FIRST_FD + (int)i);
	r = -posix_spawnp(&c->pid, c->argv[0], &fa, &attr, (char *const *)(uintptr_t)c->argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	return r;
}

static void start(void *data);

static void start_later(struct child *c)
{
	qb_loop_timer_handle timer;

	qb_loop_timer_add(loop, QB_LOOP_MED, (uint64_t)c->backoff_ms * 1000000, c, start, &timer);
	c->backoff_ms = c->backoff_ms * 2 < BACKOFF_MAX ? c->backoff_ms * 2 : BACKOFF_MAX;
}

static void start(void *data)
{
	struct child *c = data;
	int log, r;

	if (!c->wanted || c->pid > 0)
		return;
	if (c->prepare)
		c->prepare();
	log = open_log(c);
	r = spawn_it(c, log);
	if (log >= 0)
		close(log);
	c->started_ms = clock_boot_ms();
	if (r == 0)
		return;
	c->pid = 0;
	log_error("%s does not start: %s; next try in %.2g s", c->argv[0], strerror(-r), c->backoff_ms / 1000.0);
	start_later(c);
}

void child_start(struct child *c)
{
	if (c->wanted)
		return;
	c->wanted = true;
	c->backoff_ms = BACKOFF_MIN;
	start(c);
}

void child_signal(struct child *c, int signal)
{
	if (c->pid > 0)
		kill(c->pid, signal);
}

static void tell_end(const struct child *c, int status)
{
	double pause = c->backoff_ms / 1000.0;

	if (WIFSIGNALED(status))
		log_warning("%s was ended by signal %d: it is started again in %.2g s", c->name, WTERMSIG(status), pause);
	else
		log_warning("%s ended with status %d: it is started again in %.2g s", c->name, WEXITSTATUS(status), pause);
}

/* Its last lines are taken before its end is told. */
static void ended(struct child *c, int status)
{
	c->pid = 0;
	if (c->log_fd > 0)
		on_log(c->log_fd, POLLIN, c);
	if (!c->wanted)
		return;
	if (clock_boot_ms() - c->started_ms > LIVED_LONG_MS)
		c->backoff_ms = BACKOFF_MIN;
	tell_end(c, status);
	start_later(c);
}

void child_reap(struct child *c)
{
	int status;

	if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid)
		ended(c, status);
}

static void end(struct child *c)
{
	pid_t pid = c->pid;

	if (pid <= 0)
		return;
	c->pid = 0;
	kill(pid, SIGTERM);
	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		poll(NULL, 0, 10);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void child_restart(struct child *c)
{
	end(c);
	start(c);
}

void child_stop(struct child *c)
{
	c->wanted = false;
	end(c);
}

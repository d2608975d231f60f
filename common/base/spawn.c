/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spawn.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LINGER  1000 /* ms in which output is taken after the program's end, while more comes */
#define SILENCE 100  /* ms without output after its end: there will be no more */

extern char **environ;

struct child {
	pid_t pid;
	int out, err; /* read ends */
};

static int input_fd(const char *text)
{
	int fd;

	if (!text)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd >= 0 && (write_full(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Our environment with EXTRA's variables in front (first one wins for getenv). Only the array is allocated. */
static char **make_env(const char *const *extra)
{
	size_t n = 0, m = 0;
	char **env;

	while (extra && extra[n])
		n++;
	while (environ[m])
		m++;
	env = calloc(n + m + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		env[i] = (char *)(uintptr_t)extra[i];
	memcpy(env + n, environ, m * sizeof(*env));
	return env;
}

static void close_pair(int p[2])
{
	for (int i = 0; i < 2; i++)
		if (p[i] >= 0)
			close(p[i]);
}

/* Between fork and exec: only what is safe there. Says on TELL why it could not start. */
static _Noreturn void become(const struct spawn *s, const int fds[3], char **env, pid_t parent, int tell)
{
	sigset_t none;
	int why;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	/* A parent that died before the kernel knew of our wish will not be seen to die. */
	if (s->with_parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(127);
	execvpe(s->argv[0], (char *const *)(uintptr_t)s->argv, env);
	why = errno;
	(void)!write(tell, &why, sizeof(why));
	_exit(127);
}

/* Takes the place of posix_spawnp, which cannot bind a child to its parent. Returns the pid, or a negative errno: also that of a failed exec. */
static pid_t start_with(const struct spawn *s, const int fds[3], char **env)
{
	int told[2], why;
	pid_t parent = getpid(), pid;
	ssize_t n;

	if (pipe2(told, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(s, fds, env, parent, told[1]);
	why = errno;
	close(told[1]);
	if (pid > 0) {
		do
			n = read(told[0], &why, sizeof(why));
		while (n < 0 && errno == EINTR);
		if (n != sizeof(why)) {
			close(told[0]);
			return pid;
		}
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(told[0]);
	return why > 0 ? -why : -EIO;
}

/* A descriptor of 0 to 2 would be overwritten while the three are put in their places. */
static int above_standard(int fd)
{
	int high = fd < 0 || fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (high != fd)
		close(fd);
	return high;
}

static int start(const struct spawn *s, struct child *ret)
{
	cleanup_fd int in = above_standard(input_fd(s->input));
	cleanup_free char **env = make_env(s->env);
	int out[2] = {-1, -1}, err[2] = {-1, -1}, r;

	if (in < 0 || !env)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) {
		r = -errno;
		close_pair(out);
		return r;
	}
	out[1] = above_standard(out[1]);
	err[1] = above_standard(err[1]);
	r = start_with(s, (const int[]){in, out[1], err[1]}, env);
	if (r < 0) {
		close_pair(out);
		close_pair(err);
		return r;
	}
	close(out[1]);
	close(err[1]);
	*ret = (struct child){r, out[0], err[0]};
	return 0;
}

/* One read; false at the end of the stream. KEEP bounds what stays: when KEEP_TAIL, the newest bytes. */
static bool drain(int fd, struct buf *b, size_t keep, bool keep_tail, bool *ret_over)
{
	char chunk[8192];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (keep_tail && b->len + (size_t)n > keep)
		b->len = 0;
	if (b->len + (size_t)n <= keep)
		buf_add(b, chunk, (size_t)n);
	else
		*ret_over = true;
	return true;
}

/* To the end of both streams; or to the end of the program, when something that it left behind keeps them open. */
static int collect(struct child *c, size_t max, struct buf *out, struct buf *err)
{
	cleanup_fd int ended = pidfd_open(c->pid, 0);
	struct pollfd p[3] = {{c->out, POLLIN, 0}, {c->err, POLLIN, 0}, {ended, POLLIN, 0}};
	uint64_t end = 0; /* when it ended */
	bool over = false;

	while ((p[0].fd >= 0 || p[1].fd >= 0) && (!end || clock_boot_ms() - end < LINGER)) {
		int n = poll(p, 3, end ? SILENCE : -1);

		if (n == 0)
			break;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (p[2].revents) {
			end = clock_boot_ms();
			p[2].fd = -1;
		}
		if (p[0].revents && !drain(c->out, out, max, false, &over))
			p[0].fd = -1;
		if (p[1].revents && !drain(c->err, err, 16384, true, &over))
			p[1].fd = -1;
	}
	if (over)
		return -EFBIG;
	return buf_ok(out) && buf_ok(err) ? 0 : -ENOMEM;
}

/* The last line of TEXT that holds anything, cut out in place. */
static const char *last_line(char *text)
{
	char *end = text + strlen(text), *nl;

	while (end > text && (end[-1] == '\n' || end[-1] == ' '))
		*--end = '\0';
	nl = strrchr(text, '\n');
	return nl ? nl + 1 : text;
}

static int judge(const struct spawn *s, int status, struct buf *err, struct error *e)
{
	const char *why = err->data ? last_line(err->data) : "";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_set(e, EINTR, "%s was ended by signal %d%s%s", s->argv[0], WTERMSIG(status), *why ? ": " : "", why);
	if (*why)
		return error_set(e, EPROTO, "%s: %s", s->argv[0], why);
	return error_set(e, EPROTO, "%s: exit status %d", s->argv[0], WEXITSTATUS(status));
}

int spawn_run(const struct spawn *s, char **ret_output, int *ret_status, struct error *e)
{
	struct buf out CLEANUP(buf_free) = BUF_INIT, err CLEANUP(buf_free) = BUF_INIT;
	struct child c = {-1, -1, -1};
	int r, status = 0;

	r = start(s, &c);
	if (r < 0)
		return error_errno(e, r, "starting %s", s->argv[0]);
	r = collect(&c, s->max_output ? s->max_output : 1024 * 1024, &out, &err);
	close(c.out);
	close(c.err);
	while (waitpid(c.pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(e, errno, "waiting for %s", s->argv[0]);
	if (ret_status && WIFEXITED(status))
		*ret_status = WEXITSTATUS(status);
	if (r < 0)
		return error_errno(e, r, "output of %s", s->argv[0]);
	r = judge(s, status, &err, e);
	if (r < 0)
		return r;
	if (ret_output) {
		*ret_output = buf_steal(&out);
		if (!*ret_output)
			return error_errno(e, ENOMEM, "output of %s", s->argv[0]);
	}
	return 0;
}

int spawn_simple(struct error *e, const char *program, ...)
{
	const char *argv[32] = {program};
	struct spawn s = {.argv = argv};
	size_t n = 1;
	va_list ap;

	va_start(ap, program);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	argv[n] = NULL;
	return spawn_run(&s, NULL, NULL, e);
}

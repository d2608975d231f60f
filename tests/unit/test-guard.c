/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "volmgr/dm/guard.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the guard tells of what it does. */
static void tell(void *data)
{
	const int *fd = data;

	assert_int_equal(write(*fd, "undone", 6), 6);
}

static const struct guard_duty duty = {.undo = tell};

/* Starts one that dies with a guard, or dismisses it before. What the guard has told, until it and all that it has open are gone. */
static size_t told_after(bool dismissed, int signal, char ret[16])
{
	int ends[2];
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct guard g;

		setpgid(0, 0);
		if (guard_start(&duty, &ends[1], &g, NULL) < 0)
			_exit(1);
		if (dismissed)
			guard_dismiss(&g);
		if (signal)
			kill(0, signal); /* the whole group: the guard is not in it */
		_exit(0);
	}
	assert_true(pid > 0);
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	while ((n = read(ends[0], ret + len, 15 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	close(ends[0]);
	return len;
}

static void what_dies_is_put_right(void **state)
{
	const int ends[] = {0, SIGKILL, SIGTERM, SIGHUP};
	char told[16];

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		told_after(false, ends[i], told);
		assert_string_equal(told, "undone");
	}
}

static void what_was_dismissed_does_nothing(void **state)
{
	char told[16];

	(void)state;
	assert_int_equal(told_after(true, 0, told), 0);
	assert_int_equal(told_after(true, SIGKILL, told), 0);
}

/* Dismissing twice, or none, is harmless; and its process is gone then. */
static void none_is_left(void **state)
{
	struct guard g;

	(void)state;
	assert_int_equal(guard_start(&duty, NULL, &g, NULL), 0);
	guard_dismiss(&g);
	assert_int_equal(g.pid, 0);
	guard_dismiss(&g);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A guard that finds its process late says so each time, goes on, and tells it when it is dismissed. */
static void what_is_late_is_seen(void **state)
{
	static const struct guard_duty hurried = {.late = tell, .late_ms = 10}, patient = {.late = tell, .late_ms = 600000};
	char told[6];
	struct guard g;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(guard_start(&hurried, &ends[1], &g, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(read(ends[0], told, 6), 6);
	assert_true(guard_dismiss_late(&g));
	assert_false(guard_dismiss_late(&g));
	assert_int_equal(guard_start(&patient, &ends[1], &g, NULL), 0);
	assert_false(guard_dismiss_late(&g));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_dies_is_put_right),
		cmocka_unit_test(what_was_dismissed_does_nothing),
		cmocka_unit_test(none_is_left),
		cmocka_unit_test(what_is_late_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

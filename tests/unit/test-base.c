/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/ini.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void numbers_are_taken_whole(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_int_equal(str_to_u64("42", 0, 100, &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(str_to_u64("42x", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_u64("-1", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_u64("", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_u64(" 4", 0, 100, &v), -EINVAL);
	assert_int_equal(str_to_u64("101", 0, 100, &v), -ERANGE);
	assert_int_equal(str_to_u64("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(v, 42);
}

static void labels_are_host_names(void **state)
{
	(void)state;
	assert_true(str_is_label("node-3"));
	assert_false(str_is_label(""));
	assert_false(str_is_label("-a"));
	assert_false(str_is_label("a-"));
	assert_false(str_is_label("a/b"));
	assert_false(str_is_label("Node"));
	assert_false(str_is_label(".."));
	assert_true(str_is_domain("a.b-c.d"));
	assert_false(str_is_domain("a..b"));
	assert_false(str_is_domain("a."));
}

static void the_last_part_of_a_path(void **state)
{
	(void)state;
	assert_string_equal(str_base("/dev/mapper/sda"), "sda");
	assert_string_equal(str_base("sda"), "sda");
	assert_string_equal(str_base("dev/"), "");
}

static void macs_are_checked(void **state)
{
	struct mac m;
	char text[MAC_LEN];

	(void)state;
	assert_int_equal(mac_parse("52:54:00:AB:cd:01", &m), 0);
	assert_string_equal(mac_format(text, &m), "52:54:00:ab:cd:01");
	assert_int_equal(mac_parse("52-54-00-ab-cd-01", &m), 0);
	assert_int_equal(mac_parse("52:54-00:ab:cd:01", &m), -EINVAL);
	assert_int_equal(mac_parse("53:54:00:ab:cd:01", &m), -EINVAL);
	assert_int_equal(mac_parse("00:00:00:00:00:00", &m), -EINVAL);
	assert_int_equal(mac_parse("52:54:00:ab:cd", &m), -EINVAL);
	assert_int_equal(mac_parse("52:54:00:ab:cd:0g", &m), -EINVAL);
}

static void masks_have_their_ones_in_front(void **state)
{
	(void)state;
	assert_int_equal(ip4_mask_bits(0xffffff00), 24);
	assert_int_equal(ip4_mask_bits(0xffff00ff), -EINVAL);
	assert_int_equal(ip4_mask_bits(0xffffffff), -EINVAL);
	assert_int_equal(ip4_mask_bits(0), -EINVAL);
}

/* The check value of CRC-32C, and the test vector of RFC 3720 B.4: 32 bytes of zeros. */
static void crc32c_is_the_standard_one(void **state)
{
	static const char zeros[32];

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aau);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

static void errors_are_wrapped(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_errno(&e, ENOENT, "opening %s", "x"), -ENOENT);
	assert_int_equal(error_wrap(&e, "reading it"), -ENOENT);
	assert_string_equal(e.text, "reading it: opening x: No such file or directory");
	assert_int_equal(error_set(NULL, EINVAL, "x"), -EINVAL);
}

static void buffers_grow(void **state)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d,", i);
	assert_int_equal(b.len, 4000);
	assert_memory_equal(buf_str(&b) + 3996, "999,", 5);
}

static int count_pairs(const char *key, const char *value, void *data, struct error *e)
{
	(void)e;
	if (strcmp(key, "a.b") == 0)
		assert_string_equal(value, "1 = 2");
	return (*(int *)data)++ < 100 ? 0 : -EINVAL;
}

static int parse_ini(const char *text, int *n, struct error *e)
{
	*n = 0;
	return ini_parse("f", text, strlen(text), count_pairs, n, e);
}

static void ini_says_the_line(void **state)
{
	struct error e = ERROR_INIT;
	int n;

	(void)state;
	assert_int_equal(parse_ini("# x\n\n a.b =  1 = 2 \r\nc=\n", &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(parse_ini("a = 1\nnonsense\n", &n, &e), -EINVAL);
	assert_string_equal(e.text, "f:2: no '=' in 'nonsense'");
	assert_int_equal(parse_ini("A = 1\n", &n, &e), -EINVAL);
	assert_int_equal(ini_parse("f", "a=1\0b", 5, count_pairs, &n, &e), -EINVAL);
}

static void spawn_tells_how_it_ended(void **state)
{
	struct error e = ERROR_INIT;
	const char *cat[] = {"cat", NULL}, *fails[] = {"sh", "-c", "echo one >&2; echo two >&2; exit 3", NULL},
		   *none[] = {"no-such-program", NULL};
	char *out = NULL;
	int status = 0;

	(void)state;
	assert_int_equal(spawn_run(&(struct spawn){.argv = cat, .input = "hello"}, &out, NULL, &e), 0);
	assert_string_equal(out, "hello");
	free(out);
	assert_int_equal(spawn_run(&(struct spawn){.argv = cat, .input = "hello", .max_output = 2}, NULL, NULL, &e), -EFBIG);
	assert_int_equal(spawn_run(&(struct spawn){.argv = fails}, NULL, &status, &e), -EPROTO);
	assert_int_equal(status, 3);
	assert_string_equal(e.text, "sh: two");
	assert_int_equal(spawn_run(&(struct spawn){.argv = none}, NULL, NULL, &e), -ENOENT);
}

/* What it leaves behind keeps its pipes open. */
static void spawn_does_not_wait_for_what_stays_behind(void **state)
{
	const char *const quiet[] = {"sh", "-c", "sleep 30 & echo hi", NULL};
	const char *const chatty[] = {"sh", "-c", "timeout 5 yes & echo hi", NULL};
	const char *const fails[] = {"sh", "-c", "sleep 30 & echo why >&2; exit 3", NULL};
	struct error e = ERROR_INIT;
	uint64_t start = clock_boot_ms();
	cleanup_free char *out = NULL;
	int status = 0;

	(void)state;
	assert_int_equal(spawn_run(&(struct spawn){.argv = quiet}, &out, NULL, &e), 0);
	assert_string_equal(out, "hi\n");
	assert_int_equal(spawn_run(&(struct spawn){.argv = fails}, NULL, &status, &e), -EPROTO);
	assert_int_equal(status, 3);
	assert_string_equal(e.text, "sh: why");
	spawn_run(&(struct spawn){.argv = chatty}, NULL, NULL, NULL);
	assert_true(clock_boot_ms() - start < 4000);
}

/* The parent is killed while its child sleeps: the pipe that both hold is at its end when the child is gone, too. */
static void spawn_can_bind_a_child_to_its_parent(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo up >&9; exec sleep 100", NULL};
	struct spawn s = {.argv = argv, .with_parent = true};
	char line[4];
	int p[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 9);
		close(p[0]);
		close(p[1]);
		_exit(spawn_run(&s, NULL, NULL, NULL) < 0);
	}
	assert_true(pid > 0);
	close(p[1]);
	assert_int_equal(read(p[0], line, 3), 3);
	assert_int_equal(poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 20000), 1);
	assert_int_equal(read(p[0], line, 3), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(p[0]);
}

static void files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/byre-unit-XXXXXX", path[64];
	struct error e = ERROR_INIT;
	cleanup_free char *back = NULL;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(file_update(AT_FDCWD, path, 0600, "abc", 3, &e), 1);
	assert_int_equal(file_update(AT_FDCWD, path, 0600, "abc", 3, &e), 0);
	assert_int_equal(file_update(AT_FDCWD, path, 0644, "abc", 3, &e), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_read(AT_FDCWD, path, 3, &back, NULL, &e), 0);
	assert_string_equal(back, "abc");
	free(steal_ptr(back));
	assert_int_equal(file_read(AT_FDCWD, path, 2, &back, NULL, &e), -EFBIG);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void a_short_text_is_taken_whole(void **state)
{
	char path[] = "/tmp/byre-unit-XXXXXX", text[8] = "before";
	cleanup_fd int fd = mkstemp(path);
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(write_full(fd, " 1234567\n", 9), 0);
	assert_int_equal(file_read_text(path, text, sizeof(text), &e), 0);
	assert_string_equal(text, "1234567");
	assert_int_equal(file_read_text(path, text, sizeof(text) - 1, &e), -ENAMETOOLONG);
	assert_string_equal(text, "");
	memcpy(text, "before", 7);
	unlink(path);
	assert_int_equal(file_read_text(path, text, sizeof(text), &e), -ENOENT);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_whole),
		cmocka_unit_test(labels_are_host_names),
		cmocka_unit_test(the_last_part_of_a_path),
		cmocka_unit_test(macs_are_checked),
		cmocka_unit_test(masks_have_their_ones_in_front),
		cmocka_unit_test(crc32c_is_the_standard_one),
		cmocka_unit_test(errors_are_wrapped),
		cmocka_unit_test(buffers_grow),
		cmocka_unit_test(ini_says_the_line),
		cmocka_unit_test(spawn_tells_how_it_ended),
		cmocka_unit_test(files_are_replaced_whole),
		cmocka_unit_test(a_short_text_is_taken_whole),
		cmocka_unit_test(spawn_does_not_wait_for_what_stays_behind),
		cmocka_unit_test(spawn_can_bind_a_child_to_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PID 1 of a booting machine: finds the root, on the SAN or on the medium, and hands the machine over to it.
 */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CRASH_PAUSE 60 /* seconds */

/* The kernel would stop with a panic if PID 1 ended. */
static void crashed(int sig)
{
	char text[] = "byre: internal error in the initrd (signal 00): this machine restarts in 60 seconds\r\n";
	char *digits = strchr(text, '0');
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	digits[0] = (char)('0' + sig / 10);
	digits[1] = (char)('0' + sig % 10);
	(void)!write(fd, text, sizeof(text) - 1);
	sleep(CRASH_PAUSE);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction a = {.sa_handler = crashed, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &a, NULL);
}

static int mount_kernel_file_systems(struct error *e)
{
	int r = fs_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755", e);

	if (r >= 0)
		r = fs_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e);
	if (r >= 0)
		r = fs_mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, e);
	if (r >= 0)
		r = fs_mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%", e);
	return r;
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static int read_params(struct params *ret, struct error *e)
{
	cleanup_free char *cmdline = NULL;
	int r = file_read(AT_FDCWD, "/proc/cmdline", 64 * 1024, &cmdline, NULL, e);

	return r < 0 ? r : params_parse(cmdline, ret, e);
}

static int find_devices(struct error *e)
{
	unsigned n;
	int r;

	phase_begin("devices");
	r = modules_init(e);
	if (r >= 0)
		r = wait_init(e);
	if (r < 0)
		return r;
	n = modules_coldplug();
	wait_drain();
	phase_end("devices found", "%u", n);
	return 0;
}

static void boot(char **argv)
{
	struct error e = ERROR_INIT;
	cleanup_free char *times = NULL;
	struct utsname un;
	struct params p;

	if (mount_kernel_file_systems(&e) < 0)
		stop(&e);
	open_console();
	say_init();
	uname(&un);
	phase_end("kernel up", "%s, byre " BYRE_VERSION, un.release);
	if (read_params(&p, &e) < 0 || find_devices(&e) < 0)
		stop(&e);
	if (p.live[0])
		liveroot_mount(&p);
	else
		sanroot_mount(&p);
	times = phases_json();
	if (!times || run_write("boot.json", 0644, times, &e) < 0)
		say("boot.json: %s", times ? e.text : "no memory");
	say("starting %s", p.init);
	if (handover(p.init, argv, &e) < 0)
		stop(&e);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	if (strcmp(name ? name + 1 : argv[0], "modprobe") == 0)
		return modprobe_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--version") == 0 && getpid() != 1) {
		puts("init (byre) " BYRE_VERSION);
		return 0;
	}
	if (getpid() != 1) {
		fprintf(stderr, "init: this is byre's initrd: only the kernel starts it, as its first process\n");
		return 2;
	}
	catch_crashes();
	/* Else jansson asks the kernel for a random seed, which takes a second where the processor has no
	 * random numbers. */
	json_object_seed((size_t)clock_boot_ms() | 1);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	boot(argv);
	return 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kmod_ctx *kmod;

static void quiet(void *data, int priority, const char *file, int line, const char *fn, const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

int modules_init(struct error *e)
{
	kmod = kmod_new(NULL, NULL);
	if (!kmod)
		return error_set(e, ENOMEM, "kernel modules: no memory");
	kmod_set_log_fn(kmod, quiet, NULL);
	/* Not fatal: a missing index is looked up file by file. */
	kmod_load_resources(kmod);
	return 0;
}

static int insert(struct kmod_module *m, const char *wanted, struct error *e)
{
	int r = kmod_module_probe_insert_module(m, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);

	if (r < 0 && r != -EEXIST && r != -ENODEV)
		return error_errno(e, r, "kernel module %s (for %.64s)", kmod_module_get_name(m), wanted);
	return 0;
}

int module_load(const char *name, struct error *e)
{
	struct kmod_list *list = NULL, *i;
	int r;

	r = kmod ? kmod_module_new_from_lookup(kmod, name, &list) : -ENOENT;
	if (r < 0)
		return error_errno(e, r, "kernel module %.64s", name);
	if (!list)
		return error_set(e, ENOENT,
				 "kernel module %.64s is not in this initrd: name another in sifm, or make "
				 "the initrd with it",
				 name);
	kmod_list_foreach(i, list)
	{
		struct kmod_module *m = kmod_module_get_module(i);
		int one = insert(m, name, r < 0 ? NULL : e);

		if (one < 0 && r == 0)
			r = one;
		kmod_module_unref(m);
	}
	kmod_module_unref_list(list);
	return r;
}

static void load_for(int devices, const char *device)
{
	cleanup_free char *alias = NULL;
	char path[300];

	snprintf(path, sizeof(path), "%s/modalias", device);
	if (file_read(devices, path, 4096, &alias, NULL, NULL) == 0 && *str_trim(alias))
		module_load(str_trim(alias), NULL);
}

static unsigned coldplug_bus(int buses, const char *bus)
{
	cleanup_dir DIR *d = NULL;
	unsigned n = 0;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/devices", bus);
	fd = openat(buses, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return 0;
	for (struct dirent *i; (i = readdir(d));) {
		if (i->d_name[0] == '.')
			continue;
		load_for(dirfd(d), i->d_name);
		n++;
	}
	return n;
}

unsigned modules_coldplug(void)
{
	cleanup_dir DIR *d = opendir("/sys/bus");
	unsigned n = 0;

	if (!d)
		return 0;
	for (struct dirent *i; (i = readdir(d));)
		if (i->d_name[0] != '.')
			n += coldplug_bus(dirfd(d), i->d_name);
	return n;
}

int modprobe_main(int argc, char **argv)
{
	/* The kernel calls: modprobe -q -- NAME */
	if (argc < 2 || modules_init(NULL) < 0)
		return 1;
	return module_load(argv[argc - 1], NULL) < 0 ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "image_source.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum what {
	ITSELF,  /* this file; with a '*' at the end, all that begin so */
	IN_IT,   /* all that is in this folder */
	FILES_IN /* all but the folders in it: services want to find theirs */
};

/*
 * The first block is what the initrd and byre-services write at boot; then what is a secret of the machine or of who works on it; then what Debian's programs keep of their
 * machine's past. A link stays: it says nothing by itself.
 */
static const struct {
	const char *path;
	enum what what;
} left_out[] = {
	{"etc/hostname", ITSELF},
	{"etc/machine-id", ITSELF},
	{"etc/hosts", ITSELF},
	{"etc/resolv.conf", ITSELF},
	{"etc/install/INSTALL.info", ITSELF},
	{"etc/iscsi/initiatorname.iscsi", ITSELF},
	{"etc/ssh/ssh_host_*", ITSELF},
	{"etc/ssh/ssh_known_hosts", ITSELF},
	{"etc/ssh/root_ed25519", ITSELF},
	{"etc/ssh/authorized_keys.d/root", ITSELF},

	{"etc/.shadow.byre", ITSELF},
	{"etc/gshadow-", ITSELF},
	{"etc/iscsi/nodes", IN_IT},
	{"etc/iscsi/send_targets", IN_IT},
	{"etc/krb5.keytab", ITSELF},
	{"etc/shadow-", ITSELF},
	{"root/.ssh/id_*", ITSELF},
	{"var/backups", FILES_IN},
	{"var/lib/systemd/credential.secret", ITSELF},
	{"var/lib/systemd/random-seed", ITSELF},

	{"dev/.*", ITSELF},
	{"etc/adjtime", ITSELF},
	{"etc/group-", ITSELF},
	{"etc/lvm/archive", IN_IT},
	{"etc/lvm/backup", IN_IT},
	{"etc/passwd-", ITSELF},
	{"lost+found", IN_IT},
	{"proc", IN_IT},
	{"root/.bash_history", ITSELF},
	{"root/.cache", IN_IT},
	{"root/.lesshst", ITSELF},
	{"root/.python_history", ITSELF},
	{"root/.viminfo", ITSELF},
	{"run", IN_IT},
	{"sys", IN_IT},
	{"tmp", IN_IT},
	{"var/lib/dbus/machine-id", ITSELF},
	{"var/lib/dhcp", FILES_IN},
	{"var/lib/NetworkManager", FILES_IN},
	{"var/lib/systemd/coredump", FILES_IN},
	{"var/lib/systemd/timers", FILES_IN},
	{"var/log", FILES_IN},
	{"var/log/journal", IN_IT}, /* its folders bear the machine's id */
	{"var/tmp", IN_IT},
};

static bool is_below(const char *path, const char *folder)
{
	return str_starts(path, folder) && path[strlen(folder)] == '/';
}

bool capture_leaves_out(const char *path, mode_t mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++) {
		const char *p = left_out[i].path;
		size_t len = strlen(p);

		if (left_out[i].what == ITSELF && !S_ISDIR(mode) && !S_ISLNK(mode) &&
		    (p[len - 1] == '*' ? strncmp(path, p, len - 1) == 0 : strcmp(path, p) == 0))
			return true;
		if (left_out[i].what != ITSELF && is_below(path, p) && (left_out[i].what == IN_IT || !S_ISDIR(mode)))
			return true;
	}
	return S_ISSOCK(mode);
}

/* "root:HASH:…", wherever the line stands; '*' is what no password has. */
bool capture_locks_root(const char *text, struct buf *ret)
{
	static const char root[] = "root:", locked[] = "*";
	const char *line = str_starts(text, root) ? text : strstr(text, "\nroot:"), *hash;
	size_t len;

	if (!line)
		return false;
	hash = strchr(line, ':') + 1;
	len = strcspn(hash, ":\n");
	if (len == strlen(locked) && hash[0] == locked[0])
		return false;
	buf_add(ret, text, (size_t)(hash - text));
	buf_puts(ret, locked);
	buf_puts(ret, hash + len);
	return true;
}

/* --- listing ----------------------------------------------------------------------------------------------------------------------- */

struct list {
	FILE *f;
	struct image_content *content;
};

/* A file with several names is counted under each: at worst the image is larger than it had to be. */
static int list_one(const char *path, const struct stat *st, void *data, struct error *e)
{
	struct list *l = data;
	const struct image_listed listed = {
		.type = S_ISDIR(st->st_mode)   ? 'd'
			: S_ISREG(st->st_mode) ? '-'
			: S_ISLNK(st->st_mode) ? 'l'
					       : 'c',
		.size = S_ISREG(st->st_mode) && (uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size ? (uint64_t)st->st_blocks * 512
												      : (uint64_t)st->st_size,
	};

	if (capture_leaves_out(path, st->st_mode))
		return TREE_PASS;
	image_content_add(l->content, &listed);
	if (fputs(path, l->f) < 0 || fputc('\0', l->f) < 0)
		return error_errno(e, ENOMEM, "list of files");
	return 0;
}

int source_list_tree(struct image_source *s, struct error *e)
{
	cleanup_fd int root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_file FILE *f = NULL;
	struct list l = {.content = &s->content};
	int r;

	s->names = memfd_create("names", MFD_CLOEXEC);
	f = s->names >= 0 ? fdopen(fcntl(s->names, F_DUPFD_CLOEXEC, 3), "w") : NULL;
	if (root < 0 || !f)
		return error_errno(e, errno, "%s", s->path);
	l.f = f;
	/* "." first: the root's own mode and owner. */
	if (fputs(".", f) < 0 || fputc('\0', f) < 0)
		return error_errno(e, ENOMEM, "list of files");
	r = tree_walk(root, list_one, &l, e);
	return r == 0 && fflush(f) != 0 ? error_errno(e, errno, "list of files") : r;
}

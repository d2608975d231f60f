/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/unprivileged.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

int unprivileged(const char *user, int dir, struct error *e)
{
	const struct passwd *p = getpwnam(user);

	if (geteuid() != 0)
		return 0;
	if (!p)
		return error_set(e, ENOENT, "no user '%s'", user);
	if (dir >= 0 && (fchdir(dir) < 0 || chroot(".") < 0))
		return error_errno(e, errno, "chroot");
	if (setgroups(0, NULL) < 0 || setresgid(p->pw_gid, p->pw_gid, p->pw_gid) < 0 || setresuid(p->pw_uid, p->pw_uid, p->pw_uid) < 0)
		return error_errno(e, errno, "becoming %s", user);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(e, errno, "no_new_privs");
	return 0;
}

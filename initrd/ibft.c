/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A text of printable characters without blanks; anything else is none. */
static void attribute(const char *root, const char *name, char *ret, size_t size)
{
	cleanup_free char *text = NULL;
	char file[256], *value;
	size_t len = 0;

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/firmware/ibft/%s", root, name);
	if (file_read(AT_FDCWD, file, 4096, &text, &len, NULL) < 0)
		return;
	value = str_trim(text);
	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c > '~')
			return;
	if (str_copy(ret, size, value) < 0)
		ret[0] = '\0';
	explicit_bzero(text, len);
}

bool ibft_read(const char *root, struct ibft *ret)
{
	char path[256];

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "%s/sys/firmware/ibft/target0", root);
	if (access(path, F_OK) < 0)
		return false;
	attribute(root, "initiator/initiator-name", ret->initiator, sizeof(ret->initiator));
	attribute(root, "target0/target-name", ret->target, sizeof(ret->target));
	attribute(root, "target0/chap-name", ret->user, sizeof(ret->user));
	attribute(root, "target0/chap-secret", ret->secret, sizeof(ret->secret));
	attribute(root, "target0/rev-chap-name", ret->user_in, sizeof(ret->user_in));
	attribute(root, "target0/rev-chap-name-secret", ret->secret_in, sizeof(ret->secret_in));
	return true;
}

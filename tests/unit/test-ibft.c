/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware's iSCSI settings, in a tree of files. */
#include "tests/unit/unit.h"

#include "initrd/initrd.h"

#include <stdio.h>
#include <stdlib.h>

static char root[] = "/tmp/ibft.XXXXXX";

static void put(const char *name, const char *text)
{
	char full[300], *slash;

	snprintf(full, sizeof(full), "%s/sys/firmware/ibft/%s", root, name);
	slash = strrchr(full, '/');
	*slash = '\0';
	assert_int_equal(dir_make(AT_FDCWD, full, 0755, NULL), 0);
	*slash = '/';
	assert_int_equal(file_write(AT_FDCWD, full, 0644, text, strlen(text), NULL), 0);
}

static void credentials_are_read(void **state)
{
	char clean[64], longer[400];
	struct ibft b;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_false(ibft_read(root, &b));
	assert_string_equal(b.user, "");
	put("initiator/initiator-name", "iqn.2026-11.x:me\n");
	put("target0/target-name", "iqn.2026-11.x:san\n");
	put("target0/chap-name", "byre\n");
	put("target0/chap-secret", "geheim123456\n");
	assert_true(ibft_read(root, &b));
	assert_string_equal(b.initiator, "iqn.2026-11.x:me");
	assert_string_equal(b.target, "iqn.2026-11.x:san");
	assert_string_equal(b.user, "byre");
	assert_string_equal(b.secret, "geheim123456");
	assert_string_equal(b.user_in, "");
	put("target0/rev-chap-name", "san\n");
	put("target0/rev-chap-name-secret", "two words\n");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	put("target0/chap-secret", longer);
	assert_true(ibft_read(root, &b));
	assert_string_equal(b.user_in, "san");
	assert_string_equal(b.secret_in, "");
	assert_string_equal(b.secret, "");
	snprintf(clean, sizeof(clean), "rm -rf %s", root);
	assert_int_equal(system(clean), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(credentials_are_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

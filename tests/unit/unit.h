/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes first: cmocka, and the sample cluster of tests/unit/data/three-nodes.json. */
#ifndef BYRE_TESTS_UNIT_H
#define BYRE_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cluster/document.h"

#include <fcntl.h>
#include <string.h>

#define SAMPLE SOURCE_DIR "/tests/unit/data/three-nodes.json"

static inline char *read_sample(size_t *ret_len)
{
	char *text = NULL;

	assert_int_equal(file_read(AT_FDCWD, SAMPLE, DOCUMENT_MAX, &text, ret_len, NULL), 0);
	return text;
}

static inline void load_sample(struct cluster *c)
{
	struct error e = ERROR_INIT;
	size_t len;
	cleanup_free char *text = read_sample(&len);

	cluster_init(c);
	if (document_parse(text, len, c, &e) < 0)
		fail_msg("%s", e.text);
}

#endif

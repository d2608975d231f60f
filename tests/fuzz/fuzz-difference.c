/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two documents are compared: the first whole one, and the input. As many lines both ways, none with a secret or a control byte. */
#include "cluster/difference.h"
#include "cluster/document.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key[] = "00112233445566778899aabbccddeeff"; /* of the corpus */

static struct difference compare(const struct cluster *from, const struct cluster *to)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct difference d;
	size_t lines = 0;

	if (cluster_difference(from, to, &b, &d, NULL) < 0 || strstr(buf_str(&b), key))
		abort();
	for (const char *p = buf_str(&b); *p; p++) {
		lines += *p == '\n';
		if (((unsigned char)*p < ' ' && *p != '\n') || *p == 0x7f)
			abort();
	}
	if (lines != d.n || b.len != strlen(buf_str(&b)))
		abort();
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cluster first;
	struct cluster c CLEANUP(cluster_freep);
	struct difference there, back;

	cluster_init(&c);
	if (document_parse((const char *)data, size, &c, NULL) < 0)
		return 0;
	if (first.generation == 0) {
		cluster_init(&first);
		if (document_parse((const char *)data, size, &first, NULL) < 0)
			abort();
	}
	there = compare(&first, &c);
	back = compare(&c, &first);
	if (there.n != back.n || there.storage != back.storage || compare(&c, &c).n != 0)
		abort();
	return 0;
}

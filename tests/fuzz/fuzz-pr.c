/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a SAN tells of its reservations, sense data, and the words of a fence command. The first byte says which. */
#include "base/cleanup.h"
#include "volmgr/fence.h"
#include "volmgr/san/pr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keys(const uint8_t *data, size_t size)
{
	struct pr_keys k CLEANUP(pr_keys_free) = {.n = 0};
	struct pr_key key;
	size_t wanted = 0;

	if (pr_decode_keys(data, size, &k, &wanted) < 0)
		return;
	if (8 + 8 * k.n > size || 8 + 8 * k.n > wanted)
		abort();
	for (size_t i = 0; i < k.n; i++)
		if (pr_key_decode(k.v[i], &key) && pr_key_encode(&key) != k.v[i])
			abort();
}

static void words(const uint8_t *data, size_t size)
{
	const struct node n = {.number = 12, .name = "node12"};
	char *text = strndup((const char *)data, size);
	cleanup_free char **list = NULL, *all = NULL;

	if (text && fence_command_words(text, &n, &list, &all, NULL) == 0)
		for (size_t i = 0; list[i]; i++)
			if (strchr(list[i], ' '))
				abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pr_reservation v;
	struct pr_capabilities c;
	struct scsi_command cmd;

	if (!size)
		return 0;
	switch (data[0] % 5) {
	case 0:
		keys(data + 1, size - 1);
		break;
	case 1:
		pr_decode_reservation(data + 1, size - 1, &v);
		break;
	case 2:
		pr_decode_capabilities(data + 1, size - 1, &c);
		break;
	case 3:
		scsi_sense(data + 1, size - 1, &cmd);
		break;
	default:
		words(data + 1, size - 1);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target's answers during discovery, one after another, each with the length that its header tells. */
#include "initrd/discovery.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char pdu[DISCOVERY_PDU];
	struct error e = ERROR_INIT;
	struct discovery d;
	int r = 1;

	discovery_init(&d, "iqn.2026-11.org.byre:525400123456");
	while (r > 0 && size >= DISCOVERY_HEADER) {
		size_t len = discovery_next(&d, pdu);

		if (len % 4 || len > sizeof(pdu) || len != DISCOVERY_HEADER + discovery_data_size(pdu))
			abort();
		len = DISCOVERY_HEADER + discovery_data_size(data);
		if (len > size || len > sizeof(pdu))
			break;
		memcpy(pdu, data, len);
		data += len;
		size -= len;
		r = discovery_take(&d, pdu, &e);
		if (r < 0 && !e.text[0])
			abort();
	}
	if (strlen(buf_str(&d.names)) != d.names.len)
		abort();
	discovery_free(&d);
	return 0;
}

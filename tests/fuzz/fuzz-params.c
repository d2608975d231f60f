/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines: what is taken is in bounds and goes together; what is refused is refused with a reason;
 * words after --- change nothing. */
#include "initrd/params.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ends_in_quotes(const char *s)
{
	bool quoted = false;

	for (; *s; s++)
		quoted ^= *s == '"';
	return quoted;
}

static void check(const struct params *p)
{
	if (!memchr(p->sif, 0, sizeof(p->sif)) || !p->sif[0] || strchr(p->sif, '/') || p->n_sifm > PARAMS_MODULES)
		abort();
	if (!memchr(p->ivid, 0, sizeof(p->ivid)) || !memchr(p->container, 0, sizeof(p->container)) || strchr(p->container, '/'))
		abort();
	if (p->storage_port < 1 || p->storage_port > 65535 || p->wait < 1 || p->init[0] != '/' || strchr(p->live, '/'))
		abort();
	if (p->n_portals > PORTALS_MAX || (p->n_portals && !p->portals[p->n_portals - 1].port))
		abort();
	if (!p->live[0] && (p->storage_ip == p->sifip || (p->storage_ip ^ p->sifip) & p->sifnm))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char end[] = " --- sif=other storage_ip=nonsense";
	cleanup_free char *text = malloc(size + sizeof(end));
	struct error e = ERROR_INIT;
	struct params p, again;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&p, 0, sizeof(p));
	memset(&again, 0, sizeof(again));
	if (params_parse(text, &p, &e) < 0) {
		if (!e.text[0])
			abort();
		return 0;
	}
	check(&p);
	if (ends_in_quotes(text))
		return 0;
	memcpy(text + strlen(text), end, sizeof(end));
	if (params_parse(text, &again, NULL) < 0 || memcmp(&p, &again, sizeof(p)) != 0)
		abort();
	return 0;
}

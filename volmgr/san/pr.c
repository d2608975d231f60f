/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pr.h"

#include "base/cleanup.h"
#include "base/crc32c.h"

#include <errno.h>
#include <string.h>

#define PR_IN  0x5e
#define PR_OUT 0x5f

enum { IN_READ_KEYS, IN_READ_RESERVATION, IN_REPORT_CAPABILITIES };
enum { OUT_REGISTER, OUT_RESERVE, OUT_RELEASE, OUT_CLEAR, OUT_PREEMPT, OUT_PREEMPT_ABORT, OUT_REGISTER_ANYHOW };

#define LIST_SIZE  24   /* of PERSISTENT RESERVE OUT */
#define FIRST_KEYS 4096 /* bytes asked for at first */

#define MAGIC       0xb7u
#define CLUSTER_MAX 0xfffffu
#define NODE_MAX    0xfffu
#define ROLE_MAX    0xfu
#define BOOT_MAX    0xfffffu

/* --- numbers -------------------------------------------------------------------------------------------------------------- */

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const unsigned char *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void put64(unsigned char *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

/* --- keys ----------------------------------------------------------------------------------------------------------------- */

uint64_t pr_key_encode(const struct pr_key *k)
{
	return (uint64_t)MAGIC << 56 | (uint64_t)(k->cluster & CLUSTER_MAX) << 36 | (uint64_t)(k->node & NODE_MAX) << 24 |
	       (uint64_t)(k->role & ROLE_MAX) << 20 | (k->boot & BOOT_MAX);
}

bool pr_key_decode(uint64_t key, struct pr_key *ret)
{
	if (key >> 56 != MAGIC)
		return false;
	*ret = (struct pr_key){
		.cluster = (uint32_t)(key >> 36) & CLUSTER_MAX,
		.node = (unsigned)(key >> 24) & NODE_MAX,
		.role = (unsigned)(key >> 20) & ROLE_MAX,
		.boot = (uint32_t)key & BOOT_MAX,
	};
	return true;
}

uint32_t pr_key_cluster(const char *cluster)
{
	return crc32c(0, cluster, strlen(cluster)) & CLUSTER_MAX;
}

uint64_t pr_key_of(const char *cluster, unsigned node, enum pr_role role, const char *boot)
{
	const struct pr_key k = {.cluster = pr_key_cluster(cluster), .node = node, .role = role, .boot = crc32c(0, boot, strlen(boot))};

	return pr_key_encode(&k);
}

/* --- decoding --------------------------------------------------------------------------------------------------------------- */

void pr_keys_free(struct pr_keys *k)
{
	free(k->v);
	k->v = NULL;
	k->n = 0;
}

bool pr_keys_have(const struct pr_keys *k, uint64_t key)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i] == key)
			return true;
	return false;
}

int pr_decode_keys(const unsigned char *data, size_t len, struct pr_keys *ret, size_t *ret_wanted)
{
	struct pr_keys k = {.n = 0};
	size_t bytes;

	if (len < 8 || get32(data + 4) % 8 || get32(data + 4) / 8 > PR_KEYS_MAX)
		return -EPROTO;
	k.generation = get32(data);
	bytes = get32(data + 4);
	*ret_wanted = 8 + bytes;
	if (bytes > len - 8)
		bytes = (len - 8) / 8 * 8;
	k.v = calloc(bytes / 8 + 1, sizeof(*k.v));
	if (!k.v)
		return -ENOMEM;
	for (; k.n < bytes / 8; k.n++)
		k.v[k.n] = get64(data + 8 + 8 * k.n);
	*ret = k;
	return 0;
}

int pr_decode_reservation(const unsigned char *data, size_t len, struct pr_reservation *ret)
{
	if (len < 8 || (get32(data + 4) != 0 && (get32(data + 4) < 16 || len < 24)))
		return -EPROTO;
	*ret = (struct pr_reservation){.held = get32(data + 4) != 0};
	if (ret->held) {
		ret->key = get64(data + 8);
		ret->scope = data[21] >> 4;
		ret->type = data[21] & 0x0f;
	}
	return 0;
}

int pr_decode_capabilities(const unsigned char *data, size_t len, struct pr_capabilities *ret)
{
	bool tells_types;

	if (len < 8)
		return -EPROTO;
	tells_types = data[3] & 0x80;
	ret->persists = data[2] & 0x01;
	ret->registrants_only = !tells_types || (data[4] & 0x20);
	return 0;
}

/* --- commands ------------------------------------------------------------------------------------------------------------- */

static int bad_form(const struct scsi_port *p, int r, struct error *e)
{
	return r == -ENOMEM ? error_errno(e, ENOMEM, "%s", p->name)
			    : error_set(e, EPROTO, "%s: the SAN's answer about reservations makes no sense", p->name);
}

static int run_in(struct scsi_port *p, unsigned action, void *data, unsigned len, unsigned *ret_got, struct error *e)
{
	struct scsi_command c = {.cdb = {PR_IN, (unsigned char)action}, .cdb_len = 10, .data = data, .len = len};
	int r;

	c.cdb[7] = (unsigned char)(len >> 8);
	c.cdb[8] = (unsigned char)len;
	r = scsi_run(p, &c, e);
	*ret_got = c.got;
	return r;
}

int pr_read_keys(struct scsi_port *p, struct pr_keys *ret, struct error *e)
{
	size_t size = FIRST_KEYS, wanted = 0;

	for (;;) {
		cleanup_free unsigned char *data = calloc(1, size);
		struct pr_keys k;
		unsigned got = 0;
		int r = data ? run_in(p, IN_READ_KEYS, data, (unsigned)size, &got, e) : error_errno(e, ENOMEM, "%s", p->name);

		if (r < 0)
			return r;
		r = pr_decode_keys(data, got, &k, &wanted);
		if (r < 0)
			return bad_form(p, r, e);
		if (wanted <= size || size >= 8 + 8 * PR_KEYS_MAX) {
			*ret = k;
			return 0;
		}
		pr_keys_free(&k);
		size = 8 + 8 * PR_KEYS_MAX;
	}
}

int pr_read_reservation(struct scsi_port *p, struct pr_reservation *ret, struct error *e)
{
	unsigned char data[64] = {0};
	unsigned got = 0;
	int r = run_in(p, IN_READ_RESERVATION, data, sizeof(data), &got, e);

	if (r < 0)
		return r;
	r = pr_decode_reservation(data, got, ret);
	return r < 0 ? bad_form(p, r, e) : 0;
}

int pr_report_capabilities(struct scsi_port *p, struct pr_capabilities *ret, struct error *e)
{
	unsigned char data[8] = {0};
	unsigned got = 0;
	int r = run_in(p, IN_REPORT_CAPABILITIES, data, sizeof(data), &got, e);

	if (r < 0)
		return r;
	r = pr_decode_capabilities(data, got, ret);
	return r < 0 ? bad_form(p, r, e) : 0;
}

static int run_out(struct scsi_port *p, unsigned action, uint64_t key, uint64_t other, bool persist, struct error *e)
{
	unsigned char list[LIST_SIZE] = {0};
	struct scsi_command c = {.cdb = {PR_OUT, (unsigned char)action}, .cdb_len = 10, .out = true, .data = list, .len = sizeof(list)};

	c.cdb[8] = sizeof(list);
	if (action != OUT_REGISTER && action != OUT_REGISTER_ANYHOW)
		c.cdb[2] = PR_WRITE_EXCLUSIVE_REGISTRANTS; /* of the whole LUN */
	put64(list, key);
	put64(list + 8, other);
	list[20] = persist;
	return scsi_run(p, &c, e);
}

int pr_register(struct scsi_port *p, uint64_t old, uint64_t new, bool persist, struct error *e)
{
	return run_out(p, OUT_REGISTER, old, new, persist, e);
}

int pr_register_anyhow(struct scsi_port *p, uint64_t new, bool persist, struct error *e)
{
	return run_out(p, OUT_REGISTER_ANYHOW, 0, new, persist, e);
}

int pr_reserve(struct scsi_port *p, uint64_t key, struct error *e)
{
	return run_out(p, OUT_RESERVE, key, 0, false, e);
}

int pr_preempt(struct scsi_port *p, uint64_t key, uint64_t victim, bool abort, struct error *e)
{
	return run_out(p, abort ? OUT_PREEMPT_ABORT : OUT_PREEMPT, key, victim, false, e);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define MAGIC  "byrM"
#define FORMAT 1

static void put16(uint8_t *dst, uint16_t v)
{
	v = htobe16(v);
	memcpy(dst, &v, sizeof(v));
}

static void put32(uint8_t *dst, uint32_t v)
{
	v = htobe32(v);
	memcpy(dst, &v, sizeof(v));
}

static void put64(uint8_t *dst, uint64_t v)
{
	v = htobe64(v);
	memcpy(dst, &v, sizeof(v));
}

static uint16_t get16(const uint8_t *src)
{
	uint16_t v;

	memcpy(&v, src, sizeof(v));
	return be16toh(v);
}

static uint32_t get32(const uint8_t *src)
{
	uint32_t v;

	memcpy(&v, src, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const uint8_t *src)
{
	uint64_t v;

	memcpy(&v, src, sizeof(v));
	return be64toh(v);
}

void packet_print(const struct packet *p, uint8_t *dst)
{
	memset(dst, 0, PACKET_HEADER);
	memcpy(dst, MAGIC, 4);
	dst[4] = FORMAT;
	dst[5] = p->flags;
	dst[6] = p->net;
	put16(dst + 8, p->from);
	put16(dst + 10, p->to);
	put64(dst + 16, p->run);
	put64(dst + 24, p->challenge);
	put64(dst + 32, p->echo);
	put64(dst + 40, p->seq);
	put64(dst + 48, p->generation);
	put32(dst + 56, p->claim.term);
	put16(dst + 60, p->claim.owner);
	put16(dst + 62, p->n);
	if (p->ages != dst + PACKET_HEADER)
		memcpy(dst + PACKET_HEADER, p->ages, ((size_t)p->n + 1) / 2);
}

int packet_parse(const uint8_t *data, size_t len, struct packet *ret)
{
	struct packet p;

	if (len < PACKET_HEADER || memcmp(data, MAGIC, 4) != 0 || data[4] != FORMAT)
		return -EINVAL;
	p.flags = data[5];
	p.net = data[6];
	p.from = get16(data + 8);
	p.to = get16(data + 10);
	p.run = get64(data + 16);
	p.challenge = get64(data + 24);
	p.echo = get64(data + 32);
	p.seq = get64(data + 40);
	p.generation = get64(data + 48);
	p.claim.term = get32(data + 56);
	p.claim.owner = get16(data + 60);
	p.n = get16(data + 62);
	p.ages = data + PACKET_HEADER;
	if (p.flags & ~PACKET_FLAGS || data[7] || get32(data + 12) || p.n > PACKET_NODES || len != packet_len(p.n))
		return -EINVAL;
	if (!p.from || p.from > PACKET_NODES || p.to > PACKET_NODES || p.from == p.to || !p.run || !p.seq)
		return -EINVAL;
	if (p.claim.owner > PACKET_NODES || !p.claim.term != !p.claim.owner)
		return -EINVAL;
	*ret = p;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lease_record.h"

#include "base/crc32c.h"

#include <errno.h>
#include <string.h>

/* Offsets of a leader record's fields, little endian. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 4,
	AT_SECTOR = 12,
	AT_OWNER = 32,
	AT_GENERATION = 40,
	AT_LVER = 48,
	AT_LOCKSPACE = 56,
	AT_NAME = 104,
	AT_TIMESTAMP = 152,
	AT_CHECKSUM = 168,
	AT_IO_TIMEOUT = 174,
	NAME_BYTES = 48
};
static const struct {
	uint32_t magic, version;
} formats[] = {
	[LEASE_RECORD_HOST] = {0x12212010, 0x00030000},
	[LEASE_RECORD_RESOURCE] = {0x06152010, 0x00060000},
};
#define MAJOR 0xffff0000u

/* sanlock's margin for a watchdog to bite, which it keeps also when there is none. */
#define WATCHDOG_SECONDS 60
/* What may come on top while a holder dies and its lease is taken: seconds. */
#define SLACK_SECONDS 60

static uint64_t get(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* Bytes from the SAN end up in messages. */
static void get_name(char ret[NAME_BYTES + 1], const unsigned char *p)
{
	unsigned n = 0;

	while (n < NAME_BYTES && p[n]) {
		ret[n] = p[n] > ' ' && p[n] < 0x7f ? (char)p[n] : '?';
		n++;
	}
	ret[n] = '\0';
}

int lease_record_decode(const unsigned char data[LEASE_RECORD_SIZE], enum lease_record_kind kind, struct lease_record *ret)
{
	struct lease_record r = {.sector = (unsigned)get(data + AT_SECTOR, 4)};
	uint64_t host = get(data + AT_OWNER, 8);

	if (get(data + AT_MAGIC, 4) != formats[kind].magic)
		return -EINVAL;
	/* sanlock starts its sum from ~1 and does not invert the result. */
	if ((get(data + AT_VERSION, 4) & MAJOR) != formats[kind].version || ~crc32c(1, data, AT_CHECKSUM) != get(data + AT_CHECKSUM, 4) ||
	    (r.sector != 512 && r.sector != 4096) || host > LEASE_MAX_HOST)
		return -EUCLEAN;
	r.host = (unsigned)host;
	r.generation = get(data + AT_GENERATION, 8);
	r.version = get(data + AT_LVER, 8);
	r.timestamp = get(data + AT_TIMESTAMP, 8);
	r.io_timeout = (unsigned)get(data + AT_IO_TIMEOUT, 2);
	get_name(r.lockspace, data + AT_LOCKSPACE);
	get_name(r.name, data + AT_NAME);
	*ret = r;
	return 0;
}

unsigned lease_dead_after(unsigned io_timeout)
{
	return 8 * io_timeout + WATCHDOG_SECONDS;
}

/* --- patience -------------------------------------------------------------------------------------------------------------- */

static bool is_same(const struct patience *p, const struct lease_record *h)
{
	return p->since && p->host == h->host && p->generation == h->generation && p->version == h->version;
}

enum patience_step patience_step(struct patience *p, const struct lease_record *holder, bool failing, uint64_t now)
{
	const uint64_t wait = p->wait * 1000ull, ask_again = p->io_timeout * 6000ull,
		       most = wait + (lease_dead_after(p->io_timeout) + SLACK_SECONDS) * 1000ull;

	if (!is_same(p, holder)) {
		*p = (struct patience){p->wait, p->io_timeout, holder->host, holder->generation, holder->version, now, 0, false};
		return PATIENCE_TELL;
	}
	if (failing && !p->fenced) {
		p->fenced = true;
		return PATIENCE_FENCE;
	}
	if (now - p->since >= most)
		return PATIENCE_GIVE_UP;
	if (!failing && now - p->since >= wait && (!p->asked || now - p->asked >= ask_again)) {
		p->asked = now;
		return PATIENCE_ASK;
	}
	return PATIENCE_WAIT;
}

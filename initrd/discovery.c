/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "discovery.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { OP_LOGIN = 0x03, OP_TEXT = 0x04, OP_LOGIN_ANSWER = 0x23, OP_TEXT_ANSWER = 0x24 };
#define IMMEDIATE  0x40
#define FINAL      0x80
#define CONTINUES  0x40
#define STAGE_OP   (1 << 2) /* from the operational stage */
#define STAGE_FULL 3        /* to full feature */
#define TEXT_MAX   (1024 * 1024)
#define NO_TAG     0xffffffffu

static void put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t data_length(const unsigned char *header)
{
	return get32(header + 4) & 0xffffff;
}

void discovery_init(struct discovery *d, const char *initiator)
{
	*d = (struct discovery){.initiator = initiator, .cmd_sn = 1, .transfer_tag = NO_TAG};
}

void discovery_free(struct discovery *d)
{
	buf_free(&d->text);
	buf_free(&d->names);
}

/* Puts "KEY=VALUE" and its NUL at pdu[LEN]; returns the new length. */
static size_t put_pair(unsigned char *pdu, size_t len, const char *key, const char *value)
{
	size_t k = strlen(key), v = strlen(value);

	memcpy(pdu + len, key, k);
	pdu[len + k] = '=';
	memcpy(pdu + len + k + 1, value, v + 1);
	return len + k + v + 2;
}

static size_t finish(unsigned char *pdu, size_t len)
{
	put32(pdu + 4, (uint32_t)(len - DISCOVERY_HEADER)); /* no additional headers */
	while (len % 4)
		pdu[len++] = 0;
	return len;
}

static size_t login(const struct discovery *d, unsigned char *pdu)
{
	static const unsigned char isid[6] = {0x80, 0xb7, 0x9e, 0x00, 0x00, 0x00}; /* type "random" */
	size_t len = DISCOVERY_HEADER;

	pdu[0] = OP_LOGIN | IMMEDIATE;
	pdu[1] = FINAL | STAGE_OP | STAGE_FULL;
	memcpy(pdu + 8, isid, sizeof(isid));
	put32(pdu + 24, d->cmd_sn);
	put32(pdu + 28, d->exp_stat_sn);
	len = put_pair(pdu, len, "InitiatorName", d->initiator);
	len = put_pair(pdu, len, "SessionType", "Discovery");
	len = put_pair(pdu, len, "HeaderDigest", "None");
	len = put_pair(pdu, len, "DataDigest", "None");
	len = put_pair(pdu, len, "MaxRecvDataSegmentLength", "16384");
	return finish(pdu, len);
}

static size_t send_targets(const struct discovery *d, unsigned char *pdu)
{
	size_t len = DISCOVERY_HEADER;

	pdu[0] = OP_TEXT | IMMEDIATE;
	pdu[1] = FINAL;
	put32(pdu + 16, 1);
	put32(pdu + 20, d->transfer_tag);
	put32(pdu + 24, d->cmd_sn);
	put32(pdu + 28, d->exp_stat_sn);
	if (d->transfer_tag == NO_TAG)
		len = put_pair(pdu, len, "SendTargets", "All");
	return finish(pdu, len);
}

size_t discovery_next(struct discovery *d, unsigned char pdu[DISCOVERY_PDU])
{
	memset(pdu, 0, DISCOVERY_HEADER);
	return d->logged_in ? send_targets(d, pdu) : login(d, pdu);
}

size_t discovery_data_size(const unsigned char header[DISCOVERY_HEADER])
{
	return (data_length(header) + 3) / 4 * 4;
}

static int take_login(struct discovery *d, const unsigned char *pdu, struct error *e)
{
	unsigned status = (unsigned)pdu[36] << 8 | pdu[37];

	if (pdu[0] != OP_LOGIN_ANSWER)
		return error_set(e, EPROTO, "the answer is not iSCSI's: check storage_port");
	if (status == 0x0201 || status == 0x0202)
		return error_set(e, EACCES,
				 "the SAN refuses %s: check its access list (a discovery that needs a "
				 "password is not supported: give ivid)",
				 d->initiator);
	if (status)
		return error_set(e, EPROTO, "the SAN refuses the discovery (status %04x): give the target's name in ivid", status);
	if (!(pdu[1] & FINAL) || (pdu[1] & 3) != STAGE_FULL)
		return error_set(e, EPROTO, "the SAN wants a longer negotiation: give the target's name in ivid");
	d->logged_in = true;
	return 1;
}

static bool is_name(const char *s)
{
	if (!str_starts(s, "iqn.") && !str_starts(s, "eui.") && !str_starts(s, "naa."))
		return false;
	for (; *s; s++)
		if (!isgraph((unsigned char)*s))
			return false;
	return true;
}

/* TEXT: pairs, each ended by NUL; buf keeps one more NUL behind them. */
static void collect_names(struct discovery *d)
{
	const char *text = buf_str(&d->text);
	size_t i = 0;

	while (i < d->text.len) {
		if (str_starts(text + i, "TargetName=") && is_name(text + i + strlen("TargetName=")))
			buf_printf(&d->names, "%s\n", text + i + strlen("TargetName="));
		i += strlen(text + i) + 1;
	}
}

static int take_text(struct discovery *d, const unsigned char *pdu, struct error *e)
{
	if (pdu[0] != OP_TEXT_ANSWER)
		return error_set(e, EPROTO, "the SAN refuses to name its targets: give the target's name in ivid");
	if (d->text.len + data_length(pdu) > TEXT_MAX)
		return error_set(e, EFBIG, "the SAN names too many targets: give the target's name in ivid");
	buf_add(&d->text, pdu + DISCOVERY_HEADER, data_length(pdu));
	d->transfer_tag = get32(pdu + 20);
	if (!(pdu[1] & FINAL) || pdu[1] & CONTINUES) {
		if (d->transfer_tag == NO_TAG)
			return error_set(e, EPROTO, "the SAN's list of targets breaks off: give the target's name in ivid");
		return 1;
	}
	collect_names(d);
	return buf_ok(&d->names) && buf_ok(&d->text) ? 0 : error_errno(e, ENOMEM, "list of targets");
}

int discovery_take(struct discovery *d, const unsigned char *pdu, struct error *e)
{
	d->exp_stat_sn = get32(pdu + 24) + 1;
	return d->logged_in ? take_text(d, pdu, e) : take_login(d, pdu, e);
}

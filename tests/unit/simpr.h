/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated LUN with persistent reservations, as SPC-4 has them (or wrong, where a test asks for it), and sessions to it. A hook runs before each command, so that a test can have
 * somebody else act at any point.
 */
#ifndef BYRE_TESTS_SIMPR_H
#define BYRE_TESTS_SIMPR_H

#include "volmgr/san/pr.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SIM_SESSIONS 8

struct sim_lun {
	uint64_t key[SIM_SESSIONS]; /* 0: not registered */
	int holder;                 /* session, -1: not reserved */
	unsigned type;
	uint32_t generation;
	bool no_abort, no_persistence, no_reservations; /* what it does not know */
	bool forgets;                                   /* a key, when its session logs in again */
	bool no_preempt;                                /* it refuses that to everybody */
	bool persists;                                  /* its list outlives a restart: what was said with the last registration */
	unsigned attentions;                            /* unit attentions that the next commands get */
	unsigned commands, aborts;
	void (*hook)(struct sim_lun *l, unsigned command);
};

struct sim_session {
	struct scsi_port port; /* first */
	struct sim_lun *lun;
	int number;
};

static inline void sim_put(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

static inline uint64_t sim_get(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static inline void sim_answer(struct scsi_command *c, const unsigned char *data, unsigned len)
{
	c->got = len < c->len ? len : c->len;
	memcpy(c->data, data, c->got);
}

static inline void sim_illegal(struct scsi_command *c)
{
	c->status = SCSI_CHECK_CONDITION;
	c->key = SENSE_ILLEGAL_REQUEST;
	c->asc = 0x24;
}

static inline void sim_in(struct sim_lun *l, struct scsi_command *c)
{
	unsigned char d[8 + 8 * SIM_SESSIONS] = {0};
	unsigned n = 0;

	sim_put(d, l->generation, 4);
	switch (c->cdb[1] & 0x1f) {
	case 0:
		for (int i = 0; i < SIM_SESSIONS; i++)
			if (l->key[i])
				sim_put(d + 8 + 8 * n++, l->key[i], 8);
		sim_put(d + 4, 8 * n, 4);
		sim_answer(c, d, 8 + 8 * n);
		break;
	case 1:
		if (l->holder >= 0) {
			sim_put(d + 4, 16, 4);
			sim_put(d + 8, l->key[l->holder], 8);
			d[21] = (unsigned char)l->type;
		}
		sim_answer(c, d, l->holder >= 0 ? 24 : 8);
		break;
	default:
		memset(d, 0, sizeof(d));
		d[1] = 8;
		d[2] = !l->no_persistence;
		d[3] = 0x80;
		d[4] = 0x20;
		sim_answer(c, d, 8);
	}
}

static inline void sim_preempt(struct sim_lun *l, int me, uint64_t victim, struct scsi_command *c)
{
	bool any = false, was_holder = false;

	for (int i = 0; i < SIM_SESSIONS; i++) {
		if (!victim || l->key[i] != victim)
			continue;
		any = true;
		was_holder |= l->holder == i;
		if (i != me)
			l->key[i] = 0;
	}
	if (!any)
		c->status = SCSI_RESERVATION_CONFLICT;
	l->generation += any;
	if (was_holder)
		l->holder = me;
}

static inline void sim_register(struct sim_lun *l, int me, uint64_t new)
{
	l->key[me] = new;
	l->generation++;
	if (!new && l->holder == me)
		l->holder = -1;
}

static inline void sim_out(struct sim_lun *l, int me, struct scsi_command *c)
{
	const unsigned char *d = c->data;
	unsigned action = c->cdb[1] & 0x1f;
	uint64_t key = sim_get(d), other = sim_get(d + 8);

	if ((action == 5 && l->no_abort) || (d[20] && l->no_persistence)) {
		sim_illegal(c);
	} else if (action != 6 && (key != l->key[me] || (!key && action))) {
		c->status = SCSI_RESERVATION_CONFLICT;
	} else if (action == 0 || action == 6) {
		sim_register(l, me, other);
		l->persists = d[20];
	} else if (action >= 4 && l->no_preempt) {
		c->status = SCSI_RESERVATION_CONFLICT;
	} else if (action == 1) {
		if (l->holder >= 0 && l->holder != me)
			c->status = SCSI_RESERVATION_CONFLICT;
		else
			l->holder = me, l->type = c->cdb[2];
	} else {
		l->aborts += action == 5;
		sim_preempt(l, me, other, c);
	}
}

static inline int sim_run(struct scsi_port *p, struct scsi_command *c, struct error *e)
{
	struct sim_session *s = (struct sim_session *)p;
	struct sim_lun *l = s->lun;

	(void)e;
	if (l->hook)
		l->hook(l, l->commands);
	l->commands++;
	c->status = SCSI_GOOD;
	if (l->attentions) {
		l->attentions--;
		c->status = SCSI_CHECK_CONDITION;
		c->key = SENSE_UNIT_ATTENTION;
	} else if (l->no_reservations) {
		sim_illegal(c);
	} else if (c->cdb[0] == 0x5e) {
		sim_in(l, c);
	} else {
		sim_out(l, s->number, c);
	}
	return 0;
}

static inline struct sim_lun sim_lun(void)
{
	return (struct sim_lun){.holder = -1};
}

static inline struct sim_session sim_session(struct sim_lun *l, int number)
{
	return (struct sim_session){.port = {.run = sim_run, .fd = -1, .name = "lun"}, .lun = l, .number = number};
}

/* Whether a session could write. */
static inline bool sim_may_write(const struct sim_lun *l, int session)
{
	return l->holder < 0 || l->key[session] != 0;
}

#endif

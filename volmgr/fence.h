/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fencing: making sure that a node that seems dead writes no more. One interface over three ways, of which an installation records the one that holds here
 * (settings.fencing): SCSI-3 persistent reservations, where the SAN conforms; the site's own command (settings.fence_command: IPMI and the like); waiting, which only
 * sanlock can do. What every machine does for itself is in registration.h.
 */
#ifndef BYRE_VOLMGR_FENCE_H
#define BYRE_VOLMGR_FENCE_H

#include "volmgr/registration.h"

/*
 * Which way this SAN allows (FENCING_RESERVATION or FENCING_WAIT), and in WHY one sentence for an admin. Tried on the LUN of each of N DEVICES with sessions and keys of
 * the probe's own: registering, that a key survives a new login, that taking it off the list works and ends what was under way. Nothing is reserved, and nothing is
 * left. An error: the SAN could not be asked.
 */
int fence_probe(const struct cluster *c, const char *const *devices, size_t n, enum fencing *ret, char why[160], struct error *e);

/*
 * Reserves the LUNs of N DEVICES that nobody has reserved: from then on only who is registered writes. The reservation is held by a session of its own, with the
 * initiator name FENCE_HOLDER, which is not needed again: LIO does not let other sessions of the holder's initiator name write. Where the SAN lets that name not in, this machine's
 * session holds it. This machine must be registered. Nothing is done where settings.fencing does not say so.
 */
#define FENCE_HOLDER "iqn.2026-11.org.byre:reservation"
int fence_reserve(const struct cluster *c, const char *const *devices, size_t n, struct error *e);

/* Whether one of our clusters has reserved all of these. */
int fence_is_reserved(const char *const *devices, size_t n, bool *ret, struct error *e);

/*
 * 0: node NODE can write to the SAN no more, until it boots again. -EOPNOTSUPP: that cannot be made sure here (E says what the admin can do). -EKEYREJECTED: this
 * machine was itself fenced. Any other error: it was tried and failed; the node may be writing. PV_PATHS: the control path. NODE must not be this node.
 */
int fence_node(const struct cluster *c, const char *const *pv_paths, unsigned node, struct error *e);

/* --- parts of it: for tests -------------------------------------------------------------------------------------------------- */

/* Takes every key of node VICTIM off P's list, once P itself is on it; the LUN must be reserved. *RET_ABORTED: what it had sent has ended, too; else the LUN must be reset. */
int fence_on(struct scsi_port *p, const struct registrant *self, unsigned victim, bool *known, bool *ret_aborted, struct error *e);

/*
 * settings.fence_command as words, with its names of the node put in; a word stays one word, whatever a name holds. RET's texts lie in *RET_TEXT, both freed with free(). -EINVAL: no
 * word, or a % that means nothing.
 */
int fence_command_words(const char *command, const struct node *n, char ***ret, char **ret_text, struct error *e);

#endif

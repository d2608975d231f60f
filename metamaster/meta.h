/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of metamaster share, grouped by file. The main thread never touches the SAN: follow.c's thread does. */
#ifndef BYRE_METAMASTER_META_H
#define BYRE_METAMASTER_META_H

#include "base/error.h"
#include "cluster/model.h"
#include "cluster/status.h"
#include "services/services.h"
#include "volmgr/compose.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	const char *state;                   /* a file of the state area's layout instead of the SAN; NULL: the SAN */
	const char *image_dir;               /* instead of composed images; NULL: those */
	const char *byre_dir;                /* what the initrd left: state.json, node, boot.json */
	const char *run_dir;                 /* ours */
	const char *dnsmasq, *http, *member; /* programs */
	const char *dnsmasq_user;
	unsigned node;        /* 0: byre_dir tells */
	unsigned interval_ms; /* between two heartbeats */
	unsigned answers;     /* nodes answer a client that boots */
};

/* --- follow.c: the thread that reads the state and writes the node's status --------------------------------------------- */

/* Starts it with the state that the machine was booted with (which it takes over), if there is one. *RET_FD becomes readable with every news. */
int follow_start(const struct options *o, struct cluster *booted, int *ret_fd, struct error *e);
/* The newest state that was not taken yet: the caller's, to cluster_free and free(). NULL: no news. */
struct cluster *follow_take(void);
/* GENERATION is said to be on the SAN: it is looked for now, and not at the next time. */
void follow_hurry(void);
/* The main thread has made the machine match this generation. */
void follow_reached(uint64_t generation);
/* Has the last status written and waits for that, a second at most. */
void follow_stop(void);

/* --- report.c: the status slot; used by the thread only ------------------------------------------------------------------ */

struct report {
	struct node_status last;           /* written */
	uint64_t written_ms;               /* clock_boot_ms() */
	uint64_t asked_first_ms, asked_ms; /* systemd, for the time that the boot took */
	bool has_phases;
	char complaint[256];
};
/* Writes the status when something changed or a sign of life is due. */
void report_tick(struct report *r, const struct options *o, const struct cluster *c, struct state_area *a, uint64_t generation,
		 bool leaving);

/* --- images.c: images mounted for the HTTP server; used by the thread only ------------------------------------------------ */

#define IMAGES_DIR "/run/byre/images"
/* Composes and mounts every image that a node boots from, and lets go of those that none does any more. What fails is told once. */
void images_follow(const struct cluster *c);

/* --- interface.c: the boot network ------------------------------------------------------------------------------------------ */

/* The interface that has the address IP. -ENODEV: none. */
int interface_with(uint32_t ip, char ret[IF_NAMESIZE]);
/* Gives it the IPv6 address from which NUMBER advertises (see SERVICES_RA_PREFIX). */
int interface_add_ra_address(const char *interface, unsigned number, struct error *e);
/* A listening TCP socket on IP:PORT, numbered so that it can be handed to a child. */
int interface_listen(uint32_t ip, unsigned port, int *ret, struct error *e);

/* A UDP socket on PORT of the interface that has IP, with broadcasts, numbered likewise. */
int interface_datagrams(uint32_t ip, unsigned port, int *ret, struct error *e);

/* --- boot.c: the files of the boot service ------------------------------------------------------------------------------------ */

enum boot_change { BOOT_SAME, BOOT_REREAD, BOOT_RESTART };
struct boot {
	const struct options *o;
	int dir, http_dir;    /* run_dir and its folder http */
	const uint16_t *live; /* of these nodes, some answer each client (share.h), … */
	size_t n_live;        /* … with none known, this one answers all */
};
int boot_init(struct boot *b, const struct options *o, struct error *e);
/*
 * Makes the files match C. What dnsmasq refuses is not put in place. *RET tells what dnsmasq has to do about it. On failure the old files stay.
 */
int boot_activate(struct boot *b, const struct cluster *c, const struct node *self, const char *interface, enum boot_change *ret,
		  struct error *e);
/* As that, where only who lives has changed: which clients this node answers. */
int boot_share(struct boot *b, const struct cluster *c, const struct node *self, enum boot_change *ret, struct error *e);
/* Whether a configuration is in place, of now or of an earlier run. */
bool boot_has_config(const struct boot *b);

/* --- child.c: a supervised program ---------------------------------------------------------------------------------------------- */

#define CHILD_MAX_FDS 4
struct child {
	const char *name;
	const char *argv[16];
	void (*prepare)(void);  /* is called before each start; NULL: nothing is */
	int fds[CHILD_MAX_FDS]; /* become descriptors 3, 4, … of the child */
	size_t n_fds;
	void (*on_line)(const char *line); /* takes each line of its standard error; NULL: it goes to ours */
	pid_t pid;                         /* 0: not running */
	bool wanted;
	uint64_t started_ms;
	unsigned backoff_ms;
	int log_fd;
	char line[1024];
	size_t line_len;
};
struct qb_loop;
void child_loop(struct qb_loop *loop);
/* Starts it, and again whenever it ends, until child_stop. */
void child_start(struct child *c);
void child_signal(struct child *c, int signal);
/* Ends it; it is started again at once when it is still wanted. */
void child_restart(struct child *c);
void child_stop(struct child *c);
/* After SIGCHLD: whether C has ended is found out and dealt with. */
void child_reap(struct child *c);

/* --- members.c: who of the cluster lives ------------------------------------------------------------------------------------------- */

struct control_duty;
struct members_events {
	void (*changed)(void);                   /* members_live */
	void (*generation)(uint64_t generation); /* another node told of it */
	void (*duty)(const struct control_duty *duty);
	void (*announce)(void);
};
/* Starts the process that keeps the membership, once: C is asked for what does not change while a node runs. */
int members_start(const struct options *o, struct qb_loop *loop, const struct cluster *c, const struct node *self,
		  const struct members_events *events, struct error *e);
/* The nodes, and the generation that is known here, are C's from now on; C stays until the next call. */
void members_follow(const struct cluster *c);
void members_stop(void);
/* After SIGCHLD. */
void members_reap(void);
/* Their numbers, ascending; none while that is not known yet. Valid until the loop goes on. */
const uint16_t *members_live(size_t *ret_n);

/* Has the process asked for what it knows of each node, and the connection answered then. */
struct qb_ipcs_connection;
void members_ask(struct qb_ipcs_connection *c);

/* What the gateway's addresses are is told: GATEWAY_ABLE and GATEWAY_HOLDS of member/control.h. */
void members_tell_gateway(unsigned flags);
/* Asks that NODE have the gateway; the connection is answered. */
void members_move_gateway(struct qb_ipcs_connection *c, unsigned node);

/* --- netlink.c, arp.c: addresses ------------------------------------------------------------------------------------------------------ */

/* INTERFACE has IP/BITS for SECONDS from now on; then the kernel takes it away. */
int netlink_keep_address(const char *interface, uint32_t ip, int bits, unsigned seconds, struct error *e);
int netlink_drop_address(const char *interface, uint32_t ip, int bits, struct error *e);
/* Goes with the last address of the interface. */
int netlink_default_route(const char *interface, uint32_t router, struct error *e);
/* All on the network learn that IP is here. */
int arp_announce(const char *interface, uint32_t ip, struct error *e);

/* --- gateway.c: the addresses that one node has for all ------------------------------------------------------------------------------- */

struct control_duty;
void gateway_start(const struct options *o, struct qb_loop *loop);
/* The addresses are C's from now on; SELF NULL: this node is not in C, and has none. C NULL: it is about to change. */
void gateway_follow(const struct cluster *c, const struct node *self);
void gateway_duty(const struct control_duty *duty);
void gateway_announce_now(void);
/* This node is to have them no longer. True: it has, and LEFT is called when another one has taken them. */
bool gateway_leave(void (*left)(void *data));
/* Lets go of them. */
void gateway_stop(void);
/* After SIGCHLD. */
void gateway_reap(void);
const struct control_duty *gateway_known(void);
/* This node has the interfaces that it takes. */
bool gateway_able(void);

/* --- ipc.c: metamasterctl --------------------------------------------------------------------------------------------------------- */

struct qb_loop;
typedef void ipc_handler(struct qb_ipcs_connection *c, int what, uint64_t number);
int ipc_start(struct qb_loop *loop, ipc_handler *handler, struct error *e);
/* With an ERROR (an errno value), TEXT is a sentence. */
void ipc_answer(struct qb_ipcs_connection *c, int error, const char *text);
void ipc_stop(void);

/* --- tell.c: the answers ------------------------------------------------------------------------------------------------------------ */

struct control_peer;
void tell_status(struct qb_ipcs_connection *c, const struct options *o, const struct cluster *cluster, const char *interface);
void tell_gateway(struct qb_ipcs_connection *c, const struct cluster *cluster);
void tell_peers(struct qb_ipcs_connection *c, const struct cluster *cluster, const struct control_peer *peers, size_t n);

/* --- dnsmasq_log.c ------------------------------------------------------------------------------------------------------------------ */

/* Logs what an operator would ask about among dnsmasq's lines. */
void dnsmasq_log(const char *line);
/* The cluster whose nodes need not be told of as unknown, until the next call. */
void dnsmasq_log_follow(const struct cluster *c);

/* --- notify.c ----------------------------------------------------------------------------------------------------------------------- */

/* sd_notify(3); nothing without NOTIFY_SOCKET. */
void notify(const char *text);

#endif

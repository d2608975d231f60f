/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of every cluster service, generated from the state. Generators are pure: a cluster and a node number in, text
 * out. Which services there are, their fault-tolerance class and their files is one table (services_table).
 */
#ifndef BYRE_SERVICES_SERVICES_H
#define BYRE_SERVICES_SERVICES_H

#include "base/buf.h"
#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <sys/types.h>

enum service_class { SERVICE_ACTIVE, SERVICE_PASSIVE, SERVICE_NODE, SERVICE_SELF_HEALING };

/* One generated file. PATH is absolute, below the root it is rendered into. Files whose text may hold secrets have mode 0600. */
struct service_file {
	const char *path;
	mode_t mode;
	int (*generate)(const struct cluster *c, const struct node *self, struct buf *b, struct error *e);
};
struct service {
	const char *name; /* "dhcp" */
	enum service_class class;
	const char *package;              /* Debian's */
	const char *when_node_dies;       /* what a client sees */
	const char *unit;                 /* systemd unit that rereads the files when they change; NULL: none */
	const struct service_file *files; /* ends with a NULL path; NULL: it has none that lie below the root */
};
extern const struct service services_table[]; /* ends with a NULL name */
const char *service_class_name(enum service_class class);

/*
 * Writes every file of every service for SELF below the folder ROOTFD, only those that change, atomically. *RET_CHANGED (may be NULL) counts them.
 */
int services_render(const struct cluster *c, const struct node *self, int rootfd, unsigned *ret_changed, struct error *e);

/* services_render that tells of each file that changes, before it is written; with DRY_RUN nothing is written. TELL may be NULL. */
typedef void services_tell_fn(const struct service *s, const struct service_file *f, void *data);
int services_render_tell(const struct cluster *c, const struct node *self, int rootfd, bool dry_run, services_tell_fn *tell, void *data,
			 struct error *e);

/*
 * The boot services' text. dnsmasq: DHCP with the static map, TFTP of the loader, DNS of the cluster's names, on INTERFACE with SELF's addresses.
 * TFTP_ROOT and HTTP_URL (without a slash at the end) are where the loader and everything after it are found. RUN_DIR holds the
 * two files that dnsmasq rereads at SIGHUP, so that a node that comes or goes changes only those:
 * SERVICES_DHCP_HOSTS (services_dhcp_hosts) and SERVICES_DNS_NAMES (services_dns_names).
 */
#define SERVICES_HTTP_PORT   8069
#define SERVICES_MEMBER_PORT 8068 /* UDP: metamaster's heartbeats */
#define SERVICES_DHCP_HOSTS "dhcp-hosts"
#define SERVICES_DNS_NAMES  "names"
#define SERVICES_LOADER     "lpxelinux.0"
#define SERVICES_RA_PREFIX  "fd77::" /* /64, of which each server's boot interface has the address PREFIX + its number in hex */
struct boot_service {
	const char *interface, *tftp_root, *http_url, *run_dir, *user;
};
int services_dnsmasq(const struct cluster *c, const struct node *self, const struct boot_service *bs, struct buf *b, struct error *e);
/* One line for each node that ANSWERS, in the form of dnsmasq's option dhcp-host. NULL: all. */
typedef bool services_answers_fn(const struct node *n, void *data);
int services_dhcp_hosts(const struct cluster *c, services_answers_fn *answers, void *data, struct buf *b, struct error *e);
/* The names of all nodes, in the form of hosts(5). */
int services_dns_names(const struct cluster *c, struct buf *b, struct error *e);
/*
 * What the node NODE boots, for the two loaders: its kernel, its initrd and the boot parameters, as pxelinux's configuration and as a script of iPXE.
 * pxelinux finds its own by the MAC address; iPXE is given the name by DHCP: HTTP_URL/SERVICES_IPXE_DIR/MAC.
 */
#define SERVICES_IPXE_DIR "ipxe"
typedef int services_loader_fn(const struct cluster *c, const struct node *node, const struct boot_service *bs, struct buf *b, struct error *e);
services_loader_fn services_pxelinux, services_ipxe;

/*
 * The gateway's packet filter, in nft(8)'s language: what comes from the cluster's networks and goes out by OUTSIDE gets the public address; what comes in
 * there is an answer or is dropped. It replaces the tables of an earlier call. On every candidate it is in force all the time.
 */
int services_nftables(const struct cluster *c, const char *outside, struct buf *b, struct error *e);

/*
 * conntrackd(8)'s configuration: the candidates tell each other of the connections through the gateway, by multicast on INSIDE, and each puts what it is told
 * into its kernel at once: who takes over knows them already. Its lock and its socket are DIR/conntrackd.lock and .ctl.
 */
int services_conntrackd(const struct cluster *c, const struct node *self, const char *inside, const char *dir, struct buf *b, struct error *e);

/* A node's ssh host key, derived from the cluster's key: the private key in OpenSSH's format, and the public key line. Either may be NULL. */
int services_ssh_host_key(const struct cluster *c, const struct node *n, struct buf *private_key, struct buf *public_key, struct error *e);
/* The key by which root of one node is root on any other, derived likewise. */
int services_ssh_root_key(const struct cluster *c, struct buf *private_key, struct buf *public_key, struct error *e);

#endif

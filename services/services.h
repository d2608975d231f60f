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

/* One generated file. PATH is absolute, below the root it is rendered into. */
struct service_file {
	const char *path;
	mode_t mode;
	int (*generate)(const struct cluster *c, const struct node *self, struct buf *b, struct error *e);
};
struct service {
	const char *name;	   /* "dhcp" */
	enum service_class class;
	const char *package;	   /* Debian's */
	const char *when_node_dies; /* what a client sees */
	const struct service_file *files; /* ends with a NULL path */
};
extern const struct service services_table[]; /* ends with a NULL name */
const char *service_class_name(enum service_class class);

/*
 * Writes every file of every service for SELF below the folder ROOTFD, only those that change, atomically. *RET_CHANGED (may be NULL) counts them.
 */
int services_render(const struct cluster *c, const struct node *self, int rootfd, unsigned *ret_changed, struct error *e);

/*
 * The boot services' text. dnsmasq: DHCP with the static map, TFTP of the loader, DNS of the cluster's names, on INTERFACE with SELF's addresses;
 * TFTP_ROOT and HTTP_URL (without a slash at the end) are where the loader and everything after it are found.
 */
struct boot_service {
	const char *interface, *tftp_root, *http_url, *run_dir, *user;
};
int services_dnsmasq(const struct cluster *c, const struct node *self, const struct boot_service *bs, struct buf *b, struct error *e);
/* pxelinux's configuration for the node NODE: its kernel, its initrd and the boot parameters. */
int services_pxelinux(const struct cluster *c, const struct node *node, const struct boot_service *bs, struct buf *b, struct error *e);

/* A node's ssh host key, derived from the cluster's key: the private key in OpenSSH's format, and the public key line. Either may be NULL. */
int services_ssh_host_key(const struct cluster *c, const struct node *n, struct buf *private_key, struct buf *public_key, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generators that services_table names. Each adds one file's text to B; 0 or a negative errno with E set. */
#ifndef BYRE_SERVICES_GENERATORS_H
#define BYRE_SERVICES_GENERATORS_H

#include "services/services.h"

typedef int generator(const struct cluster *c, const struct node *self, struct buf *b, struct error *e);

/* names.c */
generator generate_hosts, generate_resolv_conf, generate_hostname;

/* ssh.c */
generator generate_host_key, generate_host_key_public, generate_known_hosts, generate_authorized_keys, generate_root_key;
generator generate_sshd_conf, generate_ssh_conf;

/* node.c */
generator generate_initiator_name, generate_install_info;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot parameters, from the kernel's command line. Pure: text in, values or one sentence out.
 *
 *   storage_ip=A.B.C.D     address of the SAN [192.168.0.252]      storage_port=N   its iSCSI port [3260]
 *   sif=NAME               interface towards the SAN [eth0]        sifm=M,M,...     kernel modules to bring it up [none]
 *   sifip=A.B.C.D          its address [192.168.0.254]             sifnm=A.B.C.D    its netmask [255.255.255.0]
 *   ivid=IQN               the exported disk's name [the only one] root=DEVICE      /dev/evms/defaultNAME, /dev/byre/NAME or NAME [the only one]
 *   BOOTIF=01-aa-bb-...    the interface the firmware booted from, as pxelinux and iPXE tell it; takes the place of sif unless sif is given
 *   byre.live[=NAME]       the root is NAME.squashfs on the medium [debian12], not the SAN
 *   init=/PATH             what the root starts [/sbin/init]
 *   byre.portals=A.B.C.D[:PORT],...   further addresses of the SAN [none]; the port is storage_port where none is said
 *   byre.mtu=N             of the interface [left alone]           byre.wait=N      longest pause between two attempts, seconds [30]
 *
 * Words are separated by white space; double quotes keep a word together, as in the kernel. Of a parameter that appears twice the
 * first counts. A word "---" ends the list. Other words are the kernel's.
 */
#ifndef BYRE_INITRD_PARAMS_H
#define BYRE_INITRD_PARAMS_H

#include "base/addr.h"
#include "base/error.h"
#include "cluster/portals.h"
#include "cluster/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MODULES 16
#define IFNAME_SIZE    16

struct params {
	uint32_t storage_ip, sifip, sifnm; /* host byte order */
	unsigned storage_port;
	char portals_text[160]; /* as it was given: storage_port may come behind it */
	struct portal portals[PORTALS_MAX];
	size_t n_portals;
	char sif[IFNAME_SIZE];
	bool sif_given;
	char sifm[PARAMS_MODULES][64];
	size_t n_sifm;
	char ivid[224];            /* "": the only one the SAN exports */
	char container[NAME_SIZE]; /* "": the only one there is */
	bool has_bootif;
	struct mac bootif;
	char live[NAME_SIZE]; /* "": root on the SAN; else the distribution on the medium */
	unsigned mtu;         /* 0: left alone */
	unsigned wait;        /* seconds */
	char init[128];
};

/* 0, or -EINVAL: E has "PARAMETER=VALUE: what is wrong"; RET is whole only on success. */
int params_parse(const char *cmdline, struct params *ret, struct error *e);

#endif

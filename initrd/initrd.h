/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of PID 1 share, grouped by file. There is one thread. */
#ifndef BYRE_INITRD_INITRD_H
#define BYRE_INITRD_INITRD_H

#include "base/addr.h"
#include "base/error.h"
#include "params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NEW_ROOT "/root"

/* --- say.c: the consoles, and the phases of the boot -------------------------------------------------------------- */

/* One line "byre: …" to the kernel's log, and to every console when the kernel is quiet. Works before say_init. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Finds out whether the kernel is quiet and which consoles there are; needs /proc, /sys and /dev. Begins the first phase, "kernel", in retrospect. */
void say_init(void);

/* A phase: what it is called in boot.json, and when it began. */
void phase_begin(const char *name);
/* Ends the phase and says "byre: DONE in S s (detail)"; FMT is the detail and may be "". */
void phase_end(const char *done, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Every phase so far, as JSON with times in milliseconds since the kernel started. The caller frees it; NULL: no memory. */
char *phases_json(void);

/* --- wait.c: waiting while devices appear and children end -------------------------------------------------------- */

/* Begins to listen for devices. From then on every wait loads the modules of devices that appear. */
int wait_init(struct error *e);
/* Waits MS milliseconds, or until a device has appeared. */
void wait_ms(unsigned ms);
/* Takes in what is there already, without waiting. */
void wait_drain(void);

/* Pauses that double from one second up to a longest one. */
struct backoff {
	unsigned next, max; /* seconds */
};
struct backoff backoff_begin(const struct params *p);
/* Says E, what it waits for and what to check, then waits for one pause. */
void backoff_wait(struct backoff *b, const struct error *e);
/* The cause lies with whoever started this machine and stays as it is: says so now and every 30 seconds, until power-off. */
void stop(const struct error *e) __attribute__((noreturn));

/* --- modules.c: kernel modules ------------------------------------------------------------------------------------- */

/* Opens the initrd's modules for the running kernel. */
int modules_init(struct error *e);
/* Loads a module and what it needs, by its name or an alias. -ENOENT: not in this initrd. Built in or loaded: 0. */
int module_load(const char *name, struct error *e);
/* Loads the modules of every device in /sys that are in this initrd; returns how many devices there are. */
unsigned modules_coldplug(void);
/* What the kernel runs as modprobe: ends the process. */
int modprobe_main(int argc, char **argv);

/* --- net.c: the storage network ------------------------------------------------------------------------------------ */

struct netif {
	int index;
	char name[IFNAME_SIZE];
	struct mac mac;
	unsigned mtu;
	bool ethernet, carrier;
};

/* At most MAX interfaces, without the loopback, into RET; returns how many there are, or a negative errno. */
int net_list(struct netif *ret, size_t max, struct error *e);
/* Those interfaces as a person reads them: "eth0 52:54:00:12:34:56, eth1 …". */
char *net_describe(char *dst, size_t size, const struct netif *v, size_t n);
/* Finds the interface that P names and sets it up. -ENODEV: E says which there are. */
int net_up(const struct params *p, struct netif *ret, struct error *e);
/* Whether it has a link now. */
bool net_has_carrier(int index);
/* Adds an address; 0 also when it is there already. */
int net_add_address(int index, uint32_t ip, uint32_t mask, struct error *e);

/* --- portal.c, iscsi.c: the SAN ------------------------------------------------------------------------------------ */

/* Connects to an iSCSI portal; returns the socket or a negative errno, E says what to check. */
int portal_connect(uint32_t ip, unsigned port, struct error *e);
/*
 * Asks the portal for its targets (RFC 7143, a discovery session). *RET_NAMES: one per line, the caller's to free.
 */
int portal_discover(int fd, const char *initiator, char **ret_names, struct error *e);

struct san {
	uint32_t ip;
	unsigned port;
	char target[224], initiator[64];
	unsigned sessions;
};
/*
 * Finds the target when P names none, and logs in through every portal that answers; one is enough, and is in RET. The kernel holds the sessions
 * afterwards.
 */
int iscsi_login(const struct params *p, const struct mac *mac, struct san *ret, struct error *e);

/* --- ibft.c: what the firmware knows of the SAN (ACPI table iBFT, as the kernel shows it) --------------------------------- */

struct ibft {
	char initiator[224], target[224];  /* iSCSI names; "" when there is no table, or none in it */
	char user[256], secret[256];       /* of CHAP; "" = none */
	char user_in[256], secret_in[256]; /* with which the SAN proves itself; "" = it need not */
};
/* Reads it below ROOT ("" on a machine). False: this firmware has none. */
bool ibft_read(const char *root, struct ibft *ret);

/* --- sanroot.c, liveroot.c: the two roots. Return when NEW_ROOT is mounted; they wait for what is not there. ---------- */

void sanroot_mount(const struct params *p);
void liveroot_mount(const struct params *p);

/* --- fs.c: mounting -------------------------------------------------------------------------------------------------- */

/* mount(2), the mount point made before. */
int fs_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options, struct error *e);
/* Grows the ext4 on DEVICE, mounted at TARGET, to the device's size. Returns 1 when it grew, 0 when it was as large. */
int fs_grow_ext4(const char *device, const char *target, uint64_t *ret_bytes, struct error *e);
/* A read-only loop device over FILE; its path into RET. */
int fs_loop(const char *file, char ret[32], struct error *e);
/* Whether DEVICE holds an ISO 9660 file system with this label. */
bool fs_is_iso9660(const char *device, const char *label);

/* --- handover.c: leaving --------------------------------------------------------------------------------------------- */

/* Writes TEXT to /run/byre/NAME. */
int run_write(const char *name, mode_t mode, const char *text, struct error *e);
/*
 * Moves /dev /proc /sys /run, frees the initrd's memory and runs the root's INIT with our arguments behind it. Returns only when
 * that failed: with nothing moved when there is no INIT in the root. */
int handover(const char *init, char **argv, struct error *e);

#endif

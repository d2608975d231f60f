/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SHADOW     "etc/shadow"
#define SHADOW_NEW "etc/.shadow.byre"

/* --- root's password ---------------------------------------------------------------------------------------------- */

/* Root's line in TEXT: its start, or NULL. */
static char *root_line(char *text)
{
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "root:", 5) == 0)
			return line;
	}
	return NULL;
}

/* Writes B beside etc/shadow with the owner and mode of the old file, and puts it in its place. */
static int replace_shadow(int rootfd, const struct buf *b)
{
	struct stat st;
	cleanup_fd int fd = -1;

	if (fstatat(rootfd, SHADOW, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (unlinkat(rootfd, SHADOW_NEW, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(rootfd, SHADOW_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write_full(fd, buf_str(b), b->len) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0 ||
	    fsync(fd) < 0 || renameat(rootfd, SHADOW_NEW, rootfd, SHADOW) < 0) {
		int r = -errno;

		unlinkat(rootfd, SHADOW_NEW, 0);
		return r;
	}
	return 0;
}

int shadow_set_root(int rootfd, const char *hash, bool dry_run, struct error *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *text = NULL;
	char *line, *old;
	size_t len;
	int r = file_read(rootfd, SHADOW, 1 << 20, &text, NULL, e);

	if (r < 0)
		return r;
	line = root_line(text);
	if (!line)
		return error_set(e, EINVAL, "/" SHADOW ": no line for root");
	if (!*hash)
		hash = "*";
	old = line + strlen("root:");
	len = strcspn(old, ":\n");
	if (len == strlen(hash) && strncmp(old, hash, len) == 0)
		return 0;
	if (dry_run)
		return 1;
	buf_add(&b, text, (size_t)(old - text));
	buf_puts(&b, hash);
	buf_puts(&b, old + len);
	r = buf_ok(&b) ? replace_shadow(rootfd, &b) : -ENOMEM;
	return r < 0 ? error_errno(e, r, "/" SHADOW) : 1;
}

/* --- host name and address -------------------------------------------------------------------------------------------- */

int hostname_set(const char *name, struct error *e)
{
	char now[256] = "";

	gethostname(now, sizeof(now) - 1);
	if (strcmp(now, name) == 0)
		return 0;
	return sethostname(name, strlen(name)) < 0 ? error_errno(e, errno, "sethostname %s", name) : 0;
}

static bool is_ip(const struct ifaddrs *i, uint32_t ip)
{
	const struct sockaddr_in *in = (const void *)i->ifa_addr;

	return in && in->sin_family == AF_INET && ntohl(in->sin_addr.s_addr) == ip;
}

static bool is_mac(const struct ifaddrs *i, const struct mac *mac)
{
	const struct sockaddr_ll *ll = (const void *)i->ifa_addr;

	return ll && ll->sll_family == AF_PACKET && ll->sll_halen == sizeof(mac->b) && memcmp(ll->sll_addr, mac->b, sizeof(mac->b)) == 0;
}

/* 1: the address is there; 0: it is not, and RET_IF is the interface with the MAC address ("" when there is none). */
static int find_boot_if(const struct node *self, char ret_if[IF_NAMESIZE])
{
	struct ifaddrs *all;
	int found = 0;

	ret_if[0] = '\0';
	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (is_ip(i, self->boot_ip))
			found = 1;
		if (is_mac(i, &self->mac) && !ret_if[0])
			snprintf(ret_if, IF_NAMESIZE, "%s", i->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

int boot_address_set(const struct cluster *c, const struct node *self, struct error *e)
{
	char interface[IF_NAMESIZE], ip[IP4_LEN], address[IP4_LEN + 4];
	int r = find_boot_if(self, interface);

	if (r < 0)
		return error_errno(e, r, "listing the network interfaces");
	if (r == 1 || !interface[0])
		return 0;
	snprintf(address, sizeof(address), "%s/%d", ip4_format(ip, self->boot_ip), ip4_mask_bits(c->settings.netmask_netboot));
	r = spawn_simple(e, "ip", "address", "replace", address, "dev", interface, NULL);
	return r < 0 ? r : spawn_simple(e, "ip", "link", "set", interface, "up", NULL);
}

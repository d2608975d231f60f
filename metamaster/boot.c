/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot service's files, below run_dir:
 *   dnsmasq.conf, dhcp-hosts, names   dnsmasq's; the last two are reread at SIGHUP
 *   tftp/lpxelinux.0                  all that TFTP serves
 *   http/pxelinux.cfg/01-MAC          for pxelinux, whose modules are beside the folder
 *   http/ipxe/MAC                     for firmware that is iPXE
 */
#include "meta.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/spawn.h"
#include "base/str.h"
#include "member/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CONF       "dnsmasq.conf"
#define CHECK      "check.conf"
#define LOADER_DIR "/usr/lib/PXELINUX"
#define MODULE_DIR "/usr/lib/syslinux/modules/bios"
#define MAX_LOADER (4 << 20)

#define PXELINUX_DIR "pxelinux.cfg"

/* A file for each node, by its MAC address: PREFIX and six pairs of hex digits. */
static const struct loader {
	const char *folder, *prefix;
	services_loader_fn *generate;
} loaders[] = {
	{PXELINUX_DIR, "01-", services_pxelinux},
	{SERVICES_IPXE_DIR, "", services_ipxe},
};

/* Everything that is generated, before any of it is written. */
struct texts {
	struct buf conf, hosts, names;
};

static void free_texts(struct texts *t)
{
	buf_free(&t->conf);
	buf_free(&t->hosts);
	buf_free(&t->names);
}

/* A descriptor that can be handed to a child as one of its first. */
static int open_high(const char *path)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 64);
}

int boot_init(struct boot *b, const struct options *o, struct error *e)
{
	static const char *const folders[] = {"", "/tftp", "/http", "/http/" PXELINUX_DIR, "/http/" SERVICES_IPXE_DIR};
	char path[256];

	b->o = o;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", o->run_dir, folders[i]);
		if (dir_make(AT_FDCWD, path, 0755, e) < 0)
			return -e->code;
	}
	snprintf(path, sizeof(path), "%s/http", o->run_dir);
	b->dir = open_high(o->run_dir);
	b->http_dir = open_high(path);
	return b->dir < 0 || b->http_dir < 0 ? error_errno(e, errno, "%s", o->run_dir) : 0;
}

bool boot_has_config(const struct boot *b)
{
	return faccessat(b->dir, CONF, R_OK, 0) == 0;
}

/* --- dnsmasq ------------------------------------------------------------------------------------------------------ */

struct asked {
	const struct boot *b;
	unsigned self;
};

static bool answers(const struct node *n, void *data)
{
	const struct asked *a = data;

	return !a->b->n_live || share_answers(a->b->live, a->b->n_live, a->b->o->answers, a->self, &n->mac);
}

static int generate_hosts(const struct boot *b, const struct cluster *c, const struct node *self, struct buf *ret, struct error *e)
{
	struct asked a = {b, self->number};

	return services_dhcp_hosts(c, answers, &a, ret, e);
}

static int generate(const struct boot *b, const struct cluster *c, const struct node *self, const struct boot_service *bs, struct texts *t,
		    struct error *e)
{
	int r = services_dnsmasq(c, self, bs, &t->conf, e);

	if (r == 0)
		r = generate_hosts(b, c, self, &t->hosts, e);
	if (r == 0)
		r = services_dns_names(c, &t->names, e);
	if (r == 0 && (!buf_ok(&t->conf) || !buf_ok(&t->hosts) || !buf_ok(&t->names)))
		r = error_errno(e, ENOMEM, "boot service");
	return r;
}

/* dnsmasq --test does not read the file of hosts: for the test they are options of the configuration. */
static int check(const struct boot *b, const struct texts *t, struct error *e)
{
	struct buf all CLEANUP(buf_free) = BUF_INIT;
	char path[256];
	int r;

	buf_puts(&all, buf_str(&t->conf));
	for (const char *line = buf_str(&t->hosts); *line;) {
		int len = (int)strcspn(line, "\n");

		buf_printf(&all, "dhcp-host=%.*s\n", len, line);
		line += len + (line[len] == '\n');
	}
	if (!buf_ok(&all))
		return error_errno(e, ENOMEM, CHECK);
	snprintf(path, sizeof(path), "%s/" CHECK, b->o->run_dir);
	r = file_write(b->dir, CHECK, 0644, buf_str(&all), all.len, e);
	if (r == 0)
		r = spawn_simple(e, b->o->dnsmasq, "--test", "-C", path, NULL);
	unlinkat(b->dir, CHECK, 0);
	return r < 0 ? error_wrap(e, "dnsmasq refuses what is to be served") : 0;
}

static bool is_file(int dir, const char *path, const struct buf *text)
{
	cleanup_free char *now = NULL;
	size_t len = 0;

	return file_read(dir, path, text->len, &now, &len, NULL) == 0 && len == text->len && memcmp(now, buf_str(text), len) == 0;
}

/* 1: written, 0: it was so already. */
static int update(const struct boot *b, const char *path, const struct buf *text, struct error *e)
{
	return file_update(b->dir, path, 0644, buf_str(text), text->len, e);
}

static int write_dnsmasq(const struct boot *b, const struct texts *t, enum boot_change *ret, struct error *e)
{
	int hosts, names, conf = 0;

	*ret = BOOT_SAME;
	if (!is_file(b->dir, CONF, &t->conf) || !is_file(b->dir, SERVICES_DHCP_HOSTS, &t->hosts)) {
		int r = check(b, t, e);

		if (r < 0)
			return r;
	}
	hosts = update(b, SERVICES_DHCP_HOSTS, &t->hosts, e);
	names = hosts < 0 ? hosts : update(b, SERVICES_DNS_NAMES, &t->names, e);
	conf = names < 0 ? names : update(b, CONF, &t->conf, e);
	if (conf < 0)
		return conf;
	if (conf)
		*ret = BOOT_RESTART;
	else if (hosts || names)
		*ret = BOOT_REREAD;
	return 0;
}

/* --- the loader, and what it and iPXE are told ------------------------------------------------------------------------------------ */

static int copy(const struct boot *b, const char *from, const char *to, const char *package, struct error *e)
{
	cleanup_free char *data = NULL;
	size_t len;
	int r = file_read(AT_FDCWD, from, MAX_LOADER, &data, &len, e);

	if (r == -ENOENT)
		return error_set(e, ENOENT, "%s is missing: install the package %s", from, package);
	return r < 0 ? r : file_update(b->dir, to, 0644, data, len, e);
}

static int copy_loader(const struct boot *b, struct error *e)
{
	static const char *const modules[] = {"ldlinux.c32", "libcom32.c32", "reboot.c32"};
	int r = copy(b, LOADER_DIR "/" SERVICES_LOADER, "tftp/" SERVICES_LOADER, "pxelinux", e);

	for (size_t i = 0; i < ARRAY_SIZE(modules) && r >= 0; i++) {
		char from[128], to[64];

		snprintf(from, sizeof(from), MODULE_DIR "/%s", modules[i]);
		snprintf(to, sizeof(to), "http/%s", modules[i]);
		r = copy(b, from, to, "syslinux-common", e);
	}
	return r < 0 ? r : 0;
}

static void file_name(char dst[32], const struct loader *l, const struct mac *mac)
{
	snprintf(dst, 32, "%s%02x-%02x-%02x-%02x-%02x-%02x", l->prefix, mac->b[0], mac->b[1], mac->b[2], mac->b[3], mac->b[4], mac->b[5]);
}

static int write_files(const struct boot *b, const struct loader *l, const struct cluster *c, const struct boot_service *bs,
		       struct error *e)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		struct buf text CLEANUP(buf_free) = BUF_INIT;
		char name[32], path[64];
		int r = l->generate(c, &c->nodes[i], bs, &text, e);

		file_name(name, l, &c->nodes[i].mac);
		snprintf(path, sizeof(path), "http/%s/%s", l->folder, name);
		if (r == 0)
			r = buf_ok(&text) ? update(b, path, &text, e) : error_errno(e, ENOMEM, "%s", path);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_some_nodes(const struct cluster *c, const struct loader *l, const char *name)
{
	char own[32];

	for (size_t i = 0; i < c->n_nodes; i++) {
		file_name(own, l, &c->nodes[i].mac);
		if (strcmp(own, name) == 0)
			return true;
	}
	return false;
}

static void remove_old_files(const struct boot *b, const struct loader *l, const struct cluster *c)
{
	int fd = openat(b->http_dir, l->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.' && !is_some_nodes(c, l, de->d_name))
			unlinkat(fd, de->d_name, 0);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

int boot_activate(struct boot *b, const struct cluster *c, const struct node *self, const char *interface, enum boot_change *ret,
		  struct error *e)
{
	struct texts t CLEANUP(free_texts) = {BUF_INIT, BUF_INIT, BUF_INIT};
	char tftp[256], url[64], ip[IP4_LEN];
	const struct boot_service bs = {interface, tftp, url, b->o->run_dir, b->o->dnsmasq_user};
	int r;

	snprintf(tftp, sizeof(tftp), "%s/tftp", b->o->run_dir);
	snprintf(url, sizeof(url), "http://%s:%d", ip4_format(ip, self->boot_ip), SERVICES_HTTP_PORT);
	r = generate(b, c, self, &bs, &t, e);
	if (r == 0)
		r = copy_loader(b, e);
	if (r == 0)
		r = write_dnsmasq(b, &t, ret, e);
	for (size_t i = 0; i < ARRAY_SIZE(loaders) && r == 0; i++)
		r = write_files(b, &loaders[i], c, &bs, e);
	for (size_t i = 0; i < ARRAY_SIZE(loaders) && r == 0; i++)
		remove_old_files(b, &loaders[i], c);
	return r;
}

int boot_share(struct boot *b, const struct cluster *c, const struct node *self, enum boot_change *ret, struct error *e)
{
	struct buf hosts CLEANUP(buf_free) = BUF_INIT;
	int r = generate_hosts(b, c, self, &hosts, e);

	*ret = BOOT_SAME;
	if (r == 0)
		r = buf_ok(&hosts) ? update(b, SERVICES_DHCP_HOSTS, &hosts, e) : error_errno(e, ENOMEM, SERVICES_DHCP_HOSTS);
	if (r > 0)
		*ret = BOOT_REREAD;
	return r < 0 ? r : 0;
}

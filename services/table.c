/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "services/services.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "generators.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const struct service_file name_files[] = {
	{"/etc/hostname", 0644, generate_hostname},
	{"/etc/hosts", 0644, generate_hosts},
	{"/etc/resolv.conf", 0644, generate_resolv_conf},
	{NULL, 0, NULL},
};

static const struct service_file ssh_files[] = {
	{"/etc/ssh/ssh_host_ed25519_key", 0600, generate_host_key},   {"/etc/ssh/ssh_host_ed25519_key.pub", 0644, generate_host_key_public},
	{"/etc/ssh/ssh_known_hosts", 0644, generate_known_hosts},     {"/etc/ssh/authorized_keys.d/root", 0644, generate_authorized_keys},
	{"/etc/ssh/root_ed25519", 0600, generate_root_key},           {"/etc/ssh/sshd_config.d/byre.conf", 0644, generate_sshd_conf},
	{"/etc/ssh/ssh_config.d/byre.conf", 0644, generate_ssh_conf}, {NULL, 0, NULL},
};

static const struct service_file iscsi_files[] = {
	{"/etc/iscsi/initiatorname.iscsi", 0600, generate_initiator_name},
	{NULL, 0, NULL},
};

static const struct service_file record_files[] = {
	{"/etc/install/INSTALL.info", 0600, generate_install_info},
	{NULL, 0, NULL},
};

/* The boot services have no files here: metamaster makes theirs from services_dnsmasq and its like, beside the running dnsmasq. */
const struct service services_table[] = {
	{"dhcp", SERVICE_ACTIVE, "dnsmasq-base", "any other node gives the same address", NULL, NULL},
	{"tftp", SERVICE_ACTIVE, "dnsmasq-base", "a loader cut short is asked for again, from another node", NULL, NULL},
	{"http", SERVICE_ACTIVE, "byre", "a machine whose kernel was cut short starts anew, from another node", NULL, NULL},
	{"dns", SERVICE_ACTIVE, "dnsmasq-base", "the next of three servers is asked after 1 s", NULL, name_files},
	{"ssh", SERVICE_NODE, "openssh-server", "its sessions end", "ssh.service", ssh_files},
	{"iscsi", SERVICE_NODE, "open-iscsi", "nothing", NULL, iscsi_files},
	{"record", SERVICE_NODE, "byre", "nothing: every node has the installation's record", NULL, record_files},
	{NULL, SERVICE_ACTIVE, NULL, NULL, NULL, NULL},
};

const char *service_class_name(enum service_class class)
{
	static const char *const names[] = {"active", "passive", "node-oriented", "self-healing"};

	return (unsigned)class < ARRAY_SIZE(names) ? names[class] : "unknown";
}

/* Whether the file at PATH below ROOTFD is other than TEXT. */
static bool differs(int rootfd, const char *path, const struct buf *text)
{
	cleanup_free char *now = NULL;
	size_t len = 0;

	if (file_read(rootfd, path, text->len, &now, &len, NULL) < 0)
		return true;
	return len != text->len || memcmp(now, buf_str(text), len) != 0;
}

static int make_folder(int rootfd, const char *path, struct error *e)
{
	char folder[256];
	char *slash;

	if (str_copy(folder, sizeof(folder), path) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	return dir_make(rootfd, folder, 0755, e);
}

struct render {
	const struct cluster *c;
	const struct node *self;
	int rootfd;
	bool dry_run;
	services_tell_fn *tell;
	void *data;
};

static int render_file(const struct render *r, const struct service *s, const struct service_file *f, struct error *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = f->path + 1;
	int ret = f->generate(r->c, r->self, &text, e);

	if (ret == 0 && !buf_ok(&text))
		ret = error_errno(e, ENOMEM, "generating");
	if (ret < 0)
		return error_wrap(e, "%s: %s", s->name, f->path);
	if (!differs(r->rootfd, path, &text))
		return 0;
	if (r->tell)
		r->tell(s, f, r->data);
	if (r->dry_run)
		return 0;
	ret = make_folder(r->rootfd, path, e);
	if (ret == 0)
		ret = file_write(r->rootfd, path, f->mode, buf_str(&text), text.len, e);
	if (f->mode == 0600 && text.data)
		explicit_bzero(text.data, text.len);
	return ret;
}

int services_render_tell(const struct cluster *c, const struct node *self, int rootfd, bool dry_run, services_tell_fn *tell, void *data,
			 struct error *e)
{
	const struct render r = {c, self, rootfd, dry_run, tell, data};

	for (const struct service *s = services_table; s->name; s++) {
		for (const struct service_file *f = s->files; f && f->path; f++) {
			int ret = render_file(&r, s, f, e);

			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

static void count(const struct service *s, const struct service_file *f, void *data)
{
	(void)s;
	(void)f;
	++*(unsigned *)data;
}

int services_render(const struct cluster *c, const struct node *self, int rootfd, unsigned *ret_changed, struct error *e)
{
	unsigned changed = 0;
	int r = services_render_tell(c, self, rootfd, false, count, &changed, e);

	if (r == 0 && ret_changed)
		*ret_changed = changed;
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ssh: keys that are derived from the cluster's key, so that a node has the same one after a reset and every node knows all of
 * them. The private key's format is that of OpenSSH's PROTOCOL.key (openssh-key-v1), without a passphrase.
 */
#include "generators.h"

#include "base/str.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define KEY_TYPE "ssh-ed25519"

struct key {
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
};

/* CONTEXT (8 bytes) and ID name the key among all that derive from the cluster's. */
static int derive(const struct cluster *c, const char *context, uint64_t id, struct key *ret, struct error *e)
{
	unsigned char seed[crypto_sign_SEEDBYTES];
	int r;

	if (sodium_init() < 0)
		return error_set(e, EIO, "libsodium does not start");
	r = crypto_kdf_derive_from_key(seed, sizeof(seed), id, context, c->key);
	if (r == 0)
		r = crypto_sign_seed_keypair(ret->public, ret->secret, seed);
	sodium_memzero(seed, sizeof(seed));
	return r == 0 ? 0 : error_set(e, EIO, "deriving an ssh key");
}

static int derive_host(const struct cluster *c, const struct node *n, struct key *ret, struct error *e)
{
	return derive(c, "byre-ssh", n->number, ret, e);
}

/* --- the binary form: numbers big-endian, strings with their length in front (RFC 4251, section 5) --- */

static void put_u32(struct buf *b, uint32_t v)
{
	const unsigned char be[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};

	buf_add(b, be, sizeof(be));
}

static void put_string(struct buf *b, const void *data, size_t len)
{
	put_u32(b, (uint32_t)len);
	buf_add(b, data, len);
}

static void put_public(struct buf *b, const struct key *k)
{
	put_string(b, KEY_TYPE, strlen(KEY_TYPE));
	put_string(b, k->public, sizeof(k->public));
}

/* The part of the private key that a passphrase would encrypt, filled up to 8 bytes. */
static void put_secret(struct buf *b, const struct key *k, const char *comment)
{
	for (int i = 0; i < 2; i++) /* twice the same number shows that decryption worked */
		buf_add(b, k->public, 4);
	put_public(b, k);
	put_string(b, k->secret, sizeof(k->secret));
	put_string(b, comment, strlen(comment));
	for (unsigned char i = 1; b->len % 8; i++)
		buf_add(b, &i, 1);
}

static void free_secret(struct buf *b)
{
	if (b->data)
		sodium_memzero(b->data, b->size);
	buf_free(b);
}

/* Base64 in lines of WIDTH (0: one line without a newline). */
static void put_base64(struct buf *b, const struct buf *raw, size_t width)
{
	char text[1024];
	size_t len;

	if (!buf_ok(raw) || sodium_base64_encoded_len(raw->len, sodium_base64_VARIANT_ORIGINAL) > sizeof(text)) {
		b->failed = true;
		return;
	}
	sodium_bin2base64(text, sizeof(text), (const unsigned char *)buf_str(raw), raw->len, sodium_base64_VARIANT_ORIGINAL);
	len = strlen(text);
	for (size_t at = 0; at < len; at += width ? width : len) {
		buf_printf(b, "%.*s", (int)(width && width < len - at ? width : len - at), text + at);
		if (width)
			buf_puts(b, "\n");
	}
	sodium_memzero(text, sizeof(text));
}

static void print_private(const struct key *k, const char *comment, struct buf *b)
{
	struct buf raw CLEANUP(free_secret) = BUF_INIT, secret CLEANUP(free_secret) = BUF_INIT, public CLEANUP(buf_free) = BUF_INIT;

	put_public(&public, k);
	put_secret(&secret, k, comment);
	buf_add(&raw, "openssh-key-v1", sizeof("openssh-key-v1"));
	put_string(&raw, "none", 4); /* cipher */
	put_string(&raw, "none", 4); /* key derivation */
	put_string(&raw, "", 0);     /* its options */
	put_u32(&raw, 1);            /* one key */
	put_string(&raw, buf_str(&public), public.len);
	put_string(&raw, buf_str(&secret), secret.len);
	if (!buf_ok(&public) || !buf_ok(&secret))
		raw.failed = true;
	buf_puts(b, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	put_base64(b, &raw, 70);
	buf_puts(b, "-----END OPENSSH PRIVATE KEY-----\n");
}

static void print_public(const struct key *k, const char *comment, struct buf *b)
{
	struct buf raw CLEANUP(buf_free) = BUF_INIT;

	put_public(&raw, k);
	buf_puts(b, KEY_TYPE " ");
	put_base64(b, &raw, 0);
	buf_printf(b, "%s%s\n", *comment ? " " : "", comment);
}

static void print_key(struct key *k, const char *comment, struct buf *private_key, struct buf *public_key)
{
	if (private_key)
		print_private(k, comment, private_key);
	if (public_key)
		print_public(k, comment, public_key);
	sodium_memzero(k, sizeof(*k));
}

int services_ssh_host_key(const struct cluster *c, const struct node *n, struct buf *private_key, struct buf *public_key, struct error *e)
{
	struct key k;
	int r = derive_host(c, n, &k, e);

	if (r == 0)
		print_key(&k, n->name, private_key, public_key);
	return r;
}

int services_ssh_root_key(const struct cluster *c, struct buf *private_key, struct buf *public_key, struct error *e)
{
	char comment[2 * NAME_SIZE];
	struct key k;
	int r = derive(c, "byreroot", 0, &k, e);

	snprintf(comment, sizeof(comment), "root@%s", c->settings.container_name);
	if (r == 0)
		print_key(&k, comment, private_key, public_key);
	return r;
}

/* --- files --- */

int generate_host_key(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	return services_ssh_host_key(c, self, b, NULL, e);
}

int generate_host_key_public(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	return services_ssh_host_key(c, self, NULL, b, e);
}

int generate_root_key(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)self;
	return services_ssh_root_key(c, b, NULL, e);
}

static void add_host_names(const struct cluster *c, const struct node *n, struct buf *b)
{
	char ip[IP4_LEN];

	buf_puts(b, n->name);
	if (c->settings.domain[0])
		buf_printf(b, ",%s.%s", n->name, c->settings.domain);
	buf_printf(b, ",%s", ip4_format(ip, n->boot_ip));
	if (n->storage_ip != n->boot_ip)
		buf_printf(b, ",%s-storage,%s", n->name, ip4_format(ip, n->storage_ip));
}

int generate_known_hosts(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)self;
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		struct key k;
		int r = derive_host(c, n, &k, e);

		if (r < 0)
			return r;
		add_host_names(c, n, b);
		buf_puts(b, " ");
		print_public(&k, "", b);
		sodium_memzero(&k, sizeof(k));
	}
	return 0;
}

int generate_authorized_keys(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)self;
	for (size_t i = 0; i < c->settings.n_ssh_keys; i++)
		buf_printf(b, "%s\n", c->settings.ssh_keys[i]);
	return services_ssh_root_key(c, NULL, b, e);
}

int generate_sshd_conf(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)c;
	(void)self;
	(void)e;
	buf_puts(b, "# made by byre-services: changes are lost at the next boot\n"
		    "# The one host key is derived from the cluster's key; keys that may log in come from the state and from the user.\n"
		    "HostKey /etc/ssh/ssh_host_ed25519_key\n"
		    "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n");
	return 0;
}

int generate_ssh_conf(const struct cluster *c, const struct node *self, struct buf *b, struct error *e)
{
	(void)c;
	(void)self;
	(void)e;
	buf_puts(b, "# made by byre-services: changes are lost at the next boot\n"
		    "# root reaches root on every node.\n"
		    "Match localuser root\n"
		    "    IdentityFile ~/.ssh/id_ed25519\n"
		    "    IdentityFile ~/.ssh/id_rsa\n"
		    "    IdentityFile /etc/ssh/root_ed25519\n");
	return 0;
}

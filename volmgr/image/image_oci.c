/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_oci.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/members.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define LAYER_TYPE    "application/vnd.oci.image.layer."
#define WHITEOUT      ".wh."
#define OPAQUE        ".wh..wh..opq"

typedef json_t *json_ref;
static void freep_json(json_ref *j)
{
	json_decref(*j);
}

static int parse(const char *text, size_t len, json_ref *ret, struct error *e)
{
	json_error_t why;

	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!*ret)
		return error_set(e, EINVAL, "no JSON: %.100s", why.text);
	return json_is_object(*ret) ? 0 : error_set(e, EINVAL, "no JSON object");
}

static const char *member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int oci_check_layout(const char *text, size_t len, struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	int r = parse(text, len, &root, e);

	if (r < 0)
		return r;
	if (!str_starts(member(root, "imageLayoutVersion"), "1."))
		return error_set(e, EINVAL, "image layout version '%.20s' is not known here", member(root, "imageLayoutVersion"));
	return 0;
}

/* {"mediaType", "digest": "sha256:…", "size"} */
static int read_descriptor(const json_t *o, struct oci_descriptor *ret, struct error *e)
{
	const char *digest = member(o, "digest"), *hex = strchr(digest, ':');
	unsigned char sum[32];

	if (!hex || !str_starts(digest, "sha256:"))
		return error_set(e, EINVAL, "digest '%.20s': only sha256 is known here", digest);
	hex++;
	if (strlen(hex) != 64 || str_unhex(hex, sum, sizeof(sum)) < 0)
		return error_set(e, EINVAL, "digest 'sha256:%.70s' is none", hex);
	if (member_u64(o, "size", INT64_MAX, &ret->bytes, e) < 0)
		return error_wrap(e, "blob %.12s...", hex);
	str_hex(ret->sha256, sum, sizeof(sum)); /* in lower case, as it is on disk */
	return 0;
}

/* --- index --------------------------------------------------------------------------------------------------------------------- */

static bool is_ours(const json_t *entry)
{
	const json_t *platform = json_object_get(entry, "platform");

	return strcmp(member(platform, "os"), "linux") == 0 && strcmp(member(platform, "architecture"), "amd64") == 0;
}

/* An entry without a platform may be ours. */
static const json_t *choose(const json_t *entries, struct error *e)
{
	const json_t *entry, *ours = NULL, *any = NULL;
	size_t i, n_ours = 0, n_any = 0;

	json_array_foreach(entries, i, entry)
	{
		if (is_ours(entry)) {
			ours = entry;
			n_ours++;
		} else if (!json_object_get(entry, "platform")) {
			any = entry;
			n_any++;
		}
	}
	if (n_ours > 1 || (n_ours == 0 && n_any > 1))
		error_set(e, ENOTUNIQ, "%zu images are in it: a layout with one is wanted", n_ours ? n_ours : n_any);
	else if (n_ours == 0 && n_any == 0)
		error_set(e, ENOENT, "there is no image for Linux on x86-64 in it");
	else
		return n_ours ? ours : any;
	return NULL;
}

int oci_choose(const char *text, size_t len, struct oci_descriptor *ret, bool *ret_index, struct error *e)
{
	json_ref root CLEANUP(freep_json) = NULL;
	const json_t *entry;
	int r = parse(text, len, &root, e);

	if (r < 0)
		return r;
	entry = choose(json_object_get(root, "manifests"), e);
	if (!entry)
		return e ? -e->code : -ENOENT;
	if (strcmp(member(entry, "mediaType"), INDEX_TYPE) != 0 && strcmp(member(entry, "mediaType"), MANIFEST_TYPE) != 0)
		return error_set(e, EINVAL, "media type '%.80s' is not known here", member(entry, "mediaType"));
	*ret_index = strcmp(member(entry, "mediaType"), INDEX_TYPE) == 0;
	return read_descriptor(entry, ret, e);
}

/* --- manifest ------------------------------------------------------------------------------------------------------------------- */

/* How a layer is packed tells its first bytes; here only that it is a tar archive, and one that can be had. */
static int read_layer(const json_t *o, struct oci_descriptor *ret, struct error *e)
{
	const char *type = member(o, "mediaType");

	if (!str_starts(type, LAYER_TYPE) || !strstr(type, ".tar"))
		return error_set(e, EINVAL, "a layer of type '%.80s' is not known here", type);
	return read_descriptor(o, ret, e);
}

int oci_layers(const char *text, size_t len, struct oci_descriptor **ret, size_t *ret_n, struct error *e)
{
	cleanup_free struct oci_descriptor *layers = NULL;
	json_ref root CLEANUP(freep_json) = NULL;
	const json_t *list;
	int r = parse(text, len, &root, e);
	size_t n;

	if (r < 0)
		return r;
	list = json_object_get(root, "layers");
	n = json_array_size(list);
	if (json_integer_value(json_object_get(root, "schemaVersion")) != 2 || n == 0 || n > OCI_LAYERS_MAX)
		return error_set(e, EINVAL, "no manifest with 1 to %d layers", OCI_LAYERS_MAX);
	layers = calloc(n, sizeof(*layers));
	if (!layers)
		return error_errno(e, ENOMEM, "layers");
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_layer(json_array_get(list, i), &layers[i], e);
	if (r < 0)
		return r;
	*ret = steal_ptr(layers);
	*ret_n = n;
	return 0;
}

bool oci_whiteout(const char *path, char *ret, bool *ret_opaque)
{
	const char *name = str_base(path);
	size_t folder = (size_t)(name - path);
	const char *rest;

	if (!str_starts(name, WHITEOUT))
		return false;
	memmove(ret, path, folder);
	*ret_opaque = strcmp(name, OPAQUE) == 0;
	rest = *ret_opaque ? "." : name + strlen(WHITEOUT);
	memmove(ret + folder, rest, strlen(rest) + 1);
	return *ret_opaque || (ret[folder] && strcmp(ret + folder, ".") != 0 && strcmp(ret + folder, "..") != 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volume manager's library on the command line, for volmgr.sh: each word of the interface is one verb. Cluster and disk are what the test says. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/document.h"
#include "volmgr/change.h"
#include "volmgr/volmgr.h"
#include "volmgr/volumes.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char *disk, *container;

static int load(struct state_area **ret, struct cluster *c, const char ***ret_pvs, struct error *e)
{
	struct container_place place;
	struct state_report rep;
	int n = container_find(container, &place, 1, e), r;

	if (n < 0)
		return n;
	if (n != 1)
		return error_set(e, ENOENT, "%d containers %s", n, container);
	r = state_area_open(place.state, true, ret, e);
	if (r == 0)
		r = state_area_load(*ret, c, &rep, e);
	if (r == 0 && rep.warning[0])
		fprintf(stderr, "warning: %s\n", rep.warning);
	return r == 0 ? cluster_pv_paths(c, ret_pvs, e) : r;
}

static void settle(struct cluster *c, unsigned nodes, char **size)
{
	struct settings *s = &c->settings;

	snprintf(s->container_name, sizeof(s->container_name), "%s", container);
	snprintf(s->free_space_allocation, sizeof(s->free_space_allocation), "%s", getenv("RANGE") ? getenv("RANGE") : "largest");
	snprintf(s->base_distribution, sizeof(s->base_distribution), "try");
	snprintf(s->shared_fs_id, sizeof(s->shared_fs_id), "sharedfs");
	snprintf(s->domain, sizeof(s->domain), "cluster.internal");
	snprintf(s->cluster_hostname, sizeof(s->cluster_hostname), "node");
	s->number_of_nodes = nodes;
	s->storage_ip = 0xc0a8fafa;
	s->storage_netmask = s->netmask_netboot = 0xffff0000;
	s->storage_port = 3260;
	s->lease_timeout = 1;
	s->meta_master_ip = 0xc0a8fafb;
	s->primary_gateway_local_ip = 0xc0a80001;
	s->backup_gateway_local_ip = 0xc0a80002;
	s->spare_local_ip = 0xc0a8fafc;
	s->first_node_ip_netboot = s->first_node_ip_netstorage = 0xc0a80001;
	s->public_netmask = 0xffffff00;
	s->volume_size = strtoul(size[0], NULL, 10);
	s->store_size = strtoul(size[1], NULL, 10);
	s->swap_size = strtoul(size[2], NULL, 10);
	s->shared_size = strtoul(size[3], NULL, 10);
	c->nodes = calloc(nodes, sizeof(*c->nodes));
	c->n_nodes = nodes;
	for (unsigned i = 0; i < nodes; i++) {
		struct node *n = &c->nodes[i];

		n->number = i + 1;
		snprintf(n->name, sizeof(n->name), "node%u", i + 1);
		n->mac = (struct mac){{0x52, 0x54, 0, 1, (uint8_t)((i + 1) >> 8), (uint8_t)(i + 1)}};
		n->boot_ip = settings_boot_ip(s, i + 1);
		n->storage_ip = settings_storage_ip(s, i + 1);
		snprintf(n->machine_id, sizeof(n->machine_id), "%032x", i + 1);
	}
}

/* create NODES IMAGE VOLUME STORE SWAP SHARED (MiB): container, state, all but the published document; the cluster stays in C. */
static int create(struct cluster *c, char **argv, struct error *e)
{
	struct disk_info d CLEANUP(disk_info_free) = {.path = ""};
	struct container_plan p;
	int r = disk_inspect(disk, &d, e);

	settle(c, (unsigned)strtoul(argv[0], NULL, 10), argv + 2);
	if (r == 0)
		r = container_plan(&c->settings, &d, strtoull(argv[1], NULL, 10) << 20, &p, e);
	if (r == 0)
		r = container_create(c, &d, &p, "try", NULL, NULL, e);
	return r;
}

static int fill_image(struct cluster *c, const char *mkfs, struct error *e)
{
	char path[256], command[512];
	int r = image_open_new(c, &c->images[0], path, e);

	if (r < 0)
		return r;
	snprintf(command, sizeof(command), "set -e; d=%s; %s", path, mkfs);
	if (system(command) != 0)
		return error_set(e, EIO, "filling the image");
	return image_seal(c, &c->images[0], NULL, NULL, e);
}

static int do_install(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct container_place place;
	int r;

	cluster_init(&c);
	r = create(&c, argv, e);
	if (r == 0)
		r = fill_image(&c, argv[6], e);
	if (r < 0)
		return r;
	if (container_find(container, &place, 1, e) != 1)
		return error_set(e, EIO, "the new container is not found");
	r = state_area_open(place.state, true, &a, e);
	if (r == 0)
		r = state_area_publish(a, &c, e);
	printf("generation %llu sha256 %s\n", (unsigned long long)c.generation, c.images[0].sha256);
	return r;
}

static int do_abandon(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct disk_info d CLEANUP(disk_info_free) = {.path = ""};
	cleanup_free const char **pvs = NULL;
	int r;

	(void)argv;
	cluster_init(&c);
	r = load(&a, &c, &pvs, e);
	state_area_close(steal_ptr(a));
	if (r == 0)
		r = disk_inspect(disk, &d, e);
	return r == 0 ? container_abandon(&c, &d, e) : r;
}

/* What an installation that is cut off leaves. */
static int do_create(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};

	cluster_init(&c);
	return create(&c, argv, e);
}

static int do_remove_unfinished(char **argv, struct error *e)
{
	struct container_place place;
	int r = container_find_one(container, &place, e);

	(void)argv;
	return r == 0 ? container_remove_unfinished(&place, e) : r;
}

static int on_volume(char **argv, bool release, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	cleanup_free const char **pvs = NULL;
	const struct volume *v;
	char path[256];
	int r;

	cluster_init(&c);
	r = load(&a, &c, &pvs, e);
	v = r == 0 ? cluster_volume(&c, argv[0]) : NULL;
	if (r == 0 && !v)
		return error_set(e, ENOENT, "no volume %s", argv[0]);
	if (r == 0)
		r = release ? volume_release(&c, v, e) : volume_compose(&c, v, pvs, path, e);
	if (r == 0 && !release)
		puts(path);
	return r;
}

static int do_compose(char **argv, struct error *e)
{
	return on_volume(argv, false, e);
}

static int do_release(char **argv, struct error *e)
{
	return on_volume(argv, true, e);
}

static int do_publish(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	cleanup_free const char **pvs = NULL;
	int r;

	(void)argv;
	cluster_init(&c);
	r = load(&a, &c, &pvs, e);
	if (r == 0)
		r = state_area_publish(a, &c, e);
	if (r == 0)
		printf("generation %llu\n", (unsigned long long)c.generation);
	return r;
}

static int do_status(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	cleanup_free const char **pvs = NULL;
	int r;

	cluster_init(&c);
	r = load(&a, &c, &pvs, e);
	return r == 0 ? state_status_write(a, (unsigned)strtoul(argv[0], NULL, 10), argv[1], strlen(argv[1]), e) : r;
}

/* area DOCUMENT: makes DISK, a file, a state area that holds this document, as many times as its generation says. */
static int do_area(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	cleanup_free char *text = NULL;
	size_t len;
	uint64_t times;
	int r;

	cluster_init(&c);
	r = file_read(AT_FDCWD, argv[0], DOCUMENT_MAX, &text, &len, e);
	if (r == 0)
		r = document_parse(text, len, &c, e);
	if (r == 0)
		r = state_area_format(disk, container, c.id, e);
	if (r == 0)
		r = state_area_open(disk, true, &a, e);
	times = c.generation;
	for (c.generation = 0; times && r == 0; times--)
		r = state_area_publish(a, &c, e);
	return r;
}

/* reset VOLUME IMAGE: VOLUME stands on IMAGE, as new. */
static int edit_reset(struct change *ch, char **argv, struct error *e)
{
	return volumes_reset(ch, (const char *const *)argv, 1, argv[1], false, false, e);
}

static int do_reset(char **argv, struct error *e)
{
	return change(container, edit_reset, argv, e);
}

/* disk NAME IMAGE MIB: a VM's disk on IMAGE. */
static int edit_disk(struct change *ch, char **argv, struct error *e)
{
	struct volume_wish w = {.kind = VOLUME_DISK, .bytes = strtoull(argv[2], NULL, 10) << 20};

	snprintf(w.name, sizeof(w.name), "%s", argv[0]);
	snprintf(w.image, sizeof(w.image), "%s", argv[1]);
	return volumes_create(ch, &w, 1, e);
}

static int do_disk(char **argv, struct error *e)
{
	return change(container, edit_disk, argv, e);
}

int main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{"install", 7, do_install},
		{"abandon", 0, do_abandon},
		{"compose", 1, do_compose},
		{"create", 6, do_create},
		{"remove-unfinished", 0, do_remove_unfinished},
		{"release", 1, do_release},
		{"publish", 0, do_publish},
		{"status", 2, do_status},
		{"area", 1, do_area},
		{"reset", 2, do_reset},
		{"disk", 3, do_disk},
	};

	disk = argc > 1 ? argv[1] : NULL;
	container = argc > 2 ? argv[2] : NULL;
	return run_verb(verbs, ARRAY_SIZE(verbs), "try-volmgr DISK CONTAINER", argc - 3, argv + 3);
}

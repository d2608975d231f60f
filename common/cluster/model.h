/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster as the state document describes it: what is wanted, and where every volume's segments lie. Plain data; an
 * array and its texts belong to the struct cluster that holds them.
 */
#ifndef BYRE_CLUSTER_MODEL_H
#define BYRE_CLUSTER_MODEL_H

#include "base/addr.h"
#include "base/error.h"
#include "cluster/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_KEY_LEN    32
#define CLUSTER_ID_SIZE    37               /* a UUID as text, and its NUL */
#define IMAGE_REF_SIZE     (NAME_SIZE + 12) /* "debian12@1" */
#define VOLUME_NAME_SIZE   (2 * NAME_SIZE)  /* "node3.root" */
#define EXTENT_SECTORS     8192             /* of 512 bytes: a physical extent is 4 MiB */
#define EXTENT_BYTES       (EXTENT_SECTORS * 512ull)
#define THIN_BLOCK_SECTORS 128       /* a block of a node's thin pool: 64 KiB */
#define THIN_ID_MAX        0xffffffu /* the kernel's: 24 bits */
#define THIN_ID_VOLUME_MAX 0xfffff0u /* a volume's; those above are for what a pool keeps besides */

/* COUNT extents from START on the PV with index PV. The first sector on the PV's partition is pe_start + START * EXTENT_SECTORS. */
struct segment {
	uint32_t pv, start, count;
};
struct segments {
	struct segment *v;
	size_t n;
};

struct pv {
	char partuuid[CLUSTER_ID_SIZE]; /* GPT partition GUID, lower case */
	char uuid[48];                  /* LVM's */
	uint64_t pe_start;              /* sectors */
	uint32_t extents;
};

enum image_use { IMAGE_NODE, IMAGE_DISK }; /* a node's root file system, or the disk of a VM */
struct image {
	char name[NAME_SIZE];
	unsigned version;
	enum image_use use;
	bool filling;           /* not published yet: somebody may still be writing it, and nothing may stand on it */
	unsigned filled_by;     /* while filling: the node that does; 0 = a machine that is no node */
	uint64_t created;       /* seconds since 1970; 0 = not known */
	uint64_t bytes;         /* of the file system, from the start of the volume */
	char sha256[65];        /* of those bytes, as hex */
	char kernel[NAME_SIZE]; /* version, as in uname -r */
	struct segments segments;
};

/* An LV from which stores and swap areas are cut. */
struct slab {
	char lv[NAME_SIZE];
	struct segments segments;
};

/*
 * ROOT and DISK are thin devices in a store of their own (volume_is_thin); SWAP and SHARED are plain segments. ROOT and SWAP belong to a node; a DISK
 * moves between nodes; SHARED is everybody's.
 */
enum volume_kind { VOLUME_ROOT, VOLUME_SWAP, VOLUME_SHARED, VOLUME_DISK };
struct volume {
	char name[VOLUME_NAME_SIZE]; /* "node3.root" */
	enum volume_kind kind;
	unsigned node;                   /* its node's number; of a disk: the one node that may compose it now, 0 = none; 0 for shared */
	uint64_t incarnation;            /* of a disk's holder: the generation of that node's host lease when it took the disk */
	char image[IMAGE_REF_SIZE];      /* of a thin one: its external origin ("" = none: a disk may be blank); else "" */
	uint64_t bytes;                  /* as the node sees it */
	uint32_t thin;                   /* id of the thin device in the pool */
	bool has_undo;                   /* of a root that was reset: the device it was before is in the pool still, … */
	uint32_t undo_thin;              /* … under this id, … */
	char undo_image[IMAGE_REF_SIZE]; /* … on this image */
	struct segments metadata;        /* of a thin one's pool; else none */
	struct segments data;            /* only ever appended to while the store lives */
};

struct node {
	unsigned number; /* from 1 */
	char name[NAME_SIZE];
	struct mac mac; /* of the boot interface */
	uint32_t boot_ip, storage_ip;
	char machine_id[33];
	char image[IMAGE_REF_SIZE]; /* booted from */
};

/* Who made a generation of the state, and why. Shown, never relied on. */
#define NOTE_SIZE 160
struct change_note {
	uint64_t time;        /* seconds since 1970 */
	unsigned node;        /* 0 = a machine that is no node */
	char what[NOTE_SIZE]; /* "volmgr reset node3" */
};

struct cluster {
	uint64_t generation; /* of the document; counted from 1 */
	struct change_note note;
	char id[CLUSTER_ID_SIZE];
	unsigned char key[CLUSTER_KEY_LEN]; /* secret: everything that the cluster keeps to itself derives from it */
	struct settings settings;           /* macs unused: they are the nodes' */
	struct node *nodes;                 /* ascending by number */
	size_t n_nodes;
	struct pv *pvs;
	size_t n_pvs;
	struct image *images;
	size_t n_images;
	char default_image[IMAGE_REF_SIZE];  /* what a new or reset node gets; "" = the first image */
	char previous_image[IMAGE_REF_SIZE]; /* the default before it, for a rollback; "" = none */
	char fencing_why[160]; /* what a probe of the SAN found, in one sentence, when settings.fencing was decided; shown only */
	struct slab *slabs;
	size_t n_slabs;
	struct volume *volumes;
	size_t n_volumes;
};

void cluster_init(struct cluster *c);
void cluster_free(struct cluster *c);
/* Empties pvs, images, slabs and volumes; the rest stays. */
void cluster_forget_storage(struct cluster *c);
static inline void cluster_freep(struct cluster *c)
{
	cluster_free(c);
}

/* Each returns NULL when there is none. Pointers stay valid until the array changes. */
struct node *cluster_node(const struct cluster *c, unsigned number);
struct node *cluster_node_by_mac(const struct cluster *c, const struct mac *mac);
struct node *cluster_node_by_name(const struct cluster *c, const char *name);
struct node *cluster_node_called(const struct cluster *c, const char *text); /* as a person names it: by its number, or else by its name */
struct slab *cluster_slab(const struct cluster *c, const char *lv);
struct image *cluster_image(const struct cluster *c, const char *ref);
struct image *cluster_default_image(const struct cluster *c); /* of nodes */
struct volume *cluster_volume(const struct cluster *c, const char *name);
struct volume *cluster_node_volume(const struct cluster *c, unsigned number, enum volume_kind kind);

/* "name@version" of an image, into DST; returns DST. */
char *image_ref(char dst[IMAGE_REF_SIZE], const struct image *i);

/* The iSCSI name (RFC 3720) under which the machine with this MAC address logs in to the SAN: known before any host name is. */
#define INITIATOR_NAME_SIZE 40
char *initiator_name(char dst[INITIATOR_NAME_SIZE], const struct mac *mac);

const char *image_use_name(enum image_use use);      /* "node", "disk" */
const char *volume_kind_name(enum volume_kind kind); /* "root", "swap", "shared", "disk" */
static inline bool volume_is_thin(const struct volume *v)
{
	return v->kind == VOLUME_ROOT || v->kind == VOLUME_DISK;
}
uint64_t segments_extents(const struct segments *s);
/* Appends a segment: 0 or -ENOMEM. */
int segments_add(struct segments *s, struct segment seg);
void segments_free(struct segments *s);

/* Everything that must hold between the parts: names and numbers unique, references found, segments inside their PV and apart. */
int cluster_check(const struct cluster *c, struct error *e);

#endif

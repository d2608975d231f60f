/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct tool_options options;

void warn(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "volmgr: warning: %s\n", str_printable(text));
}

int print_all(const struct buf *b, struct error *e)
{
	int r;

	if (!buf_ok(b))
		return error_errno(e, ENOMEM, "output");
	fflush(stdout);
	r = write_full(STDOUT_FILENO, buf_str(b), b->len);
	return r < 0 ? error_errno(e, r, "standard output") : 0;
}

/* --- command line ---------------------------------------------------------------------------------------------------------- */

static const struct cli_option common[] = {
	{'c', "container", CLI_TEXT, &options.container, "NAME", "the container (default: the one this node booted from, or the only one)"},
	{'s', "state", CLI_TEXT, &options.state, "FILE", "its state area: a partition, or a copy of one"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option json_option[] = {
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option show_options[] = {
	{0, "secrets", CLI_FLAG, &state_show_secrets, NULL, "print the cluster's key and the password's hash, too"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option history_options[] = {
	{'n', "number", CLI_UINT, &state_history_number, "N", "print the newest N (default: 20)"},
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option export_options[] = {
	{'f', "force", CLI_FLAG, &state_export_force, NULL, "although FILE is there already"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option import_options[] = {
	{0, "dry-run", CLI_FLAG, &state_import_dry_run, NULL, "print what would change, and change nothing"},
	{0, "force", CLI_TEXT, &state_import_force, "REASON", "although things lie elsewhere on the SAN, or no document can be read there"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option attach_options[] = {
	{'r', "read-only", CLI_FLAG, &attach_read_only, NULL, "the root of a node, of which nothing is written"},
	{'f', "force", CLI_FLAG, &attach_force, NULL, "although nothing proves that the node is off: you know that it is"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option san_add_options[] = {
	{'n', "dry-run", CLI_FLAG, &san_dry_run, NULL, "only say what would be done"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option create_options[] = {
	{0, "kind", CLI_TEXT, &create_kind, "KIND", "disk (default), swap or shared"},
	{'i', "image", CLI_TEXT, &create_image, "IMAGE", "what a disk stands on (default: nothing, it is blank)"},
	{0, "size", CLI_UINT, &create_size, "MIB", "as its user sees it (default: that of the image)"},
	{0, "store", CLI_UINT, &create_store, "MIB", "a disk's own space to begin with (default: 10 % of the image, at least 256)"},
	{0, "node", CLI_UINT, &create_node, "N", "whose swap it is"},
	{0, "count", CLI_UINT, &create_count, "N", "so many, with a number behind the prefix"},
	{0, "prefix", CLI_TEXT, &create_prefix, "NAME", "vm: vm1, vm2, ..."},
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option remove_volume_options[] = {
	{'f', "force", CLI_FLAG, &remove_force, NULL, "although it may be in use elsewhere: you know that it is not"},
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option reset_options[] = {
	{'i', "image", CLI_TEXT, &reset_image, "IMAGE", "what it stands on then (default: the default image; of a disk, its own)"},
	{0, "keep", CLI_FLAG, &reset_keep, NULL, "what a node's root is now stays, for volmgr undo"},
	{'f', "force", CLI_FLAG, &reset_force, NULL, "also of a node that did not shut down, and is off for sure"},
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option take_options[] = {
	{0, "node", CLI_UINT, &take_node, "N", "for that node (default: this one)"},
	{'f', "force", CLI_FLAG, &take_force, NULL, "from a node that holds it: you know that it is off"},
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option fence_options[] = {
	{0, "probe", CLI_FLAG, &fence_only_probe, NULL, "only try what this SAN can do, and print it"},
	{'y', "yes", CLI_FLAG, &fence_yes, NULL, "required: the node is cut off from the SAN, and restarts"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option image_import_options[] = {
	{'u', "use", CLI_TEXT, &import_use, "USE", "node: a root file system; disk: of a VM (default: as the file is)"},
	{0, "size", CLI_UINT, &import_size, "MIB", "a larger image than the content needs"},
	{'d', "default", CLI_FLAG, &import_default, NULL, "new and reset nodes get it from now on"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option capture_options[] = {
	{'d', "default", CLI_FLAG, &capture_default, NULL, "new and reset nodes get it from now on"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option image_remove_options[] = {
	{'f', "force", CLI_FLAG, &image_remove_force, NULL, "although it was begun elsewhere: you know that nobody fills it"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option check_options[] = {
	{'j', "json", CLI_FLAG, &options.json, NULL, "print JSON"},
	{0, "repair", CLI_FLAG, &check_repair, NULL, "mend what is sure, under the cluster's lease"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_option san_tend_options[] = {
	{'e', "every", CLI_UINT, &san_every, "SECONDS", "go on for ever, with so many seconds between"},
	{0, NULL, CLI_FLAG, NULL, NULL, NULL},
};

static const struct cli_command commands[] = {
	{"list", NULL, 0, 0, json_option, list_run, "every volume: node, image, size, private bytes used, where it is composed"},
	{"status", NULL, 0, 0, json_option, status_run, "the container: disk, space, images, state area"},
	{"state show", NULL, 0, 0, show_options, state_show_run, "the state document as JSON, secrets hidden"},
	{"state history", NULL, 0, 0, history_options, state_history_run, "who published which generation, and why"},
	{"state export", "FILE|-", 1, 1, export_options, state_export_run, "write the state document, with its secrets, into a file"},
	{"state import", "FILE", 1, 1, import_options, state_import_run, "publish an exported document as the next generation"},
	{"image import", "NAME FILE", 2, 2, image_import_options, image_import_run,
	 "a new version: from tar (gzip, xz, zstd), squashfs, ext4, a disk, qcow2, OCI layout"},
	{"image list", NULL, 0, 0, json_option, image_list_run, "every image: use, size, kernel, state, volumes on it"},
	{"image show", "NAME[@V]", 1, 1, json_option, image_show_run, "one image, and who stands on it"},
	{"image default", "NAME[@V]", 1, 1, NULL, image_default_run, "what new and reset nodes get"},
	{"image rollback", NULL, 0, 0, NULL, image_rollback_run, "the default before this one is it again"},
	{"image remove", "NAME@V", 1, 1, image_remove_options, image_remove_run, "an image that nobody uses"},
	{"image capture", "NODE NAME", 2, 2, capture_options, image_capture_run,
	 "a new version from the root of this node, or of one that is off"},
	{"image diff", "NODE", 1, 1, json_option, image_diff_run, "which files this node, or one that is off, changed against its image"},
	{"image verify", "[IMAGE]", 0, 1, NULL, image_verify_run, "read an image (or all) and compare its checksum"},
	{"create", "[NAME...]", 0, -1, create_options, create_run, "new disks, a swap area or a shared volume"},
	{"remove", "VOLUME...", 1, -1, remove_volume_options, remove_run, "volumes that nobody uses: their space is free again"},
	{"reset", "NODE|VOLUME...", 1, -1, reset_options, reset_run, "they start anew from an image"},
	{"undo", "NODE...", 1, -1, json_option, undo_run, "what a node's root was before reset --keep"},
	{"resize", "NODE|VOLUME MIB", 2, 2, json_option, resize_run, "a larger volume"},
	{"grow", "NODE|VOLUME MIB", 2, 2, json_option, grow_run, "more space for what it writes, now"},
	{"trim", "NODE", 1, 1, NULL, trim_run, "what files no longer use goes back to the node's store; run it on the node"},
	{"take", "VOLUME", 1, 1, take_options, take_run, "a disk for a node: nobody else may use it then"},
	{"give", "VOLUME", 1, 1, json_option, give_run, "a disk that this node has: nobody's from now on"},
	{"attach", "VOLUME|NODE", 1, 1, attach_options, attach_run, "compose a disk that this node has; or read the root of a node that is off"},
	{"detach", "VOLUME|NODE", 1, 1, NULL, detach_run, "take it down again"},
	{"leave", NULL, 0, 0, NULL, leave_run, "release what is not in use and leave the lockspace, as at shutdown"},
	{"fence", "[NODE]", 0, 1, fence_options, fence_run, "keep a node that seems dead from writing to the SAN"},
	{"san list", NULL, 0, 0, json_option, san_list_run, "the disks here, what they hold, and the paths to them"},
	{"san add", "DISK", 1, 1, san_add_options, san_add_run, "take one more disk, by its path or WWID, for the container's volumes"},
	{"check", NULL, 0, 0, check_options, check_run, "what is wrong with the container: state, LVM, disks, what crashes left"},
	{"san tend", NULL, 0, 0, san_tend_options, san_tend_run, "take back paths to the SAN that failed and work again"},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

static const struct cli_program program = {
	.name = "volmgr",
	.summary = "Shows the volumes of a cluster on its SAN, and looks after them.",
	.options = common,
	.commands = commands,
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}

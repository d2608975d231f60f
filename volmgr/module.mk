# SPDX-License-Identifier: GPL-2.0-or-later
# What others may include stands in volmgr/ itself; the folders share their headers, and each sees only the folders named for it below.
volmgr_in = $(foreach f,$(2),volmgr/$(1)/$(f).c)
volmgr_folders := $(addprefix -Ivolmgr/,area dm san lease fence container change image check)

# What a node boots with: it reads the state and composes volumes, and cannot reach what writes.
libs += volmgr compose
compose_src := $(call volmgr_in,area,layout area area_document area_records claim lease_record)
compose_src += $(call volmgr_in,dm,dm thin ballast store store_freeze compose growth wipe guard)
compose_src += $(call volmgr_in,san,disk disk_path disk_find pv_paths iscsi_session rescan paths scsi pr registration)
compose_floors := base cluster compose
compose_cflags := $(addprefix -Ivolmgr/,area dm san)
compose_pkgs := devmapper blkid
compose_public := $(addprefix volmgr/,compose.h paths.h registration.h)

# What changes the state and the volume group, under the lease.
volmgr_src := $(call volmgr_in,lease,lease lease_here lease_join lease_resource lockspace control login portals holding)
volmgr_src += $(call volmgr_in,fence,fence probe session)
volmgr_src += $(call volmgr_in,container,container gpt halfgpt lvm lvm_report lvm_text plan space room)
volmgr_src += $(call volmgr_in,change,change publish heads volumes volumes_grow volumes_hold use)
volmgr_src += $(call volmgr_in,image,image images image_listing image_sniff image_source image_fill image_layout image_oci image_tar image_qcow2 capture tree tree_diff pipeline)
volmgr_src += $(call volmgr_in,check,findings findings_lvm findings_list cover look reconcile leftover)
volmgr_floors := base cluster compose volmgr
volmgr_cflags := $(volmgr_folders)
volmgr_pkgs := fdisk blkid jansson libgcrypt libiscsi libsanlock_client
volmgr_public := $(addprefix volmgr/,volmgr.h change.h volumes.h holding.h control.h lease.h fence.h image_make.h images.h)

programs += volmgr
volmgr_program := volmgr-tool
volmgr_dir := sbin
volmgr-tool_src := $(call volmgr_in,tool,main view usage tool_change list status attach check san_list san_add san_tend trim fence_run edit create reset resize hold)
volmgr-tool_src += $(call volmgr_in,tool,state_show state_history state_export state_import)
volmgr-tool_src += $(call volmgr_in,tool,image_import image_list image_choose image_verify image_capture image_diff node_tree)
volmgr-tool_floors := base cluster cli compose volmgr
volmgr-tool_cflags := $(volmgr_folders)
volmgr-tool_libs := volmgr compose cli cluster base
volmgr-tool_pkgs := jansson

programs += volmgrd
volmgrd_program := volmgr-daemon
volmgrd_dir := sbin
volmgr-daemon_src := $(call volmgr_in,daemon,volmgrd watch grant fence_watch)
volmgr-daemon_floors := base cluster cli compose volmgr
volmgr-daemon_cflags := $(volmgr_folders)
volmgr-daemon_libs := volmgr compose cli cluster base

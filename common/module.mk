# SPDX-License-Identifier: GPL-2.0-or-later
libs += base cluster cli
base_src := $(wildcard common/base/*.c)
base_floors := base
cluster_src := $(wildcard common/cluster/*.c)
cluster_floors := base cluster
cluster_pkgs := jansson
cli_src := $(wildcard common/cli/*.c)
cli_floors := base cli
cli_pkgs := jansson

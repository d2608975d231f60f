# SPDX-License-Identifier: GPL-2.0-or-later
tests += state-file
state-file_src := tests/net/state-file.c
state-file_floors := base cluster cli compose volmgr
state-file_libs := volmgr compose cli cluster base
net-tools: $(B)/tests/state-file

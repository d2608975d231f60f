/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metamasterctl asks metamaster, over libqb's IPC: a request is a struct ipc_request, the response a struct qb_ipc_response_header and a text: JSON, or,
 * when its error is not 0, one sentence. Only root is let in.
 */
#ifndef BYRE_METAMASTER_IPC_H
#define BYRE_METAMASTER_IPC_H

#include <qb/qbipc_common.h>
#include <stdint.h>

#define IPC_NAME "byre-metamaster"
#define IPC_MAX  (1024 * 1024) /* of a response */

enum ipc_what {
	IPC_STATUS = 1, /* {"node", "name", "interface", "generation", "interval_ms", "live", "nodes"} */
	IPC_PEERS, /* {"peers": [{"number", "name", "address", "alive", "silence_ms", "boot_silence_ms", "storage_silence_ms"}]}; null: for long */
	IPC_GATEWAY, /* {"owner", "name", "holds", "able" (this node), "term", "takeovers", "disputes", "local_address", "public_address"}; null: nobody */
	IPC_MOVE, /* the gateway goes to NUMBER; {} */
};

struct ipc_request {
	struct qb_ipc_request_header head; /* id: what */
	uint64_t number;                   /* of a node, where one is meant */
};

#endif

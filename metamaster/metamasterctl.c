/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metamasterctl: asks the metamaster of this node. */
#include "ipc.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"

#include <errno.h>
#include <jansson.h>
#include <qb/qbipcc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define TIMEOUT_S 5

static bool opt_json;

static void disconnect(qb_ipcc_connection_t **c)
{
	if (*c)
		qb_ipcc_disconnect(*c);
}

/* libqb waits without end for a server that stands still. */
static void on_alarm(int signal)
{
	static const char text[] = "metamasterctl: metamaster does not answer: 'systemctl status metamaster' tells how it is\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

/* *RET is the text of the answer, to be freed. */
static int ask(enum ipc_what what, uint64_t number, char **ret, struct error *e)
{
	const struct sigaction late = {.sa_handler = on_alarm};
	qb_ipcc_connection_t *c CLEANUP(disconnect) = NULL;
	struct ipc_request q = {.head = {.id = (int32_t)what, .size = sizeof(q)}, .number = number};
	const struct iovec v = {&q, sizeof(q)};
	cleanup_free char *text = NULL;
	struct qb_ipc_response_header h;
	ssize_t n;

	sigaction(SIGALRM, &late, NULL);
	alarm(TIMEOUT_S);
	c = qb_ipcc_connect(IPC_NAME, IPC_MAX);
	if (!c && (errno == EACCES || errno == EPERM))
		return error_set(e, EACCES, "only root may ask metamaster");
	if (!c)
		return error_set(e, ECONNREFUSED, "metamaster does not run here: 'systemctl status metamaster' tells why");
	text = malloc(IPC_MAX);
	if (!text)
		return error_errno(e, ENOMEM, "answer");
	n = qb_ipcc_sendv_recv(c, &v, 1, text, IPC_MAX, -1);
	alarm(0);
	if (n < 0)
		return error_errno(e, (int)n, "metamaster does not answer");
	if ((size_t)n <= sizeof(h) || text[n - 1] != '\0')
		return error_set(e, EPROTO, "metamaster's answer makes no sense");
	memcpy(&h, text, sizeof(h));
	memmove(text, text + sizeof(h), (size_t)n - sizeof(h));
	if (h.error)
		return error_set(e, h.error, "%s", text);
	*ret = steal_ptr(text);
	return 0;
}

static int ask_json(enum ipc_what what, uint64_t number, json_t **ret, struct error *e)
{
	cleanup_free char *text = NULL;
	json_error_t why;
	int r = ask(what, number, &text, e);

	if (r < 0)
		return r;
	if (opt_json) {
		puts(text);
		return fflush(stdout) == 0 ? 1 : error_errno(e, errno, "standard output");
	}
	*ret = json_loads(text, 0, &why);
	return *ret ? 0 : error_set(e, EPROTO, "metamaster's answer makes no sense: %s", why.text);
}

static void drop(json_t **j)
{
	json_decref(*j);
}

static int status(int argc, char **argv, struct error *e)
{
	json_t *j CLEANUP(drop) = NULL;
	int r = ask_json(IPC_STATUS, 0, &j, e);
	const char *name, *interface;
	json_int_t generation, live, nodes;

	(void)argc;
	(void)argv;
	if (r)
		return r < 0 ? r : 0;
	name = json_string_value(json_object_get(j, "name"));
	interface = json_string_value(json_object_get(j, "interface"));
	generation = json_integer_value(json_object_get(j, "generation"));
	live = json_integer_value(json_object_get(j, "live"));
	nodes = json_integer_value(json_object_get(j, "nodes"));
	printf("%s serves generation %lld on %s\n%lld of %lld nodes live\n", name ? name : "a removed node", (long long)generation,
	       interface && *interface ? interface : "no interface", (long long)live, (long long)nodes);
	return fflush(stdout) == 0 ? 0 : error_errno(e, errno, "standard output");
}

static void add_ms(struct table *t, const json_t *peer, const char *key)
{
	const json_t *v = json_object_get(peer, key);

	table_number_if(t, json_is_integer(v), (uint64_t)json_integer_value(v));
}

static int peers(int argc, char **argv, struct error *e)
{
	static const struct table_column columns[] = {
		{"NODE", "number", TABLE_NUMBER},
		{"NAME", "name", TABLE_TEXT},
		{"ADDRESS", "address", TABLE_TEXT},
		{"ALIVE", "alive", TABLE_TEXT},
		{"SILENT", "silence_ms", TABLE_MS},
		{"ON BOOT NET", "boot_silence_ms", TABLE_MS},
		{"ON STORAGE NET", "storage_silence_ms", TABLE_MS},
	};
	struct table *t CLEANUP(table_freep) = table_new(columns, sizeof(columns) / sizeof(*columns));
	json_t *j CLEANUP(drop) = NULL;
	const json_t *peer;
	size_t i;
	int r = ask_json(IPC_PEERS, 0, &j, e);

	(void)argc;
	(void)argv;
	if (r)
		return r < 0 ? r : 0;
	if (!t)
		return error_errno(e, ENOMEM, "table");
	json_array_foreach(json_object_get(j, "peers"), i, peer)
	{
		table_row(t);
		table_number(t, (uint64_t)json_integer_value(json_object_get(peer, "number")));
		table_text(t, json_string_value(json_object_get(peer, "name")));
		table_text(t, json_string_value(json_object_get(peer, "address")));
		table_text(t, json_is_true(json_object_get(peer, "alive")) ? "yes" : "no");
		add_ms(t, peer, "silence_ms");
		add_ms(t, peer, "boot_silence_ms");
		add_ms(t, peer, "storage_silence_ms");
	}
	return table_print(t, false, "peers", e);
}

static int gateway(int argc, char **argv, struct error *e)
{
	json_t *j CLEANUP(drop) = NULL;
	int r = ask_json(IPC_GATEWAY, 0, &j, e);
	const char *name, *local, *public;

	(void)argc;
	(void)argv;
	if (r)
		return r < 0 ? r : 0;
	name = json_string_value(json_object_get(j, "name"));
	local = json_string_value(json_object_get(j, "local_address"));
	public = json_string_value(json_object_get(j, "public_address"));
	printf("%s %s %s%s%s\n", name ? name : "no node", json_is_true(json_object_get(j, "holds")) ? "has" : "is to have",
	       local ? local : "no local address", public ? " and " : "", public ? public : "");
	return fflush(stdout) == 0 ? 0 : error_errno(e, errno, "standard output");
}

static int gateway_move(int argc, char **argv, struct error *e)
{
	json_t *j CLEANUP(drop) = NULL;
	uint64_t number;
	int r = str_to_u64(argv[0], 1, UINT16_MAX, &number);

	(void)argc;
	if (r < 0)
		return error_set(e, EINVAL, "'%.40s' is no number of a node", argv[0]);
	r = ask_json(IPC_MOVE, number, &j, e);
	return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{0, "json", CLI_FLAG, &opt_json, NULL, "print JSON"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"status", NULL, 0, 0, options, status, "what this node serves, and how many live"},
		{"peers", NULL, 0, 0, options, peers, "each node: whether it lives, and since when it was not heard"},
		{"gateway move", "NODE", 1, 1, options, gateway_move, "gives the gateway's addresses to the node with this number"},
		{"gateway", NULL, 0, 0, options, gateway, "which node has the gateway's addresses"},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"metamasterctl", "asks the metamaster of this node", NULL, commands, NULL,
	};

	return cli_main(&program, argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metamaster-http: serves the boot service's files and the images' kernels and initrds. It is handed everything that it needs: descriptor 3
 * listens, 4 is the folder of files, 5 the folder of images. It gives up the rest: user, capabilities and file system.
 */
#include "http_path.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/unprivileged.h"
#include "cli/cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FD_LISTEN = 3, FD_FILES, FD_IMAGES };
#define MAX_CLIENTS      2000
#define CLIENT_TIMEOUT_S 60

static const struct http_roots roots = {FD_FILES, FD_IMAGES};
static const char *opt_user = "nobody";

/* --- answering ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result answer(struct MHD_Connection *con, unsigned status, struct MHD_Response *res)
{
	enum MHD_Result r = MHD_queue_response(con, status, res);

	MHD_destroy_response(res);
	return r;
}

static enum MHD_Result refuse(struct MHD_Connection *con, unsigned status, const char *text)
{
	struct MHD_Response *res = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (!res)
		return MHD_NO;
	MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(res, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return answer(con, status, res);
}

static void tell(struct MHD_Connection *con, const char *url)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char ip[INET_ADDRSTRLEN] = "?";

	if (strncmp(url, "/images/", 8) != 0)
		return;
	if (info && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)info->client_addr)->sin_addr, ip, sizeof(ip));
	log_info("http: %s takes %s", ip, url);
}

/* FD is taken over. */
static enum MHD_Result send_file(struct MHD_Connection *con, int fd, uint64_t size)
{
	const char *header = MHD_lookup_connection_value(con, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
	uint64_t first = 0, len = size;
	struct MHD_Response *res;
	char range[80];
	int part = http_range(header, size, &first, &len);

	if (part < 0) {
		close(fd);
		return refuse(con, MHD_HTTP_RANGE_NOT_SATISFIABLE, "no such range\n");
	}
	res = MHD_create_response_from_fd_at_offset64(len, fd, first);
	if (!res) {
		close(fd);
		return MHD_NO;
	}
	MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
	MHD_add_response_header(res, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (part) {
		snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)first, (unsigned long long)(first + len - 1),
			 (unsigned long long)size);
		MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	}
	return answer(con, part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, res);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *con, const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_size, void **state)
{
	static int begun;
	uint64_t size = 0;
	int fd;

	(void)data;
	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(con, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (!*state) { /* the header is there; the answer may be queued at the next call */
		*state = &begun;
		return MHD_YES;
	}
	*upload_size = 0;
	fd = http_open(&roots, url, &size);
	if (fd < 0)
		return refuse(con, MHD_HTTP_NOT_FOUND, "not found\n");
	tell(con, url);
	return send_file(con, fd, size);
}

/* --- privileges -------------------------------------------------------------------------------------------------------- */

static int check_descriptors(struct error *e)
{
	struct stat st;

	if (fstat(FD_LISTEN, &st) < 0 || !S_ISSOCK(st.st_mode) || fstat(FD_FILES, &st) < 0 || !S_ISDIR(st.st_mode) ||
	    fstat(FD_IMAGES, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(e, EBADF, "descriptors 3, 4 and 5 are not a socket and two folders: metamaster starts this program");
	return 0;
}

static int run(int argc, char **argv, struct error *e)
{
	struct MHD_Daemon *d;
	sigset_t stop;
	int r, signal_number;

	(void)argc;
	(void)argv;
	r = check_descriptors(e);
	if (r == 0)
		r = unprivileged(opt_user, FD_FILES, e); /* the images are reached through their descriptor alone */
	if (r < 0)
		return r;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, FD_LISTEN,
			     MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CLIENTS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CLIENT_TIMEOUT_S,
			     MHD_OPTION_END);
	if (!d)
		return error_set(e, EIO, "the HTTP server does not start");
	sigwait(&stop, &signal_number);
	MHD_stop_daemon(d);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{0, "user", CLI_TEXT, &opt_user, "NAME", "becomes this user (nobody)"},
		{0, NULL, CLI_FLAG, NULL, NULL, NULL},
	};
	static const struct cli_command commands[] = {
		{"", NULL, 0, 0, options, run, NULL},
		{NULL, NULL, 0, 0, NULL, NULL, NULL},
	};
	static const struct cli_program program = {
		"metamaster-http", "serves kernels and initrds; started by metamaster", NULL, commands, NULL,
	};

	log_init("metamaster-http");
	return cli_main(&program, argc, argv);
}

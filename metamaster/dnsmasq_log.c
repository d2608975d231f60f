/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq tells of every packet. An operator asks who booted, who is unknown, and what went wrong. */
#include "meta.h"

#include "base/log.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define MAX_UNKNOWN 256

static struct mac unknown[MAX_UNKNOWN];
static size_t n_unknown;
static const struct cluster *cluster;

/* Whether MAC was told of before; it is remembered from now on. The oldest are forgotten. */
static bool seen(const struct mac *mac)
{
	for (size_t i = 0; i < n_unknown && i < MAX_UNKNOWN; i++)
		if (mac_equal(&unknown[i], mac))
			return true;
	unknown[n_unknown++ % MAX_UNKNOWN] = *mac;
	return false;
}

/* The first word of TEXT that is a MAC address. */
static int find_mac(const char *text, struct mac *ret)
{
	for (const char *p = text; p; p = strchr(p, ' ')) {
		char word[MAC_LEN];

		p += *p == ' ';
		snprintf(word, sizeof(word), "%.17s", p);
		if (mac_parse(word, ret) == 0)
			return 0;
	}
	return -1;
}

static void tell_unknown(const char *text)
{
	struct mac mac;
	char m[MAC_LEN];

	/* a node that others answer is ignored here as well */
	if (find_mac(text, &mac) < 0 || (cluster && cluster_node_by_mac(cluster, &mac)) || seen(&mac))
		return;
	mac_format(m, &mac);
	log_notice("%s asks for an address, but is no node's: 'byre status' lists the nodes and their MACs", m);
}

/* "dnsmasq-dhcp[123]: DHCPACK(eth0) …" -> "DHCPACK(eth0) …" */
static const char *body(const char *line)
{
	const char *p = strstr(line, "]: ");

	return p ? p + 3 : line;
}

static bool is_trouble(const char *text)
{
	static const char *const words[] = {"fail",    "error",     "cannot",     "not found", "bad ", "no address range",
					    "warning", "duplicate", "permission", "ignoring"};

	if (strstr(text, "no upstream servers")) /* a cluster without a way out */
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

void dnsmasq_log(const char *line)
{
	const char *text = body(line);

	if (str_starts(text, "DHCPDISCOVER") && (strstr(text, " ignored") || strstr(text, "no address")))
		tell_unknown(text);
	else if (str_starts(text, "DHCPACK"))
		log_info("dhcp: %s", text);
	else if (str_starts(text, "sent "))
		log_info("tftp: %s", text);
	else if (!str_starts(text, "DHCP") && is_trouble(text))
		log_warning("dnsmasq: %s", text);
	else
		log_debug("dnsmasq: %s", text);
}

void dnsmasq_log_follow(const struct cluster *c)
{
	cluster = c;
}

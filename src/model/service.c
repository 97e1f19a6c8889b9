/* A service's URL: scheme://[user[:password]@]host[:port][/path][?query][#fragment].
 *
 * People write passwords that should have been escaped, so user and password end at the last @ in
 * front of the first / ? or #, and an error quotes the scheme or a host that is one, never more.
 *
 * Deliberately absent: what drivers make of the rest. A query that names another host is the app's
 * own business, and its connection there is refused. */
#include "model/service.h"

#include "base/number.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

enum { SCHEME = 32, LABEL_MAX = 63 };

struct scheme_port {
	const char *scheme;
	uint16_t port;
};

/* Those that IANA or the makers of the software have given. */
static const struct scheme_port ports[] = {
	{ "amqp", 5672 },
	{ "amqps", 5671 },
	{ "beanstalk", 11300 },
	{ "bolt", 7687 },
	{ "cassandra", 9042 },
	{ "clickhouse", 9000 },
	{ "clickhouses", 9440 },
	{ "elasticsearch", 9200 },
	{ "etcd", 2379 },
	{ "ftp", 21 },
	{ "http", 80 },
	{ "https", 443 },
	{ "imap", 143 },
	{ "imaps", 993 },
	{ "influxdb", 8086 },
	{ "kafka", 9092 },
	{ "ldap", 389 },
	{ "ldaps", 636 },
	{ "mariadb", 3306 },
	{ "memcache", 11211 },
	{ "memcached", 11211 },
	{ "mongodb", 27017 },
	{ "mqtt", 1883 },
	{ "mqtts", 8883 },
	{ "mssql", 1433 },
	{ "mysql", 3306 },
	{ "mysql2", 3306 },
	{ "nats", 4222 },
	{ "neo4j", 7687 },
	{ "opensearch", 9200 },
	{ "postgis", 5432 },
	{ "postgres", 5432 },
	{ "postgresql", 5432 },
	{ "pulsar", 6650 },
	{ "redis", 6379 },
	{ "rediss", 6379 },
	{ "sftp", 22 },
	{ "smtp", 25 },
	{ "smtps", 465 },
	{ "sqlserver", 1433 },
	{ "ssh", 22 },
	{ "stomp", 61613 },
	{ "valkey", 6379 },
	{ "valkeys", 6379 },
	{ "ws", 80 },
	{ "wss", 443 },
};

static int fail(struct error *err, const char *text)
{
	return error_set(err, ERROR_CONFIG, "%s", text);
}

static int fail_gate(struct error *err, const char *text)
{
	fail(err, text);
	return error_hint(err, "\"egress\": \"open\" in the config lets the app connect by itself");
}

static int fail_local(struct error *err)
{
	fail(err, "it is in a file system, where nothing is attached");
	return error_hint(err, "attach the service by host and port");
}

static size_t scheme_length(const char *url)
{
	return strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
}

int service_check_form(const char *url, struct error *err)
{
	const size_t scheme = scheme_length(url);

	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return fail(err, "the URL holds a space or control character");
	if (scheme == 0 || strncmp(url + scheme, "://", 3) != 0 || !url[scheme + 3])
		return fail(err, "not a URL of the form scheme://host:port/path");
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words && strcmp(*words, text) != 0)
		words++;
	return *words != NULL;
}

static int check_scheme(const char *scheme, struct error *err)
{
	static const char *const datagrams[] = { "coap", "coaps", "dns", "gelf", "ntp", "quic",
		"snmp", "statsd", "syslog", "udp", NULL };
	static const char *const local[] = { "file", "npipe", "sqlite", "sqlite3", "unix", NULL };

	if (ends_with(scheme, "+srv"))
		return fail_gate(err, "its hosts are in SRV records, and a gate stands for one");
	if (ends_with(scheme, "+udp") || is_one_of(scheme, datagrams))
		return fail_gate(err, "a gate carries TCP, and this is UDP");
	if (ends_with(scheme, "+unix") || ends_with(scheme, "+socket") || is_one_of(scheme, local))
		return fail_local(err);
	return 0;
}

/* The port of a scheme; of "postgresql+psycopg" that of "postgresql". 0: it has none. */
static uint16_t port_of(const char *scheme)
{
	const size_t plain = strcspn(scheme, "+");

	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
		if (strcmp(scheme, ports[i].scheme) == 0 ||
			(strlen(ports[i].scheme) == plain &&
				strncmp(scheme, ports[i].scheme, plain) == 0))
			return ports[i].port;
	return 0;
}

static int read_port(const char *text, uint16_t *ret, struct error *err)
{
	struct error ignored;
	uint64_t port;

	if (number_parse(text, UINT16_MAX, &port, &ignored) < 0 || port == 0)
		return fail(err, "its port is not a number from 1 to 65535");
	*ret = (uint16_t)port;
	return 0;
}

static bool is_name(const char *host)
{
	size_t label = 0;

	for (const char *c = host; *c; c++) {
		const bool is_end = *c == '.';

		if (is_end ? label == 0 : ++label > LABEL_MAX)
			return false;
		if (is_end)
			label = 0;
		else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *c))
			return false;
	}
	return true;
}

/* What resolvers take for an IPv4 address in one of its old forms: 127.1, 0x7f000001. */
static bool looks_like_ipv4(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot ? dot + 1 : host;

	if (strncmp(last, "0x", 2) == 0)
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return *last && last[strspn(last, "0123456789")] == '\0';
}

static int check_name(const char *host, struct error *err)
{
	for (const char *c = host; *c; c++) {
		if ((unsigned char)*c < 0x80)
			continue;
		fail(err, "its host name is not ASCII");
		return error_hint(err, "write the name as DNS has it, with xn--…");
	}
	if (strncmp(host, "%2f", 3) == 0)
		return fail_local(err);
	if (!is_name(host))
		return fail(err, "its host is neither a name nor an address");
	if (looks_like_ipv4(host))
		return fail(err, "its host is not an IPv4 address of four numbers");
	return 0;
}

static void copy_lower(const char *from, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] - 'A' + 'a' : from[i]);
	ret[len] = '\0';
}

/* The text between brackets. */
static int read_v6(const char *text, size_t len, struct service_endpoint *ret, struct error *err)
{
	struct in6_addr address;

	if (memchr(text, '%', len)) {
		fail(err, "its IPv6 address has a zone, which names an interface of the host");
		return error_hint(err, "a gate needs a global, unique local or loopback address");
	}
	ret->kind = SERVICE_IPV6;
	if (len < sizeof ret->host)
		copy_lower(text, len, ret->host);
	if (len >= sizeof ret->host || inet_pton(AF_INET6, ret->host, &address) != 1)
		return fail(err, "what stands in [ ] is not an IPv6 address");
	if (IN6_IS_ADDR_UNSPECIFIED(&address))
		return fail(err, "[::] is no address to connect to");
	if (IN6_IS_ADDR_V4MAPPED(&address))
		return fail(err, "its IPv6 address is an IPv4 one: write that");
	return 0;
}

static int read_host(const char *text, size_t len, struct service_endpoint *ret, struct error *err)
{
	struct in_addr address;

	if (len == 0) {
		fail(err, "it names no host");
		return error_hint(err, "a / ? or # in a password is written %%2F, %%3F or %%23");
	}
	if (text[0] == '[')
		return read_v6(text + 1, len - 2, ret, err);
	if (len >= sizeof ret->host)
		return fail(err, "its host name is longer than 253 bytes");
	copy_lower(text, len, ret->host);
	if (inet_pton(AF_INET, ret->host, &address) != 1) {
		ret->kind = SERVICE_NAME;
		return check_name(ret->host, err);
	}
	ret->kind = SERVICE_IPV4;
	if (address.s_addr == INADDR_ANY)
		return fail(err, "0.0.0.0 is no address to connect to");
	return 0;
}

/* host, host:port or [address]:port; returns the port's text in *ret_port, NULL: none. */
static int cut_port(const char *text, size_t *ret_len, const char **ret_port, struct error *err)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");

	if (strchr(text, ',')) {
		return fail_gate(err, "it names several hosts, and a gate stands for one");
	}
	if (!end)
		return fail(err, "what stands in [ ] is not an IPv6 address");
	if (*end == ']')
		end++;
	if (*end && *end != ':')
		return fail(err, "its host is neither a name nor an address");
	if (*end && text[0] != '[' && strchr(end + 1, ':'))
		return fail(err, "it has more than one : before its port; an IPv6 address stands "
				 "in [ ]");
	*ret_len = (size_t)(end - text);
	*ret_port = *end ? end + 1 : NULL;
	return 0;
}

static int read_authority(
	const char *text, const char *scheme, struct service_endpoint *ret, struct error *err)
{
	const char *port = NULL;
	size_t len = 0;

	if (cut_port(text, &len, &port, err) < 0 || read_host(text, len, ret, err) < 0)
		return -1;
	if (port)
		return read_port(port, &ret->port, err);
	ret->port = port_of(scheme);
	if (ret->port)
		return 0;
	error_set(err, ERROR_CONFIG, "it names no port, and %s has none of its own", scheme);
	return error_hint(err, "%s://host:PORT", scheme);
}

int service_parse(const char *url, struct service_endpoint *ret, struct error *err)
{
	struct service_endpoint endpoint = { .port = 0 };
	const size_t scheme_len = scheme_length(url);
	char scheme[SCHEME], text[2 * SERVICE_HOST];
	const char *start, *end, *at;

	if (service_check_form(url, err) < 0)
		return -1;
	if (scheme_len >= sizeof scheme)
		return fail(err, "its scheme is longer than 31 bytes");
	copy_lower(url, scheme_len, scheme);
	if (check_scheme(scheme, err) < 0)
		return -1;
	start = url + scheme_len + 3;
	end = start + strcspn(start, "/?#");
	at = memrchr(start, '@', (size_t)(end - start));
	start = at ? at + 1 : start;
	if ((size_t)(end - start) >= sizeof text)
		return fail(err, "its host name is longer than 253 bytes");
	memcpy(text, start, (size_t)(end - start));
	text[end - start] = '\0';
	if (read_authority(text, scheme, &endpoint, err) < 0)
		return -1;
	*ret = endpoint;
	return 0;
}

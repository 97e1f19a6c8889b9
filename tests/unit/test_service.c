/* URLs of services: where a gate has to stand, and what it cannot stand for. */
#include "model/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OPEN   "\"egress\": \"open\" in the config lets the app connect by itself"
#define ESCAPE "a / ? or # in a password is written %2F, %3F or %23"

static void expect(const char *url, enum service_host kind, const char *host, uint16_t port)
{
	struct service_endpoint endpoint;
	struct error err = { 0 };

	if (service_parse(url, &endpoint, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	assert_int_equal(endpoint.kind, kind);
	assert_string_equal(endpoint.host, host);
	assert_int_equal(endpoint.port, port);
}

static void a_url_says_host_and_port(void **state)
{
	(void)state;
	expect("redis://127.0.0.1:6379/0", SERVICE_IPV4, "127.0.0.1", 6379);
	expect("redis://[::1]:1", SERVICE_IPV6, "::1", 1);
	expect("tcp://[FD00::1]:65535/x", SERVICE_IPV6, "fd00::1", 65535);
	expect("postgres://db.Example.com:5433/app?sslmode=require", SERVICE_NAME, "db.example.com",
		5433);
	expect("http://h:8080?q=a:b@c", SERVICE_NAME, "h", 8080);
	expect("http://h:8080#f@g:1", SERVICE_NAME, "h", 8080);
	expect("http://my_db-1.:8080", SERVICE_NAME, "my_db-1.", 8080);
	expect("http://xn--bcher-kva.example/", SERVICE_NAME, "xn--bcher-kva.example", 80);
	expect("x://1a.b2c:5", SERVICE_NAME, "1a.b2c", 5);
}

static void user_and_password_end_at_the_last_at_sign(void **state)
{
	(void)state;
	expect("redis://:p@ss:w@rd@cache:1234/0", SERVICE_NAME, "cache", 1234);
	expect("postgres://u:p[,]@[::2]/db", SERVICE_IPV6, "::2", 5432);
	expect("amqp://guest@h/vhost@x", SERVICE_NAME, "h", 5672);
	expect("amqps://a,b:c,d@h", SERVICE_NAME, "h", 5671);
}

static void a_scheme_has_its_port(void **state)
{
	static const struct {
		const char *url;
		uint16_t port;
	} rows[] = {
		{ "redis://h", 6379 },
		{ "rediss://h", 6379 },
		{ "postgres://h", 5432 },
		{ "postgresql+psycopg2://h", 5432 },
		{ "mysql+pymysql://h", 3306 },
		{ "mariadb://h", 3306 },
		{ "https://h", 443 },
		{ "mongodb://h", 27017 },
		{ "memcached://h", 11211 },
		{ "nats://h", 4222 },
		{ "smtp://h", 25 },
		{ "smtps://h", 465 },
		{ "ldap://h", 389 },
		{ "ldaps://h", 636 },
		{ "mqtt://h", 1883 },
		{ "mqtts://h", 8883 },
		{ "kafka://h", 9092 },
		{ "elasticsearch://h", 9200 },
		{ "clickhouse://h", 9000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect(rows[i].url, SERVICE_NAME, "h", rows[i].port);
}

static const char port[] = "its port is not a number from 1 to 65535";
static const char local[] = "it is in a file system, where nothing is attached";
static const char udp[] = "a gate carries TCP, and this is UDP";
static const char many[] = "it names several hosts, and a gate stands for one";
static const char space[] = "the URL holds a space or control character";
static const char bracket[] = "what stands in [ ] is not an IPv6 address";
static const char neither[] = "its host is neither a name nor an address";
static const char numbers[] = "its host is not an IPv4 address of four numbers";
static const struct {
	const char *url, *error, *hint;
} rows[] = {
	{ "", "not a URL of the form scheme://host:port/path", "" },
	{ "redis:h", "not a URL of the form scheme://host:port/path", "" },
	{ "redis://", "not a URL of the form scheme://host:port/path", "" },
	{ "redis://a b", space, "" },
	{ "redis://a\tb", space, "" },
	{ "redis://a\x7f", space, "" },
	{ "redis:///0", "it names no host", ESCAPE },
	{ "redis://:secret#1@h:1", "it names no host", ESCAPE },
	{ "redis://user@:1", "it names no host", ESCAPE },
	{ "redis://h:0", port, "" },
	{ "redis://h:", port, "" },
	{ "redis://h:65536", port, "" },
	{ "redis://h:-1", port, "" },
	{ "redis://h:6379x", port, "" },
	{ "redis://user:secret/more@h:1", port, "" },
	{ "tcp://h", "it names no port, and tcp has none of its own", "tcp://host:PORT" },
	{ "foo+bar://h", "it names no port, and foo+bar has none of its own",
		"foo+bar://host:PORT" },
	{ "redis://[fe80::1%25eth0]:1",
		"its IPv6 address has a zone, which names an interface of the host",
		"a gate needs a global, unique local or loopback address" },
	{ "redis://[::1", bracket, "" },
	{ "redis://[]:1", bracket, "" },
	{ "redis://[1.2.3.4]:1", bracket, "" },
	{ "redis://[::1]x", neither, "" },
	{ "redis://[::]:1", "[::] is no address to connect to", "" },
	{ "redis://[::ffff:1.2.3.4]", "its IPv6 address is an IPv4 one: write that", "" },
	{ "redis://0.0.0.0:1", "0.0.0.0 is no address to connect to", "" },
	{ "redis://::1:6379",
		"it has more than one : before its port; an IPv6 address stands in [ ]", "" },
	{ "redis://127.1:1", numbers, "" },
	{ "redis://0x7f000001:1", numbers, "" },
	{ "redis://1.2.3.256:1", numbers, "" },
	{ "redis://a..b:1", neither, "" },
	{ "redis://.:1", neither, "" },
	{ "redis://a%41:1", neither, "" },
	{ "redis://a\\b:1", neither, "" },
	{ "redis://b\xc3\xbc"
	  "cher:1",
		"its host name is not ASCII", "write the name as DNS has it, with xn--…" },
	{ "redis://h1:1,h2:2", many, OPEN },
	{ "mongodb://u:p@h1,h2/db", many, OPEN },
	{ "mongodb+srv://h/db", "its hosts are in SRV records, and a gate stands for one", OPEN },
	{ "statsd://h:8125", udp, OPEN },
	{ "udp://h:1", udp, OPEN },
	{ "syslog+udp://h:514", udp, OPEN },
	{ "unix:///run/x.sock", local, "attach the service by host and port" },
	{ "redis+socket:///run/x.sock", local, "attach the service by host and port" },
	{ "postgres://%2Frun%2Fpostgresql/db", local, "attach the service by host and port" },
};

static void what_no_gate_can_stand_for_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct service_endpoint endpoint;
		struct error err = { 0 };

		if (service_parse(rows[i].url, &endpoint, &err) == 0)
			fail_msg("%s is taken", rows[i].url);
		assert_string_equal(err.text, rows[i].error);
		assert_string_equal(err.hint, rows[i].hint);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_null(strstr(err.text, "secret"));
	}
}

static void a_host_has_its_longest(void **state)
{
	char url[600] = "x://";
	struct service_endpoint endpoint;
	struct error err;

	(void)state;
	for (int i = 0; i < 126; i++)
		(void)strcat(url, "a.");
	(void)strcat(url, "b:1");
	assert_int_equal(service_parse(url, &endpoint, &err), 0);
	assert_int_equal(strlen(endpoint.host), 253);
	memcpy(url + 4 + 253, ".:1", 4);
	assert_int_equal(service_parse(url, &endpoint, &err), -1);
	assert_string_equal(err.text, "its host name is longer than 253 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_says_host_and_port),
		cmocka_unit_test(user_and_password_end_at_the_last_at_sign),
		cmocka_unit_test(a_scheme_has_its_port),
		cmocka_unit_test(what_no_gate_can_stand_for_is_refused),
		cmocka_unit_test(a_host_has_its_longest),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}

/* What the network's own processes cannot do any more. */
#include "../../src/network/seclude.h"
#include "../support/instance.h"
#include "../support/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint16_t service = 6379;

/* The status of a secluded child that does what it should not be able to do; ports as of
 * seclude_ports. */
static int in_seclusion(int (*act)(void), const uint16_t *ports)
{
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(seclude_root(&err) < 0 || seclude_rights(0, &err) < 0 ||
					seclude_ports(ports, ports ? 1 : 0, &err) < 0
				? 100
				: act());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int use_files(void)
{
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != ENOENT)
		return 1;
	if (open("/made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return 2;
	return 0;
}

static int regain_rights(void)
{
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
		return 1;
	return kill(getppid(), 0) == 0 ? 2 : 0;
}

static void it_has_no_files_and_no_rights(void **state)
{
	(void)state;
	assert_int_equal(in_seclusion(use_files, &service), 0);
	assert_int_equal(in_seclusion(regain_rights, &service), 0);
}

static int reach_abstract_socket(void)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0seclude" };
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 6)
		return 0;
	return connect(local, (const void *)&name, sizeof name) < 0 && errno == EPERM ? 0 : 3;
}

static int connect_anywhere(void)
{
	if (instance_connect(-1, "127.0.0.1", 6379) < 0)
		return 1;
	if (instance_connect(-1, "127.0.0.1", 5000) >= 0 || errno != EACCES)
		return 2;
	return reach_abstract_socket();
}

/* As with egress "open": any port, and nothing else. */
static int connect_and_listen(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7001) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (instance_connect(-1, "127.0.0.1", 6379) < 0)
		return 1;
	if (instance_connect(-1, "127.0.0.1", 5000) >= 0 || errno != ECONNREFUSED)
		return 2;
	if (bind(fd, (const void *)&at, sizeof at) == 0 || errno != EACCES)
		return 4;
	return reach_abstract_socket();
}

static void it_connects_to_the_ports_named_only(void **state)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0seclude" };
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct server server;

	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4) {
		print_message("skipped: this kernel's Landlock knows no ports\n");
		skip();
	}
	assert_int_equal(bind(local, (const void *)&name, sizeof name), 0);
	assert_int_equal(listen(local, 1), 0);
	server_start(-1, "127.0.0.1", 6379, SERVER_ECHO, &server);
	assert_int_equal(in_seclusion(connect_anywhere, &service), 0);
	assert_int_equal(in_seclusion(connect_and_listen, NULL), 0);
	server_stop(&server);
	(void)close(local);
}

static int enter_host(void **state)
{
	(void)state;
	return instance_enter_host() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_no_files_and_no_rights),
		cmocka_unit_test(it_connects_to_the_ports_named_only),
	};

	if (geteuid() != 0) {
		print_message("1..0 # SKIP needs root\n");
		return 0;
	}
	return cmocka_run_group_tests_name("seclude", tests, enter_host, NULL);
}

/* A process with a terminal: its own devpts, a controlling terminal, sizes, Ctrl-C, eight bits. */
#include "../support/box.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	static struct box box; /* one for the group */

	box_init(&box);
	*state = &box;
	return 0;
}

static int teardown(void **state)
{
	box_done(*state);
	return 0;
}

static void start(void **state, const char *const *words, struct box_launch *ret)
{
	struct spec spec = { .terminal = true };
	struct error err;

	box_spec(&spec, words);
	if (box_start(*state, &spec, ret, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(ret->sandbox.console >= 0);
	spec_done(&spec);
}

/* Reads the terminal until text appears. */
static void expect(const struct box_launch *launch, const char *text)
{
	char seen[4096] = { 0 };
	size_t len = 0;

	while (!strstr(seen, text)) {
		struct pollfd ready = { .fd = launch->sandbox.console, .events = POLLIN };
		ssize_t got = -1;

		if (poll(&ready, 1, 10000) == 1)
			got = read(ready.fd, seen + len, sizeof seen - 1 - len);
		if (got <= 0)
			fail_msg("no \"%s\" in:\n%s", text, seen);
		len += (size_t)got;
	}
}

static void send(const struct box_launch *launch, const char *text)
{
	assert_int_equal(write(launch->sandbox.console, text, strlen(text)), strlen(text));
}

static void the_terminal_is_the_controlling_one_and_on_the_console(void **state)
{
	struct box_launch launch;
	struct error err;
	int status;

	start(state, (const char *const[]){ "tty", NULL }, &launch);
	expect(&launch, "tty /dev/pts/0 1\r\nconsole 136\r\nready\r\n");

	send(&launch, "hello\n");
	expect(&launch, "got hello\r\n");

	send(&launch, "\003");
	expect(&launch, "caught 2\r\n");
	assert_int_equal(sandbox_wait(&launch.sandbox, &status, &err), 0);
	assert_int_equal(WEXITSTATUS(status), 3);
	box_finish(&launch);
}

static void a_resize_reaches_the_process(void **state)
{
	const struct winsize size = { .ws_row = 50, .ws_col = 132 };
	struct box_launch launch;

	start(state, (const char *const[]){ "tty", NULL }, &launch);
	expect(&launch, "ready\r\n");
	assert_int_equal(ioctl(launch.sandbox.console, TIOCSWINSZ, &size), 0);
	expect(&launch, "50 132\r\n");
	box_finish(&launch);
}

static void every_byte_passes_unchanged_once_the_terminal_is_raw(void **state)
{
	struct box_launch launch;
	struct termios mode;
	unsigned char out[256], in[256];
	size_t len = 0;

	start(state, (const char *const[]){ "copy", NULL }, &launch);
	expect(&launch, "ready\r\n");
	assert_int_equal(tcgetattr(launch.sandbox.console, &mode), 0);
	cfmakeraw(&mode);
	assert_int_equal(tcsetattr(launch.sandbox.console, TCSANOW, &mode), 0);
	for (int i = 0; i < 256; i++)
		out[i] = (unsigned char)i;
	assert_int_equal(write(launch.sandbox.console, out, sizeof out), sizeof out);
	while (len < sizeof in) {
		ssize_t got = read(launch.sandbox.console, in + len, sizeof in - len);

		assert_true(got > 0);
		len += (size_t)got;
	}
	assert_memory_equal(in, out, sizeof in);
	box_finish(&launch);
}

static void dev_has_ptmx_pts_and_console_besides(void **state)
{
	struct box_launch launch;

	start(state, (const char *const[]){ "ls", "/dev", NULL }, &launch);
	expect(&launch, "console\r\nfd\r\nfull\r\nnull\r\nptmx\r\npts\r\nrandom\r\nshm\r\n");
	box_finish(&launch);
}

static void the_process_may_reopen_its_terminal(void **state)
{
	struct box_launch launch;

	start(state,
		(const char *const[]){
			"open", "/dev/tty", "/dev/pts/0", "/dev/console", "/dev/ptmx", NULL },
		&launch);
	expect(&launch,
		"/dev/tty: open\r\n/dev/pts/0: open\r\n/dev/console: open\r\n/dev/ptmx: open\r\n");
	box_finish(&launch);
}

static void no_input_can_be_pushed_into_a_terminal(void **state)
{
	struct box_launch launch;

	start(state, (const char *const[]){ "push", NULL }, &launch);
	expect(&launch, "TIOCSTI: Operation not permitted\r\n"
			"TIOCSTI with high bits: Operation not permitted\r\n"
			"TIOCLINUX: Operation not permitted\r\n");
	box_finish(&launch);
}

static void only_the_three_streams_are_open(void **state)
{
	struct box_launch launch;

	start(state, (const char *const[]){ "fds", NULL }, &launch);
	expect(&launch, "0\r\n1\r\n2\r\nend\r\n");
	box_finish(&launch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_terminal_is_the_controlling_one_and_on_the_console),
		cmocka_unit_test(a_resize_reaches_the_process),
		cmocka_unit_test(every_byte_passes_unchanged_once_the_terminal_is_raw),
		cmocka_unit_test(dev_has_ptmx_pts_and_console_besides),
		cmocka_unit_test(the_process_may_reopen_its_terminal),
		cmocka_unit_test(no_input_can_be_pushed_into_a_terminal),
		cmocka_unit_test(only_the_three_streams_are_open),
	};

	if (!box_possible())
		return 0;
	return cmocka_run_group_tests_name("terminal", tests, setup, teardown);
}

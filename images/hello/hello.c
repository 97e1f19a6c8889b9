/* The one-off commands of the demo app, and the table of all of them. They do what a person trying
 * isorun out, or a test of it, wants to see done: end in every way there is, print in every amount,
 * look around, and use up what is limited. */
#include "hello.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

static int complain(const char *what)
{
	fprintf(stderr, "hello: %s: %s\n", what, strerror(errno));
	return 1;
}

static int wait_for_end(void)
{
	fflush(stdout);
	while (pause())
		;
	return 0;
}

static int succeed(int argc, char **argv)
{
	(void)argc, (void)argv;
	return 0;
}

static int end_with(int argc, char **argv)
{
	return argc > 0 ? atoi(argv[0]) : 1;
}

static int print_environment(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (char **item = environ; *item; item++)
		puts(*item);
	return 0;
}

static int print_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		puts(argv[i]);
	return 0;
}

static int copy_input(int argc, char **argv)
{
	char bytes[65536];
	ssize_t len;

	(void)argc, (void)argv;
	while ((len = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
		if (write(STDOUT_FILENO, bytes, (size_t)len) != len)
			return complain("write");
	return len < 0 ? complain("read") : 0;
}

static int rest(int argc, char **argv)
{
	double seconds = argc > 0 ? atof(argv[0]) : 1e9;

	usleep((useconds_t)((seconds - (double)(long)seconds) * 1e6));
	for (unsigned left = (unsigned)seconds; left > 0;)
		left = sleep(left);
	return 0;
}

/* Ends only by SIGKILL. */
static int endure(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	puts("ignoring SIGTERM and SIGINT");
	return wait_for_end();
}

/* Says by name which signal came first, then ends. */
static int await_signal(int argc, char **argv)
{
	sigset_t all;
	int number;

	(void)argc, (void)argv;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	puts("waiting for a signal");
	fflush(stdout);
	if (sigwait(&all, &number))
		return complain("sigwait");
	printf("SIG%s\n", sigabbrev_np(number));
	return 0;
}

static int crash(int argc, char **argv)
{
	(void)argc, (void)argv;
	fputs("hello: crashing\n", stderr);
	raise(SIGSEGV);
	return 1;
}

/* lines N [TEXT]: "1 TEXT" to "N TEXT", as fast as they are taken. */
static int print_lines(int argc, char **argv)
{
	long count = argc > 0 ? atol(argv[0]) : 1;

	for (long i = 1; i <= count; i++)
		printf("%ld %s\n", i, argc > 1 ? argv[1] : "line");
	return fflush(stdout) ? complain("write") : 0;
}

/* listen PORT [ADDRESS]: accepts and closes, for ever. */
static int listen_only(int argc, char **argv)
{
	int fd = argc > 0 ? listen_on(argc > 1 ? argv[1] : NULL, atoi(argv[0])) : -1;

	if (fd < 0)
		return complain("listen");
	puts("listening");
	fflush(stdout);
	for (;;) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		int peer = poll(&poller, 1, -1) < 0 ? -1 : accept(fd, NULL, NULL);

		if (peer < 0)
			return complain("accept");
		close(peer);
	}
}

/* connect ADDRESS PORT: "connected", or why not. */
static int connect_to(int argc, char **argv)
{
	struct sockaddr_in six4 = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	bool four = argc == 2 && inet_pton(AF_INET, argv[0], &six4.sin_addr) == 1;
	int fd;

	if (argc != 2 || (!four && inet_pton(AF_INET6, argv[0], &six.sin6_addr) != 1))
		return USAGE;
	six4.sin_port = six.sin6_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	alarm(5);
	if (fd < 0 || connect(fd, four ? (struct sockaddr *)&six4 : (struct sockaddr *)&six,
			      four ? sizeof six4 : sizeof six) < 0)
		return complain("connect");
	puts("connected");
	return 0;
}

/* Takes and touches so many megabytes, then waits to be ended. */
static int hog_memory(int argc, char **argv)
{
	long megabytes = argc > 0 ? atol(argv[0]) : 64;

	for (long i = 1; i <= megabytes; i++) {
		char *block = malloc(1 << 20);

		if (!block)
			return complain("malloc");
		memset(block, 1, 1 << 20);
	}
	printf("holding %ld MB\n", megabytes);
	return wait_for_end();
}

/* forks N: so many children that wait; says how many there could be. */
static int hog_processes(int argc, char **argv)
{
	long wanted = argc > 0 ? atol(argv[0]) : 10, made = 0;
	int why = 0;
	pid_t children[4096];

	for (; made < wanted && made < 4096; made++) {
		children[made] = fork();
		if (children[made] == 0)
			for (;;)
				pause();
		if (children[made] < 0) {
			why = errno;
			break;
		}
	}
	printf("%ld children%s%s\n", made, why ? ": " : "", why ? strerror(why) : "");
	for (long i = 0; i < made; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* zombies N: grandchildren that end after their parent, so that pid 1 has to reap them. */
static int leave_zombies(int argc, char **argv)
{
	long count = argc > 0 ? atol(argv[0]) : 10;

	for (long i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			return complain("fork");
		if (child == 0)
			_exit(fork() < 0);
		waitpid(child, NULL, 0);
	}
	printf("left %ld\n", count);
	return 0;
}

/* write FILE BYTES: a file of so many bytes; says how many it took. */
static int write_file(int argc, char **argv)
{
	static const char block[65536];
	FILE *file = argc == 2 ? fopen(argv[0], "w") : NULL;
	long left = argc == 2 ? atol(argv[1]) : 0;

	if (!file)
		return complain(argc > 0 ? argv[0] : "write");
	for (; left > 0; left -= (long)sizeof block)
		if (fwrite(block, 1, left < (long)sizeof block ? (size_t)left : sizeof block,
			    file) == 0)
			return complain(argv[0]);
	return fclose(file) ? complain(argv[0]) : 0;
}

/* read FILE: its contents. */
static int read_file(int argc, char **argv)
{
	if (argc != 1 || !freopen(argv[0], "r", stdin))
		return complain(argc > 0 ? argv[0] : "read");
	return copy_input(0, NULL);
}

/* Which standard streams are terminals, and the window's size. */
static int print_terminal(int argc, char **argv)
{
	struct winsize size = { 0 };

	(void)argc, (void)argv;
	printf("stdin %d stdout %d stderr %d\n", isatty(0), isatty(1), isatty(2));
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		printf("%d rows %d columns\n", size.ws_row, size.ws_col);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "serve", serve, "web server on $PORT" },
	{ "true", succeed, "exits 0" },
	{ "exit", end_with, "STATUS: exits with it" },
	{ "env", print_environment, "prints the environment" },
	{ "args", print_arguments, "prints its arguments" },
	{ "cat", copy_input, "copies standard input to standard output" },
	{ "id", inspect, "prints ids, rights, limits, namespaces and mounts" },
	{ "tty", print_terminal, "prints which streams are terminals" },
	{ "sleep", rest, "SECONDS" },
	{ "stubborn", endure, "ignores SIGTERM and SIGINT" },
	{ "signal", await_signal, "prints the first signal that comes" },
	{ "crash", crash, "ends by SIGSEGV" },
	{ "lines", print_lines, "COUNT [TEXT]: prints numbered lines" },
	{ "listen", listen_only, "PORT [ADDRESS]" },
	{ "connect", connect_to, "ADDRESS PORT" },
	{ "memory", hog_memory, "MEGABYTES: holds them" },
	{ "forks", hog_processes, "COUNT: so many children at once" },
	{ "zombies", leave_zombies, "COUNT: so many orphans" },
	{ "write", write_file, "FILE BYTES" },
	{ "read", read_file, "FILE" },
};

int main(int argc, char **argv)
{
	size_t count = sizeof commands / sizeof *commands;

	for (size_t i = 0; argc > 1 && i < count; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fputs("usage: hello COMMAND\n", stderr);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "  %-9s %s\n", commands[i].name, commands[i].help);
	return USAGE;
}

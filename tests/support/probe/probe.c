/* The program that tests run inside a container, linked statically: "probe WORD [ARGUMENT]…" says
 * on stdout what it sees or does there. Errors are its exit status and a line. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int do_exit(char **args)
{
	return atoi(args[0]);
}

static int do_raise(char **args)
{
	return raise(atoi(args[0]));
}

static int do_echo(char **args)
{
	for (; *args; args++)
		printf("%s%s", *args, args[1] ? " " : "\n");
	return 0;
}

static int do_env(char **args)
{
	for (args = environ; *args; args++)
		printf("%s\n", *args);
	return 0;
}

static int do_cat(char **args)
{
	char chunk[4096];
	int fd = open(args[0], O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return failed(args[0]);
	while ((got = read(fd, chunk, sizeof chunk)) > 0)
		fwrite(chunk, 1, (size_t)got, stdout);
	return got < 0 ? failed(args[0]) : 0;
}

static int do_write(char **args)
{
	int fd = open(args[0], O_WRONLY | O_CREAT, 0666);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return failed(args[0]);
	printf("%s: written\n", args[0]);
	return 0;
}

static int do_ls(char **args)
{
	struct dirent **list;
	int count = scandir(args[0], &list, NULL, alphasort);

	if (count < 0)
		return failed(args[0]);
	for (int i = 0; i < count; i++)
		if (list[i]->d_name[0] != '.')
			printf("%s\n", list[i]->d_name);
	return 0;
}

static int do_stat(char **args)
{
	for (; *args; args++) {
		struct stat status;

		if (lstat(*args, &status) < 0) {
			(void)failed(*args);
			continue;
		}
		printf("%s %o %u:%u", *args, status.st_mode, status.st_uid, status.st_gid);
		if (S_ISCHR(status.st_mode))
			printf(" %u:%u", major(status.st_rdev), minor(status.st_rdev));
		printf("\n");
	}
	return 0;
}

static int do_fds(char **args)
{
	char path[64], target[256];

	(void)args;
	for (int fd = 0; fd < 1024; fd++) {
		ssize_t len;

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof target - 1);
		if (len >= 0)
			printf("%d\n", fd);
	}
	printf("end\n");
	return 0;
}

static int do_zombies(char **args)
{
	/* Grandchildren whose parent is gone are pid 1's to reap. */
	for (int i = atoi(args[0]); i > 0; i--) {
		pid_t pid = fork();

		if (pid < 0)
			return failed("fork");
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int count_processes(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (proc && (entry = readdir(proc)))
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
	closedir(proc);
	return count;
}

static int do_reaped(char **args)
{
	do_zombies(args);
	for (int i = 0; i < 200 && count_processes() > 2; i++)
		usleep(10000);
	printf("%d processes\n", count_processes());
	return 0;
}

static volatile sig_atomic_t caught;

static void catch (int signo)
{
	caught = signo;
}

static int do_trap(char **args)
{
	for (; *args; args++)
		signal(atoi(*args), catch);
	printf("ready\n");
	fflush(stdout);
	while (!caught)
		pause();
	printf("caught %d\n", caught);
	return 0;
}

/* A member of the process group that is not its leader says what it caught. */
static int do_trap_child(char **args)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(do_trap(args) || fflush(stdout));
	signal(atoi(args[0]), SIG_IGN);
	waitpid(pid, NULL, 0);
	return 0;
}

static _Noreturn int do_sleep(char **args)
{
	(void)args;
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* Leaves an orphan behind that would live on. */
static int do_leave(char **args)
{
	if (fork() == 0)
		do_sleep(args);
	usleep(50000);
	return 5;
}

static int do_limit(char **args)
{
	struct rlimit limit;

	getrlimit(atoi(args[0]), &limit);
	printf("%llu %llu\n", (unsigned long long)limit.rlim_cur,
		(unsigned long long)limit.rlim_max);
	return 0;
}

static int do_self(char **args)
{
	char text[256];

	(void)args;
	printf("uid %u %u gid %u %u groups %d\n", getuid(), geteuid(), getgid(), getegid(),
		getgroups(0, NULL));
	printf("pid %d session %d dumpable %d\n", getpid(), getsid(0) == getpid(),
		prctl(PR_GET_DUMPABLE));
	printf("cwd %s\n", getcwd(text, sizeof text));
	gethostname(text, sizeof text);
	printf("host %s\n", text);
	return 0;
}

static int do_size(char **args)
{
	struct winsize size;

	(void)args;
	if (ioctl(0, TIOCGWINSZ, &size) < 0)
		return failed("size");
	printf("%u %u\n", size.ws_row, size.ws_col);
	return 0;
}

static void show_size(int signo)
{
	(void)signo;
	do_size(NULL);
	fflush(stdout);
}

static int do_tty(char **args)
{
	char text[256] = { 0 };
	struct stat console;

	(void)args;
	printf("tty %s %d\n", ttyname(0), tcgetsid(0) == getsid(0));
	if (stat("/dev/console", &console) == 0)
		printf("console %u\n", major(console.st_rdev));
	signal(SIGWINCH, show_size);
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = catch }, NULL); /* interrupts */
	printf("ready\n");
	fflush(stdout);
	while (!caught && (fgets(text, sizeof text, stdin) || errno == EINTR)) {
		clearerr(stdin);
		if (*text)
			printf("got %s", text);
		fflush(stdout);
		*text = '\0';
	}
	printf("caught %d\n", caught);
	return 3;
}

static int do_copy(char **args)
{
	unsigned char chunk[256];
	ssize_t got;

	(void)args;
	printf("ready\n");
	fflush(stdout);
	while ((got = read(0, chunk, sizeof chunk)) > 0)
		if (write(1, chunk, (size_t)got) != got)
			return 1;
	return 0;
}

static int do_push(char **args)
{
	char byte = 'x';

	(void)args;
	printf("TIOCSTI: %s\n", ioctl(0, TIOCSTI, &byte) < 0 ? strerror(errno) : "done");
	printf("TIOCSTI with high bits: %s\n",
		ioctl(0, TIOCSTI | 1UL << 32, &byte) < 0 ? strerror(errno) : "done");
	printf("TIOCLINUX: %s\n", ioctl(0, TIOCLINUX, &byte) < 0 ? strerror(errno) : "done");
	return 0;
}

static int do_signal_1(char **args)
{
	if (kill(1, atoi(args[0])) < 0)
		return failed("kill");
	sleep(1);
	return 0;
}

static int do_open(char **args)
{
	for (; *args; args++) {
		int fd = open(*args, O_RDWR);

		printf("%s: %s\n", *args, fd < 0 ? strerror(errno) : "open");
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static int do_fill(char **args)
{
	for (int i = 0;; i++) {
		char path[256];
		int fd;

		snprintf(path, sizeof path, "%s/%d", args[0], i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0) {
			printf("%s\n", strerror(errno));
			return 0;
		}
		close(fd);
	}
}

static const struct {
	const char *name;
	int (*act)(char **args);
} words[] = {
	{ "exit", do_exit },
	{ "raise", do_raise },
	{ "echo", do_echo },
	{ "env", do_env },
	{ "cat", do_cat },
	{ "write", do_write },
	{ "ls", do_ls },
	{ "stat", do_stat },
	{ "fds", do_fds },
	{ "zombies", do_zombies },
	{ "reaped", do_reaped },
	{ "trap", do_trap },
	{ "trap-child", do_trap_child },
	{ "sleep", do_sleep },
	{ "leave", do_leave },
	{ "limit", do_limit },
	{ "self", do_self },
	{ "size", do_size },
	{ "tty", do_tty },
	{ "copy", do_copy },
	{ "push", do_push },
	{ "signal-1", do_signal_1 },
	{ "open", do_open },
	{ "fill", do_fill },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++)
		if (strcmp(argv[1], words[i].name) == 0)
			return words[i].act(argv + 2);
	printf("probe: no such word\n");
	return 99;
}

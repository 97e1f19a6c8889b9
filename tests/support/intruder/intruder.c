/* The hostile process of the security tests, linked statically and run as an app: it looks at what
 * SECURITY's defaults promise about it and tries what they forbid, one line for each. A line says
 * what happened and not whether that is right: the test that runs it knows. */
#include "rules.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, const char *path, long result)
{
	printf("%s%s%s: %s\n", what, *path ? " " : "", path,
		result < 0 ? strerrorname_np(errno) : "done");
}

static void try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	say((flags & O_ACCMODE) == O_RDONLY ? "read" : "write", path, fd);
	if (fd >= 0)
		close(fd);
}

static void list_below(const char *path)
{
	struct dirent **list;
	int count = scandir(path, &list, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char child[600];
		struct stat status;

		snprintf(child, sizeof child, "%s/%s", path, list[i]->d_name);
		if (list[i]->d_name[0] == '.' || lstat(child, &status) < 0)
			continue;
		if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
			printf("%s %u:%u\n", child, major(status.st_rdev), minor(status.st_rdev));
		else
			printf("%s\n", child);
		if (S_ISDIR(status.st_mode))
			list_below(child);
	}
}

static int do_dev(char **args)
{
	(void)args;
	list_below("/dev");
	return 0;
}

/* What each mount forbids, and how much each writable one holds. */
static int do_mounts(char **args)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[2048], type[64];
	struct statvfs fs;

	(void)args;
	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%*s %*s %*s %*s %2047s", point) != 1 || !strstr(line, " - ") ||
			sscanf(strstr(line, " - "), " - %63s", type) != 1 ||
			statvfs(point, &fs) < 0)
			continue;
		printf("%s %s%s%s%s", point, fs.f_flag & ST_RDONLY ? "ro" : "rw",
			fs.f_flag & ST_NOSUID ? " nosuid" : "",
			fs.f_flag & ST_NODEV ? " nodev" : "",
			fs.f_flag & ST_NOEXEC ? " noexec" : "");
		if (fs.f_flag & ST_RDONLY || fs.f_files == 0 || strcmp(type, "tmpfs") != 0)
			printf("\n");
		else
			printf(" %lu MiB %lu files\n", fs.f_blocks * fs.f_frsize >> 20, fs.f_files);
	}
	if (file)
		fclose(file);
	return 0;
}

static int do_masks(char **args)
{
	for (; *args; args++) {
		struct dirent **list;
		struct statvfs fs;
		struct stat status;

		if (lstat(*args, &status) < 0)
			continue;
		if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
			continue;
		if (S_ISDIR(status.st_mode) && scandir(*args, &list, NULL, NULL) == 2 &&
			statvfs(*args, &fs) == 0 && fs.f_flag & ST_RDONLY)
			continue;
		printf("%s is open\n", *args);
	}
	return 0;
}

static int do_write(char **args)
{
	for (; *args; args++)
		try_open(*args, O_WRONLY);
	return 0;
}

static int do_read(char **args)
{
	for (; *args; args++)
		try_open(*args, O_RDONLY);
	return 0;
}

/* Whether a program that was copied there can be executed. */
static int do_exec(char **args)
{
	for (; *args; args++) {
		char path[256], chunk[1 << 16], *argv[] = { path, NULL };
		int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		int to;
		ssize_t got;

		snprintf(path, sizeof path, "%s/copied", *args);
		to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
		while ((got = read(from, chunk, sizeof chunk)) > 0)
			(void)!write(to, chunk, (size_t)got);
		close(to);
		close(from);
		if (fork() == 0) {
			execv(path, argv);
			say("execute in", *args, -1);
			fflush(stdout);
			_exit(0);
		}
		wait(NULL);
		unlink(path);
	}
	return 0;
}

/* pid 1 is isorun: nothing of it may be seen, and nobody may become it. */
static int do_init(char **args)
{
	static const char *const files[] = { "exe", "root", "cwd", "mem", "fd", "environ", "maps",
		"ns/mnt", "map_files", "stack", "syscall" };
	char path[64], byte;
	struct iovec iov = { &byte, 1 };
	int fd;

	(void)args;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "/proc/1/%s", files[i]);
		try_open(path, O_RDONLY);
	}
	try_open("/proc/1/exe", O_WRONLY);
	try_open("/proc/1/mem", O_RDWR);
	say("trace", "1", ptrace(PTRACE_ATTACH, 1, 0, 0));
	say("trace by number", "1", syscall(SYS_ptrace, PTRACE_SEIZE, 1, 0, 0));
	say("read memory of", "1", process_vm_readv(1, &iov, 1, &iov, 1, 0));
	fd = (int)syscall(SYS_pidfd_open, 1, 0);
	say("take a descriptor of", "1", syscall(SYS_pidfd_getfd, fd, 0, 0));
	close(fd);
	return 0;
}

static int do_rights(char **args)
{
	const uint64_t header = 0x20080522;
	const uint32_t all[6] = { ~0U, ~0U, ~0U, ~0U, ~0U, ~0U };
	gid_t zero = 0;

	(void)args;
	say("become", "user 0", setuid(0));
	say("become", "group 0", setgid(0));
	say("join", "group 0", setgroups(1, &zero));
	say("take", "every capability", syscall(SYS_capset, &header, all));
	say("mount", "tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL));
	say("leave by", "chroot", chroot("/tmp"));
	say("make", "a user namespace", syscall(SYS_unshare, 0x10000000));
	say("make", "a disk", mknod("/tmp/disk", S_IFBLK | 0600, makedev(8, 0)));
	say("make", "a null device", mknod("/tmp/null", S_IFCHR | 0600, makedev(1, 3)));
	say("change", "the host name", sethostname("x", 1));
	say("type", "into the terminal", ioctl(0, TIOCSTI, "x"));
	say("type", "with high bits", syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, "x"));
	say("touch", "/dev/null", utimensat(AT_FDCWD, "/dev/null", NULL, 0));
	say("leave by", "..", chdir("../../../../../.."));
	try_open("../etc/shadow", O_RDONLY);
	return 0;
}

/* args: pairs of an address and a port. Nobody must answer. */
static int do_reach(char **args)
{
	for (; args[0] && args[1]; args += 2) {
		struct sockaddr_in6 to = { .sin6_family = AF_INET6,
			.sin6_port = htons((uint16_t)atoi(args[1])) };
		struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = to.sin6_port };
		int is4 = inet_pton(AF_INET, args[0], &to4.sin_addr) == 1;
		int fd = socket(is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int one = 1, error = 0, udp = socket(is4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
		socklen_t size = sizeof error, len = is4 ? sizeof to4 : sizeof to;
		const void *at = is4 ? (void *)&to4 : (void *)&to;
		struct pollfd wait_for = { .fd = fd, .events = POLLOUT };

		if (!is4 && inet_pton(AF_INET6, args[0], &to.sin6_addr) != 1)
			return 1;
		to.sin6_scope_id = if_nametoindex("eth0");
		setsockopt(udp, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
		(void)sendto(udp, "intruder", 8, 0, at, len); /* whoever hears it says so */
		if (connect(fd, at, len) < 0 && errno == EINPROGRESS &&
			poll(&wait_for, 1, 200) == 1)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		else
			error = errno;
		if (error == 0)
			printf("reached %s %s\n", args[0], args[1]);
		close(fd);
		close(udp);
	}
	return 0;
}

/* knock COUNT ADDRESS PORT: connects (IPv4) that often, as fast as it is refused; then says so.
 * PORT 0: to another port each time. */
static int do_knock(char **args)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int count = atoi(args[0]), port = atoi(args[2]), refused = 0;

	(void)inet_pton(AF_INET, args[1], &to.sin_addr);
	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		to.sin_port = htons((uint16_t)(port ? port : 1 + i % 65535));
		refused += connect(fd, (void *)&to, sizeof to) < 0 && errno == ECONNREFUSED;
		close(fd);
	}
	printf("refused %d of %d\n", refused, count);
	return 0;
}

static socklen_t parse_end(const char *address, const char *port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof *ret);
	ret->ss_family = strchr(address, ':') ? AF_INET6 : AF_INET;
	v4->sin_port = htons((uint16_t)atoi(port)); /* it lies in the same place */
	(void)inet_pton(ret->ss_family, address,
		strchr(address, ':') ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr);
	return ret->ss_family == AF_INET6 ? sizeof *v6 : sizeof *v4;
}

/* ask tcp|udp ADDRESS PORT: says "hello" and prints what is answered. */
static int do_ask(char **args)
{
	const struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_storage to;
	socklen_t size = parse_end(args[1], args[2], &to);
	int fd = socket(to.ss_family, args[0][0] == 't' ? SOCK_STREAM : SOCK_DGRAM, 0);
	char text[200];
	ssize_t got = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (void *)&to, size) == 0 && send(fd, "hello", 5, 0) == 5)
		got = recv(fd, text, sizeof text, 0);
	if (got < 0)
		printf("%s: %s\n", args[1], strerrorname_np(errno));
	else
		printf("%s: %.*s\n", args[1], (int)got, text);
	return 0;
}

/* resolve NAME: asks the name server of /etc/resolv.conf for an IPv4 address, and prints it. */
static int do_resolve(char **args)
{
	unsigned char query[300] = { 7, 7, 1, 0, 0, 1 }, answer[512];
	const struct timeval limit = { .tv_sec = 5 };
	char server[64] = "", line[200];
	struct sockaddr_storage to;
	size_t len = 12;
	ssize_t got;
	FILE *file = fopen("/etc/resolv.conf", "r");
	int fd;

	while (file && fgets(line, sizeof line, file)) {
		printf("%s", line);
		(void)sscanf(line, "nameserver %63s", server);
	}
	for (char *label = strtok(args[0], "."); label; label = strtok(NULL, ".")) {
		query[len++] = (unsigned char)strlen(label);
		memcpy(query + len, label, strlen(label));
		len += strlen(label);
	}
	memcpy(query + len, "\0\0\1\0\1", 5);
	len += 5;
	socklen_t size = parse_end(server, "53", &to);
	fd = socket(to.ss_family, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (void *)&to, size) < 0 || send(fd, query, len, 0) < 0 ||
		(got = recv(fd, answer, sizeof answer, 0)) < 16) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	printf("%u.%u.%u.%u\n", answer[got - 4], answer[got - 3], answer[got - 2], answer[got - 1]);
	return 0;
}

static int do_abstract(char **args)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(args[0]));

	strncpy(to.sun_path + 1, args[0], sizeof to.sun_path - 2);
	say("connect to", args[0], connect(fd, (const void *)&to, len));
	return 0;
}

/* leave KIND PATH [VALUE]: what a build command should not leave behind. */
static int do_leave(char **args)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *kind = args[0], *path = args[1];
	int depth = args[2] ? atoi(args[2]) : 0;

	if (strcmp(kind, "link") == 0) {
		(void)unlink(path); /* it may be a directory, then: */
		if (access(path, F_OK) == 0 && rename(path, "/app/moved") < 0)
			return 1;
		say("link", path, symlink(args[2], path));
	} else if (strcmp(kind, "pipe") == 0) {
		say("pipe", path, mkfifo(path, 0666));
	} else if (strcmp(kind, "socket") == 0) {
		strncpy(at.sun_path, path, sizeof at.sun_path - 1);
		say("socket", path,
			bind(socket(AF_UNIX, SOCK_STREAM, 0), (const void *)&at, sizeof at));
	} else if (strcmp(kind, "setuid") == 0) {
		int fd = open(path, O_WRONLY | O_CREAT, 0755);

		say("setuid", path, fchmod(fd, 06755));
	} else {
		mkdir(path, 0755);
		if (chdir(path) < 0)
			return 1;
		for (int i = 0; i < depth; i++)
			if (mkdir("d", 0755) < 0 || chdir("d") < 0)
				return 1;
	}
	return 0;
}

static int do_sockets(char **args)
{
	(void)args;
	say("socket", "netfilter", socket(AF_NETLINK, SOCK_RAW, 12));
	say("socket", "raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	say("socket", "packet", socket(AF_PACKET, SOCK_DGRAM, 0));
	say("socket", "vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	say("socket", "alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
	return 0;
}

static int do_fds(char **args)
{
	(void)args;
	for (int fd = 0; fd < 65536; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
	return 0;
}

/* What can be done to the files behind its streams, whatever they were opened for. */
static int do_streams(char **args)
{
	(void)args;
	for (int fd = 0; fd < 3; fd++) {
		char path[32];
		struct stat status;
		int again;

		fstat(fd, &status);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		again = S_ISREG(status.st_mode) || S_ISCHR(status.st_mode) ? open(path, O_RDWR)
									   : -1;
		dprintf(2, "%d %s %s %s\n", fd, S_ISFIFO(status.st_mode) ? "pipe" : "file",
			S_ISFIFO(status.st_mode) ? "-"
			: fchmod(fd, 04777) == 0 ? "changed"
						 : "kept",
			again < 0 ? "-" : "reopened");
	}
	return 0;
}

/* Lines to output and error in turn. */
static int do_turns(char **args)
{
	for (int i = 0; i < atoi(args[0]); i++)
		dprintf(1 + i % 2, "turn %d\n", i);
	return 0;
}

/* How many inotify instances it gets; they are counted by user. */
static int do_inotify(char **args)
{
	int count = 0;

	(void)args;
	while (count < 1000 && inotify_init1(0) >= 0)
		count++;
	printf("%d instances\n", count);
	return 0;
}

/* Says of a file if its group, one of no name here, may more than everybody. What is in /proc of a
 * network is of the process's own one. */
static int look_at_group(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)at;
	if (type != FTW_SL && status->st_gid == 65534 && !strstr(path, "/net/") &&
		(status->st_mode >> 3 & 7 & ~status->st_mode))
		printf("%s %o\n", path, (unsigned)status->st_mode);
	return 0;
}

static int do_groups(char **args)
{
	(void)args;
	for (int fd = 0; fd < 65536; fd++) {
		struct stat status;

		if (fstat(fd, &status) == 0 && fd > 2)
			look_at_group("descriptor", &status, FTW_F, NULL);
	}
	(void)nftw("/", look_at_group, 20, FTW_PHYS);
	printf("nothing else by a group alone\n");
	return 0;
}

/* Forks until it cannot; the children stay until the end. */
static int do_fork(char **args)
{
	int most = atoi(args[0]), count = 0;

	while (count < most) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0)
			break;
		count++;
	}
	printf("%d children, then %s\n", count, count < most ? strerrorname_np(errno) : "no need");
	return 0;
}

static int do_wait(char **args)
{
	(void)args;
	pause();
	return 0;
}

static int do_descriptors(char **args)
{
	int count = 0;

	(void)args;
	while (count < 2000000 && dup(0) >= 0)
		count++;
	printf("%s\n", count < 2000000 ? strerrorname_np(errno) : "no end");
	return 0;
}

/* Orphans that die at once: pid 1 has to reap them all. */
static int do_zombies(char **args)
{
	int most = atoi(args[0]), left = 0;
	struct dirent **list;

	for (int i = 0; i < most; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (vfork() == 0)
				_exit(0);
			_exit(0);
		}
		while (pid > 0 && waitpid(pid, NULL, 0) < 0)
			;
	}
	for (int tries = 0; tries < 100 && left != 2; tries++) {
		int count = scandir("/proc", &list, NULL, NULL);

		left = 0;
		for (int i = 0; i < count; i++)
			left += list[i]->d_name[0] >= '0' && list[i]->d_name[0] <= '9';
		usleep(20000);
	}
	printf("%d processes left\n", left);
	return 0;
}

static int do_flood(char **args)
{
	static char chunk[1 << 16];

	memset(chunk, 'x', sizeof chunk);
	for (long left = atol(args[0]) << 20; left > 0; left -= (long)sizeof chunk)
		if (write(1, chunk, sizeof chunk) < 0)
			return 1;
	return 0;
}

static const struct {
	const char *name;
	int (*act)(char **args);
} words[] = { { "dev", do_dev }, { "mounts", do_mounts }, { "masks", do_masks },
	{ "write", do_write }, { "read", do_read }, { "exec", do_exec }, { "init", do_init },
	{ "rights", do_rights }, { "reach", do_reach }, { "knock", do_knock }, { "ask", do_ask },
	{ "resolve", do_resolve }, { "rules", try_rules }, { "abstract", do_abstract },
	{ "sockets", do_sockets }, { "leave", do_leave }, { "fds", do_fds }, { "fork", do_fork },
	{ "descriptors", do_descriptors }, { "zombies", do_zombies }, { "wait", do_wait },
	{ "flood", do_flood }, { "groups", do_groups }, { "inotify", do_inotify },
	{ "streams", do_streams }, { "turns", do_turns } };

/* intruder WORD [ARGUMENT]… [-- WORD [ARGUMENT]…]… */
int main(int argc, char **argv)
{
	char **at = argv + 1;

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (*at) {
		char **end = at;
		size_t i = 0;

		while (*end && strcmp(*end, "--") != 0)
			end++;
		while (i < sizeof words / sizeof *words && strcmp(words[i].name, *at) != 0)
			i++;
		if (i == sizeof words / sizeof *words)
			return 99;
		char **next = *end ? end + 1 : end;
		*end = NULL;
		printf("[%s]\n", *at);
		if (words[i].act(at + 1) != 0)
			return 98;
		at = next;
	}
	return 0;
}

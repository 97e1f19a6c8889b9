/* Who holds a port: the socket's inode from /proc/net/tcp, then the process that has it open. Only
 * for the hint of an error, so everything that goes wrong here just finds nobody. */
#include "holder.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_MAX = 16 << 20 };

/* The inode of a socket on the port that listens or is only bound; 0: none. */
static uint64_t find_inode(const char *table, uint16_t port)
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_CLOSE int fd = open(table, O_RDONLY | O_CLOEXEC);
	struct error err;
	uint64_t inode = 0;

	if (fd < 0 || file_read_all(fd, TABLE_MAX, &text, &err) < 0)
		return 0;
	for (char *line = strchr(text.data, '\n'); line && *line; line = strchr(line + 1, '\n')) {
		unsigned local, state;

		if (sscanf(line,
			    " %*u: %*[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*u %*u "
			    "%" SCNu64,
			    &local, &state, &inode) == 3 &&
			local == port && state == 0x0a)
			return inode;
	}
	return 0;
}

static bool has_open(int process, const char *wanted)
{
	CLEANUP_CLOSEDIR DIR *list = NULL;
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	char target[64];

	if (fd < 0)
		return false;
	list = fdopendir(fd);
	while (list && (entry = readdir(list))) {
		ssize_t len = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);

		if (len < 0)
			continue;
		target[len] = '\0';
		if (strcmp(target, wanted) == 0)
			return true;
	}
	return false;
}

static void describe(int process, const char *pid, char ret[HOLDER_TEXT])
{
	CLEANUP_BUF struct buf name = { 0 };
	struct error err;

	if (file_read_at(process, "comm", 64, &name, &err) < 0)
		return;
	name.data[strcspn(name.data, "\n")] = '\0';
	(void)snprintf(ret, HOLDER_TEXT, "%.16s (process %.10s) has it", name.data, pid);
}

void holder_find(const struct netlink_address *address, uint16_t port, char ret[HOLDER_TEXT])
{
	CLEANUP_CLOSEDIR DIR *processes = opendir("/proc");
	const struct dirent *entry;
	char wanted[64];
	uint64_t inode =
		find_inode(address->family == AF_INET6 ? "/proc/net/tcp6" : "/proc/net/tcp", port);

	ret[0] = '\0';
	if (!inode && address->family == AF_INET) /* one socket may hold both families */
		inode = find_inode("/proc/net/tcp6", port);
	(void)snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
	while (inode && processes && !ret[0] && (entry = readdir(processes))) {
		CLEANUP_CLOSE int process = -1;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		process =
			openat(dirfd(processes), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process >= 0 && has_open(process, wanted))
			describe(process, entry->d_name, ret);
	}
}

/* Pseudoterminals. The slave comes from TIOCGPTPEER, never from a name in /dev/pts that the
 * container may have replaced (CVE-2025-52565). */
#include "kernel/terminal.h"

#include "base/cleanup.h"
#include "kernel/path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAJOR_SLAVE = 136 };

static int check_slave(int slave, struct error *err)
{
	struct stat status;

	if (fstat(slave, &status) < 0)
		return error_errno(err, "slave");
	if (!S_ISCHR(status.st_mode) || major(status.st_rdev) != MAJOR_SLAVE)
		return error_set(err, ERROR_FAILED, "the slave is not a pseudoterminal");
	return 0;
}

int terminal_open(int root, int *ret_master, int *ret_slave, struct error *err)
{
	CLEANUP_CLOSE int master =
		path_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS);
	CLEANUP_CLOSE int slave = -1;
	struct statfs fs;
	int unlocked = 0;

	if (master < 0)
		return error_errno(err, "/dev/pts/ptmx");
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_set(err, ERROR_FAILED, "/dev/pts is not a devpts");
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return error_errno(err, "unlock");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_errno(err, "slave");
	if (check_slave(slave, err) < 0)
		return -1;
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}

int terminal_adopt(int slave, struct error *err)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_errno(err, "become controlling");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return error_errno(err, "standard streams");
	return 0;
}

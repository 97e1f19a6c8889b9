/* Files of a ledger. Appending is one write(2) to a locked file behind the last whole line: a crash
 * leaves at most a line without its newline, which the next append overwrites, and a full disk
 * leaves what was there before.
 *
 * The head is written in place: 64 bytes within one sector are old or new, never mixed. */
#include "files.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { LEDGER_MAX = 1 << 30, NAME_LONGEST = 63 };

/* Whether a name may be a directory's and can be typed: [A-Za-z0-9][A-Za-z0-9_-]{0,62}. */
static int check_name(const char *what, const char *name, struct error *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t len = strlen(name);

	if (len > 0 && len <= NAME_LONGEST && strspn(name, letters) == len && name[0] != '-' &&
		name[0] != '_')
		return 0;
	return error_set(err, ERROR_USAGE,
		"\"%.40s\" is not a name for %s: letters, digits, - and _, at most %d", name, what,
		NAME_LONGEST);
}

int files_open_dir(
	int dir, const char *app, const char *deploy, bool make, int *ret, struct error *err)
{
	CLEANUP_FREE char *path = memory_format("apps/%s/%s", app, deploy);
	int fd;

	if (check_name("an app", app, err) < 0 || check_name("a deploy", deploy, err) < 0)
		return -1;
	if (make) {
		fd = file_open_dir(dir, path, 0700, err);
		if (fd < 0)
			return -1;
	} else {
		fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return errno == ENOENT ? 0 : error_errno(err, "open %s", path);
	}
	*ret = fd;
	return 1;
}

int files_read(int deploy_dir, struct buf *ret, struct error *err)
{
	const char *newline;

	if (faccessat(deploy_dir, "ledger", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (file_read_at(deploy_dir, "ledger", LEDGER_MAX, ret, err) < 0)
		return -1;
	newline = ret->len ? memrchr(ret->data, '\n', ret->len) : NULL;
	ret->len = newline ? (size_t)(newline - ret->data) + 1 : 0;
	return 0;
}

int files_read_head(int deploy_dir, struct digest *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (faccessat(deploy_dir, "head", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	if (file_read_at(deploy_dir, "head", DIGEST_HEX, &text, err) < 0)
		return -1;
	if (text.len == 0)
		return 0; /* a crash came between creating it and writing it */
	text.data[strcspn(text.data, "\n")] = '\0';
	return digest_parse(text.data, ret, err) < 0 ? error_wrap(err, "head") : 1;
}

int files_write_head(int deploy_dir, const struct digest *head, struct error *err)
{
	CLEANUP_CLOSE int fd =
		openat(deploy_dir, "head", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_errno(err, "head");
	if (pwrite(fd, head->hex, DIGEST_HEX - 1, 0) != DIGEST_HEX - 1 || fdatasync(fd) < 0)
		return error_errno(err, "write head");
	return 0;
}

int files_key(int deploy_dir, unsigned char ret[FILES_KEY], struct error *err)
{
	CLEANUP_BUF struct buf key = { 0 };

	if (faccessat(deploy_dir, "key", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		if (getrandom(ret, FILES_KEY, 0) != FILES_KEY)
			return error_errno(err, "random key");
		return file_write_at(deploy_dir, "key", 0600, ret, FILES_KEY, err);
	}
	if (file_read_at(deploy_dir, "key", FILES_KEY, &key, err) < 0)
		return -1;
	if (key.len != FILES_KEY)
		return error_set(err, ERROR_INTEGRITY, "key: it has %zu bytes instead of %d",
			key.len, FILES_KEY);
	memcpy(ret, key.data, FILES_KEY);
	return 0;
}

int files_open_locked(int deploy_dir, struct error *err)
{
	CLEANUP_CLOSE int fd =
		openat(deploy_dir, "ledger", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_errno(err, "open the ledger");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, "lock the ledger");
	return steal_fd(&fd);
}

int files_append(int ledger, uint64_t size, const struct buf *text, bool sync, struct error *err)
{
	ssize_t put;

	/* What stands behind size is the torn line of a crash. */
	if (ftruncate(ledger, (off_t)size) < 0)
		return error_errno(err, "write the ledger");
	put = pwrite(ledger, text->data, text->len, (off_t)size);
	if (put == (ssize_t)text->len && (!sync || fsync(ledger) == 0))
		return 0;
	if (put >= 0 && put < (ssize_t)text->len)
		errno = ENOSPC; /* what a short write to a file means */
	error_errno(err, "write the ledger");
	if (ftruncate(ledger, (off_t)size) < 0)
		return -1; /* it is a torn line then, cut off next time */
	return -1;
}

/* The trusted side of reading archives: starts the confined reader, checks every record and makes
 * paths clean. Whatever the child claims, no path leaves the top, sizes stay within their bounds
 * and an end of the pipe before its END record is a failure.
 *
 * Deliberately absent: making files (tree.c), and any parsing of tar itself (reader.c, libarchive).
 */
#include "store/tar.h"

#include "base/cleanup.h"
#include "base/number.h"

#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Depth: removing a tree holds two descriptors a level, and 1024 is a usual limit. */
enum { MAX_ENTRIES = 4 << 20, MAX_DEPTH = 256, PIPE_SIZE = 1 << 20 };

static int max_unpacked(uint64_t *ret, struct error *err)
{
	const char *text = getenv("ISORUN_MAX_UNPACKED");

	*ret = UINT64_C(16) << 30;
	if (text && number_parse_size(text, ret, err) < 0)
		return error_wrap(err, "ISORUN_MAX_UNPACKED");
	return 0;
}

/* Descriptors: the tar becomes 0, the pipe 1, and nothing else stays open. */
static _Noreturn void run_reader(int tar, int pipe, pid_t parent)
{
	sigset_t none;

	(void)sigemptyset(&none);                    /* cannot fail */
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
	(void)prctl(PR_SET_NAME, "isorun:[tar]");    /* a name for ps */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* Both out of the way of 0 and 1 first. */
	tar = fcntl(tar, F_DUPFD_CLOEXEC, 3);
	pipe = fcntl(pipe, F_DUPFD_CLOEXEC, 3);
	if (dup2(tar, 0) < 0 || dup2(pipe, 1) < 0 || close_range(2, ~0U, 0) < 0)
		_exit(1);
	reader_main(0, 1);
}

int tar_open(int fd, struct tar *ret, struct error *err)
{
	struct tar tar = TAR_NONE;
	pid_t self = getpid();
	int ends[2];

	if (max_unpacked(&tar.budget, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* fewer switches; not needed */
	tar.child = fork();
	if (tar.child == 0)
		run_reader(fd, ends[1], self);
	(void)close(ends[1]); /* the child's end */
	tar.pipe = ends[0];
	if (tar.child < 0) {
		error_errno(err, "start the archive reader");
		(void)close(ends[0]); /* unused */
		return -1;
	}
	*ret = tar;
	return 0;
}

void tar_close(struct tar *tar)
{
	int status;

	if (tar->pipe >= 0)
		(void)close(tar->pipe); /* reading end */
	if (tar->child > 0) {
		(void)kill(tar->child, SIGKILL); /* our own child, not yet reaped */
		while (waitpid(tar->child, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	*tar = TAR_NONE;
}

static int get(struct tar *tar, void *data, size_t len, struct error *err)
{
	char *at = data;

	while (len > 0) {
		ssize_t got = read(tar->pipe, at, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, "read from the archive reader");
		if (got == 0)
			return error_set(
				err, ERROR_INTEGRITY, "the archive reader died before the end");
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

static int protocol_error(struct error *err)
{
	return error_set(err, ERROR_INTEGRITY, "the archive reader sent nonsense");
}

/* Copies path to ret without leading "./", doubled and trailing slashes and "." components. */
static const char *clean_path(const char *path, char ret[PATH_MAX])
{
	size_t used = 0;
	int depth = 0;

	if (path[0] == '/')
		return "an absolute path is not allowed";
	if (path[0] == '\0')
		return "an empty path is not allowed";
	while (*path) {
		size_t len = strcspn(path, "/");
		const char *part = path;

		path += len;
		path += strspn(path, "/");
		if (len == 0 || (len == 1 && part[0] == '.'))
			continue;
		if (len == 2 && part[0] == '.' && part[1] == '.')
			return "\"..\" is not allowed";
		if (len > NAME_MAX)
			return "a component too long";
		if (++depth > MAX_DEPTH)
			return "nested too deep";
		if (used > 0)
			ret[used++] = '/';
		memcpy(ret + used, part, len);
		used += len;
	}
	if (used == 0)
		ret[used++] = '.';
	ret[used] = '\0';
	return NULL;
}

static int read_text(struct tar *tar, char text[PATH_MAX], uint32_t len, struct error *err)
{
	if (len >= PATH_MAX)
		return protocol_error(err);
	if (get(tar, text, len, err) < 0)
		return -1;
	text[len] = '\0';
	return strlen(text) == len ? 0 : protocol_error(err);
}

static const char *check_numbers(
	struct tar *tar, const struct reader_record *record, struct tar_entry *entry)
{
	if (record->uid < 0 || record->gid < 0 || record->uid >= UINT32_MAX ||
		record->gid >= UINT32_MAX)
		return "a user or group id out of range";
	if (record->size < 0)
		return "a negative size";
	if (record->type != TAR_FILE && record->size > 0)
		return "content where none belongs";
	if ((uint64_t)record->size > tar->budget)
		return "unpacked, it is larger than ISORUN_MAX_UNPACKED allows";
	if (++tar->entries > MAX_ENTRIES)
		return "too many entries";
	entry->uid = (uint32_t)record->uid;
	entry->gid = (uint32_t)record->gid;
	entry->mode = record->mode & 01777;
	entry->mtime = record->mtime;
	entry->mtime_ns = record->mtime_ns < 1000000000 ? record->mtime_ns : 0;
	entry->size = (uint64_t)record->size;
	tar->budget -= entry->size;
	return NULL;
}

static int read_entry(struct tar *tar, const struct reader_record *record, struct tar_entry *entry,
	struct error *err)
{
	char path[PATH_MAX];
	char link[PATH_MAX];
	const char *wrong;

	if (record->type > TAR_HARDLINK)
		return protocol_error(err);
	if (read_text(tar, path, record->path_len, err) < 0 ||
		read_text(tar, link, record->link_len, err) < 0)
		return -1;
	entry->type = (enum tar_type)record->type;
	entry->link[0] = '\0';
	wrong = clean_path(path, entry->path);
	if (!wrong)
		wrong = check_numbers(tar, record, entry);
	if (!wrong && record->type == TAR_HARDLINK)
		wrong = clean_path(link, entry->link);
	if (!wrong && record->type == TAR_SYMLINK) {
		if (!link[0])
			wrong = "an empty link";
		memcpy(entry->link, link, record->link_len + 1);
	}
	if (wrong)
		return error_set(err, ERROR_INTEGRITY, "entry %.200s: %s", path, wrong);
	return 1;
}

static int report(struct tar *tar, const struct reader_record *record, struct error *err)
{
	char text[READER_TEXT + 1];

	if (record->path_len > READER_TEXT)
		return protocol_error(err);
	if (get(tar, text, record->path_len, err) < 0)
		return -1;
	text[record->path_len] = '\0';
	return error_set(err, ERROR_INTEGRITY, "%s", text);
}

static int set_chunk(struct tar *tar, const struct reader_record *record, struct error *err)
{
	uint64_t offset = (uint64_t)record->offset;
	uint64_t size = (uint64_t)record->size;

	tar->inside = size > 0;
	if (!tar->inside)
		return READER_DATA;
	if (size > READER_CHUNK || offset > tar->size || size > tar->size - offset)
		return error_set(err, ERROR_INTEGRITY, "content beyond its size");
	if (offset < tar->offset)
		return error_set(err, ERROR_INTEGRITY, "content out of order");
	tar->left = size;
	tar->offset = offset;
	return READER_DATA;
}

/* Reads the next record; a DATA record becomes the current chunk. Returns its kind or -1. */
static int next_record(struct tar *tar, struct reader_record *record, struct error *err)
{
	if (get(tar, record, sizeof *record, err) < 0)
		return -1;
	switch (record->kind) {
	case READER_DATA:
		return set_chunk(tar, record, err);
	case READER_FAILED:
		return report(tar, record, err);
	case READER_ENTRY:
	case READER_END:
		return (int)record->kind;
	default:
		return protocol_error(err);
	}
}

static int skip_chunk(struct tar *tar, struct error *err)
{
	char waste[4096];

	while (tar->left > 0) {
		size_t part = tar->left < sizeof waste ? (size_t)tar->left : sizeof waste;

		if (get(tar, waste, part, err) < 0)
			return -1;
		tar->left -= part;
	}
	return 0;
}

/* Moves to the next byte of content: 1, or 0 at its end. */
static int next_chunk(struct tar *tar, struct error *err)
{
	struct reader_record record;
	int kind;

	if (!tar->inside || tar->left > 0)
		return tar->inside;
	kind = next_record(tar, &record, err);
	if (kind < 0)
		return -1;
	return kind == READER_DATA ? tar->inside : protocol_error(err);
}

int tar_next(struct tar *tar, struct tar_entry *ret, struct error *err)
{
	struct reader_record record;
	int more;

	while ((more = next_chunk(tar, err)) > 0)
		if (skip_chunk(tar, err) < 0)
			return -1;
	if (more < 0)
		return -1;
	switch (next_record(tar, &record, err)) {
	case READER_END:
		return 0;
	case READER_ENTRY:
		if (read_entry(tar, &record, ret, err) < 0)
			return -1;
		tar->inside = true;
		tar->offset = 0;
		tar->size = ret->size;
		return 1;
	case READER_DATA:
		return protocol_error(err);
	default:
		return -1;
	}
}

ssize_t tar_read(struct tar *tar, void *data, size_t size, uint64_t *ret_offset, struct error *err)
{
	int more = next_chunk(tar, err);

	if (more <= 0)
		return more;
	if (size > tar->left)
		size = (size_t)tar->left;
	if (get(tar, data, size, err) < 0)
		return -1;
	*ret_offset = tar->offset;
	tar->offset += size;
	tar->left -= size;
	return (ssize_t)size;
}

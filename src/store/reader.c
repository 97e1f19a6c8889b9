/* The confined child: libarchive parses, every entry and every block of content goes to the parent
 * as a record. Only the tar format, plain, gzip or zstd. Extended attributes and access lists are
 * left behind (a file capability or trusted.overlay attribute from an archive is an attack), and
 * so are set-id bits: a container's processes have no_new_privs and a nosuid root, so they would
 * mean nothing inside and be a danger outside.
 *
 * Deliberately absent: any judgement about paths. The parent does not trust this process. */
#include "reader.h"

#include "store/tar.h"

#include "confine.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(int pipe, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t done = write(pipe, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			_exit(1); /* the parent has closed: it lost interest */
		at += done;
		len -= (size_t)done;
	}
}

static _Noreturn void fail(int pipe, const char *text)
{
	struct reader_record record = { .kind = READER_FAILED };

	record.path_len = (uint32_t)strnlen(text, READER_TEXT);
	put(pipe, &record, sizeof record);
	put(pipe, text, record.path_len);
	_exit(1);
}

static _Noreturn void fail_entry(int pipe, struct archive_entry *entry, const char *why)
{
	const char *path = archive_entry_pathname(entry);
	char text[READER_TEXT];

	(void)snprintf(text, sizeof text, "entry %.150s: %s", path ? path : "without a name", why);
	fail(pipe, text);
}

static uint32_t type_of(int pipe, struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return TAR_HARDLINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return TAR_FILE;
	case AE_IFDIR:
		return TAR_DIRECTORY;
	case AE_IFLNK:
		return TAR_SYMLINK;
	case AE_IFCHR:
	case AE_IFBLK:
		fail_entry(pipe, entry, "a device is not allowed");
	case AE_IFIFO:
		fail_entry(pipe, entry, "a FIFO is not allowed");
	default:
		fail_entry(pipe, entry, "its type is not allowed");
	}
}

static void put_entry(int pipe, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	const char *link = "";
	struct reader_record record = { .kind = READER_ENTRY,
		.mode = archive_entry_perm(entry) & 01777,
		.mtime_ns = (uint32_t)archive_entry_mtime_nsec(entry),
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
		.mtime = archive_entry_mtime(entry),
		.size = archive_entry_size(entry) };

	if (!path)
		fail_entry(pipe, entry, "no name");
	record.type = type_of(pipe, entry);
	if (record.type == TAR_HARDLINK)
		link = archive_entry_hardlink(entry);
	else if (record.type == TAR_SYMLINK)
		link = archive_entry_symlink(entry);
	if (!link)
		fail_entry(pipe, entry, "a link without a target");
	record.path_len = (uint32_t)strlen(path);
	record.link_len = (uint32_t)strlen(link);
	if (record.path_len >= PATH_MAX || record.link_len >= PATH_MAX)
		fail_entry(pipe, entry, "a name too long");
	put(pipe, &record, sizeof record);
	put(pipe, path, record.path_len);
	put(pipe, link, record.link_len);
}

static void put_content(int pipe, struct archive *archive)
{
	struct reader_record record = { .kind = READER_DATA };
	const void *data;
	size_t size;
	la_int64_t offset;
	int result;

	while ((result = archive_read_data_block(archive, &data, &size, &offset)) == ARCHIVE_OK) {
		for (size_t done = 0; done < size; done += (size_t)record.size) {
			size_t part = size - done < READER_CHUNK ? size - done : READER_CHUNK;

			record.offset = offset + (la_int64_t)done;
			record.size = (int64_t)part;
			put(pipe, &record, sizeof record);
			put(pipe, (const char *)data + done, part);
		}
	}
	if (result != ARCHIVE_EOF)
		fail(pipe, archive_error_string(archive) ?: "damaged");
	record.size = 0;
	put(pipe, &record, sizeof record);
}

static struct archive *open_archive(int tar, int pipe)
{
	struct archive *archive = archive_read_new();

	/* Concatenated: what follows an end mark is read or reported, never silently dropped. */
	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK ||
		archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
		archive_read_set_options(archive, "tar:read_concatenated_archives") != ARCHIVE_OK)
		fail(pipe, "this libarchive reads no tar, gzip or zstd");
	if (archive_read_open_fd(archive, tar, READER_CHUNK) != ARCHIVE_OK)
		fail(pipe, archive_error_string(archive) ?: "damaged");
	return archive;
}

_Noreturn void reader_main(int tar, int pipe)
{
	struct reader_record end = { .kind = READER_END };
	struct archive_entry *entry;
	struct archive *archive;
	int result;

	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* PAX names are UTF-8; without it they are refused */
	if (confine_reader() < 0)
		fail(pipe, "the parser cannot be confined");
	archive = open_archive(tar, pipe);
	while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		put_entry(pipe, entry);
		put_content(pipe, archive);
	}
	if (result != ARCHIVE_EOF)
		fail(pipe, archive_error_string(archive) ?: "damaged");
	put(pipe, &end, sizeof end);
	_exit(0);
}

/* The warm path of a run: a release.tar whose image the store has already is not read again. This
 * walks ustar headers with pread(2) from entry to entry to find index.json; nothing here is
 * trusted, the result is only a name to look up in the store, and whatever is unusual makes it give
 * up. A confined libarchive would cost a fork, more than all of this.
 *
 * Deliberately absent: PAX and GNU extensions, checks of anything that the import checks. */
#include "peek.h"

#include "base/buf.h"

#include "documents.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512, HEADERS_MAX = 1024, INDEX_MAX = 1 << 16 };

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char link[100], magic[6], rest[249];
};

static bool read_size(const struct header *header, uint64_t *ret)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < sizeof header->size && header->size[i] >= '0' && header->size[i] <= '7'; i++)
		size = size * 8 + (uint64_t)(header->size[i] - '0');
	*ret = size;
	return i > 0 && (i == sizeof header->size || header->size[i] == ' ' || !header->size[i]);
}

static bool read_index(int fd, uint64_t offset, uint64_t size, struct digest *ret)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;
	uint64_t manifest_size;

	if (size > INDEX_MAX)
		return false;
	buf_reserve(&text, (size_t)size);
	if (pread(fd, text.data, (size_t)size, (off_t)offset) != (ssize_t)size)
		return false;
	text.len = (size_t)size;
	text.data[size] = '\0';
	return documents_parse_index(&text, ret, &manifest_size, &ignored) == 0;
}

bool peek_manifest(int fd, struct digest *ret)
{
	off_t start = lseek(fd, 0, SEEK_CUR);
	uint64_t at = (uint64_t)start;
	struct header header;
	uint64_t size;

	_Static_assert(sizeof header == BLOCK, "a tar block");
	if (start < 0)
		return false;
	for (int i = 0; i < HEADERS_MAX; i++) {
		if (pread(fd, &header, sizeof header, (off_t)at) != sizeof header ||
			memcmp(header.magic, "ustar", 6) != 0 || !read_size(&header, &size) ||
			(header.type != '0' && header.type != '5'))
			return false;
		if (strncmp(header.name, "index.json", sizeof header.name) == 0)
			return read_index(fd, at + BLOCK, size, ret);
		at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
		if (at > INT64_MAX)
			return false;
	}
	return false;
}

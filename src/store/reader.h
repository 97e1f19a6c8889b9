/* Between tar.c and its confined child, reader.c: records on a pipe. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdint.h>

enum reader_kind { READER_ENTRY = 1, READER_DATA, READER_END, READER_FAILED };

enum { READER_CHUNK = 1 << 18, READER_TEXT = 256 };

/* ENTRY: followed by path_len and link_len bytes. DATA: followed by size bytes that belong at
 * offset; each ENTRY is followed by its DATA, the last of size 0. FAILED: followed by path_len
 * bytes of text. */
struct reader_record {
	uint32_t kind;
	uint32_t type; /* enum tar_type */
	uint32_t mode;
	uint32_t mtime_ns;
	int64_t uid, gid;
	int64_t mtime;
	int64_t size;
	int64_t offset;
	uint32_t path_len;
	uint32_t link_len;
};

/* The child's whole life: parses descriptor tar, writes records to descriptor pipe, exits. */
_Noreturn void reader_main(int tar, int pipe);

#endif

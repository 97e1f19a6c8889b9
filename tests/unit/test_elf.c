/* The ELF reader: what it finds in a whole file, and that no bytes lead it astray. */
#include "image/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The smallest file that has everything the reader looks at. */
struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	Elf64_Dyn dynamic[7];
	char strings[64];
	char interpreter[16];
};

enum { BASE = 0x400000, LIBC = 1, SONAME = 11, RUNPATH = 20 };

static struct sample make_sample(void)
{
	struct sample s = { 0 };

	memcpy(s.header.e_ident, ELFMAG, SELFMAG);
	s.header.e_ident[EI_CLASS] = ELFCLASS64;
	s.header.e_ident[EI_DATA] = ELFDATA2LSB;
	s.header.e_type = ET_DYN;
	s.header.e_machine = EM_X86_64;
	s.header.e_phoff = offsetof(struct sample, segments);
	s.header.e_phentsize = sizeof s.segments[0];
	s.header.e_phnum = 3;
	s.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = BASE, .p_filesz = sizeof s };
	s.segments[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
		.p_offset = offsetof(struct sample, dynamic),
		.p_filesz = sizeof s.dynamic };
	s.segments[2] = (Elf64_Phdr){ .p_type = PT_INTERP,
		.p_offset = offsetof(struct sample, interpreter),
		.p_filesz = sizeof s.interpreter };
	s.dynamic[0] = (Elf64_Dyn){ DT_NEEDED, { LIBC } };
	s.dynamic[1] = (Elf64_Dyn){ DT_SONAME, { SONAME } };
	s.dynamic[2] = (Elf64_Dyn){ DT_RUNPATH, { RUNPATH } };
	s.dynamic[3] = (Elf64_Dyn){ DT_NEEDED, { SONAME } };
	s.dynamic[4] = (Elf64_Dyn){ DT_STRTAB, { BASE + offsetof(struct sample, strings) } };
	s.dynamic[5] = (Elf64_Dyn){ DT_STRSZ, { sizeof s.strings } };
	memcpy(s.strings, "\0libc.so.6\0libx.so\0\0$ORIGIN/lib", 32);
	strcpy(s.interpreter, "/lib64/ld.so");
	return s;
}

/* Parses a copy that ends where its memory ends, so that a sanitizer sees every step too far. */
static enum elf_kind parse_exactly(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);
	struct elf elf;
	enum elf_kind kind;

	memcpy(copy, data, size);
	kind = elf_parse(copy, size, &elf);
	if (kind == ELF_PROGRAM)
		elf_done(&elf);
	free(copy);
	return kind;
}

static void what_a_program_needs_is_read(void **state)
{
	struct sample sample = make_sample();
	struct elf elf;

	(void)state;
	assert_int_equal(elf_parse(&sample, sizeof sample, &elf), ELF_PROGRAM);

	assert_int_equal(elf.class, ELFCLASS64);
	assert_int_equal(elf.machine, EM_X86_64);
	assert_string_equal(elf.interpreter, "/lib64/ld.so");
	assert_string_equal(elf.soname, "libx.so");
	assert_string_equal(elf.runpath, "$ORIGIN/lib");
	assert_null(elf.rpath);
	assert_int_equal(elf.needed.len, 2);
	assert_string_equal(elf.needed.items[0], "libc.so.6");
	assert_string_equal(elf.needed.items[1], "libx.so");
	elf_done(&elf);
}

static void this_very_program_is_read(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat status;
	struct elf elf;
	void *data;

	(void)state;
	assert_int_equal(fstat(fd, &status), 0);
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(data, MAP_FAILED);

	assert_int_equal(elf_parse(data, (size_t)status.st_size, &elf), ELF_PROGRAM);

	assert_int_equal(elf.machine, elf_native_machine());
	assert_int_equal(elf.class, elf_native_class());
	assert_non_null(strstr(elf.interpreter, "/ld-linux"));
	assert_true(strv_has(&elf.needed, "libc.so.6"));
	elf_done(&elf);
	munmap(data, (size_t)status.st_size);
	close(fd);
}

static void every_truncation_is_noticed(void **state)
{
	struct sample sample = make_sample();
	size_t last = offsetof(struct sample, interpreter) + sizeof "/lib64/ld.so";

	(void)state;
	for (size_t size = 0; size < last; size++)
		assert_int_not_equal(parse_exactly(&sample, size), ELF_PROGRAM);
	assert_int_equal(parse_exactly(&sample, last), ELF_PROGRAM);
}

static void no_changed_byte_leads_beyond_the_end(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	(void)state;
	for (size_t at = 0; at < sizeof(struct sample); at++) {
		for (size_t i = 0; i < sizeof values; i++) {
			struct sample sample = make_sample();

			((uint8_t *)&sample)[at] = values[i];
			(void)parse_exactly(&sample, sizeof sample); /* any answer will do */
		}
	}
}

static void offsets_that_wrap_around_are_broken(void **state)
{
	struct sample sample = make_sample();

	(void)state;
	sample.header.e_phoff = UINT64_MAX - 8;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
	sample = make_sample();
	sample.segments[0].p_offset = UINT64_MAX - 8;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
	sample = make_sample();
	sample.dynamic[0].d_un.d_val = UINT64_MAX;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
	sample = make_sample();
	sample.segments[1].p_filesz = UINT64_MAX;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
}

static void a_string_that_does_not_end_is_broken(void **state)
{
	struct sample sample = make_sample();

	(void)state;
	memset(sample.interpreter, 'x', sizeof sample.interpreter);
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
}

static void a_static_program_needs_nothing(void **state)
{
	struct sample sample = make_sample();
	struct elf elf;

	(void)state;
	sample.header.e_phnum = 1;
	assert_int_equal(elf_parse(&sample, sizeof sample, &elf), ELF_PROGRAM);

	assert_null(elf.interpreter);
	assert_int_equal(elf.needed.len, 0);
	elf_done(&elf);
}

static void what_no_loader_here_reads_is_something_else(void **state)
{
	struct sample sample = make_sample();

	(void)state;
	assert_int_equal(parse_exactly("#!/bin/sh\nexec true, and then some", 30), ELF_OTHER);
	sample.header.e_type = ET_REL;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_OTHER);
	sample = make_sample();
	sample.header.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_OTHER);
	sample = make_sample();
	sample.header.e_ident[EI_CLASS] = 3;
	assert_int_equal(parse_exactly(&sample, sizeof sample), ELF_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_program_needs_is_read),
		cmocka_unit_test(this_very_program_is_read),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(no_changed_byte_leads_beyond_the_end),
		cmocka_unit_test(offsets_that_wrap_around_are_broken),
		cmocka_unit_test(a_string_that_does_not_end_is_broken),
		cmocka_unit_test(a_static_program_needs_nothing),
		cmocka_unit_test(what_no_loader_here_reads_is_something_else),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}

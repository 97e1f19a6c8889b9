/* A small ELF reader: program headers, PT_INTERP and PT_DYNAMIC, nothing else. Every offset comes
 * from the file and is checked against its size with arithmetic that cannot wrap; structures are
 * copied out, because nothing in a hostile file is aligned.
 *
 * 32-bit headers are widened to 64-bit ones when they are copied, so that there is one parser. */
#include "image/elf.h"

#include "base/memory.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 512, DYNAMIC_MAX = 4096 };

struct image {
	const uint8_t *data;
	size_t size;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	size_t segment_count;
};

static bool copy_out(const struct image *image, uint64_t offset, void *to, size_t len)
{
	if (offset > image->size || len > image->size - offset)
		return false;
	memcpy(to, image->data + offset, len);
	return true;
}

static bool is_64(const struct image *image)
{
	return image->header.e_ident[EI_CLASS] == ELFCLASS64;
}

static bool read_header(struct image *image)
{
	Elf32_Ehdr narrow;

	if (image->data[EI_CLASS] == ELFCLASS64)
		return copy_out(image, 0, &image->header, sizeof image->header);
	if (!copy_out(image, 0, &narrow, sizeof narrow))
		return false;
	memcpy(image->header.e_ident, narrow.e_ident, EI_NIDENT);
	image->header.e_type = narrow.e_type;
	image->header.e_machine = narrow.e_machine;
	image->header.e_phoff = narrow.e_phoff;
	image->header.e_phentsize = narrow.e_phentsize;
	image->header.e_phnum = narrow.e_phnum;
	return true;
}

static bool read_segment(const struct image *image, uint64_t offset, Elf64_Phdr *ret)
{
	Elf32_Phdr narrow;

	if (is_64(image))
		return copy_out(image, offset, ret, sizeof *ret);
	if (!copy_out(image, offset, &narrow, sizeof narrow))
		return false;
	*ret = (Elf64_Phdr){ .p_type = narrow.p_type,
		.p_offset = narrow.p_offset,
		.p_vaddr = narrow.p_vaddr,
		.p_filesz = narrow.p_filesz };
	return true;
}

static bool read_segments(struct image *image)
{
	size_t least = is_64(image) ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t offset = image->header.e_phoff;

	if (image->header.e_phnum > SEGMENTS_MAX ||
		(image->header.e_phnum && image->header.e_phentsize < least))
		return false;
	image->segments = memory_new(image->header.e_phnum, sizeof *image->segments);
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		if (!read_segment(image, offset, &image->segments[i]) ||
			__builtin_add_overflow(offset, image->header.e_phentsize, &offset))
			return false;
		image->segment_count++;
	}
	return true;
}

static const Elf64_Phdr *find_segment(const struct image *image, uint32_t type)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == type)
			return &image->segments[i];
	return NULL;
}

/* The file offset of a virtual address; false where no segment holds it. */
static bool find_address(const struct image *image, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
			address - segment->p_vaddr < segment->p_filesz)
			return !__builtin_add_overflow(
				segment->p_offset, address - segment->p_vaddr, ret);
	}
	return false;
}

/* A copy of the string at offset that ends within the next max bytes; NULL if it does not. */
static char *read_text(const struct image *image, uint64_t offset, uint64_t max)
{
	const char *text;
	size_t left;

	if (offset >= image->size)
		return NULL;
	text = (const char *)image->data + offset;
	left = image->size - offset < max ? image->size - offset : (size_t)max;
	return memchr(text, '\0', left) ? memory_copy_str(text) : NULL;
}

static bool read_dynamic_entry(const struct image *image, uint64_t offset, Elf64_Dyn *ret)
{
	Elf32_Dyn narrow;

	if (is_64(image))
		return copy_out(image, offset, ret, sizeof *ret);
	if (!copy_out(image, offset, &narrow, sizeof narrow))
		return false;
	ret->d_tag = narrow.d_tag;
	ret->d_un.d_val = narrow.d_un.d_val;
	return true;
}

struct strings {
	uint64_t offset;
	uint64_t size;
};

/* Where the dynamic section's strings are; false where the section is not whole. */
static bool find_strings(
	const struct image *image, const Elf64_Dyn *entries, size_t count, struct strings *ret)
{
	uint64_t address = 0;

	ret->size = 0;
	for (size_t i = 0; i < count; i++) {
		if (entries[i].d_tag == DT_STRTAB)
			address = entries[i].d_un.d_ptr;
		if (entries[i].d_tag == DT_STRSZ)
			ret->size = entries[i].d_un.d_val;
	}
	return find_address(image, address, &ret->offset);
}

static char **slot_of(int64_t tag, struct elf *ret)
{
	switch (tag) {
	case DT_SONAME:
		return &ret->soname;
	case DT_RPATH:
		return &ret->rpath;
	case DT_RUNPATH:
		return &ret->runpath;
	}
	return NULL;
}

static bool add_text(const struct image *image, const struct strings *strings,
	const Elf64_Dyn *entry, struct elf *ret)
{
	uint64_t at = entry->d_un.d_val;
	char **slot = slot_of(entry->d_tag, ret);
	char *text;

	if (entry->d_tag != DT_NEEDED && !slot)
		return true;
	if (at >= strings->size || at > image->size || strings->offset > image->size)
		return false;
	text = read_text(image, strings->offset + at, strings->size - at);
	if (!text)
		return false;
	if (slot) {
		free(*slot);
		*slot = text;
		return true;
	}
	strv_add(&ret->needed, text);
	free(text);
	return true;
}

static bool read_dynamic(const struct image *image, const Elf64_Phdr *segment, struct elf *ret)
{
	size_t step = is_64(image) ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	size_t count = 0;
	struct strings strings;
	Elf64_Dyn *entries;
	bool whole;

	if (segment->p_offset > image->size || segment->p_filesz / step > DYNAMIC_MAX)
		return false;
	entries = memory_new(segment->p_filesz / step, sizeof *entries);
	for (; count < segment->p_filesz / step; count++)
		if (!read_dynamic_entry(image, segment->p_offset + count * step, &entries[count]) ||
			entries[count].d_tag == DT_NULL)
			break;
	whole = find_strings(image, entries, count, &strings);
	for (size_t i = 0; whole && i < count; i++)
		whole = add_text(image, &strings, &entries[i], ret);
	free(entries);
	return whole;
}

static bool read_program(struct image *image, struct elf *ret)
{
	const Elf64_Phdr *segment;

	if (!read_segments(image))
		return false;
	segment = find_segment(image, PT_INTERP);
	if (segment && !(ret->interpreter = read_text(image, segment->p_offset, segment->p_filesz)))
		return false;
	segment = find_segment(image, PT_DYNAMIC);
	return !segment || read_dynamic(image, segment, ret);
}

enum elf_kind elf_parse(const void *data, size_t size, struct elf *ret)
{
	const uint16_t probe = 1;
	const uint8_t native = *(const uint8_t *)&probe ? ELFDATA2LSB : ELFDATA2MSB;
	struct image image = { .data = data, .size = size };
	struct elf elf = { 0 };
	bool whole;

	if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
		return ELF_OTHER;
	if (image.data[EI_CLASS] != ELFCLASS32 && image.data[EI_CLASS] != ELFCLASS64)
		return ELF_BROKEN;
	if (image.data[EI_DATA] != native)
		return ELF_OTHER;
	if (!read_header(&image))
		return ELF_BROKEN;
	if (image.header.e_type != ET_EXEC && image.header.e_type != ET_DYN)
		return ELF_OTHER;
	whole = read_program(&image, &elf);
	free(image.segments);
	if (!whole) {
		elf_done(&elf);
		return ELF_BROKEN;
	}
	elf.class = image.header.e_ident[EI_CLASS];
	elf.machine = image.header.e_machine;
	*ret = elf;
	return ELF_PROGRAM;
}

void elf_done(struct elf *elf)
{
	free(elf->interpreter);
	free(elf->soname);
	free(elf->rpath);
	free(elf->runpath);
	strv_done(&elf->needed);
	*elf = (struct elf){ 0 };
}

uint16_t elf_native_machine(void)
{
#if defined(__x86_64__)
	return EM_X86_64;
#elif defined(__aarch64__)
	return EM_AARCH64;
#elif defined(__riscv)
	return EM_RISCV;
#else
#error "this architecture's ELF machine is not known"
#endif
}

uint8_t elf_native_class(void)
{
	return sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
}

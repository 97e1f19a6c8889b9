/* What an ELF file needs from others in order to run: elf(5), gABI chapter 5. Reads a buffer that
 * may hold anything, never beyond its end. */
#ifndef IMAGE_ELF_H
#define IMAGE_ELF_H

#include "base/strv.h"

#include <stddef.h>
#include <stdint.h>

struct elf {
	uint8_t class;     /* ELFCLASS32 or ELFCLASS64 */
	uint16_t machine;  /* EM_* */
	char *interpreter; /* PT_INTERP; NULL: none */
	char *soname;      /* DT_SONAME; NULL: none */
	char *rpath;       /* DT_RPATH, DT_RUNPATH; NULL: none */
	char *runpath;
	struct strv needed; /* DT_NEEDED, in order */
};

enum elf_kind {
	ELF_OTHER,   /* not ELF, or not for a loader of this byte order: ret is untouched */
	ELF_BROKEN,  /* says it is, and is not: ret is untouched */
	ELF_PROGRAM, /* an executable or a shared object */
};

enum elf_kind elf_parse(const void *data, size_t size, struct elf *ret);
void elf_done(struct elf *elf);

/* EM_* of this program, and its class. */
uint16_t elf_native_machine(void);
uint8_t elf_native_class(void);

#endif

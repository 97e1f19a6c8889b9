/* Whether the dynamic loader would find what an ELF file needs. */
#ifndef IMAGE_NEEDS_H
#define IMAGE_NEEDS_H

#include "base/error.h"
#include "base/strv.h"
#include "image/elf.h"
#include "root.h"

/* What is the same for every file of a root. */
struct needs {
	const struct root *root;
	struct strv common;  /* directories every loader searches here */
	struct strv brought; /* directories that programs search, for the modules they load */
	struct strv found;   /* libraries already found in the common ones */
};

/* environment: LD_LIBRARY_PATH of the app's processes, or NULL. */
int needs_open(
	const struct root *root, const char *environment, struct needs *ret, struct error *err);
void needs_done(struct needs *needs);

/* Notes where this program searches; call it for all programs before the first needs_find. */
void needs_add_program(struct needs *needs, const char *path, const struct elf *elf);

/* Whether library name, one of elf's needs, is found for the file at canonical path: 1 or 0. */
int needs_find(struct needs *needs, const char *path, const struct elf *elf, const char *name,
	struct error *err);

#endif

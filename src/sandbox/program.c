/* Reading the head of a program as the kernel's loaders do: elf(5), execve(2) "Interpreter
 * scripts". Mostly to say in words what they would answer with ENOENT; what is odd is left to the
 * kernel.
 *
 * But one thing is kept from it: an interpreter below /proc, however many scripts stand before it,
 * could be isorun itself (CVE-2019-5736), which runs this very launch. Whoever made that run under
 * libraries of its own would hold isorun's file, and where a user runs an isorun of its own, with
 * the right to write it. So the chain is followed to its end, and a file that cannot be read, and
 * so may be a script, is not executed. The root does not change between the look and the start. */
#include "program.h"

#include "base/cleanup.h"
#include "kernel/path.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 4096, SCRIPT_HEAD = 256, CHAIN_MAX = 6 }; /* the kernel follows five */

#if defined __x86_64__
enum { MACHINE = EM_X86_64 };
#elif defined __aarch64__
enum { MACHINE = EM_AARCH64 };
#elif defined __riscv
enum { MACHINE = EM_RISCV };
#else
#error "name this machine's ELF number here"
#endif

/* What role ("interpreter") name has for the program at path, and whether it is there. */
static int check_helper(
	int root, const char *path, const char *role, const char *name, struct error *err)
{
	CLEANUP_CLOSE int fd = path_open(root, name, O_PATH, 0);
	struct stat status;

	if (fd < 0 && errno == ELOOP)
		return error_set(err, ERROR_NOT_EXECUTABLE,
			"%s: its %s %s is a link that leads out of the root", path, role, name);
	if (fd < 0)
		return error_set(err, ERROR_NOT_EXECUTABLE, "%s: its %s %s is not in the root",
			path, role, name);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
		return error_set(err, ERROR_NOT_EXECUTABLE, "%s: its %s %s is not executable", path,
			role, name);
	return 0;
}

/* ret_name: the interpreter, "" where the line names none that there could be. */
static int check_script(
	int root, const char *path, const char *head, char ret_name[SCRIPT_HEAD], struct error *err)
{
	char line[SCRIPT_HEAD] = { 0 };
	char *name = line;

	memcpy(line, head + 2, sizeof line - 1);
	line[strcspn(line, "\n")] = '\0';
	name += strspn(name, " \t");
	name[strcspn(name, " \t")] = '\0';
	memmove(ret_name, name, strlen(name) + 1);
	if (*name && *name != '/')
		return error_set(err, ERROR_NOT_EXECUTABLE,
			"%s: its interpreter %s is no absolute path", path, name);
	if (!*name)
		return 0; /* the kernel refuses it */
	if (check_helper(root, path, "interpreter", name, err) == 0)
		return 0;
	if (name[strlen(name) - 1] == '\r')
		error_hint(err, "its first line ends in CR LF; write it with LF alone");
	return -1;
}

static int check_elf(int root, int fd, const char *path, const char *head, struct error *err)
{
	char name[PATH_MAX] = { 0 };
	Elf64_Ehdr elf;
	Elf64_Phdr segment;

	memcpy(&elf, head, sizeof elf);
	if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != MACHINE)
		return error_set(err, ERROR_NOT_EXECUTABLE,
			"%s: a program for another kind of machine", path);
	for (unsigned i = 0; i < elf.e_phnum && elf.e_phentsize == sizeof segment; i++) {
		uint64_t at = elf.e_phoff + i * sizeof segment;

		if (at > HEAD - sizeof segment)
			return 0;
		memcpy(&segment, head + at, sizeof segment);
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz >= sizeof name ||
			pread(fd, name, segment.p_filesz, (off_t)segment.p_offset) <= 0)
			return 0;
		return check_helper(root, path, "dynamic loader", name, err);
	}
	return 0;
}

/* Reads the start of a file, zeros behind it; -1 with errno set. */
static int read_head(int fd, char head[HEAD])
{
	memset(head, 0, HEAD);
	return fd < 0 || pread(fd, head, HEAD, 0) < 0 ? -1 : 0;
}

int program_check(int root, const char *path, struct error *err)
{
	char at[PATH_MAX], next[SCRIPT_HEAD], head[HEAD];

	(void)snprintf(at, sizeof at, "%s", path); /* fits: the caller's is as long */
	for (int i = 0; i < CHAIN_MAX; i++) {
		CLEANUP_CLOSE int fd = path_open(root, at, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

		if (read_head(fd, head) < 0)
			return error_set(err, ERROR_NOT_EXECUTABLE,
				"%s: it cannot be read, only executed, and so not be checked", at);
		if (memcmp(head, ELFMAG, SELFMAG) == 0)
			return check_elf(root, fd, at, head, err);
		if (memcmp(head, "#!", 2) != 0)
			return 0;
		if (check_script(root, at, head, next, err) < 0)
			return -1;
		if (!*next)
			return 0;
		(void)snprintf(at, sizeof at, "%s", next); /* fits: it is a short one */
	}
	return error_set(
		err, ERROR_NOT_EXECUTABLE, "%s: a script behind a script, too often", path);
}

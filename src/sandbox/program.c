/* Reading the head of a program as the kernel's loaders do, only to say in words what they would
 * answer with ENOENT: elf(5), execve(2) "Interpreter scripts". What is odd is left to the kernel.
 */
#include "program.h"

#include "base/cleanup.h"
#include "kernel/path.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 4096, SCRIPT_HEAD = 256 };

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

static int check_script(int root, const char *path, const char *head, struct error *err)
{
	char line[SCRIPT_HEAD] = { 0 };
	char *name = line;

	memcpy(line, head + 2, sizeof line - 1);
	line[strcspn(line, "\n")] = '\0';
	name += strspn(name, " \t");
	name[strcspn(name, " \t")] = '\0';
	if (*name != '/')
		return 0;
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

int program_check(int root, const char *path, struct error *err)
{
	CLEANUP_CLOSE int fd = path_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	char head[HEAD] = { 0 };

	if (fd < 0 || pread(fd, head, sizeof head, 0) <= 0)
		return 0;
	if (memcmp(head, "#!", 2) == 0)
		return check_script(root, path, head, err);
	if (memcmp(head, ELFMAG, SELFMAG) == 0)
		return check_elf(root, fd, path, head, err);
	return 0;
}

/* The closure proof. It looks at files, not at what programs may do: a name given to dlopen(3) or
 * exec(3) at run time cannot be seen.
 *
 * Strict for all ELF files of this machine, and for what the codebase brings or runs. Packages also
 * carry scripts for maintenance (ldd wants bash, debconf perl) whose interpreters Debian takes for
 * granted and a root like this one leaves out on purpose: a script of a package is looked at only
 * where a command reaches it. Of packages' symlinks those count that name programs and libraries.
 */
#include "closure.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "image/elf.h"
#include "needs.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { SCRIPT_LINE = 256, SCRIPTS_DEEP = 4 }; /* the kernel's own bounds, fs/binfmt_script.c */

/* An ELF file of this machine. */
struct object {
	char *path;
	struct elf elf;
};

struct proof {
	const struct root *root;
	const struct manifest *manifest;
	struct needs needs;
	struct object *objects;
	size_t object_count;
	const char *path; /* PATH of the app's processes */
	char unmet[256];  /* the first need that is not met; empty: none */
	size_t more;      /* further ones */
	struct error *err;
};

static void note(struct proof *proof, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct proof *proof, const char *fmt, ...)
{
	va_list args;

	if (proof->unmet[0]) {
		proof->more++;
		return;
	}
	va_start(args, fmt);
	(void)vsnprintf(proof->unmet, sizeof proof->unmet, fmt, args); /* cut if too long */
	va_end(args);
}

static bool is_in_app(const char *path)
{
	return strncmp(path, "/app/", 5) == 0;
}

/* Declared files are the codebase's, wherever they are put. */
static bool is_own(const struct proof *proof, const char *path)
{
	const struct strv *files = &proof->manifest->files;

	if (is_in_app(path))
		return true;
	for (size_t i = 0; i < files->len; i += 2)
		if (strcmp(files->items[i], path) == 0)
			return true;
	return false;
}

/* Looks a command up as execvp(3) would: 1 and its canonical path, 0, or -1. */
static int find_command(struct proof *proof, const char *name, char canonical[PATH_MAX])
{
	struct stat status;

	if (strchr(name, '/')) {
		CLEANUP_FREE char *path = memory_format("%s%s", *name == '/' ? "" : "/app/", name);
		int found = root_find(proof->root, path, canonical, &status, proof->err);

		return found > 0 ? S_ISREG(status.st_mode) && status.st_mode & 0111 : found;
	}
	for (const char *at = proof->path; *at; at += strcspn(at, ":"), at += *at == ':') {
		CLEANUP_FREE char *path = memory_format("%.*s/%s", (int)strcspn(at, ":"), at, name);
		int found = root_find(proof->root, path, canonical, &status, proof->err);

		if (found < 0 || (found && S_ISREG(status.st_mode) && status.st_mode & 0111))
			return found;
	}
	return 0;
}

/* The words of a script's first line; false: it is not a script. */
static bool read_script_line(
	const struct proof *proof, const char *path, char line[SCRIPT_LINE], struct strv *ret)
{
	size_t size;
	const char *data = root_map(proof->root, path, &size);
	bool script = data && size > 2 && data[0] == '#' && data[1] == '!';
	char *rest = NULL;

	if (script) {
		size_t len = size - 2 < SCRIPT_LINE - 1 ? size - 2 : SCRIPT_LINE - 1;

		memcpy(line, data + 2, len);
		line[len] = '\0';
		line[strcspn(line, "\n")] = '\0';
	}
	root_unmap(data, size);
	if (!script)
		return false;
	for (char *word = strtok_r(line, " \t\r", &rest); word;
		word = strtok_r(NULL, " \t\r", &rest))
		strv_add(ret, word);
	return true;
}

/* env's operand: the first word that is neither an option nor an assignment. */
static const char *env_operand(const struct strv *words)
{
	for (size_t i = 1; i < words->len; i++)
		if (words->items[i][0] != '-' && !strchr(words->items[i], '='))
			return words->items[i];
	return NULL;
}

static int prove_script(struct proof *proof, const char *path, unsigned depth)
{
	CLEANUP_STRV struct strv words = { 0 };
	char line[SCRIPT_LINE];
	char interpreter[PATH_MAX];
	const char *operand;
	int found;

	if (depth > SCRIPTS_DEEP || !read_script_line(proof, path, line, &words))
		return 0;
	if (!words.len) {
		note(proof, "%s has an empty #! line", path);
		return 0;
	}
	found = find_command(proof, words.items[0], interpreter);
	if (found == 0)
		note(proof, "%s needs %s (its #! line), which is not in the root", path,
			words.items[0]);
	if (found <= 0 || prove_script(proof, interpreter, depth + 1) < 0)
		return found;
	operand = strcmp(words.items[0], "/usr/bin/env") == 0 ? env_operand(&words) : NULL;
	if (!operand)
		return 0;
	found = find_command(proof, operand, interpreter);
	if (found == 0)
		note(proof, "%s needs %s (its #! line), which is not in the root", path, operand);
	return found <= 0 ? found : prove_script(proof, interpreter, depth + 1);
}

static int prove_command(struct proof *proof, const struct process_type *type)
{
	char canonical[PATH_MAX];
	int found;

	if (!type->argv.len)
		return 0;
	found = find_command(proof, type->argv.items[0], canonical);
	if (found < 0)
		return -1;
	if (found)
		return prove_script(proof, canonical, 0);
	if (type->shell)
		note(proof, "process %s needs %s for \"%.80s\", which is not in the root",
			type->name, type->argv.items[0], type->command ? type->command : "");
	else
		note(proof, "process %s needs %s, which is not in the root or not executable",
			type->name, type->argv.items[0]);
	return 0;
}

static void add_object(struct proof *proof, const char *path, const struct elf *elf)
{
	proof->objects =
		memory_resize(proof->objects, proof->object_count + 1, sizeof *proof->objects);
	proof->objects[proof->object_count++] =
		(struct object){ .path = memory_copy_str(path), .elf = *elf };
	if (elf->interpreter)
		needs_add_program(&proof->needs, path, elf);
}

static int look_at_file(struct proof *proof, const char *path, const struct stat *status)
{
	struct elf elf;
	size_t size;
	const void *data = root_map(proof->root, path, &size);
	enum elf_kind kind = data ? elf_parse(data, size, &elf) : ELF_OTHER;

	root_unmap(data, size);
	if (kind == ELF_PROGRAM) {
		if (elf.machine == elf_native_machine() && elf.class == elf_native_class())
			add_object(proof, path, &elf); /* which owns elf's strings now */
		else
			elf_done(&elf);
	}
	if (kind == ELF_BROKEN && is_own(proof, path) && status->st_mode & 0111)
		note(proof, "%s is a damaged ELF file", path);
	if (kind == ELF_OTHER && is_own(proof, path) && status->st_mode & 0111)
		return prove_script(proof, path, 0);
	return 0;
}

/* A package's symlink that is neither a program nor a library may point nowhere. */
static bool link_matters(const struct proof *proof, const char *path)
{
	static const char *const dirs[] = { "/usr/bin/", "/usr/sbin/", "/usr/local/bin/",
		"/usr/local/sbin/", "/usr/lib/", NULL };
	const char *name = strrchr(path, '/') + 1;

	if (is_own(proof, path))
		return true;
	for (const char *const *dir = dirs; *dir; dir++)
		if (strncmp(path, *dir, strlen(*dir)) == 0)
			return strcmp(*dir, "/usr/lib/") == 0 ? strstr(name, ".so") != NULL
							      : path + strlen(*dir) == name;
	return false;
}

/* What only exists while a process runs. */
static bool is_mounted_at_run(const char *target)
{
	static const char *const tops[] = { "/proc", "/sys", "/dev", "/run", "/tmp", NULL };

	for (const char *const *top = tops; *top; top++)
		if (strncmp(target, *top, strlen(*top)) == 0)
			return true;
	return false;
}

static int look_at_link(struct proof *proof, int dir, const char *name, const char *path)
{
	char target[PATH_MAX] = "";
	char canonical[PATH_MAX];
	struct stat status;
	int found;

	if (!link_matters(proof, path) || readlinkat(dir, name, target, sizeof target - 1) < 0)
		return 0;
	found = root_find(proof->root, path, canonical, &status, proof->err);
	if (found == 0 && !is_mounted_at_run(target))
		note(proof, "%s is a symlink to %.100s, which is not in the root", path, target);
	return found < 0 ? -1 : 0;
}

static int look_below(struct proof *proof, int dir, const char *prefix);

static int look_at(struct proof *proof, int dir, const char *name, const char *path)
{
	CLEANUP_CLOSE int child = -1;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(proof->err, "%s", path);
	if (S_ISLNK(status.st_mode))
		return look_at_link(proof, dir, name, path);
	if (S_ISREG(status.st_mode))
		return look_at_file(proof, path, &status);
	if (!S_ISDIR(status.st_mode) || strcmp(path, "/usr/lib/debug") == 0)
		return 0;
	child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return child < 0 ? error_errno(proof->err, "%s", path) : look_below(proof, child, path);
}

static int look_below(struct proof *proof, int dir, const char *prefix)
{
	CLEANUP_STRV struct strv names = { 0 };

	if (root_list_at(dir, &names) < 0)
		return error_errno(proof->err, "%s", prefix);
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP_FREE char *path = memory_format("%s/%s", prefix, names.items[i]);

		if (strlen(path) >= PATH_MAX)
			return error_set(
				proof->err, ERROR_FAILED, "%.100s…: nested too deep", path);
		if (look_at(proof, dir, names.items[i], path) < 0)
			return -1;
	}
	return 0;
}

static int prove_object(struct proof *proof, const struct object *object)
{
	char canonical[PATH_MAX];
	struct stat status;
	const char *interpreter = object->elf.interpreter;
	int found = 1;

	if (interpreter)
		found = root_find(proof->root, interpreter, canonical, &status, proof->err);
	if (found == 0)
		note(proof, "%s needs %s, which is not in the root", object->path, interpreter);
	for (size_t i = 0; i < object->elf.needed.len && found >= 0; i++) {
		const char *name = object->elf.needed.items[i];

		found = needs_find(&proof->needs, object->path, &object->elf, name, proof->err);
		if (found == 0)
			note(proof, "%s needs %s, which is not in the root", object->path, name);
	}
	return found < 0 ? -1 : 0;
}

static int prove(struct proof *proof)
{
	if (look_below(proof, proof->root->dependencies, "") < 0 ||
		look_below(proof, proof->root->app, "") < 0)
		return -1;
	for (size_t i = 0; i < proof->object_count; i++)
		if (prove_object(proof, &proof->objects[i]) < 0)
			return -1;
	for (size_t i = 0; i < proof->manifest->process_count; i++)
		if (prove_command(proof, &proof->manifest->processes[i]) < 0)
			return -1;
	if (!proof->unmet[0])
		return 0;
	if (proof->more)
		error_set(proof->err, ERROR_FAILED, "%s (and %zu more)", proof->unmet, proof->more);
	else
		error_set(proof->err, ERROR_FAILED, "%s", proof->unmet);
	return error_hint(proof->err,
		"declare the package or file that has it under \"dependencies\" in isorun.json");
}

/* The default of a variable in the manifest, or NULL. */
static const char *default_of(const struct manifest *manifest, const char *key)
{
	for (size_t i = 0; i < manifest->env_count; i++)
		if (strcmp(manifest->env[i].key, key) == 0)
			return manifest->env[i].value;
	return NULL;
}

int closure_prove(const struct root *root, const struct manifest *manifest, struct error *err)
{
	struct proof proof = { .root = root, .manifest = manifest, .err = err };
	const char *path = default_of(manifest, "PATH");
	int result;

	proof.path = path ? path : DEFAULT_PATH;
	if (needs_open(root, default_of(manifest, "LD_LIBRARY_PATH"), &proof.needs, err) < 0)
		return -1;
	result = prove(&proof);
	for (size_t i = 0; i < proof.object_count; i++) {
		free(proof.objects[i].path);
		elf_done(&proof.objects[i].elf);
	}
	free(proof.objects);
	needs_done(&proof.needs);
	return result;
}

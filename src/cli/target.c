/* From what a person typed to a release in the store. A name is told from a path by its form: v
 * and digits, or at least twelve hexadecimal digits, are names; ./v1 is a path.
 *
 * The warm path of a run is here: of a release.tar only headers are read, of the store
 * releases/HEX.json, of the ledger the line with the id. */
#include "cli/target.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "image/layout.h"
#include "image/release.h"
#include "model/name.h"
#include "store/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char hex_digits[] = "0123456789abcdef";

static bool is_version(const char *what)
{
	size_t digits = what[0] == 'v' ? strspn(what + 1, "0123456789") : 0;
	const char *rest = what + 1 + digits;

	if (digits == 0 || digits > 9)
		return false;
	return !*rest || (*rest == '-' && strspn(rest + 1, hex_digits) == DIGEST_SHORT &&
				 !rest[1 + DIGEST_SHORT]);
}

/* The hexadecimal digits of an id or of its beginning, or NULL. */
static const char *id_of(const char *what)
{
	const char *hex = strncmp(what, "sha256:", 7) == 0 ? what + 7 : what;
	size_t len = strlen(hex);

	return len >= DIGEST_SHORT && len < DIGEST_HEX && strspn(hex, hex_digits) == len ? hex
											 : NULL;
}

const char *target_user(char text[TARGET_NAME])
{
	static const char *const variables[] = { "SUDO_USER", "LOGNAME", "USER" };

	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *value = getenv(variables[i]);

		if (!value || !*value)
			continue;
		(void)snprintf(text, TARGET_NAME, "%s", value); /* cut is fine */
		return text;
	}
	(void)snprintf(text, TARGET_NAME, "%u", (unsigned)getuid());
	return text;
}

static void set_number(struct target *target, unsigned number)
{
	target->number = number;
	target->version[0] = '\0';
	if (number)
		(void)snprintf(target->version, sizeof target->version, "v%u-%.*s", number,
			DIGEST_SHORT, target->release.id.hex); /* always fits */
}

int target_record(const struct store *store, struct target *target, enum ledger_kind kind,
	const char *description, struct error *err)
{
	const struct release *release = &target->release;
	char user[TARGET_NAME];
	struct ledger_entry entry = { .kind = kind,
		.release = release->id,
		.commit = memory_copy_str(release->commit),
		.description = memory_copy_str(description),
		.user = memory_copy_str(target_user(user)) };
	int result = ledger_append(
		store->dir, release->app, release->deploy, &entry, &release->env, false, err);

	if (result == 0)
		set_number(target, entry.version);
	ledger_entry_done(&entry);
	return result < 0 ? store_error(store, err) : 0;
}

/* The number that its ledger has for it; record: it gets one if there is none. */
static int number(const struct store *store, struct target *target, enum ledger_kind kind,
	bool record, struct error *err)
{
	const struct release *release = &target->release;
	struct ledger_entry entry;
	int found =
		ledger_lookup(store->dir, release->app, release->deploy, &release->id, &entry, err);

	if (found < 0)
		return -1;
	if (!found && record)
		return target_record(store, target, kind, NULL, err);
	set_number(target, found ? entry.version : 0);
	if (found)
		ledger_entry_done(&entry);
	return 0;
}

static int open_path(const char *path, struct error *err)
{
	CLEANUP_CLOSE int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
						      : open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0) {
		error_errno(err, "%s", path);
		if (err->errnum == ENOENT)
			err->kind = ERROR_NO_SUCH;
		return -1;
	}
	if (S_ISDIR(status.st_mode)) {
		error_set(err, ERROR_USAGE, "%s: it is a directory, not an archive", path);
		return error_hint(err, "isorun build %s turns a codebase into one", path);
	}
	return steal_fd(&fd);
}

static int check_choice(const struct target *target, const char *what,
	const struct target_choice *choice, struct error *err)
{
	const struct release *release = &target->release;

	if (choice->app && strcmp(choice->app, release->app) != 0)
		return error_set(err, ERROR_USAGE, "%s: it is a release of app %s, not of %s", what,
			release->app, choice->app);
	if (choice->deploy && strcmp(choice->deploy, release->deploy) != 0) {
		error_set(err, ERROR_USAGE, "%s: it is a release for deploy %s, not for %s", what,
			release->deploy, choice->deploy);
		return error_hint(
			err, "isorun release BUILD -d %s makes one for it", choice->deploy);
	}
	return 0;
}

/* A build is run with an empty config. */
static int make_plain(const struct store *store, const struct digest *build,
	const struct target_choice *choice, struct release *ret, struct error *err)
{
	struct config config = { .deploy = (char *)choice->deploy };

	return release_make(store, build, &config, ret, err);
}

static int open_archive(const struct store *store, const char *path,
	const struct target_choice *choice, bool record, struct target *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = open_path(path, err);
	enum ledger_kind kind = LEDGER_IMPORT;
	enum image_kind image;
	struct digest id;
	int result;

	if (fd < 0 || release_import(store, fd, path, &image, &id, err) < 0)
		return -1;
	if (image == IMAGE_BUILD) {
		kind = LEDGER_RELEASE;
		result = make_plain(store, &id, choice, &ret->release, err);
	} else {
		result = release_load(store, &id, &ret->release, err);
	}
	if (result < 0 || check_choice(ret, path, choice, err) < 0)
		return -1;
	return number(store, ret, kind, record, err);
}

/* The only file name in directory that begins with hex; 1, or 0 where there is none. */
static int complete(const struct store *store, const char *directory, const char *hex,
	struct digest *ret, struct error *err)
{
	int fd = openat(store->dir, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct error ignored;
	int found = 0;

	if (!list)
		return error_errno(err, "list %s", directory);
	while ((entry = readdir(list))) {
		char name[DIGEST_HEX];

		if (strncmp(entry->d_name, hex, strlen(hex)) != 0)
			continue;
		/* Without ".json". */
		(void)snprintf(name, sizeof name, "%.*s", DIGEST_HEX - 1, entry->d_name);
		if (digest_parse(name, ret, &ignored) == 0)
			found++;
	}
	if (found > 1)
		return error_set(err, ERROR_USAGE, "%s: more than one begins so", hex);
	return found;
}

static int open_id(const struct store *store, const char *what, const struct target_choice *choice,
	struct target *ret, struct error *err)
{
	struct digest id;
	int found = complete(store, "releases", id_of(what), &id, err);

	if (found < 0)
		return -1;
	if (!found) {
		error_set(err, ERROR_NO_SUCH, "no release %s in %s", what, store->path);
		return error_hint(err, "isorun releases lists them");
	}
	if (release_load(store, &id, &ret->release, err) < 0)
		return -1;
	return check_choice(ret, what, choice, err);
}

static int find_entry(const struct ledger *ledger, const struct target_deploy *deploy,
	const char *what, const struct ledger_entry **ret, struct error *err)
{
	if (what)
		return ledger_find(ledger, what, ret, err);
	*ret = ledger_newest(ledger);
	if (*ret)
		return 0;
	return error_set(
		err, ERROR_NO_SUCH, "%s/%s has no release yet", deploy->app, deploy->deploy);
}

static int open_version(const struct store *store, const char *what,
	const struct target_choice *choice, struct target *ret, struct error *err)
{
	const struct ledger_entry *entry;
	struct target_deploy deploy;
	struct ledger ledger;
	int result;

	if (target_choose(store, choice, &deploy, err) < 0 ||
		ledger_read(store->dir, deploy.app, deploy.deploy, &ledger, err) < 0)
		return -1;
	result = find_entry(&ledger, &deploy, what, &entry, err);
	if (result == 0)
		result = release_load(store, &entry->release, &ret->release, err);
	if (result == 0)
		set_number(ret, entry->version);
	ledger_done(&ledger);
	return result;
}

int target_open(const struct store *store, const char *what, const struct target_choice *choice,
	bool record, struct target *ret, struct error *err)
{
	CLEANUP_CLOSE int lock = -1;
	struct target target = { 0 };
	int result;

	if (target_check(choice, err) < 0 || (lock = gc_hold_off(store, err)) < 0)
		return -1;
	if (!what || is_version(what)) {
		result = open_version(store, what, choice, &target, err);
	} else if (id_of(what)) {
		result = open_id(store, what, choice, &target, err);
		if (result == 0)
			result = number(store, &target, LEDGER_IMPORT, record, err);
	} else {
		result = open_archive(store, what, choice, record, &target, err);
	}
	if (result < 0) {
		target_done(&target);
		return -1;
	}
	*ret = target;
	return 0;
}

int target_open_build(
	const struct store *store, const char *what, struct digest *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;
	enum image_kind kind;
	struct digest id;
	int found = id_of(what) ? complete(store, "blobs/sha256", id_of(what), &id, err) : 0;

	if (found < 0)
		return -1;
	if (found) {
		if (release_kind(store, &id, &kind, err) < 0)
			return error_wrap(err, "%s", what);
	} else if (id_of(what)) {
		return error_set(err, ERROR_NO_SUCH, "no build %s in %s", what, store->path);
	} else {
		fd = open_path(what, err);
		if (fd < 0 || release_import(store, fd, what, &kind, &id, err) < 0)
			return -1;
	}
	if (kind == IMAGE_RELEASE)
		return error_set(
			err, ERROR_USAGE, "%s: it is a release already, not a build", what);
	*ret = id;
	return 0;
}

void target_done(struct target *target)
{
	release_done(&target->release);
	*target = (struct target){ 0 };
}

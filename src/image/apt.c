/* Shelling out to apt-get and apt-helper.
 *
 * apt drops its downloads to a user of its own, which cannot reach into the store (0700). So as
 * root the private directory is bind-mounted, for apt's process alone, over the host's directory of
 * package lists, which is what apt would use anyhow. Where that is not permitted, apt downloads as
 * the user that runs isorun; signatures and digests are checked either way.
 *
 * Deliberately absent: mirrors, keys or suites of our own. Where the host's sources do not have the
 * suite that was asked for, their own release's entries are tried with the suite's name in its
 * place; apt's signature check has the last word. */
#include "apt.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "libpath.h"
#include "place.h"
#include "tool.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SEEN   "/var/lib/apt/lists"
#define HELPER "/usr/lib/apt/apt-helper"

static void add_option(struct strv *argv, const char *key, const char *value)
{
	strv_add(argv, "-o");
	strv_addf(argv, "%s=%s", key, value);
}

static void add_path_option(
	const struct apt *apt, struct strv *argv, const char *key, const char *name)
{
	CLEANUP_FREE char *path = memory_format("%s/%s", apt->seen, name);

	add_option(argv, key, path);
}

/* Hooks of the host's configuration work on the host's directories: Docker's images delete what is
 * in its cache after each update. Only a file can take them out. */
#define CONFIG                                                                \
	"#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n" \
	"#clear APT::Update::Post-Invoke-Success;\n#clear APT::Architectures;\n"

/* What is there before any package: our skeleton has the merged /usr. Unless apt knows it, the
 * first of "usrmerge | usr-is-merged" is taken, a script for hosts that brings the whole of perl.
 */
#define STATUS                                                                      \
	"Package: usr-is-merged\nStatus: install ok installed\nArchitecture: all\n" \
	"Version: 99\nMaintainer: isorun\nDescription: the skeleton\n\n"

static void begin(const struct apt *apt, const char *program, struct strv *argv)
{
	strv_add(argv, program);
	strv_add(argv, "-c");
	strv_addf(argv, "%s/apt.conf", apt->seen);
	add_path_option(apt, argv, "Dir::State", "state");
	add_path_option(apt, argv, "Dir::State::lists", "state/lists");
	add_path_option(apt, argv, "Dir::State::status", "status");
	add_path_option(apt, argv, "Dir::Cache", "cache");
	add_path_option(apt, argv, "Dir::Etc::sourcelist", "sources.list");
	add_option(argv, "Dir::Etc::sourceparts", "/dev/null");
	add_option(argv, "Dir::Etc::preferences", "/dev/null");
	add_option(argv, "Dir::Etc::preferencesparts", "/dev/null");
	add_option(argv, "APT::Architecture", LIBPATH_DEBIAN);
	add_option(argv, "APT::Architectures", LIBPATH_DEBIAN);
	add_option(argv, "APT::Install-Recommends", "false");
	add_option(argv, "APT::Update::Error-Mode", "any");
	add_option(argv, "Acquire::Languages", "none");
	add_option(argv, "Acquire::ForceHash", "SHA256");
	if (!apt->bound)
		add_option(argv, "APT::Sandbox::User", "root");
}

static int run(struct apt *apt, const struct strv *argv, struct buf *ret, struct error *err)
{
	CLEANUP_STRV struct strv env = { 0 };
	struct tool tool = { .argv = argv, .env = &env, .dir = -1, .in = -1 };

	tool_env(&env);
	strv_add(&env, "DEBIAN_FRONTEND=noninteractive");
	if (apt->bound) {
		tool.bind_from = apt->path;
		tool.bind_to = SEEN;
	}
	return tool_run(&tool, ret, err);
}

/* Whether a mount namespace may be had; decides where apt sees its directory. */
static int choose_view(struct apt *apt, struct error *err)
{
	CLEANUP_STRV struct strv argv = { 0 };

	strv_add(&argv, "apt-get");
	strv_add(&argv, "--version");
	apt->bound = geteuid() == 0;
	apt->seen = apt->bound ? SEEN : apt->path;
	if (!apt->bound || run(apt, &argv, NULL, err) == 0)
		return 0;
	if (err->errnum != TOOL_NO_NAMESPACE)
		return -1;
	apt->bound = false;
	apt->seen = apt->path;
	return 0;
}

/* One of the host's sources: "RELEASE REPO-URI COMPONENT". */
struct entry {
	char *release, *uri, *component;
};

static bool parse_entry(char *line, struct entry *ret)
{
	char *rest = NULL;

	ret->release = strtok_r(line, " ", &rest);
	ret->uri = strtok_r(NULL, " ", &rest);
	ret->component = strtok_r(NULL, " ", &rest);
	return ret->component && !strtok_r(NULL, " ", &rest);
}

/* What a release's name has behind the suite's: "", "-updates", "-security" or "/updates". */
static const char *suffix_of(const char *release, const char *suite)
{
	static const char *const suffixes[] = { "", "-updates", "-security", "/updates", NULL };
	size_t len = strlen(suite);

	for (const char *const *suffix = suffixes; *suffix; suffix++)
		if (strncmp(release, suite, len) == 0 && strcmp(release + len, *suffix) == 0)
			return *suffix;
	return NULL;
}

/* "[signed-by=…] " with the distribution's keyrings that this host has, else "": then apt takes
 * the keys it trusts for everything. */
static char *signed_by(void)
{
	static const char *const keyrings[] = { "/usr/share/keyrings/debian-archive-keyring.gpg",
		"/usr/share/keyrings/debian-archive-keyring.pgp",
		"/usr/share/keyrings/ubuntu-archive-keyring.gpg", NULL };
	CLEANUP_BUF struct buf list = { 0 };

	for (const char *const *path = keyrings; *path; path++)
		if (access(*path, R_OK) == 0)
			buf_addf(&list, "%s%s", list.len ? "," : "", *path);
	return list.len ? memory_format("signed-by=%s ", list.data) : memory_copy_str("");
}

/* Turns the host's entries of release into lines for suite. */
static void print_sources(struct apt *apt, const struct buf *targets, const char *release,
	const char *suite, struct buf *ret)
{
	CLEANUP_FREE char *text = memory_copy_str(targets->data);
	CLEANUP_FREE char *keys = signed_by();
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct entry entry;
		const char *suffix =
			parse_entry(line, &entry) ? suffix_of(entry.release, release) : NULL;

		if (!suffix)
			continue;
		buf_addf(ret, "deb [%sarch=%s] %s %s%s %s\n", keys, LIBPATH_DEBIAN, entry.uri,
			suite, suffix, entry.component);
		if (!strv_has(&apt->bases, entry.uri))
			strv_add(&apt->bases, entry.uri);
	}
}

/* VERSION_CODENAME of this host, or "". */
static char *host_codename(void)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;
	const char *at;

	if (file_read_at(AT_FDCWD, "/usr/lib/os-release", 1 << 16, &text, &ignored) < 0)
		return memory_copy_str(""); /* then there is nothing to fall back on */
	at = strstr(text.data, "\nVERSION_CODENAME=");
	at = at ? at + strlen("\nVERSION_CODENAME=") : "";
	at += *at == '"';
	return memory_format("%.*s", (int)strcspn(at, "\"\n"), at);
}

static int write_sources(struct apt *apt, const char *suite, struct error *err)
{
	CLEANUP_STRV struct strv argv = { 0 };
	CLEANUP_BUF struct buf targets = { 0 };
	CLEANUP_BUF struct buf lines = { 0 };
	CLEANUP_FREE char *codename = host_codename();

	strv_add(&argv, "apt-get");
	strv_add(&argv, "indextargets");
	strv_add(&argv, "--format");
	strv_add(&argv, "$(RELEASE) $(REPO_URI) $(COMPONENT)");
	strv_add(&argv, "Created-By: Packages");
	buf_reserve(&targets, 0);
	if (run(&(struct apt){ 0 }, &argv, &targets, err) < 0)
		return -1;
	print_sources(apt, &targets, suite, suite, &lines);
	if (!lines.len && *codename)
		print_sources(apt, &targets, codename, suite, &lines);
	if (!lines.len)
		return error_set(err, ERROR_UNSUPPORTED,
			"no source of this host's apt has the suite %s", suite);
	return place_text(apt->dir, "sources.list", lines.data, lines.len, err);
}

int apt_open(int work, const char *path, const char *suite, struct apt *ret, struct error *err)
{
	static const char *const dirs[] = { "state/lists/partial", "cache/archives/partial", NULL };
	struct apt apt = { .path = memory_copy_str(path) };
	const char *name = strrchr(path, '/') + 1;
	int result = 0;

	apt.dir = file_open_dir(work, name, 0755, err);
	if (apt.dir < 0 || fchmod(apt.dir, 0755) < 0)
		result = apt.dir < 0 ? -1 : error_errno(err, "%s", path);
	for (const char *const *dir = dirs; result == 0 && *dir; dir++)
		result = place_dir(apt.dir, *dir, 0755, err);
	if (result == 0)
		result = place_text(apt.dir, "status", STATUS, strlen(STATUS), err);
	if (result == 0)
		result = place_text(apt.dir, "apt.conf", CONFIG, strlen(CONFIG), err);
	if (result == 0)
		result = choose_view(&apt, err);
	if (result == 0)
		result = write_sources(&apt, suite, err);
	if (result < 0) {
		apt_done(&apt);
		return -1;
	}
	*ret = apt;
	return 0;
}

void apt_done(struct apt *apt)
{
	cleanup_close(&apt->dir);
	free(apt->path);
	strv_done(&apt->bases);
	*apt = (struct apt){ .dir = -1 };
}

/* "name_1%3a2.0_amd64.deb": what stands between the first and the last '_' is the version. */
static bool split_file_name(const char *file, struct lock_package *ret)
{
	const char *first = strchr(file, '_');
	const char *last = strrchr(file, '_');
	const char *dot = last ? strstr(last, ".deb") : NULL;
	CLEANUP_BUF struct buf version = { 0 };

	if (!first || first == last || !dot)
		return false;
	for (const char *at = first + 1; at < last; at++) {
		bool colon = strncmp(at, "%3a", 3) == 0;

		buf_add(&version, colon ? ":" : at, 1);
		at += colon ? 2 : 0;
	}
	ret->name = memory_format("%.*s", (int)(first - file), file);
	ret->version = buf_take(&version);
	ret->architecture = memory_format("%.*s", (int)(dot - last - 1), last + 1);
	return true;
}

/* The path below the mirror, which differs from host to host. */
static const char *path_below(const struct apt *apt, const char *uri)
{
	for (size_t i = 0; i < apt->bases.len; i++)
		if (strncmp(uri, apt->bases.items[i], strlen(apt->bases.items[i])) == 0)
			return uri + strlen(apt->bases.items[i]);
	return NULL;
}

/* A line of --print-uris: 'URI' FILE SIZE SHA256:HEX. Others are apt's chat. */
static int take_uri(const struct apt *apt, char *line, struct lock_set *ret, struct error *err)
{
	char *rest = NULL;
	char *uri = strtok_r(line + 1, "'", &rest);
	char *file = strtok_r(NULL, " ", &rest);
	char *size = strtok_r(NULL, " ", &rest);
	char *hash = strtok_r(NULL, " ", &rest);
	const char *path = uri ? path_below(apt, uri) : NULL;
	struct lock_package *package;

	if (!hash || strncmp(hash, "SHA256:", 7) != 0 || !path)
		return error_set(err, ERROR_FAILED, "apt-get: no SHA-256 for %.100s",
			uri ? uri : "a package");
	package = lock_add_package(ret);
	package->filename = memory_copy_str(path);
	if (!split_file_name(file, package))
		return error_set(err, ERROR_FAILED, "apt-get: \"%.100s\" is not a package", file);
	if (digest_parse(hash + 7, &package->sha256, err) < 0 ||
		number_parse(size, INT64_MAX, &package->size, err) < 0)
		return error_wrap(err, "apt-get: %s", package->name);
	return 0;
}

int apt_resolve(
	struct apt *apt, const struct strv *packages, struct lock_set *ret, struct error *err)
{
	CLEANUP_STRV struct strv update = { 0 };
	CLEANUP_STRV struct strv install = { 0 };
	CLEANUP_BUF struct buf text = { 0 };
	char *rest = NULL;

	begin(apt, "apt-get", &update);
	strv_add(&update, "update");
	if (run(apt, &update, NULL, err) < 0)
		return -1;
	begin(apt, "apt-get", &install);
	strv_add(&install, "--yes");
	strv_add(&install, "--print-uris");
	strv_add(&install, "install");
	strv_add(&install, "--");
	strv_add_all(&install, packages);
	if (run(apt, &install, &text, err) < 0)
		return -1;
	for (char *line = strtok_r(text.data, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest))
		if (line[0] == '\'' && take_uri(apt, line, ret, err) < 0)
			return -1;
	if (!ret->count)
		return error_set(err, ERROR_FAILED, "apt-get: resolved to no package at all");
	return 0;
}

int apt_download(struct apt *apt, const char *base, const struct lock_set *set, const bool *wanted,
	struct error *err)
{
	CLEANUP_STRV struct strv argv = { 0 };

	begin(apt, HELPER, &argv);
	strv_add(&argv, "download-file");
	for (size_t i = 0; i < set->count; i++) {
		if (!wanted[i])
			continue;
		strv_addf(&argv, "%s%s", base, set->packages[i].filename);
		strv_addf(&argv, "%s/%s.deb", apt->seen, set->packages[i].sha256.hex);
		strv_addf(&argv, "SHA256:%s", set->packages[i].sha256.hex);
	}
	return run(apt, &argv, NULL, err);
}

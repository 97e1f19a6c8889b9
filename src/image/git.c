/* Asking git. Files come out of the object store by ls-tree and cat-file, not by checkout or
 * archive: those two apply attributes, filters and the user's line ending settings, and then the
 * same commit would not be the same bytes everywhere.
 *
 * Deliberately absent: submodules (an error that names them) and history. */
#include "git.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "place.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 1 << 16, NOT_A_REPOSITORY = 128 };

/* Configuration in a repository can name programs; none of them may run here. */
static void begin(struct strv *argv)
{
	static const char *const fixed[] = { "git", "--no-optional-locks", "-c",
		"core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c",
		"log.showSignature=false", NULL };

	for (const char *const *word = fixed; *word; word++)
		strv_add(argv, *word);
}

static void add_words(struct strv *argv, const char *const *words)
{
	begin(argv);
	for (; *words; words++)
		strv_add(argv, *words);
}

static int run(int dir, const char *const *words, struct buf *ret, struct error *err)
{
	CLEANUP_STRV struct strv argv = { 0 };
	CLEANUP_STRV struct strv env = { 0 };

	add_words(&argv, words);
	tool_env(&env);
	return tool_run(
		&(struct tool){ .argv = &argv, .env = &env, .dir = dir, .in = -1 }, ret, err);
}

/* A path's host and user end at the first '/'; "user:secret@" in front of the host goes. */
void git_print_remote(const char *url, struct buf *ret)
{
	const char *scheme = strstr(url, "://");
	const char *host;
	size_t len;
	const char *at;

	if (!scheme) {
		/* git@host:path; a ':' behind a '/' belongs to a path on this host */
		if (strcspn(url, ":") < strcspn(url, "/") && strchr(url, ':'))
			buf_add_str(ret, url);
		return;
	}
	if (strncmp(url, "file:", 5) == 0)
		return;
	host = scheme + 3;
	len = strcspn(host, "/");
	at = memrchr(host, '@', len);
	buf_add(ret, url, (size_t)(host - url));
	buf_add_str(ret, at ? at + 1 : host);
}

static char *copy_remote(struct buf *url)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (!url->len)
		return NULL;
	url->data[strcspn(url->data, "\n")] = '\0';
	git_print_remote(url->data, &text);
	return text.len ? buf_take(&text) : NULL;
}

/* Copies one line of hexadecimal digits and moves *text behind it. */
static int take_hash(char **text, char ret[65], struct error *err)
{
	size_t len = strspn(*text, "0123456789abcdef");

	if ((len != 40 && len != 64) || (*text)[len] != '\n')
		return error_set(err, ERROR_FAILED, "git: \"%.80s\" is not an object name", *text);
	memcpy(ret, *text, len);
	ret[len] = '\0';
	*text += len + 1;
	return 0;
}

/* Why a head could not be read: *ret_found false and 0 where there is no repository. */
static int explain_no_head(int dir, bool *ret_found, struct error *err)
{
	static const char *const inside[] = { "rev-parse", "--is-inside-work-tree", NULL };
	static const char *const commit[] = { "rev-parse", "--verify", "HEAD^{commit}", NULL };

	if (run(dir, inside, NULL, err) < 0) {
		*ret_found = false;
		if (strstr(err->text, "dubious ownership"))
			error_hint(err, "git config --global --add safe.directory DIR trusts it");
		return err->errnum == NOT_A_REPOSITORY && strstr(err->text, "not a git") ? 0 : -1;
	}
	if (run(dir, commit, NULL, err) < 0)
		return error_set(err, ERROR_INTEGRITY, "nothing is committed yet");
	return error_set(err, ERROR_INTEGRITY, "nothing of it is committed yet");
}

/* All that is asked of every codebase, at once: each git takes longer to start than to answer. */
enum { NAMES, DATE, REMOTE, STATUS, QUESTIONS };

static const char *const questions[QUESTIONS][10] = {
	[NAMES] = { "rev-parse", "HEAD^{commit}", "HEAD:./", NULL },
	[DATE] = { "show", "-s", "--format=%ct", "HEAD", NULL },
	[REMOTE] = { "config", "--get", "remote.origin.url", NULL },
	/* Within a submodule git would run by that one's own configuration. */
	[STATUS] = { "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal",
		"--ignore-submodules=dirty", "--", ".", NULL },
};

struct answer {
	struct strv argv;
	struct tool_process process;
	struct buf text;
	int status;
	struct error err;
};

static void ask(int dir, struct answer *answers)
{
	CLEANUP_STRV struct strv env = { 0 };

	tool_env(&env);
	for (int i = 0; i < QUESTIONS; i++) {
		struct answer *answer = &answers[i];

		add_words(&answer->argv, questions[i]);
		answer->status = tool_start(
			&(struct tool){ .argv = &answer->argv, .env = &env, .dir = dir, .in = -1 },
			&answer->process, &answer->err);
	}
	for (int i = 0; i < QUESTIONS; i++)
		if (answers[i].status == 0)
			answers[i].status =
				tool_read(&answers[i].process, &answers[i].text, &answers[i].err);
}

static void read_changes(const struct buf *text, struct git_changes *ret)
{
	for (size_t at = 0; at + 3 < text->len; at += strlen(text->data + at) + 1) {
		const char *line = text->data + at;

		strv_add(line[0] == '?' ? &ret->untracked : &ret->changed, line + 3);
	}
}

static int read_head(struct answer *answers, struct git_head *ret, struct error *err)
{
	char *at = answers[NAMES].text.data;
	char *date = answers[DATE].text.data;
	uint64_t seconds;

	if (take_hash(&at, ret->commit, err) < 0 || take_hash(&at, ret->tree, err) < 0)
		return -1;
	date[strcspn(date, "\n")] = '\0';
	if (number_parse(date, INT64_MAX / 2, &seconds, err) < 0)
		return error_wrap(err, "date of commit %s", ret->commit);
	ret->date = (int64_t)seconds;
	/* A codebase without origin is fine. */
	ret->remote = answers[REMOTE].status == 0 ? copy_remote(&answers[REMOTE].text) : NULL;
	return 0;
}

static int judge(int dir, struct answer *answers, bool *ret_found, struct git_head *ret_head,
	struct git_changes *ret_changes, struct error *err)
{
	if (answers[NAMES].status < 0)
		return explain_no_head(dir, ret_found, err);
	if (answers[DATE].status < 0 || answers[STATUS].status < 0) {
		*err = answers[answers[DATE].status < 0 ? DATE : STATUS].err;
		return -1;
	}
	if (read_head(answers, ret_head, err) < 0)
		return -1;
	read_changes(&answers[STATUS].text, ret_changes);
	*ret_found = true;
	return 0;
}

int git_read_state(int dir, bool *ret_found, struct git_head *ret_head,
	struct git_changes *ret_changes, struct error *err)
{
	struct answer answers[QUESTIONS] = { 0 };
	int result;

	if (git_check_config(dir, err) < 0)
		return -1;
	ask(dir, answers);
	result = judge(dir, answers, ret_found, ret_head, ret_changes, err);
	for (int i = 0; i < QUESTIONS; i++) {
		strv_done(&answers[i].argv);
		buf_done(&answers[i].text);
	}
	return result;
}

void git_head_done(struct git_head *head)
{
	free(head->remote);
	*head = (struct git_head){ 0 };
}

void git_changes_done(struct git_changes *changes)
{
	strv_done(&changes->changed);
	strv_done(&changes->untracked);
}

int git_list_files(int dir, const char *but, struct strv *ret, struct error *err)
{
	const char *const words[] = { "ls-files", "-z", "--cached", "--others",
		"--exclude-standard", "--exclude", but, "--deduplicate", NULL };
	CLEANUP_BUF struct buf text = { 0 };

	if (run(dir, words, &text, err) < 0)
		return -1;
	for (size_t at = 0; at < text.len; at += strlen(text.data + at) + 1)
		strv_add(ret, text.data + at);
	return 0;
}

/* One entry of ls-tree -z: "MODE TYPE HASH\tPATH". */
struct entry {
	char mode[7];
	const char *hash;
	size_t hash_len;
	const char *path;
};

static int parse_entry(const char *line, struct entry *ret, struct error *err)
{
	const char *tab = strchr(line, '\t');
	const char *hash;

	if (!tab || strlen(line) < 13 || line[6] != ' ')
		return error_set(err, ERROR_FAILED, "git: unexpected \"%.80s\"", line);
	hash = memrchr(line, ' ', (size_t)(tab - line));
	memcpy(ret->mode, line, 6);
	ret->mode[6] = '\0';
	ret->hash = hash + 1;
	ret->hash_len = (size_t)(tab - hash - 1);
	ret->path = tab + 1;
	if (strcmp(ret->mode, "160000") == 0)
		return error_set(err, ERROR_FAILED, "%s: submodules cannot be built", ret->path);
	return 0;
}

static int read_exactly(int fd, void *data, size_t len, struct error *err)
{
	for (size_t have = 0; have < len;) {
		ssize_t got = read(fd, (char *)data + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(err, ERROR_FAILED, "git: objects end too soon");
		have += (size_t)got;
	}
	return 0;
}

/* The header that cat-file --batch writes before each object: "HASH blob SIZE". */
static int read_size(int fd, uint64_t *ret, struct error *err)
{
	char line[128];
	size_t len = 0;
	const char *space;

	do {
		if (len + 1 == sizeof line || read_exactly(fd, line + len, 1, err) < 0)
			return error_set(err, ERROR_FAILED, "git: objects end too soon");
	} while (line[len++] != '\n');
	line[len - 1] = '\0';
	space = strrchr(line, ' ');
	if (!space || !strstr(line, " blob ") || number_parse(space + 1, INT64_MAX, ret, err) < 0)
		return error_set(err, ERROR_INTEGRITY, "git: object %s", line);
	return 0;
}

static int copy_file(int from, uint64_t size, int to, struct error *err)
{
	char chunk[CHUNK];

	while (size > 0) {
		size_t len = size < sizeof chunk ? (size_t)size : sizeof chunk;

		if (read_exactly(from, chunk, len, err) < 0 ||
			file_write_all(to, chunk, len, err) < 0)
			return -1;
		size -= len;
	}
	return 0;
}

static int write_entry(
	int objects, const struct entry *entry, int root, const char *path, struct error *err)
{
	bool executable = strcmp(entry->mode, "100755") == 0;
	char target[PATH_MAX] = "";
	CLEANUP_CLOSE int fd = -1;
	uint64_t size;

	if (read_size(objects, &size, err) < 0)
		return -1;
	if (strcmp(entry->mode, "120000") == 0) {
		if (size == 0 || size >= sizeof target)
			return error_set(err, ERROR_FAILED, "not a symlink's target");
		if (read_exactly(objects, target, (size_t)size, err) < 0)
			return -1;
		return place_link(root, path, target, err);
	}
	fd = place_file(root, path, executable ? 0755 : 0644, err);
	return fd < 0 ? -1 : copy_file(objects, size, fd, err);
}

static int write_entries(
	const struct buf *list, int objects, int root, const char *app, struct error *err)
{
	for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
		struct entry entry;
		CLEANUP_FREE char *path = NULL;
		char newline;

		if (parse_entry(list->data + at, &entry, err) < 0)
			return -1;
		path = memory_format("%s/%s", app, entry.path);
		if (write_entry(objects, &entry, root, path, err) < 0 ||
			read_exactly(objects, &newline, 1, err) < 0)
			return error_wrap(err, "%s", entry.path);
	}
	return 0;
}

/* cat-file reads the names it is to print from a memory file, so neither side can block. */
static int write_names(const struct buf *list, struct error *err)
{
	CLEANUP_CLOSE int fd = memfd_create("objects", MFD_CLOEXEC);
	CLEANUP_BUF struct buf names = { 0 };

	if (fd < 0)
		return error_errno(err, "memory file");
	for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
		struct entry entry;

		if (parse_entry(list->data + at, &entry, err) < 0)
			return -1;
		buf_addf(&names, "%.*s\n", (int)entry.hash_len, entry.hash);
	}
	if (file_write_all(fd, names.data, names.len, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "memory file");
	return steal_fd(&fd);
}

int git_export(int dir, const char *tree, int root, const char *app, struct error *err)
{
	const char *const listing[] = { "ls-tree", "-r", "-z", "--full-tree", tree, NULL };
	static const char *const batch[] = { "cat-file", "--batch", NULL };
	CLEANUP_BUF struct buf list = { 0 };
	CLEANUP_STRV struct strv argv = { 0 };
	CLEANUP_STRV struct strv env = { 0 };
	CLEANUP_CLOSE int names = -1;
	struct tool_process process;
	struct error finish;

	if (run(dir, listing, &list, err) < 0 || (names = write_names(&list, err)) < 0)
		return -1;
	add_words(&argv, batch);
	tool_env(&env);
	if (tool_start(&(struct tool){ .argv = &argv, .env = &env, .dir = dir, .in = names },
		    &process, err) < 0)
		return -1;
	if (write_entries(&list, process.out, root, app, err) < 0) {
		(void)tool_finish(&process, &finish); /* what went wrong here explains more */
		return -1;
	}
	return tool_finish(&process, err);
}

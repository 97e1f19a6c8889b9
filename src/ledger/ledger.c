/* Ledgers: reading and verifying the chain, appending to it, finding releases in it.
 *
 * Theory of operation. The file is locked while it is appended to; readers take no lock, for a line
 * counts only once its newline is there. A release, import or rollback is synced and then recorded
 * in "head"; on reading, the head's line must be in the chain, so that a ledger cut short shows.
 * One-offs are appended without waiting for the disk, and the head stays: a power cut may take the
 * last of them.
 *
 * Deliberately absent: whether the releases named are in the store (image/release). */
#include "ledger/ledger.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include "entry.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { TAIL = 1 << 12, LEDGER_MAX = 1 << 30 };

static int wrap(struct error *err, const char *app, const char *deploy)
{
	if (err->kind == ERROR_USAGE)
		return -1; /* the name itself is wrong */
	return error_wrap(err, "ledger of %s/%s", app, deploy);
}

static int read_line(struct ledger *ledger, const char *line, size_t len, struct digest *chain,
	struct error *err)
{
	struct ledger_entry entry;
	struct digest digest;
	struct digest previous;
	size_t number = ledger->count + 1;

	if (entry_parse(line, len, &entry, &digest, &previous, err) < 0)
		return error_wrap(err, "line %zu", number);
	if (!digest_equal(&previous, chain)) {
		ledger_entry_done(&entry);
		return error_set(err, ERROR_INTEGRITY,
			"line %zu: it does not follow the line before it", number);
	}
	*chain = digest;
	ledger->entries = memory_resize(ledger->entries, number, sizeof *ledger->entries);
	ledger->entries[ledger->count++] = entry;
	return 0;
}

/* Verifies the chain; *ret_last is the last line's digest, zeros for an empty ledger. */
static int read_chain(int deploy_dir, const struct buf *text, struct ledger *ledger,
	struct digest *ret_last, struct error *err)
{
	struct digest chain;
	struct digest head;
	const char *at = text->data;
	int has_head = files_read_head(deploy_dir, &head, err);
	bool seen = !has_head;

	if (has_head < 0)
		return -1;
	memset(chain.hex, '0', DIGEST_HEX - 1);
	chain.hex[DIGEST_HEX - 1] = '\0';
	while (at && at < text->data + text->len) {
		size_t left = (size_t)(text->data + text->len - at);
		const char *end = memchr(at, '\n', left);

		if (read_line(ledger, at, (size_t)(end - at), &chain, err) < 0)
			return -1;
		seen = seen || digest_equal(&chain, &head);
		at = end + 1;
	}
	if (!seen)
		return error_set(
			err, ERROR_INTEGRITY, "entries after line %zu are gone", ledger->count);
	*ret_last = chain;
	return 0;
}

int ledger_read(int dir, const char *app, const char *deploy, struct ledger *ret, struct error *err)
{
	CLEANUP_CLOSE int deploy_dir = -1;
	CLEANUP_BUF struct buf text = { 0 };
	struct ledger ledger = { 0 };
	struct digest last;
	int there = files_open_dir(dir, app, deploy, false, &deploy_dir, err);

	if (there < 0)
		return wrap(err, app, deploy);
	if (there && (files_read(deploy_dir, &text, err) < 0 ||
			     read_chain(deploy_dir, &text, &ledger, &last, err) < 0)) {
		ledger_done(&ledger);
		return wrap(err, app, deploy);
	}
	*ret = ledger;
	return 0;
}

static bool has(const char *line, size_t len, const char *needle)
{
	return memmem(line, len, needle, strlen(needle)) != NULL;
}

/* 1 if the line is a release's entry of id. Most lines are none, of which the text tells: quotes
 * within a value are escaped, so a member's name and value stand only where they are meant. */
static int match_line(const char *line, size_t len, const struct digest *id,
	struct ledger_entry *ret, struct error *err)
{
	char wanted[DIGEST_HEX + 16];
	struct ledger_entry entry;
	struct digest digest;
	struct digest previous;

	(void)snprintf(wanted, sizeof wanted, "\"release\":\"%s\"", id->hex); /* fits */
	if (!has(line, len, wanted) || has(line, len, "\"kind\":\"admin\""))
		return 0;
	if (entry_parse(line, len, &entry, &digest, &previous, err) < 0)
		return -1;
	if (entry.kind == LEDGER_ADMIN || !digest_equal(&entry.release, id)) {
		ledger_entry_done(&entry);
		return 0;
	}
	*ret = entry;
	return 1;
}

/* From the end, where the newest is. */
static int lookup(const struct buf *text, const struct digest *id, struct ledger_entry *ret,
	struct error *err)
{
	size_t end = text->len; /* behind a newline */
	int found = 0;

	while (end > 0 && found == 0) {
		const char *before = memrchr(text->data, '\n', end - 1);
		size_t start = before ? (size_t)(before - text->data) + 1 : 0;

		found = match_line(text->data + start, end - 1 - start, id, ret, err);
		end = start;
	}
	return found;
}

int ledger_lookup(int dir, const char *app, const char *deploy, const struct digest *id,
	struct ledger_entry *ret, struct error *err)
{
	CLEANUP_CLOSE int deploy_dir = -1;
	CLEANUP_BUF struct buf text = { 0 };
	struct ledger_entry entry = { 0 };
	int found = files_open_dir(dir, app, deploy, false, &deploy_dir, err);

	if (found > 0)
		found = files_read(deploy_dir, &text, err);
	if (found == 0 && text.data)
		found = lookup(&text, id, &entry, err);
	if (found < 0) {
		ledger_entry_done(&entry);
		return wrap(err, app, deploy);
	}
	if (found)
		*ret = entry;
	return found;
}

static void digest_env(const unsigned char key[FILES_KEY], const struct strv *env, struct strv *ret)
{
	for (size_t i = 0; i < env->len; i++) {
		const char *item = env->items[i];
		struct digest digest;

		if (!strchr(item, '='))
			continue;
		digest_keyed(key, FILES_KEY, item, strlen(item), &digest);
		strv_addf(ret, "%.*s=%s", (int)strcspn(item, "="), item, digest.hex);
	}
}

static int append_line(int file, uint64_t size, struct ledger_entry *entry,
	const struct digest *previous, bool sync, struct digest *ret, struct error *err)
{
	CLEANUP_BUF struct buf line = { 0 };

	if (!entry->time)
		entry->time = clock_real();
	entry_print(entry, previous, &line, ret);
	return files_append(file, size, &line, sync, err);
}

/* The number of the release that the entry would only repeat: the newest, or for an import any (two
 * runs may have looked for it at the same time). Else 0, and *ret_next is the next number. */
static unsigned find_same(
	const struct ledger *ledger, const struct ledger_entry *entry, unsigned *ret_next)
{
	const struct ledger_entry *newest = ledger_newest(ledger);
	unsigned same = 0;

	for (size_t i = 0; i < ledger->count; i++) {
		const struct ledger_entry *old = &ledger->entries[i];

		if (old->kind != LEDGER_ADMIN && digest_equal(&old->release, &entry->release) &&
			(old == newest || entry->kind == LEDGER_IMPORT))
			same = old->version;
	}
	*ret_next = newest ? newest->version + 1 : 1;
	return same;
}

static int append_release(int deploy_dir, int file, struct ledger_entry *entry,
	const struct strv *env, bool sync, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	unsigned char key[FILES_KEY];
	struct ledger ledger = { 0 };
	struct digest last;
	struct digest head;
	unsigned same;
	unsigned next;
	int result = files_read(deploy_dir, &text, err);

	if (result == 0)
		result = read_chain(deploy_dir, &text, &ledger, &last, err);
	same = find_same(&ledger, entry, &next);
	ledger_done(&ledger);
	if (result < 0)
		return -1;
	entry->version = same ? same : next;
	if (same)
		return 0;
	if (files_key(deploy_dir, key, err) < 0)
		return -1;
	strv_done(&entry->keys);
	if (env)
		digest_env(key, env, &entry->keys);
	if (append_line(file, text.len, entry, &last, sync, &head, err) < 0)
		return -1;
	return sync ? files_write_head(deploy_dir, &head, err) : 0;
}

/* Reads the file from its end back to where the last whole line begins, or farther. Returns where
 * what was read stood in it, or -1. */
static off_t read_tail(int file, struct buf *ret, struct error *err)
{
	off_t size = lseek(file, 0, SEEK_END);

	for (off_t window = TAIL;; window *= 2) { /* a command line may have megabytes */
		off_t from = size > window ? size - window : 0;
		const char *end;

		ret->len = 0;
		if (lseek(file, from, SEEK_SET) < 0)
			return error_errno(err, "read");
		if (file_read_all(file, LEDGER_MAX, ret, err) < 0)
			return -1;
		end = ret->len ? memrchr(ret->data, '\n', ret->len) : NULL;
		if (from == 0 || (end && memrchr(ret->data, '\n', (size_t)(end - ret->data))))
			return from;
	}
}

/* The last whole line of the file: its digest and where the next one begins. */
static int read_last(int file, uint64_t *ret_size, struct digest *ret, struct error *err)
{
	CLEANUP_BUF struct buf tail = { 0 };
	struct ledger_entry entry;
	struct digest previous;
	off_t from = read_tail(file, &tail, err);
	const char *start, *end;

	if (from < 0)
		return -1;
	end = tail.len ? memrchr(tail.data, '\n', tail.len) : NULL;
	if (!end)
		return error_set(err, ERROR_INTEGRITY, "its last line is not an entry");
	start = memrchr(tail.data, '\n', (size_t)(end - tail.data));
	start = start ? start + 1 : tail.data;
	if (entry_parse(start, (size_t)(end - start), &entry, ret, &previous, err) < 0)
		return error_wrap(err, "last line");
	ledger_entry_done(&entry);
	*ret_size = (uint64_t)(from + (end - tail.data) + 1);
	return 0;
}

static int append_admin(int file, struct ledger_entry *entry, bool sync, struct error *err)
{
	struct digest last;
	struct digest digest;
	uint64_t size = 0;

	if (read_last(file, &size, &last, err) < 0)
		return -1;
	return append_line(file, size, entry, &last, sync, &digest, err);
}

int ledger_append(int dir, const char *app, const char *deploy, struct ledger_entry *entry,
	const struct strv *env, bool quick, struct error *err)
{
	CLEANUP_CLOSE int deploy_dir = -1;
	CLEANUP_CLOSE int file = -1;
	int result;

	if (files_open_dir(dir, app, deploy, true, &deploy_dir, err) < 0)
		return wrap(err, app, deploy);
	file = files_open_locked(deploy_dir, err);
	if (file < 0)
		return wrap(err, app, deploy);
	result = entry->kind == LEDGER_ADMIN
			 ? append_admin(file, entry, !quick, err)
			 : append_release(deploy_dir, file, entry, env, !quick, err);
	return result < 0 ? wrap(err, app, deploy) : 0;
}

void ledger_done(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->count; i++)
		ledger_entry_done(&ledger->entries[i]);
	free(ledger->entries);
	*ledger = (struct ledger){ 0 };
}

/* Finding: releases within a ledger, ledgers within a store. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "ledger/ledger.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { SHORTEST_ID = DIGEST_SHORT };

const struct ledger_entry *ledger_newest(const struct ledger *ledger)
{
	for (size_t i = ledger->count; i > 0; i--)
		if (ledger->entries[i - 1].kind != LEDGER_ADMIN)
			return &ledger->entries[i - 1];
	return NULL;
}

static bool names(const struct ledger_entry *entry, const char *text)
{
	size_t len = strlen(text);
	char version[16];
	size_t used;

	if (entry->kind == LEDGER_ADMIN)
		return false;
	used = (size_t)snprintf(version, sizeof version, "v%u", entry->version);
	if (strncmp(text, version, used) == 0 && (!text[used] || text[used] == '-'))
		return !text[used] ||
		       (len == used + 1 + SHORTEST_ID &&
			       strncmp(text + used + 1, entry->release.hex, SHORTEST_ID) == 0);
	return len >= SHORTEST_ID && len < DIGEST_HEX &&
	       strncmp(text, entry->release.hex, len) == 0;
}

int ledger_find(const struct ledger *ledger, const char *text, const struct ledger_entry **ret,
	struct error *err)
{
	const struct ledger_entry *newest = ledger_newest(ledger);

	for (size_t i = ledger->count; i > 0; i--) {
		if (!names(&ledger->entries[i - 1], text))
			continue;
		*ret = &ledger->entries[i - 1];
		return 0;
	}
	if (!newest)
		error_set(err, ERROR_NO_SUCH, "no release %.80s: there is none yet", text);
	else if (newest->version == 1)
		error_set(err, ERROR_NO_SUCH, "no release %.80s: there is only v1", text);
	else
		error_set(err, ERROR_NO_SUCH, "no release %.80s: there are v1 to v%u", text,
			newest->version);
	return error_hint(err, "isorun releases lists them");
}

/* Calls itself for each app, then lists its deploys. app NULL: the directory of apps. */
static int list_dir(int fd, const char *app, struct strv *ret, struct error *err)
{
	CLEANUP_CLOSEDIR DIR *list = fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return error_errno(err, "list apps");
	while ((entry = readdir(list))) {
		CLEANUP_CLOSE int below = -1;

		if (entry->d_name[0] == '.')
			continue;
		below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below < 0)
			continue; /* not ours */
		if (app) {
			if (faccessat(below, "ledger", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
				strv_addf(ret, "%s/%s", app, entry->d_name);
		} else if (list_dir(steal_fd(&below), entry->d_name, ret, err) < 0) {
			return -1;
		}
	}
	return 0;
}

int ledger_list(int dir, struct strv *ret, struct error *err)
{
	int apps = openat(dir, "apps", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (apps < 0)
		return errno == ENOENT ? 0 : error_errno(err, "open apps");
	if (list_dir(apps, NULL, ret, err) < 0)
		return -1;
	strv_sort(ret);
	return 0;
}

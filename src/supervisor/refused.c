/* The table behind the lines about refused connections. A destination is its words: two packets
 * that would be told alike are alike. An entry whose minute is over and of which everything has
 * been told is free for another; the one behind the last stands for all that find none free. */
#include "supervisor/refused.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT = 96 };

struct refused_entry {
	char what[WHAT]; /* "": free */
	uint64_t told;   /* when */
	uint64_t untold; /* how many since */
};

const char *refused_reason(enum egress egress)
{
	switch (egress) {
	case EGRESS_NONE:
		return "egress is none";
	case EGRESS_OPEN:
		return "only TCP and UDP to other machines get out";
	default:
		return "not an attached service";
	}
}

static void print(const struct refused_entry *entry, enum egress egress, char text[REFUSED_TEXT])
{
	char more[48] = "";

	if (entry->untold > 0)
		(void)snprintf(more, sizeof more, " (%" PRIu64 " more time%s)", entry->untold,
			entry->untold == 1 ? "" : "s");
	(void)snprintf(text, REFUSED_TEXT, "refused %s: %s%s", entry->what, refused_reason(egress),
		more); /* fits */
}

static bool is_free(const struct refused_entry *entry, uint64_t now)
{
	return !entry->what[0] || (entry->untold == 0 && now - entry->told >= REFUSED_INTERVAL);
}

static struct refused_entry *find(struct refused *refused, const char *what, uint64_t now)
{
	struct refused_entry *others = &refused->entries[REFUSED_DESTINATIONS], *found = others;

	for (struct refused_entry *entry = refused->entries; entry < others; entry++) {
		if (strcmp(entry->what, what) == 0)
			return entry;
		if (found == others && is_free(entry, now))
			found = entry;
	}
	return found;
}

bool refused_take(struct refused *refused, enum egress egress, const char *what, uint64_t now,
	bool quiet, char text[REFUSED_TEXT])
{
	struct refused_entry *entry;
	bool is_new;

	if (!refused->entries)
		refused->entries = memory_new(REFUSED_DESTINATIONS + 1, sizeof *entry);
	entry = find(refused, what, now);
	if (entry == &refused->entries[REFUSED_DESTINATIONS])
		what = "what went to further destinations";
	is_new = strcmp(entry->what, what) != 0;
	if (is_new)
		(void)snprintf(entry->what, sizeof entry->what, "%s", what); /* fits */
	if (quiet || (!is_new && now - entry->told < REFUSED_INTERVAL)) {
		if (is_new) /* then the next is told, if it may be */
			entry->told = now - REFUSED_INTERVAL;
		entry->untold++;
		return false;
	}
	print(entry, egress, text);
	entry->told = now;
	entry->untold = 0;
	return true;
}

bool refused_take_rest(
	struct refused *refused, enum egress egress, uint64_t now, char text[REFUSED_TEXT])
{
	for (size_t i = 0; refused->entries && i <= REFUSED_DESTINATIONS; i++) {
		struct refused_entry *entry = &refused->entries[i];

		if (entry->untold == 0 || now - entry->told < REFUSED_INTERVAL)
			continue;
		print(entry, egress, text);
		entry->told = now;
		entry->untold = 0;
		return true;
	}
	return false;
}

void refused_done(struct refused *refused)
{
	free(refused->entries);
	refused->entries = NULL;
}

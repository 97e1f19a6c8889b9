/* Alternatives. A maintainer script is text to be searched for one command, not a program: words
 * with shell variables in them are not understood, and what they would have made is not made. */
#include "alternative.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "place.h"
#include "script.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_literal(const char *text)
{
	return strpbrk(text, "$`*?") == NULL;
}

static void add(struct alternatives *alternatives, char *const *words, long priority)
{
	if (!is_literal(words[0]) || !is_literal(words[1]) || !is_literal(words[2]) ||
		words[0][0] != '/' || words[2][0] != '/' || strchr(words[1], '/'))
		return;
	alternatives->items = memory_resize(
		alternatives->items, alternatives->count + 1, sizeof *alternatives->items);
	alternatives->items[alternatives->count++] = (struct alternative){
		.link = memory_copy_str(words[0]),
		.name = memory_copy_str(words[1]),
		.path = memory_copy_str(words[2]),
		.priority = priority,
	};
}

/* --install LINK NAME PATH PRIORITY, then any number of --slave LINK NAME PATH. */
static void read_command(struct alternatives *alternatives, const struct strv *words)
{
	long priority = 0;

	for (size_t i = 1; i + 3 < words->len; i++) {
		if (strcmp(words->items[i], "--install") == 0 && i + 4 < words->len) {
			priority = strtol(words->items[i + 4], NULL, 10);
			add(alternatives, words->items + i + 1, priority);
		}
		if (strcmp(words->items[i], "--slave") == 0)
			add(alternatives, words->items + i + 1, priority);
	}
}

void alternatives_read(struct alternatives *alternatives, const char *script)
{
	CLEANUP_STRV struct strv words = { 0 };

	while (script_next(&script, "update-alternatives", &words)) {
		read_command(alternatives, &words);
		strv_done(&words);
	}
}

/* Whether b is to be preferred to a: by priority, then by path, so that order does not matter. */
static bool is_better(const struct alternative *a, const struct alternative *b)
{
	if (a->priority != b->priority)
		return b->priority > a->priority;
	return strcmp(b->path, a->path) < 0;
}

static int make_links(const struct alternative *best, const struct root *root, struct error *err)
{
	CLEANUP_FREE char *middle = memory_format("/etc/alternatives/%s", best->name);
	CLEANUP_CLOSE int there = place_open(root->dependencies, best->link, O_PATH | O_NOFOLLOW);
	struct stat status;

	if (there >= 0 && fstat(there, &status) == 0 && !S_ISLNK(status.st_mode))
		return 0; /* a package's own file, which update-alternatives would not replace */
	if (place_link(root->dependencies, middle, best->path, err) < 0)
		return -1;
	return place_link(root->dependencies, best->link, middle, err);
}

int alternatives_make(
	const struct alternatives *alternatives, const struct root *root, struct error *err)
{
	const struct alternative *items = alternatives->items;

	for (size_t i = 0; i < alternatives->count; i++) {
		const struct alternative *best = NULL;
		char canonical[PATH_MAX];
		struct stat status;

		for (size_t j = 0; j < alternatives->count; j++) {
			int found;

			if (strcmp(items[j].link, items[i].link) != 0 ||
				(best && !is_better(best, &items[j])))
				continue;
			found = root_find(root, items[j].path, canonical, &status, err);
			if (found < 0)
				return -1;
			best = found ? &items[j] : best;
		}
		if (best == &items[i] && make_links(best, root, err) < 0)
			return -1;
	}
	return 0;
}

void alternatives_done(struct alternatives *alternatives)
{
	for (size_t i = 0; i < alternatives->count; i++) {
		free(alternatives->items[i].link);
		free(alternatives->items[i].name);
		free(alternatives->items[i].path);
	}
	free(alternatives->items);
	*alternatives = (struct alternatives){ 0 };
}

/* Subordinate ids, subuid(5): who may map which. Only counted; mapping them is newuidmap(1)'s. */
#include "subid.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>
#include <string.h>

static uint64_t count_of(char *line, const char *name, const char *number)
{
	char *who = strsep(&line, ":");
	const char *first = strsep(&line, ":");
	struct error ignored; /* an odd line is nobody's */
	uint64_t start, count;

	if (!first || !line || (strcmp(who, number) != 0 && (!name || strcmp(who, name) != 0)))
		return 0;
	if (number_parse(first, UINT32_MAX, &start, &ignored) < 0 ||
		number_parse(line, UINT32_MAX, &count, &ignored) < 0)
		return 0;
	return count;
}

uint64_t subid_count(const char *text, const char *name, uid_t uid)
{
	CLEANUP_FREE char *copy = memory_copy_str(text);
	char *rest = copy, *line;
	char number[16];
	uint64_t total = 0;

	(void)snprintf(number, sizeof number, "%u", (unsigned)uid); /* fits */
	while ((line = strsep(&rest, "\n")))
		total += count_of(line, name, number);
	return total;
}

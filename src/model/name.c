/* Names: a table of first characters, other characters and lengths, one row a kind. Bytes are
 * compared as ASCII, never by locale. */
#include "model/name.h"

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

struct pattern {
	const char *what;
	const char *first, *rest;
	size_t least, most;
	bool hyphen_last; /* whether the last character may be '-' */
	const char *rule;
};

static const struct pattern patterns[] = {
	[NAME_APP] = { "an app name", LOWER DIGIT, LOWER DIGIT "-", 1, 63, false,
		"lower-case letters, digits and inner -, at most 63" },
	[NAME_DEPLOY] = { "a deploy name", LOWER DIGIT, LOWER DIGIT "-", 1, 63, false,
		"lower-case letters, digits and inner -, at most 63" },
	[NAME_PROCESS] = { "a process name", LOWER UPPER DIGIT, LOWER UPPER DIGIT "_-", 1, 63, true,
		"letters, digits, _ and -, at most 63" },
	[NAME_SERVICE] = { "a service name", LOWER UPPER DIGIT, LOWER UPPER DIGIT "_-", 1, 63, true,
		"letters, digits, _ and -, at most 63" },
	[NAME_VARIABLE] = { "a variable name", LOWER UPPER "_", LOWER UPPER DIGIT "_", 1, 255,
		false, "letters, digits and _, not a digit first, at most 255" },
	[NAME_PACKAGE] = { "a Debian package name", LOWER DIGIT, LOWER DIGIT "+.-", 2, 128, true,
		"lower-case letters, digits, +, - and ., at most 128" },
	[NAME_SUITE] = { "a Debian suite", LOWER, LOWER DIGIT "-", 1, 63, false,
		"lower-case letters, digits and -, as in bookworm" },
};

bool name_is(enum name_kind kind, const char *text)
{
	const struct pattern *pattern = &patterns[kind];
	size_t len = strnlen(text, pattern->most + 1);

	if (len < pattern->least || len > pattern->most)
		return false;
	if (!strchr(pattern->first, text[0]) || strspn(text, pattern->rest) != len)
		return false;
	return pattern->hyphen_last || text[len - 1] != '-';
}

int name_check(enum name_kind kind, const char *text, struct error *err)
{
	const struct pattern *pattern = &patterns[kind];

	if (name_is(kind, text))
		return 0;
	return error_set(err, ERROR_CONFIG, "\"%.40s%s\" is not %s (%s)", text,
		strlen(text) > 40 ? "…" : "", pattern->what, pattern->rule);
}

bool name_is_reserved(const char *variable)
{
	return strcmp(variable, "PORT") == 0 || strcmp(variable, "DYNO") == 0 ||
	       strncmp(variable, "ISORUN_", 7) == 0;
}

int name_check_variable(const char *text, struct error *err)
{
	if (name_check(NAME_VARIABLE, text, err) < 0)
		return -1;
	if (!name_is_reserved(text))
		return 0;
	error_set(err, ERROR_CONFIG, "%.80s is set by isorun", text);
	if (strcmp(text, "PORT") == 0)
		error_hint(err, "say \"port\": 8080 in the manifest's process type");
	return -1;
}

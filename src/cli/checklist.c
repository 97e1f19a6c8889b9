/* The list of a host's features: judged, and shown to people and programs. No trial is made here.
 */
#include "checklist.h"

#include "base/json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
	[CHECK_OK] = "ok",
	[CHECK_LIMITED] = "limited",
	[CHECK_MISSING] = "missing",
	[CHECK_UNTRIED] = "untried",
};

void checklist_add(struct checklist *list, const struct check *check, enum trial_result result,
	const char *found, const struct error *err)
{
	struct check *added = &list->checks[list->count++];

	assert(list->count <= CHECKLIST_MAX);
	*added = *check;
	switch (result) {
	case TRIAL_DONE:
		added->state = CHECK_OK;
		break;
	case TRIAL_IN_PART:
		added->state = CHECK_LIMITED;
		break;
	case TRIAL_FAILED:
		added->state = CHECK_MISSING;
		break;
	}
	/* Neither is cut: both are as long as what they come from. */
	(void)snprintf(
		added->found, sizeof added->found, "%s", result == TRIAL_DONE ? found : err->text);
	(void)snprintf(
		added->hint, sizeof added->hint, "%s", result == TRIAL_DONE ? "" : err->hint);
}

void checklist_skip(struct checklist *list, const struct check *check, const char *why)
{
	struct check *added = &list->checks[list->count++];

	assert(list->count <= CHECKLIST_MAX);
	*added = *check;
	added->state = CHECK_UNTRIED;
	(void)snprintf(added->found, sizeof added->found, "%s", why); /* short */
}

int checklist_judge(const struct checklist *list, struct error *err)
{
	CLEANUP_BUF struct buf names = { 0 };
	const char *hint = "";

	for (size_t i = 0; i < list->count; i++) {
		const struct check *check = &list->checks[i];

		if (!check->needed || check->state != CHECK_MISSING)
			continue;
		if (!*hint)
			hint = check->hint;
		buf_addf(&names, "%s%s", names.len ? ", " : "", check->name);
	}
	if (!names.len)
		return 0;
	error_set(err, ERROR_UNSUPPORTED, "this host lacks what a run needs: %s", names.data);
	return error_hint(err, "%s", hint);
}

static void print_row(const struct check *check, bool color, struct buf *ret)
{
	static const char *const colors[] = {
		[CHECK_OK] = "\033[32m",
		[CHECK_LIMITED] = "\033[33m",
		[CHECK_MISSING] = "\033[31m",
		[CHECK_UNTRIED] = "\033[31m",
	};

	/* Colours go around the padded word, for they are not to be counted. */
	buf_addf(ret, "%s%-8s%s %-18s ", color ? colors[check->state] : "", words[check->state],
		color ? "\033[0m" : "", check->name);
	if (*check->found)
		buf_addf(ret, "%-36s %s\n", check->purpose, check->found);
	else
		buf_addf(ret, "%s\n", check->purpose);
	if (*check->hint)
		buf_addf(ret, "%-8s hint: %s\n", "", check->hint);
}

void checklist_print(const struct checklist *list, bool color, struct buf *ret)
{
	buf_addf(ret, "%-8s %-18s %-36s %s\n", "STATE", "FEATURE", "FOR", "FOUND");
	for (size_t i = 0; i < list->count; i++)
		print_row(&list->checks[i], color, ret);
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

void checklist_print_json(const struct checklist *list, bool is_root, struct buf *ret)
{
	CLEANUP_JSON json_t *checks = json_array();
	CLEANUP_JSON json_t *whole = NULL;
	struct error ignored; /* the list itself says what is missing */

	for (size_t i = 0; i < list->count; i++) {
		const struct check *check = &list->checks[i];

		(void)json_array_append_new(checks,
			json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "name", check->name, "for",
				check->purpose, "state", words[check->state], "needed",
				check->needed, "found", text_or_null(check->found), "hint",
				text_or_null(check->hint))); /* only without memory */
	}
	whole = json_pack("{s:i, s:s, s:s, s:b, s:O}", "schema", 1, "isorun", ISORUN_VERSION,
		"user", is_root ? "root" : "ordinary", "possible",
		checklist_judge(list, &ignored) == 0, "checks", checks);
	json_print(whole, true, ret);
}

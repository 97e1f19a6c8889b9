/* Which app and deploy: flags, the current directory, or the only one there is. */
#include "cli/target.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "model/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { MANIFEST_MAX = 1 << 20 };

/* The name in ./isorun.json, or nothing: a broken manifest is build's to complain of. */
static void read_app(char ret[TARGET_NAME])
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = "isorun.json" };
	struct json_at name;
	struct error ignored;
	const char *app;

	ret[0] = '\0';
	if (file_read_at(AT_FDCWD, "isorun.json", MANIFEST_MAX, &text, &ignored) < 0 ||
		json_parse(top.file, text.data, text.len, &value, &ignored) < 0)
		return;
	top.value = value;
	if (json_is_object(value) && json_member(&top, "name", &name) &&
		json_get_str(&name, &app, &ignored) == 0 && name_is(NAME_APP, app))
		(void)snprintf(ret, TARGET_NAME, "%s", app); /* at most 63 */
}

/* The parts "app" or "deploy" of the names, each once: of all apps, or of one app's deploys. */
static void collect(const struct strv *names, const char *app, struct strv *ret)
{
	for (size_t i = 0; i < names->len; i++) {
		const char *name = names->items[i];
		size_t len = strcspn(name, "/");
		char part[TARGET_NAME];

		if (app && (strlen(app) != len || strncmp(name, app, len) != 0))
			continue;
		if (app)
			(void)snprintf(part, sizeof part, "%s", name + len + 1);
		else
			(void)snprintf(part, sizeof part, "%.*s", (int)len, name);
		if (!strv_has(ret, part))
			strv_add(ret, part);
	}
}

static void join(const struct strv *names, struct buf *ret)
{
	for (size_t i = 0; i < names->len; i++)
		buf_addf(ret, "%s%s", i ? ", " : "", names->items[i]);
}

/* Picks wanted, or the only one; what is "app" or "deploy of hello", flag how to say it. */
static int pick(const struct strv *names, const char *wanted, const char *what, const char *flag,
	char ret[TARGET_NAME], struct error *err)
{
	CLEANUP_BUF struct buf list = { 0 };

	if (wanted ? strv_has(names, wanted) : names->len == 1) {
		(void)snprintf(ret, TARGET_NAME, "%s", wanted ? wanted : names->items[0]);
		return 0;
	}
	join(names, &list);
	if (wanted)
		return error_set(err, ERROR_NO_SUCH, "no %s \"%s\": there %s %s", what, wanted,
			names->len == 1 ? "is" : "are", list.data);
	error_set(err, ERROR_USAGE, "which %s? there are %s", what, list.data);
	return error_hint(err, "choose with %s", flag);
}

int target_check(const struct target_choice *choice, struct error *err)
{
	if (choice->app && name_check(NAME_APP, choice->app, err) < 0)
		return -1;
	return choice->deploy ? name_check(NAME_DEPLOY, choice->deploy, err) : 0;
}

int target_choose(const struct store *store, const struct target_choice *choice,
	struct target_deploy *ret, struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };
	CLEANUP_STRV struct strv apps = { 0 };
	CLEANUP_STRV struct strv deploys = { 0 };
	char here[TARGET_NAME];
	char what[TARGET_NAME + 16];
	const char *app = choice->app;

	if (target_check(choice, err) < 0 || ledger_list(store->dir, &names, err) < 0)
		return -1;
	if (names.len == 0) {
		error_set(err, ERROR_NO_SUCH, "there is no release yet in %s", store->path);
		return error_hint(err, "isorun release BUILD makes one");
	}
	collect(&names, NULL, &apps);
	if (!app) {
		read_app(here);
		app = here[0] ? here : NULL;
	}
	if (pick(&apps, app, "app", "-a APP", ret->app, err) < 0)
		return -1;
	collect(&names, ret->app, &deploys);
	(void)snprintf(what, sizeof what, "deploy of %s", ret->app);
	return pick(&deploys, choice->deploy, what, "-d DEPLOY", ret->deploy, err);
}

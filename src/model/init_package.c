/* package.json, and requirements.txt beside it: what an app needs from npm or pip. Both come in
 * while building, by those programs themselves, so that what is installed is what the app's own
 * files pin: Debian's packages of the same libraries are other versions.
 *
 * Deliberately absent: whether the engine that is asked for is the one that Debian has. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "init_draft.h"
#include "read.h"

#include <string.h>

#define NODE_BINS   "/app/node_modules/.bin"
#define PYTHON_DIR  ".python"
#define PIP_INSTALL "pip install --no-compile --no-cache-dir --target " PYTHON_DIR

/* A member that must be an object where it is there: 1, 0, -1. */
static int find_object(
	const struct json_at *top, const char *key, struct json_at *ret, struct error *err)
{
	if (!json_member(top, key, ret))
		return 0;
	return json_is(ret, JSON_OBJECT, err) < 0 ? -1 : 1;
}

static int read_scripts(const struct json_at *top, struct draft *draft, struct error *err)
{
	struct json_at scripts, member;
	int found = find_object(top, "scripts", &scripts, err);
	const char *key, *text;
	json_t *value;

	if (found <= 0)
		return found;
	json_object_foreach (scripts.value, key, value) {
		(void)json_member(&scripts, key, &member); /* it is there: we iterate over it */
		if (json_get_str(&member, &text, err) < 0)
			return -1;
	}
	draft->scripts = scripts.value;
	if (json_member(&scripts, "prestart", &member))
		init_note_at(&member, draft, "is not run: put it into the start script");
	return 0;
}

static int read_name_of(const struct json_at *top, struct draft *draft, struct error *err)
{
	struct json_at member;
	const char *name;

	if (!json_member(top, "name", &member))
		return 0;
	if (json_get_str(&member, &name, err) < 0)
		return -1;
	/* "@scope/name" */
	draft->name = init_slug(*name == '@' && strchr(name, '/') ? strchr(name, '/') : name);
	return 0;
}

static int read_engines(const struct json_at *top, struct draft *draft, struct error *err)
{
	struct json_at engines, member;
	int found = find_object(top, "engines", &engines, err);

	if (found > 0 && json_member(&engines, "node", &member))
		init_note_at(&member, draft, "is not compared with Debian's nodejs");
	return found < 0 ? -1 : 0;
}

static const char *script(const struct draft *draft, const char *name)
{
	return draft->scripts ? json_string_value(json_object_get(draft->scripts, name)) : NULL;
}

/* As Heroku builds: with what is needed for building, which goes away afterwards. */
static void add_npm(const struct init_input *input, struct draft *draft)
{
	const char *install = input->npm_lock ? "npm ci" : "npm install";
	const char *build = script(draft, "heroku-postbuild") ? "npm run heroku-postbuild"
			    : script(draft, "build")          ? "npm run build"
							      : NULL;

	init_add_package(&draft->build, "npm");
	init_add_package(&draft->build, "dash"); /* what npm runs scripts with */
	init_add_package(&draft->build, "coreutils");
	if (build) {
		strv_add(&draft->commands, install);
		strv_add(&draft->commands, build);
		strv_add(&draft->commands, "npm prune --omit=dev");
	} else {
		strv_addf(&draft->commands, "%s --omit=dev", install);
	}
}

int init_read_package(
	const struct init_input *input, struct draft *draft, json_t **ret_value, struct error *err)
{
	const struct init_file *file = &input->package;
	struct json_at top = { .file = file->name, .text = file->text };
	struct json_at needs;
	int found;

	if (json_parse(file->name, file->text, file->len, ret_value, err) < 0)
		return -1;
	top.value = *ret_value;
	if (json_is(&top, JSON_OBJECT, err) < 0 || read_name_of(&top, draft, err) < 0 ||
		read_engines(&top, draft, err) < 0 || read_scripts(&top, draft, err) < 0)
		return -1;
	init_add_package(&draft->packages, "nodejs");
	found = find_object(&top, "dependencies", &needs, err);
	if (found < 0)
		return -1;
	if (found && json_object_size(needs.value) > 0) {
		/* Programs in modules begin with #!/usr/bin/env node. */
		init_add_package(&draft->packages, "coreutils");
		strv_add(&draft->bins, NODE_BINS);
	}
	if ((found && json_object_size(needs.value) > 0) || script(draft, "build") ||
		script(draft, "heroku-postbuild"))
		add_npm(input, draft);
	return 0;
}

const char *init_npm_script(const struct draft *draft, const char *command)
{
	static const char *const runs[] = { "npm run ", "npm run-script ", "yarn run ", "yarn ",
		NULL };

	if (!draft->scripts)
		return NULL;
	if (strcmp(command, "npm start") == 0 || strcmp(command, "yarn start") == 0)
		return script(draft, "start");
	for (const char *const *run = runs; *run; run++)
		if (strncmp(command, *run, strlen(*run)) == 0)
			return script(draft, command + strlen(*run));
	return NULL;
}

void init_add_python(struct draft *draft)
{
	init_add_package(&draft->packages, "python3");
	init_add_package(&draft->packages, "python-is-python3"); /* most Procfiles say python */
	init_add_package(&draft->build, "python3-pip");
	strv_add(&draft->commands, PIP_INSTALL " -r requirements.txt");
	strv_add(&draft->bins, "/app/" PYTHON_DIR "/bin");
	init_set_env(draft, "PYTHONPATH", "/app/" PYTHON_DIR);
	init_set_env(draft, "PYTHONUNBUFFERED", "1"); /* else a log line waits in the process */
}

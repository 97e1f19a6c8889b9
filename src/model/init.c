/* isorun init without files: a Procfile's commands become process types, what brings their programs
 * becomes packages, and all of it is printed in the order in which a person would write it. The
 * result is read by manifest_parse before it is given out, so that what init writes can be built.
 *
 * Deliberately absent: looking at the codebase's own files, and at what packages exist. */
#include "model/init.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "init_draft.h"
#include "model/command.h"
#include "model/manifest.h"
#include "model/name.h"
#include "model/procfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { NAME_MOST = 63 };

void init_note(struct draft *draft, const char *fmt, ...)
{
	struct error line;
	char text[sizeof line.text];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* cut is fine */
	va_end(args);
	error_set(&line, ERROR_CONFIG, "%s", text); /* one line, whatever the file says */
	strv_add(draft->notes, line.text);
}

void init_note_at(const struct json_at *at, struct draft *draft, const char *text)
{
	struct error line;

	json_error(at, &line, "%s", text);
	strv_add(draft->notes, line.text);
}

void init_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		abort(); /* out of memory, as in base/memory, or text that was never checked */
}

void init_add_package(struct strv *packages, const char *name)
{
	if (!strv_has(packages, name))
		strv_add(packages, name);
}

void init_set_env(struct draft *draft, const char *key, const char *value)
{
	if (!json_object_get(draft->env, key))
		init_put(draft->env, key, json_pack("{s:s}", "value", value));
}

char *init_slug(const char *text)
{
	struct buf slug = { 0 };

	for (; *text && slug.len < NAME_MOST; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf_add(&slug, &c, 1);
		else if (slug.len > 0 && slug.data[slug.len - 1] != '-')
			buf_add_str(&slug, "-");
	}
	while (slug.len > 0 && slug.data[slug.len - 1] == '-')
		slug.data[--slug.len] = '\0';
	if (slug.len > 0)
		return buf_take(&slug);
	buf_done(&slug);
	return NULL;
}

/* Programs that a Procfile names and a package brings. */
static const struct {
	const char *program;
	const char *packages[2];
} known[] = {
	{ "node", { "nodejs" } },
	{ "python", { "python3", "python-is-python3" } },
	{ "python3", { "python3" } },
	{ "ruby", { "ruby" } },
	{ "perl", { "perl" } },
	{ "php", { "php-cli" } },
	{ "bash", { "bash" } },
	{ "sh", { "dash" } },
	{ "env", { "coreutils" } },
};

/* What brings the program that a command begins with. */
static void add_packages(struct draft *draft, const char *process, const struct command *command)
{
	const char *program = command->argv.items[0];

	if (command->shell) {
		init_add_package(&draft->packages, "dash");
		return;
	}
	if (strchr(program, '/') || strchr(program, '$'))
		return; /* the codebase's own */
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(known[i].program, program) != 0)
			continue;
		for (size_t j = 0; j < 2 && known[i].packages[j]; j++)
			init_add_package(&draft->packages, known[i].packages[j]);
		return;
	}
	if (draft->bins.len == 0)
		init_note(draft,
			"%s: which package brings %s is not known: declare it in dependencies",
			process, program);
}

static int add_process(struct draft *draft, const char *name, const char *text, struct error *err)
{
	const char *script = init_npm_script(draft, text);
	struct command command;
	json_t *process;

	if (script) {
		init_note(draft, "%s: %s is written as what it runs: %s", name, text, script);
		text = script;
	}
	if (command_parse(text, &command, err) < 0)
		return error_wrap(err, "process %s", name);
	add_packages(draft, name, &command);
	command_done(&command);
	process = json_pack("{s:s}", "command", text);
	if (strcmp(name, "web") == 0)
		init_put(process, "port", json_true());
	init_put(draft->processes, name, process);
	return 0;
}

static int read_procfile(const struct init_input *input, struct draft *draft, struct error *err)
{
	const struct init_file *file = &input->procfile;
	struct procfile procfile;
	int result = 0;

	if (procfile_parse(file->name, file->text, file->len, &procfile, err) < 0)
		return -1;
	for (size_t i = 0; i < procfile.count && result == 0; i++) {
		const struct procfile_entry *entry = &procfile.entries[i];

		result = add_process(draft, entry->name, entry->command, err);
		if (result < 0)
			error_wrap(err, "%s:%u", file->name, entry->line);
	}
	procfile_done(&procfile);
	return result;
}

static int read_processes(const struct init_input *input, struct draft *draft, struct error *err)
{
	const char *start = init_npm_script(draft, "npm start");

	if (input->procfile.text)
		return read_procfile(input, draft, err);
	if (start)
		return add_process(draft, "web", start, err);
	error_set(err, ERROR_CONFIG, "nothing says what to run: there is no Procfile%s",
		input->package.text ? ", and package.json has no start script" : "");
	return error_hint(err, "a Procfile has lines such as web: node server.js");
}

static json_t *print_list(const struct strv *strv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < strv->len; i++)
		(void)json_array_append_new(list, json_string(strv->items[i])); /* checked text */
	return list;
}

static void join(const struct strv *strv, const char *between, struct buf *ret)
{
	for (size_t i = 0; i < strv->len; i++)
		buf_addf(ret, "%s%s", i > 0 ? between : "", strv->items[i]);
}

/* Programs that the build leaves in /app are found like those of packages. */
static void set_path(struct draft *draft)
{
	CLEANUP_BUF struct buf path = { 0 };

	if (draft->bins.len == 0)
		return;
	join(&draft->bins, ":", &path);
	buf_add_str(&path, ":" DEFAULT_PATH);
	init_set_env(draft, "PATH", path.data);
}

static json_t *print_build(struct draft *draft)
{
	CLEANUP_BUF struct buf command = { 0 };
	json_t *build = json_object();

	join(&draft->commands, " && ", &command);
	init_put(build, "debian", json_pack("{s:o}", "packages", print_list(&draft->build)));
	init_put(build, "command", json_string(command.data));
	init_put(build, "network", json_true());
	return build;
}

static void print(const struct init_input *input, struct draft *draft, struct buf *ret)
{
	CLEANUP_JSON json_t *manifest = json_object();

	init_put(manifest, "name", json_string(draft->name));
	if (draft->packages.len > 0 || draft->build.len > 0)
		init_put(manifest, "dependencies",
			json_pack("{s:{s:s, s:o}}", "debian", "suite", input->suite, "packages",
				print_list(&draft->packages)));
	if (draft->commands.len > 0)
		init_put(manifest, "build", print_build(draft));
	init_put(manifest, "processes", json_incref(draft->processes));
	if (json_object_size(draft->env) > 0)
		init_put(manifest, "env", json_incref(draft->env));
	if (json_object_size(draft->services) > 0)
		init_put(manifest, "services", json_incref(draft->services));
	json_print_pretty(manifest, ret);
}

static int fill(const struct init_input *input, struct draft *draft, json_t **ret_package,
	struct error *err)
{
	if (input->package.text && init_read_package(input, draft, ret_package, err) < 0)
		return -1;
	if (input->requirements.text)
		init_add_python(draft);
	if (read_processes(input, draft, err) < 0)
		return -1;
	if (input->app.text && init_read_app(input, draft, err) < 0)
		return -1;
	set_path(draft);
	if (!draft->name)
		draft->name = init_slug(input->directory);
	if (!draft->name)
		draft->name = memory_copy_str("app");
	return 0;
}

int init_manifest(
	const struct init_input *input, struct buf *ret, struct strv *ret_notes, struct error *err)
{
	struct draft draft = { .processes = json_object(),
		.env = json_object(),
		.services = json_object(),
		.notes = ret_notes };
	CLEANUP_JSON json_t *package = NULL;
	CLEANUP_BUF struct buf text = { 0 };
	struct manifest manifest;
	int result = fill(input, &draft, &package, err);

	if (result == 0) {
		print(input, &draft, &text);
		result = manifest_parse("isorun.json", text.data, text.len, NULL, &manifest, err);
	}
	if (result == 0) {
		manifest_done(&manifest);
		buf_add(ret, text.data, text.len);
	}
	free(draft.name);
	json_decref(draft.processes);
	json_decref(draft.env);
	json_decref(draft.services);
	strv_done(&draft.packages);
	strv_done(&draft.build);
	strv_done(&draft.commands);
	strv_done(&draft.bins);
	return result;
}

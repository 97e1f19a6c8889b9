/* Procfile: a line is blank, a comment or
 *
 *	[ \t]*NAME:[ \t]*COMMAND[ \t]*		NAME as in model/name.h, NAME_PROCESS
 *
 * A trailing "# …" stays in the command: the shell takes it for a comment by itself, and cutting it
 * off here would eat --color=#fff. Continued lines do not exist in any tool's Procfile. */
#include "model/procfile.h"

#include "base/memory.h"
#include "model/manifest.h"
#include "model/name.h"
#include "model/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct line {
	const char *start, *end; /* without its line ending */
	unsigned number;
};

/* The next line at *at, which moves behind it; false at the end of the text. */
static bool next_line(const char **at, const char *end, struct line *line)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	line->start = *at;
	line->end = newline ? newline : end;
	line->number++;
	*at = newline ? newline + 1 : end;
	if (line->end > line->start && line->end[-1] == '\r')
		line->end--;
	while (line->start < line->end && strchr(" \t", *line->start))
		line->start++;
	while (line->end > line->start && strchr(" \t", line->end[-1]))
		line->end--;
	return true;
}

static bool is_comment(const struct line *line)
{
	size_t len = (size_t)(line->end - line->start);

	return len == 0 || line->start[0] == '#' || (len > 1 && memcmp(line->start, "//", 2) == 0);
}

static char *copy(const char *start, const char *end)
{
	return memory_format("%.*s", (int)(end - start), start);
}

static const char *find_control(const struct line *line)
{
	for (const char *c = line->start; c < line->end; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return c;
	return NULL;
}

static const struct procfile_entry *find(const struct procfile *procfile, const char *name)
{
	for (size_t i = 0; i < procfile->count; i++)
		if (strcmp(procfile->entries[i].name, name) == 0)
			return &procfile->entries[i];
	return NULL;
}

static int add_line(const char *file, const char *text, const struct line *line,
	struct procfile *procfile, struct error *err)
{
	const char *colon = memchr(line->start, ':', (size_t)(line->end - line->start));
	const char *command = colon ? colon + 1 : line->end;
	const char *control = find_control(line);
	struct procfile_entry *entry;

	if (control)
		return text_error(file, text, control, err, "a control character");
	if (!colon) {
		text_error(file, text, line->start, err, "not a line of the form NAME: COMMAND");
		return error_hint(err, "comments begin with #");
	}
	if (procfile->count == PROCESS_TYPES_MAX)
		return text_error(file, text, line->start, err, "more than %d process types",
			(int)PROCESS_TYPES_MAX);
	while (command < line->end && strchr(" \t", *command))
		command++;
	procfile->entries =
		memory_resize(procfile->entries, procfile->count + 1, sizeof *procfile->entries);
	entry = &procfile->entries[procfile->count];
	*entry = (struct procfile_entry){ .name = copy(line->start, colon),
		.command = copy(command, line->end),
		.line = line->number };
	procfile->count++;
	if (name_check(NAME_PROCESS, entry->name, err) < 0) {
		struct error inner = *err;

		return text_error(file, text, line->start, err, "%s", inner.text);
	}
	if (find(procfile, entry->name) != entry)
		return text_error(file, text, line->start, err,
			"process \"%s\" is already in line %u", entry->name,
			find(procfile, entry->name)->line);
	if (entry->command[0] == '\0')
		return text_error(
			file, text, line->end, err, "process \"%s\" has no command", entry->name);
	return 0;
}

int procfile_parse(
	const char *file, const char *text, size_t len, struct procfile *ret, struct error *err)
{
	struct procfile procfile = { 0 };
	struct line line = { 0 };
	const char *at = text + text_bom(text, len);

	if (text_check(file, text, len, err) < 0)
		return -1;
	while (next_line(&at, text + len, &line)) {
		if (is_comment(&line))
			continue;
		if (add_line(file, text, &line, &procfile, err) < 0) {
			procfile_done(&procfile);
			return -1;
		}
	}
	if (procfile.count == 0)
		return error_set(err, ERROR_CONFIG, "%s: no processes", file);
	*ret = procfile;
	return 0;
}

void procfile_done(struct procfile *procfile)
{
	for (size_t i = 0; i < procfile->count; i++) {
		free(procfile->entries[i].name);
		free(procfile->entries[i].command);
	}
	free(procfile->entries);
	*procfile = (struct procfile){ 0 };
}

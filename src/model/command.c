/* Commands: decides whether a string needs a shell, and splits one that does not.
 *
 * The splitter is the small part of POSIX "Shell Command Language" that people use without thinking
 * of a shell: blanks, ', ", \, $VAR and ${VAR}. At the first sign of anything else it gives up and
 * the shell decides; nothing is ever half interpreted. What it does not do: globbing, tildes,
 * ${VAR:-default}, command substitution. */
#include "model/command.h"

#include "base/buf.h"

#include <string.h>

enum outcome { DIRECT, NEEDS_SHELL, UNCLOSED };

struct splitter {
	const struct strv *env; /* NULL: variables stay as written */
	struct buf word;
	bool in_word;
	bool variables;
	enum outcome outcome;
	struct strv *ret;
};

#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define NAME_REST  NAME_FIRST "0123456789"

/* Words that only a shell understands, at the start of a command. */
static bool is_builtin(const char *word, size_t len)
{
	static const char *const words[] = { "!", ".", ":", "[[", "alias", "bg", "break", "case",
		"cd", "command", "continue", "declare", "do", "done", "elif", "else", "esac",
		"eval", "exec", "exit", "export", "fc", "fg", "fi", "for", "function", "getopts",
		"hash", "if", "jobs", "local", "popd", "pushd", "read", "readonly", "return", "set",
		"shift", "source", "then", "times", "trap", "type", "typeset", "ulimit", "umask",
		"unalias", "unset", "until", "wait", "while", "{", "}" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return true;
	return false;
}

static bool is_assignment(const char *word)
{
	return strchr(NAME_FIRST, word[0]) && word[strspn(word, NAME_REST)] == '=';
}

static void end_word(struct splitter *splitter)
{
	if (splitter->in_word)
		strv_add(splitter->ret, splitter->word.data ? splitter->word.data : "");
	splitter->word.len = 0;
	if (splitter->word.data)
		splitter->word.data[0] = '\0';
	splitter->in_word = false;
}

static void add(struct splitter *splitter, const char *text, size_t len)
{
	buf_add(&splitter->word, text, len);
	splitter->in_word = true;
}

static const char *give_up(struct splitter *splitter, enum outcome outcome)
{
	splitter->outcome = outcome;
	return NULL;
}

static void add_value(struct splitter *splitter, const char *value, bool quoted)
{
	if (quoted) {
		add(splitter, value, strlen(value));
		return;
	}
	for (; *value; value++) {
		if (strchr(" \t\n", *value))
			end_word(splitter);
		else
			add(splitter, value, 1);
	}
}

static void add_variable(struct splitter *splitter, const char *start, const char *end, bool quoted)
{
	struct buf name = { 0 };
	const char *value;
	size_t skip = start[1] == '{' ? 2 : 1;

	splitter->variables = true;
	if (!splitter->env) {
		add(splitter, start, (size_t)(end - start));
		return;
	}
	buf_add(&name, start + skip, (size_t)(end - start) - 2 * skip + 1);
	value = strv_env_get(splitter->env, name.data);
	add_value(splitter, value ? value : "", quoted);
	buf_done(&name);
}

/* Each of the scanners is given the place of its first character and returns the place behind its
 * last one, or NULL when the shell must decide. */

static const char *scan_dollar(struct splitter *splitter, const char *at, bool quoted)
{
	bool braces = at[1] == '{';
	const char *name = at + 1 + braces;
	const char *end = name + strspn(name, NAME_REST);

	if (*name && strchr(NAME_FIRST, *name) && (!braces || *end == '}')) {
		add_variable(splitter, at, end + braces, quoted);
		return end + braces;
	}
	if (braces || (at[1] && strchr("(0123456789*@#?$!-", at[1])) ||
		(!quoted && (at[1] == '\'' || at[1] == '"')))
		return give_up(splitter, NEEDS_SHELL);
	add(splitter, at, 1);
	return at + 1;
}

static const char *scan_single(struct splitter *splitter, const char *at)
{
	const char *end = strchr(at + 1, '\'');

	if (!end)
		return give_up(splitter, UNCLOSED);
	add(splitter, at + 1, (size_t)(end - at - 1));
	return end + 1;
}

static const char *scan_double(struct splitter *splitter, const char *at)
{
	add(splitter, "", 0);
	for (at++; at && *at != '"';) {
		if (!*at)
			return give_up(splitter, UNCLOSED);
		if (*at == '`' || (*at == '\\' && at[1] == '\n'))
			return give_up(splitter, NEEDS_SHELL);
		if (*at == '$') {
			at = scan_dollar(splitter, at, true);
			continue;
		}
		if (*at == '\\' && at[1] && strchr("$`\"\\", at[1]))
			at++;
		add(splitter, at++, 1);
	}
	return at ? at + 1 : NULL;
}

static const char *scan_plain(struct splitter *splitter, const char *at)
{
	if (strchr("|&;<>()`\n*?[", *at) || (strchr("#~", *at) && !splitter->in_word))
		return give_up(splitter, NEEDS_SHELL);
	if (*at == '\\') {
		at++;
		if (!*at || *at == '\n')
			return give_up(splitter, NEEDS_SHELL);
	}
	add(splitter, at, 1);
	return at + 1;
}

static void split(struct splitter *splitter, const char *at)
{
	while (at && *at) {
		switch (*at) {
		case ' ':
		case '\t':
			end_word(splitter);
			at++;
			break;
		case '\'':
			at = scan_single(splitter, at);
			break;
		case '"':
			at = scan_double(splitter, at);
			break;
		case '$':
			at = scan_dollar(splitter, at, false);
			break;
		default:
			at = scan_plain(splitter, at);
		}
	}
	end_word(splitter);
	buf_done(&splitter->word);
}

/* A leading "exec" is what the direct way does anyway. */
static bool has_exec(const struct strv *words)
{
	return words->len > 1 && strcmp(words->items[0], "exec") == 0 &&
	       words->items[1][0] != '-' && !is_assignment(words->items[1]);
}

static void drop_first(struct strv *words)
{
	struct strv rest = { 0 };

	for (size_t i = 1; i < words->len; i++)
		strv_add(&rest, words->items[i]);
	strv_done(words);
	*words = rest;
}

/* The end of a word of shell text, quotes respected; NULL where it holds more than that. */
static const char *skip_word(const char *at)
{
	while (*at && !strchr(" \t\n|&;<>()", *at)) {
		if (*at == '`' || (*at == '$' && at[1] && strchr("{('\"", at[1])))
			return NULL;
		if (*at == '\\' && at[1]) {
			at += 2;
		} else if (*at == '\'' || *at == '"') {
			const char *close = strchr(at + 1, *at);

			if (!close || (*at == '"' && memchr(at, '\\', (size_t)(close - at))))
				return NULL;
			at = close + 1;
		} else {
			at++;
		}
	}
	return at;
}

/* Whether shell text is one simple command: no list, pipeline, subshell or second line. Cautious:
 * a quoted ';' counts too, and then only a shell process more stays around. */
static bool is_simple(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (strchr("|;()\n`", *at))
			return false;
		if (*at == '&' && (at == text || !strchr("<>", at[-1])))
			return false;
	}
	return true;
}

/* Where "exec " belongs in shell text: before the command of a simple one, behind assignments. */
static const char *place_of_exec(const char *text)
{
	const char *at = text + strspn(text, " \t");
	const char *end = skip_word(at);

	if (!is_simple(text))
		return NULL;
	while (end && is_assignment(at)) {
		at = end + strspn(end, " \t");
		end = skip_word(at);
	}
	if (!*at || is_assignment(at) || strchr("#<>", *at) ||
		is_builtin(at, end ? (size_t)(end - at) : 0))
		return NULL;
	return at;
}

void command_shell(const char *text, struct strv *ret)
{
	const char *place = place_of_exec(text);

	strv_add(ret, "/bin/sh");
	strv_add(ret, "-c");
	if (place)
		strv_addf(ret, "%.*sexec %s", (int)(place - text), text, place);
	else
		strv_add(ret, text);
}

static int check_text(const char *text, struct error *err)
{
	if (strnlen(text, COMMAND_MAX + 1) > COMMAND_MAX)
		return error_set(
			err, ERROR_CONFIG, "the command is longer than %d bytes", (int)COMMAND_MAX);
	if (text[strspn(text, " \t\n")] == '\0')
		return error_set(err, ERROR_CONFIG, "the command is empty");
	for (const char *at = text; *at; at++)
		if (((unsigned char)*at < 0x20 && !strchr("\t\n", *at)) || *at == 0x7f)
			return error_set(
				err, ERROR_CONFIG, "the command holds a control character");
	return 0;
}

int command_parse(const char *text, struct command *ret, struct error *err)
{
	struct command command = { 0 };
	struct splitter splitter = { .ret = &command.argv };

	if (check_text(text, err) < 0)
		return -1;
	split(&splitter, text);
	if (splitter.outcome == UNCLOSED) {
		command_done(&command);
		return error_set(err, ERROR_CONFIG, "the command has a quote that is not closed");
	}
	if (splitter.outcome == DIRECT && has_exec(&command.argv))
		drop_first(&command.argv);
	else if (splitter.outcome == NEEDS_SHELL || is_assignment(command.argv.items[0]) ||
		 is_builtin(command.argv.items[0], strlen(command.argv.items[0])))
		command.shell = true;
	command.variables = splitter.variables && !command.shell;
	if (command.shell) {
		strv_done(&command.argv);
		command_shell(text, &command.argv);
	}
	*ret = command;
	return 0;
}

void command_expand(const char *text, const struct strv *env, struct strv *ret)
{
	struct strv words = { 0 };
	struct splitter unexpanded = { .ret = &words };
	struct splitter expanded = { .env = env, .ret = ret };
	struct command command = { 0 };
	struct error unused;

	if (command_parse(text, &command, &unused) < 0)
		return;
	if (command.shell) {
		strv_add_all(ret, &command.argv);
	} else {
		split(&unexpanded, text);
		split(&expanded, text);
		if (has_exec(&words))
			drop_first(ret);
	}
	strv_done(&words);
	command_done(&command);
}

void command_done(struct command *command)
{
	strv_done(&command->argv);
	*command = (struct command){ 0 };
}

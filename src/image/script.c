/* A scanner for shell text that knows words, quotes, comments, joined lines and where a command
 * ends; nothing is expanded. A wrong guess costs an alternative or an account, never more. */
#include "script.h"

#include "base/buf.h"

#include <string.h>

enum { WORDS_MAX = 512 };

static bool ends_command(char c)
{
	return c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == ')' || c == '\0';
}

/* Moves behind blanks and joined lines. */
static const char *skip_blanks(const char *at)
{
	for (;;) {
		if (*at == ' ' || *at == '\t')
			at++;
		else if (at[0] == '\\' && at[1] == '\n')
			at += 2;
		else
			return at;
	}
}

/* Reads one word into ret and returns what is behind it. */
static const char *read_word(const char *at, struct buf *ret)
{
	char quote = '\0';

	for (; *at; at++) {
		if (quote && *at == quote) {
			quote = '\0';
		} else if (!quote && (*at == '\'' || *at == '"')) {
			quote = *at;
		} else if (!quote && (*at == ' ' || *at == '\t' || ends_command(*at))) {
			break;
		} else if (at[0] == '\\' && at[1] == '\n') {
			at++;
			if (!quote)
				return at + 1;
		} else {
			buf_add(ret, at, 1);
		}
	}
	return at;
}

static bool is_name(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash ? slash + 1 : word, name) == 0;
}

/* Reads one command; its words are kept from the first one that is name on. */
static const char *read_command(const char *at, const char *name, struct strv *ret)
{
	for (at = skip_blanks(at); !ends_command(*at); at = skip_blanks(at)) {
		struct buf word = { 0 };

		if (*at == '#')
			return at + strcspn(at, "\n");
		at = read_word(at, &word);
		buf_reserve(&word, 0);
		if ((ret->len && ret->len < WORDS_MAX) || (!ret->len && is_name(word.data, name)))
			strv_add(ret, word.data);
		buf_done(&word);
	}
	return at;
}

bool script_next(const char **script, const char *name, struct strv *ret)
{
	const char *at = *script;

	while (*at && !ret->len) {
		at = read_command(at, name, ret);
		at += *at != '\0';
	}
	*script = at;
	return ret->len > 0;
}

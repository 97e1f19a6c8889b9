/* Option parsing by table. getopt_long would do half of it, but keeps global state, prints by
 * itself and knows neither help texts nor what stands behind "--". */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

struct parser {
	const struct usage *usage;
	int argc;
	char **argv;
	int at; /* the next word */
	bool help;
};

static int set_value(const struct option_row *row, const char *value)
{
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)row->target = true;
		break;
	case OPTION_TEXT:
		*(const char **)row->target = value;
		break;
	case OPTION_LIST:
		strv_add(row->target, value);
		break;
	}
	return 0;
}

static int hint_help(const struct parser *parser, struct error *err)
{
	return error_hint(err, "isorun %s --help", parser->argv[0]);
}

/* The value of an option that needs one: what is left of its word, or the next word. */
static const char *take_value(struct parser *parser, const char *rest)
{
	if (rest)
		return rest;
	return parser->at < parser->argc ? parser->argv[parser->at++] : NULL;
}

static int parse_long(struct parser *parser, const char *word, struct error *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const char *value;

	for (const struct option_row *row = parser->usage->rows; row->name; row++) {
		if (strlen(row->name) != len || strncmp(row->name, word, len) != 0)
			continue;
		if (row->kind == OPTION_FLAG && equals) {
			error_set(err, ERROR_USAGE, "--%s takes no value", row->name);
			return hint_help(parser, err);
		}
		value = equals ? equals + 1 : NULL;
		if (row->kind != OPTION_FLAG && !(value = take_value(parser, value))) {
			error_set(
				err, ERROR_USAGE, "--%s needs a value: %s", row->name, row->value);
			return hint_help(parser, err);
		}
		return set_value(row, value);
	}
	error_set(err, ERROR_USAGE, "unknown option --%.*s", (int)len, word);
	return hint_help(parser, err);
}

static const struct option_row *find_letter(const struct parser *parser, char letter)
{
	for (const struct option_row *row = parser->usage->rows; row->name; row++)
		if (row->letter == letter)
			return row;
	return NULL;
}

static int parse_letters(struct parser *parser, const char *word, struct error *err)
{
	for (; *word; word++) {
		const struct option_row *row = find_letter(parser, *word);
		const char *value = word[1] ? word + 1 : NULL;

		if (*word == 'h' && !row) {
			parser->help = true;
			return 0;
		}
		if (!row) {
			error_set(err, ERROR_USAGE, "unknown option -%c", *word);
			return hint_help(parser, err);
		}
		if (row->kind == OPTION_FLAG) {
			(void)set_value(row, NULL); /* cannot fail */
			continue;
		}
		value = take_value(parser, value);
		if (!value) {
			error_set(err, ERROR_USAGE, "-%c needs a value: %s", *word, row->value);
			return hint_help(parser, err);
		}
		return set_value(row, value);
	}
	return 0;
}

static void print_help(const struct usage *usage)
{
	char left[64];

	(void)printf("usage: isorun %s\n\n%s\n", usage->synopsis, usage->summary);
	if (usage->rows->name)
		(void)printf("\n");
	for (const struct option_row *row = usage->rows; row->name; row++) {
		(void)snprintf(left, sizeof left, "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
			row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
			row->value ? " " : "", row->value ? row->value : "");
		(void)printf("  %-28s %s\n", left, row->help);
	}
	(void)printf("\nexample:\n  %s\n", usage->example);
}

static int parse_word(struct parser *parser, struct operands *ret, struct error *err)
{
	const char *word = parser->argv[parser->at++];

	if (strcmp(word, "--") == 0) {
		ret->has_command = true;
		while (parser->at < parser->argc)
			strv_add(&ret->command, parser->argv[parser->at++]);
		return 0;
	}
	if (strcmp(word, "--help") == 0) {
		parser->help = true;
		return 0;
	}
	if (strncmp(word, "--", 2) == 0)
		return parse_long(parser, word + 2, err);
	if (word[0] == '-' && word[1])
		return parse_letters(parser, word + 1, err);
	strv_add(&ret->words, word);
	return 0;
}

int options_parse(
	const struct usage *usage, int argc, char **argv, struct operands *ret, struct error *err)
{
	struct parser parser = { .usage = usage, .argc = argc, .argv = argv, .at = 1 };
	struct operands operands = { 0 };

	while (parser.at < argc && !parser.help) {
		if (parse_word(&parser, &operands, err) == 0)
			continue;
		operands_done(&operands);
		return -1;
	}
	if (parser.help) {
		operands_done(&operands);
		print_help(usage);
		return 1;
	}
	*ret = operands;
	return 0;
}

void operands_done(struct operands *operands)
{
	strv_done(&operands->words);
	strv_done(&operands->command);
	operands->has_command = false;
}

/* The four formats. The stream calls line_add_prefix once for each read and copies the result
 * before every line of it; only JSON is made line by line.
 *
 * What an app writes is copied byte for byte in every format but JSON: colours are the app's right,
 * and whoever reads a log on a terminal trusts the app's output as Foreman's users do. */
#include "supervisor/line.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FOREMAN_WIDTH = 6 };

int line_format_parse(const char *text, bool terminal, enum line_format *ret, struct error *err)
{
	static const struct {
		const char *name;
		enum line_format format;
	} formats[] = {
		{ "text", LINE_TEXT },
		{ "heroku", LINE_HEROKU },
		{ "json", LINE_JSON },
		{ "raw", LINE_RAW },
	};

	if (!text || strcmp(text, "auto") == 0) {
		*ret = terminal ? LINE_TEXT : LINE_HEROKU;
		return 0;
	}
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(text, formats[i].name) != 0)
			continue;
		*ret = formats[i].format;
		return 0;
	}
	error_set(err, ERROR_USAGE, "log format \"%s\" is not known", text);
	return error_hint(err, "text, heroku, json, raw or auto");
}

unsigned line_width(size_t longest_type, unsigned largest_number)
{
	unsigned width = longest_type > FOREMAN_WIDTH ? (unsigned)longest_type : FOREMAN_WIDTH;

	do
		width++;
	while ((largest_number /= 10) > 0);
	return width + 1;
}

static void add_clock(int64_t time, struct buf *ret)
{
	time_t seconds = (time_t)(time / 1000000);
	struct tm parts;
	char text[16];

	if (localtime_r(&seconds, &parts) && strftime(text, sizeof text, "%H:%M:%S", &parts) > 0)
		buf_add_str(ret, text);
}

/* Foreman's cycle, without the red that errors have. */
static const char *color_of(unsigned index)
{
	static const char *const colors[] = { "36", "33", "32", "35", "34", "1;36", "1;33", "1;32",
		"1;35", "1;34" };

	return colors[index % (sizeof colors / sizeof *colors)];
}

void line_add_prefix(const struct line_style *style, const char *name, unsigned index, int64_t time,
	struct buf *ret)
{
	char text[CLOCK_TEXT];

	if (style->format == LINE_HEROKU) {
		clock_print(time, text);
		buf_addf(ret, "%s app[%s]: ", text, name);
	}
	if (style->format != LINE_TEXT)
		return;
	if (style->color)
		buf_addf(ret, "\033[%sm", color_of(index));
	add_clock(time, ret);
	buf_addf(ret, " %-*s | %s", (int)style->width, name, style->color ? "\033[0m" : "");
}

/* The length of the UTF-8 sequence at text, 0 where there is none (RFC 3629: no overlong forms,
 * no surrogates, nothing above U+10FFFF). */
static size_t sequence(const unsigned char *text, size_t len)
{
	size_t want = text[0] < 0x80                      ? 1
		      : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
		      : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
		      : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
							  : 0;

	if (want == 0 || want > len)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
		(text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return want;
}

/* jansson refuses what is not UTF-8; a log line may be anything. */
static json_t *json_of_bytes(const char *text, size_t len)
{
	CLEANUP_BUF struct buf clean = { 0 };
	json_t *value = json_stringn(text, len);

	if (value)
		return value;
	for (size_t at = 0; at < len;) {
		size_t good = sequence((const unsigned char *)text + at, len - at);

		if (good > 0)
			buf_add(&clean, text + at, good);
		else
			buf_add_str(&clean, "\xef\xbf\xbd");
		at += good > 0 ? good : 1;
	}
	return json_stringn_nocheck(clean.data, clean.len);
}

void line_add_json(const char *name, const char *source, int64_t time, const char *text, size_t len,
	bool partial, struct buf *ret)
{
	CLEANUP_JSON json_t *line = json_object();
	char clock[CLOCK_TEXT];

	clock_print(time, clock);
	(void)json_object_set_new(
		line, "message", json_of_bytes(text, len));             /* out of memory only */
	(void)json_object_set_new(line, "process", json_string(name));  /* as above */
	(void)json_object_set_new(line, "source", json_string(source)); /* as above */
	(void)json_object_set_new(line, "time", json_string(clock));    /* as above */
	if (partial)
		(void)json_object_set_new(line, "partial", json_true()); /* as above */
	json_print(line, true, ret);
}

void line_add_event(const struct line_style *style, const char *name, int64_t time,
	const char *text, struct buf *ret)
{
	char clock[CLOCK_TEXT];

	switch (style->format) {
	case LINE_JSON:
		line_add_json(name, "isorun", time, text, strlen(text), false, ret);
		return;
	case LINE_HEROKU:
		clock_print(time, clock);
		buf_addf(ret, "%s ", clock);
		break;
	case LINE_TEXT:
		add_clock(time, ret);
		buf_add_str(ret, " ");
		break;
	case LINE_RAW:
		break;
	}
	buf_addf(ret, "isorun[%s]: %s\n", name, text);
}

/* Lines out of reads.
 *
 * One read gets one prefix, and so one time; each whole line is copied behind it. What is left of
 * an unfinished line is carried over. A line longer than CUTTER_LIMIT is cut into pieces, marked
 * with an ellipsis on both sides of the cut (in JSON: "partial"), so that memory stays bounded. Raw
 * output passes as it is, except that a line is not interrupted by another process's. */
#include "cutter.h"

#include "base/clock.h"

#include <string.h>

enum { CARRY_KEPT = 1 << 10 };

#define ELLIPSIS "\xe2\x80\xa6"

/* buf_add without its call: this is where ten million lines pass. */
static void add_bytes(struct buf *out, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (out->size - out->len <= len)
		buf_reserve(out, len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

/* One line of output, or one piece of one, without its newline. */
static void put_piece(
	const struct cutter *cutter, const char *text, size_t len, bool partial, struct buf *out)
{
	if (cutter->style->format == LINE_JSON) {
		line_add_json(cutter->name, "app", cutter->time, text, len, partial, out);
		return;
	}
	add_bytes(out, cutter->prefix.data, cutter->prefix.len);
	if (cutter->continued)
		add_bytes(out, ELLIPSIS, sizeof ELLIPSIS - 1);
	add_bytes(out, text, len);
	if (partial)
		add_bytes(out, ELLIPSIS, sizeof ELLIPSIS - 1);
	add_bytes(out, "\n", 1);
}

/* How much of a long line makes a piece: not more than the limit, and no UTF-8 sequence cut. */
static size_t piece_len(const char *text)
{
	size_t len = CUTTER_LIMIT;

	while (len > CUTTER_LIMIT - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return ((unsigned char)text[len] & 0xc0) == 0x80 ? CUTTER_LIMIT : len;
}

void cutter_break_line(const void **midline, struct buf *out)
{
	if (*midline)
		add_bytes(out, "\n", 1);
	*midline = NULL;
}

static void put_raw(
	const struct cutter *cutter, const char *text, size_t len, bool newline, struct buf *out)
{
	if (*cutter->midline != cutter)
		cutter_break_line(cutter->midline, out);
	add_bytes(out, text, len);
	if (newline)
		add_bytes(out, "\n", 1);
	*cutter->midline = newline ? NULL : cutter;
}

static void put_line(struct cutter *cutter, const char *text, size_t len, struct buf *out)
{
	if (cutter->style->format == LINE_RAW) {
		put_raw(cutter, text, len, true, out);
		return;
	}
	while (len > CUTTER_LIMIT) {
		size_t piece = piece_len(text);

		put_piece(cutter, text, piece, true, out);
		cutter->continued = true;
		text += piece;
		len -= piece;
	}
	put_piece(cutter, text, len, false, out);
	cutter->continued = false;
}

/* Writes what of an unfinished line would be too much to carry. */
static void put_excess(struct cutter *cutter, struct buf *out)
{
	struct buf *carry = &cutter->carry;
	size_t at = 0;

	while (carry->len - at > CUTTER_LIMIT) {
		size_t piece = piece_len(carry->data + at);

		if (cutter->style->format == LINE_RAW)
			put_raw(cutter, carry->data + at, piece, false, out);
		else
			put_piece(cutter, carry->data + at, piece, true, out);
		cutter->continued = true;
		at += piece;
	}
	memmove(carry->data, carry->data + at, carry->len - at);
	carry->len -= at;
}

static void renew_prefix(struct cutter *cutter)
{
	int64_t now = clock_real();
	bool same = cutter->style->format == LINE_TEXT && cutter->prefix.len > 0 &&
		    now / 1000000 == cutter->time / 1000000;

	cutter->time = now;
	if (same)
		return;
	cutter->prefix.len = 0;
	line_add_prefix(cutter->style, cutter->name, cutter->index, now, &cutter->prefix);
}

static void empty_carry(struct cutter *cutter)
{
	cutter->carry.len = 0;
	cutter->continued = false;
	if (cutter->carry.size > CARRY_KEPT)
		buf_done(&cutter->carry);
}

void cutter_take(struct cutter *cutter, const char *data, size_t len, struct buf *out)
{
	const char *end = data + len;
	const char *newline;

	renew_prefix(cutter);
	while ((newline = memchr(data, '\n', (size_t)(end - data)))) {
		size_t line = (size_t)(newline - data);

		if (cutter->carry.len > 0 || cutter->continued) {
			buf_add(&cutter->carry, data, line);
			put_line(cutter, cutter->carry.data, cutter->carry.len, out);
			empty_carry(cutter);
		} else {
			put_line(cutter, data, line, out);
		}
		data = newline + 1;
	}
	if (data == end)
		return;
	buf_add(&cutter->carry, data, (size_t)(end - data));
	put_excess(cutter, out);
}

void cutter_end(struct cutter *cutter, struct buf *out)
{
	if (cutter->carry.len == 0)
		return;
	renew_prefix(cutter);
	if (cutter->style->format == LINE_RAW)
		put_raw(cutter, cutter->carry.data, cutter->carry.len, false, out);
	else
		put_line(cutter, cutter->carry.data, cutter->carry.len, out);
	empty_carry(cutter);
}

void cutter_done(struct cutter *cutter)
{
	if (*cutter->midline == cutter)
		*cutter->midline = cutter->midline; /* nobody's: another may get this address */
	buf_done(&cutter->carry);
	buf_done(&cutter->prefix);
}

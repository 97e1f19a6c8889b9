/* What isorun says on stderr: errors, warnings and progress. stdout is data or the app's log
 * stream and nothing else. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Names out of archives and roots are in these texts. What would move the cursor or start a line of
 * its own is shown as what it is; C1 controls are two bytes in UTF-8. */
static void print_safely(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at < ' ' || *at == 0x7f)
			(void)fprintf(stderr, "\\x%02x", *at); /* nobody left to tell */
		else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			(void)fprintf(stderr, "\\x%02x", *++at); /* as above */
		else
			(void)fputc(*at, stderr); /* as above */
	}
}

static void print_line(const char *start, const char *text)
{
	(void)fputs(start, stderr); /* as above */
	print_safely(text);
	(void)fputc('\n', stderr); /* as above */
}

void cli_print_error(const struct error *err)
{
	print_line("isorun: ", err->text);
	if (err->hint[0])
		print_line("hint: ", err->hint);
}

void cli_warn(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a longer one is cut */
	va_end(args);
	print_line("isorun: warning: ", text);
}

void cli_progress(void *context, const char *step)
{
	bool terminal = isatty(STDERR_FILENO);

	(void)context; /* a callback's signature */
	if (terminal)
		(void)fprintf(stderr, "\r\033[K%s%s", step ? "isorun: " : "", step ? step : "");
	else if (step)
		(void)fprintf(stderr, "isorun: %s\n", step);
	(void)fflush(stderr); /* progress that is lost loses nothing */
}

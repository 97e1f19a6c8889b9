/* What isorun says on stderr: errors, warnings and progress. stdout is data or the app's log
 * stream and nothing else. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void cli_print_error(const struct error *err)
{
	(void)fprintf(stderr, "isorun: %s\n", err->text); /* there is nobody left to tell */
	if (err->hint[0])
		(void)fprintf(stderr, "hint: %s\n", err->hint); /* as above */
}

void cli_warn(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a longer one is cut */
	va_end(args);
	(void)fprintf(stderr, "isorun: warning: %s\n", text); /* one write, so one line */
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

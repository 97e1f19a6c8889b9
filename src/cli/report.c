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
	va_list args;

	(void)fputs("isorun: warning: ", stderr); /* a lost warning must not stop the work */
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args); /* as above */
	va_end(args);
	(void)fputc('\n', stderr); /* as above */
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

/* Signals: libc knows their names (sigabbrev_np(3)), the real-time ones are counted from SIGRTMIN,
 * as systemd and Docker write them. */
#include "model/signal.h"

#include "base/number.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int find_name(const char *name)
{
	for (int signo = 1; signo < 32; signo++) {
		const char *known = sigabbrev_np(signo);

		if (known && strcmp(name, known) == 0)
			return signo;
	}
	return 0;
}

static int find(const char *text)
{
	const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
	struct error ignored;
	uint64_t number;

	if (number_parse(text, (uint64_t)SIGRTMAX, &number, &ignored) == 0)
		return (int)number;
	if (strcmp(name, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcmp(name, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncmp(name, "RTMIN+", 6) == 0 &&
		number_parse(name + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number, &ignored) == 0)
		return SIGRTMIN + (int)number;
	if (strncmp(name, "RTMAX-", 6) == 0 &&
		number_parse(name + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number, &ignored) == 0)
		return SIGRTMAX - (int)number;
	return find_name(name);
}

int signal_parse(const char *text, int *ret, struct error *err)
{
	int signo = find(text);

	/* libc keeps the first real-time signals (32, 33) to itself. */
	if (signo <= 0 || (signo >= 32 && signo < SIGRTMIN))
		return error_set(err, ERROR_CONFIG, "\"%.40s\" is not a signal", text);
	*ret = signo;
	return 0;
}

void signal_print(int signo, char text[SIGNAL_TEXT])
{
	const char *name = signo < 32 ? sigabbrev_np(signo) : NULL;

	if (name)
		(void)snprintf(text, SIGNAL_TEXT, "SIG%s", name); /* the longest is SIGSTKFLT */
	else
		(void)snprintf(text, SIGNAL_TEXT, "SIGRTMIN+%d", (signo - SIGRTMIN) & 63);
}

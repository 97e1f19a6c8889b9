/* Signals by name and number. */
#include "model/signal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void signals_are_read_in_every_usual_spelling(void **state)
{
	const struct {
		const char *text;
		int signo;
	} rows[] = {
		{ "SIGTERM", SIGTERM },
		{ "TERM", SIGTERM },
		{ "15", SIGTERM },
		{ "SIGUSR2", SIGUSR2 },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMAX-1", SIGRTMAX - 1 },
	};
	struct error err = { 0 };
	int signo;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(signal_parse(rows[i].text, &signo, &err), 0);
		assert_int_equal(signo, rows[i].signo);
	}
}

static void what_is_no_signal_is_refused(void **state)
{
	static const char *const texts[] = { "", "0", "65", "-1", " 15", "15 ", "SIG", "sigterm",
		"SIGTER", "32", "33", "SIGRTMIN+31", "SIGRTMIN+-1", "4294967311" };
	struct error err = { 0 };
	int signo = 7;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (signal_parse(texts[i], &signo, &err) == 0)
			fail_msg("\"%s\" is read as %d", texts[i], signo);
	assert_int_equal(signo, 7);
	(void)signal_parse("SIGTER", &signo, &err);
	assert_string_equal(err.text, "\"SIGTER\" is not a signal");
}

static void every_signal_is_printed_as_it_is_read(void **state)
{
	struct error err = { 0 };
	char text[SIGNAL_TEXT];
	int again;

	(void)state;
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		if (signo > 31 && signo < SIGRTMIN)
			continue;
		signal_print(signo, text);
		assert_int_equal(signal_parse(text, &again, &err), 0);
		assert_int_equal(again, signo);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_read_in_every_usual_spelling),
		cmocka_unit_test(what_is_no_signal_is_refused),
		cmocka_unit_test(every_signal_is_printed_as_it_is_read),
	};

	return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}

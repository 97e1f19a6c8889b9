/* What listens, and what is said about it. */
#include "supervisor/listeners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD                                                                          \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt" \
	"   uid  timeout inode\n"

static void explain(const char *v4, const char *v6, const char *expected)
{
	struct listeners listeners = { 0 };
	char text[LISTENERS_TEXT];
	bool explained;

	listeners_parse(v4, false, &listeners);
	listeners_parse(v6, true, &listeners);
	explained = listeners_explain(&listeners, 5000, text);
	assert_int_equal(explained, expected != NULL);
	if (expected)
		assert_string_equal(text, expected);
}

static void a_loopback_listener_is_told_from_a_reachable_one(void **state)
{
	(void)state;
	explain(HEAD
		"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n",
		HEAD,
		"listens on 127.0.0.1:8000 only: a loopback listener cannot be reached; listen on "
		"0.0.0.0:$PORT");
	explain(HEAD,
		HEAD "   0: 00000000000000000000000001000000:1388 "
		     "00000000000000000000000000000000:0000 0A 00000000:00000000\n",
		"listens on [::1]:5000 only: a loopback listener cannot be reached; listen on "
		"0.0.0.0:$PORT");
}

static void another_port_is_named(void **state)
{
	(void)state;
	explain(HEAD "   0: 00000000:0BB8 00000000:0000 0A 00000000:00000000\n", HEAD,
		"listens on port 3000 instead of PORT 5000");
}

static void no_listener_is_said_too(void **state)
{
	(void)state;
	explain(HEAD, HEAD, "listens on nothing; PORT is 5000");
	/* An established connection is no listener. */
	explain(HEAD "   0: 0A4D0002:1388 0A4D0001:C000 01 00000000:00000000\n", HEAD,
		"listens on nothing; PORT is 5000");
}

static void the_right_listener_is_not_blamed(void **state)
{
	(void)state;
	explain(HEAD,
		HEAD "   0: 00000000000000000000000000000000:1388 "
		     "00000000000000000000000000000000:0000 0A 00000000:00000000\n",
		NULL);
}

static void garbage_is_no_listener(void **state)
{
	(void)state;
	explain("x\n\n 0: zz:1 0A\n", "", "listens on nothing; PORT is 5000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loopback_listener_is_told_from_a_reachable_one),
		cmocka_unit_test(another_port_is_named),
		cmocka_unit_test(no_listener_is_said_too),
		cmocka_unit_test(the_right_listener_is_not_blamed),
		cmocka_unit_test(garbage_is_no_listener),
	};

	return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}

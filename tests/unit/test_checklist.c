/* What doctor found, as values: judged, and shown to the letter. */
#include "../../src/cli/checklist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct check wanted = { .name = "ipv6", .purpose = "ports on IPv6" };
static const struct check needed = { .name = "veth", .purpose = "an interface", .needed = true };
static const struct check inside = { .name = "proc", .purpose = "/proc", .needed = true };

/* A host with one of each. */
static void fill(struct checklist *list)
{
	struct error err = { 0 };

	memset(list, 0, sizeof *list);
	checklist_add(list, &needed, TRIAL_DONE, "veth0", &err);
	error_set(&err, ERROR_UNSUPPORTED, "half of it");
	error_hint(&err, "sudo mend --this");
	checklist_add(list, &wanted, TRIAL_IN_PART, "not shown", &err);
	error_set(&err, ERROR_UNSUPPORTED, "refused");
	checklist_add(list, &wanted, TRIAL_FAILED, "", &err);
}

static void what_is_only_wanted_does_not_forbid_a_run(void **state)
{
	struct checklist list;
	struct error err;

	(void)state;
	fill(&list);

	assert_int_equal(checklist_judge(&list, &err), 0);
	assert_int_equal(list.checks[0].state, CHECK_OK);
	assert_int_equal(list.checks[1].state, CHECK_LIMITED);
	assert_int_equal(list.checks[2].state, CHECK_MISSING);
}

static void a_needed_thing_in_part_is_enough(void **state)
{
	struct checklist list = { 0 };
	struct error err;

	(void)state;
	error_set(&err, ERROR_UNSUPPORTED, "half of it");
	checklist_add(&list, &needed, TRIAL_IN_PART, "", &err);

	assert_int_equal(checklist_judge(&list, &err), 0);
}

static void what_is_missing_is_named_with_the_first_hint(void **state)
{
	struct checklist list;
	struct error err;

	(void)state;
	fill(&list);
	error_set(&err, ERROR_UNSUPPORTED, "refused");
	checklist_add(&list, &needed, TRIAL_FAILED, "", &err);
	error_hint(&err, "sudo first");
	checklist_add(&list, &inside, TRIAL_FAILED, "", &err);
	error_hint(&err, "sudo second");
	checklist_add(&list, &needed, TRIAL_FAILED, "", &err);
	checklist_skip(&list, &inside, "not without the rest");

	assert_int_equal(checklist_judge(&list, &err), -1);

	assert_string_equal(err.text, "this host lacks what a run needs: veth, proc, veth");
	assert_string_equal(err.hint, "sudo first");
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void the_table_has_hints_below_what_they_mend(void **state)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct checklist list;

	(void)state;
	fill(&list);
	checklist_skip(&list, &inside, "not without the rest");
	checklist_print(&list, false, &text);

	assert_string_equal(text.data,
		"STATE    FEATURE            FOR                                  FOUND\n"
		"ok       veth               an interface                         veth0\n"
		"limited  ipv6               ports on IPv6                        half of it\n"
		"         hint: sudo mend --this\n"
		"missing  ipv6               ports on IPv6                        refused\n"
		"untried  proc               /proc                                "
		"not without the rest\n");
}

static void colours_do_not_move_the_columns(void **state)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct checklist list;

	(void)state;
	fill(&list);
	checklist_print(&list, true, &text);

	assert_non_null(strstr(text.data, "\n\033[32mok      \033[0m veth  "));
	assert_non_null(strstr(text.data, "\n\033[33mlimited \033[0m ipv6  "));
	assert_non_null(strstr(text.data, "\n\033[31mmissing \033[0m ipv6  "));
}

static void the_document_has_null_for_what_is_not_there(void **state)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct checklist list;
	struct error err = { 0 };

	(void)state;
	fill(&list);
	list.count = 2;
	checklist_add(&list, &inside, TRIAL_DONE, "", &err);
	checklist_print_json(&list, false, &text);

	assert_string_equal(text.data,
		"{\"checks\":["
		"{\"for\":\"an interface\",\"found\":\"veth0\",\"hint\":null,\"name\":\"veth\","
		"\"needed\":true,\"state\":\"ok\"},"
		"{\"for\":\"ports on IPv6\",\"found\":\"half of it\",\"hint\":\"sudo mend --this\","
		"\"name\":\"ipv6\",\"needed\":false,\"state\":\"limited\"},"
		"{\"for\":\"/proc\",\"found\":null,\"hint\":null,\"name\":\"proc\","
		"\"needed\":true,\"state\":\"ok\"}],"
		"\"isorun\":\"" ISORUN_VERSION "\",\"possible\":true,\"schema\":1,"
		"\"user\":\"ordinary\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_only_wanted_does_not_forbid_a_run),
		cmocka_unit_test(a_needed_thing_in_part_is_enough),
		cmocka_unit_test(what_is_missing_is_named_with_the_first_hint),
		cmocka_unit_test(the_table_has_hints_below_what_they_mend),
		cmocka_unit_test(colours_do_not_move_the_columns),
		cmocka_unit_test(the_document_has_null_for_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is wanted against what runs. */
#include "supervisor/formation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct process_type types[] = {
	{ .name = (char *)"web", .quantity = 2 },
	{ .name = (char *)"worker", .quantity = 0 },
};
static const struct release release = {
	.app = (char *)"hello", .processes = types, .process_count = 2
};

static struct formation choose(const char *word)
{
	CLEANUP_STRV struct strv words = { 0 };
	struct formation formation;
	struct error err;

	if (word)
		strv_add(&words, word);
	assert_int_equal(formation_choose(&release, &words, &formation, &err), 0);
	return formation;
}

static void refuse(const char *word, enum error_kind kind, const char *text, const char *hint)
{
	CLEANUP_STRV struct strv words = { 0 };
	struct formation formation;
	struct error err;

	strv_add(&words, word);
	assert_int_equal(formation_choose(&release, &words, &formation, &err), -1);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
	assert_string_equal(err.hint, hint);
}

static void without_words_the_release_decides(void **state)
{
	struct formation formation = choose(NULL);

	(void)state;
	assert_int_equal(formation.wants[0].quantity, 2);
	assert_int_equal(formation.wants[1].quantity, 0);
	assert_int_equal(formation_total(&formation), 2);
	formation_done(&formation);
}

static void a_named_type_runs_alone_and_once_at_least(void **state)
{
	struct formation formation = choose("worker");

	(void)state;
	assert_int_equal(formation.wants[0].quantity, 0);
	assert_int_equal(formation.wants[1].quantity, 1);
	formation_done(&formation);
	formation = choose("web=5");
	assert_int_equal(formation.wants[0].quantity, 5);
	formation_done(&formation);
}

static void bad_words_are_named(void **state)
{
	(void)state;
	refuse("wob", ERROR_NO_SUCH, "hello has no process type \"wob\"", "it has web, worker");
	refuse("web=0", ERROR_CONFIG, "nothing to run: every process type of hello has quantity 0",
		"isorun run RELEASE TYPE=1");
}

static void plan(const struct formation *wanted, const struct formation_member *members,
	size_t count, const char *expected)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct formation_plan plan;

	formation_plan(wanted, members, count, &plan);
	for (size_t i = 0; i < plan.count; i++)
		buf_addf(&text, "%c%s.%u ", plan.actions[i].start ? '+' : '-',
			plan.actions[i].type->name, plan.actions[i].number);
	assert_string_equal(text.data ? text.data : "", expected);
	formation_plan_done(&plan);
}

static void nothing_running_starts_all(void **state)
{
	struct formation formation = choose(NULL);

	(void)state;
	plan(&formation, NULL, 0, "+web.1 +web.2 ");
	formation_done(&formation);
}

static void what_runs_or_waits_for_its_restart_is_left_alone(void **state)
{
	static const struct formation_member members[] = {
		{ &types[0], 1, PROCESS_READY },
		{ &types[0], 2, PROCESS_BACKOFF },
	};
	struct formation formation = choose(NULL);

	(void)state;
	plan(&formation, members, 2, "");
	formation_done(&formation);
}

static void too_many_are_stopped_from_the_highest_number(void **state)
{
	static const struct formation_member members[] = {
		{ &types[0], 1, PROCESS_READY },
		{ &types[0], 2, PROCESS_READY },
		{ &types[0], 3, PROCESS_BOOTING },
		{ &types[0], 4, PROCESS_STOPPING },
	};
	struct formation formation = choose("web=1");

	(void)state;
	plan(&formation, members, 4, "-web.3 -web.2 ");
	formation_done(&formation);
}

static void one_on_its_way_out_is_waited_for(void **state)
{
	static const struct formation_member members[] = {
		{ &types[0], 1, PROCESS_READY },
		{ &types[0], 2, PROCESS_STOPPING },
	};
	struct formation formation = choose(NULL);

	(void)state;
	plan(&formation, members, 2, "");
	plan(&formation, members, 1, "+web.2 ");
	formation_done(&formation);
}

static void an_empty_formation_stops_all(void **state)
{
	static const struct formation_member members[] = {
		{ &types[0], 1, PROCESS_READY },
		{ &types[1], 1, PROCESS_BACKOFF },
	};
	const struct formation nothing = { 0 };

	(void)state;
	plan(&nothing, members, 2, "-worker.1 -web.1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_words_the_release_decides),
		cmocka_unit_test(a_named_type_runs_alone_and_once_at_least),
		cmocka_unit_test(bad_words_are_named),
		cmocka_unit_test(nothing_running_starts_all),
		cmocka_unit_test(what_runs_or_waits_for_its_restart_is_left_alone),
		cmocka_unit_test(too_many_are_stopped_from_the_highest_number),
		cmocka_unit_test(one_on_its_way_out_is_waited_for),
		cmocka_unit_test(an_empty_formation_stops_all),
	};

	return cmocka_run_group_tests_name("formation", tests, NULL, NULL);
}

/* wanted × running → actions.
 *
 * Deliberately absent: the life of one process once it was started (process.c) and everything that
 * acts. Stopping all is the plan for an empty formation. */
#include "supervisor/formation.h"

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

static struct formation_want *find_want(struct formation *formation, const char *name)
{
	for (size_t i = 0; i < formation->count; i++)
		if (strcmp(formation->wants[i].type->name, name) == 0)
			return &formation->wants[i];
	return NULL;
}

static int no_such_type(const struct release *release, const char *name, struct error *err)
{
	CLEANUP_BUF struct buf names = { 0 };

	for (size_t i = 0; i < release->process_count; i++)
		buf_addf(&names, "%s%s", i > 0 ? ", " : "", release->processes[i].name);
	error_set(err, ERROR_NO_SUCH, "%s has no process type \"%s\"", release->app, name);
	return error_hint(err, "it has %s", names.data ? names.data : "none");
}

/* "web" is its quantity in the release, one at least; "web=3" is three. */
static int apply_word(const struct release *release, const char *word, struct formation *formation,
	struct error *err)
{
	const char *equals = strchr(word, '=');
	CLEANUP_FREE char *name = memory_copy_str(word);
	struct formation_want *want;
	uint64_t quantity;

	if (equals)
		name[equals - word] = '\0';
	want = find_want(formation, name);
	if (!want)
		return no_such_type(release, name, err);
	quantity = want->type->quantity > 0 ? want->type->quantity : 1;
	if (equals && number_parse(equals + 1, FORMATION_MAX, &quantity, err) < 0) {
		err->kind = ERROR_USAGE;
		return error_wrap(err, "%s", word);
	}
	want->quantity = (unsigned)quantity;
	return 0;
}

static int check_total(
	const struct release *release, const struct formation *formation, struct error *err)
{
	unsigned total = formation_total(formation);

	if (total > FORMATION_MAX)
		return error_set(err, ERROR_CONFIG, "%u instances are more than the %d that run",
			total, FORMATION_MAX);
	if (total > 0)
		return 0;
	error_set(err, ERROR_CONFIG, "nothing to run: every process type of %s has quantity 0",
		release->app);
	return error_hint(err, "isorun run RELEASE TYPE=1");
}

int formation_choose(const struct release *release, const struct strv *words, struct formation *ret,
	struct error *err)
{
	struct formation formation = { .count = release->process_count };
	bool all = words->len == 0;

	formation.wants = memory_new(formation.count, sizeof *formation.wants);
	for (size_t i = 0; i < formation.count; i++) {
		formation.wants[i].type = &release->processes[i];
		formation.wants[i].quantity = all ? release->processes[i].quantity : 0;
	}
	for (size_t i = 0; i < words->len; i++) {
		if (apply_word(release, words->items[i], &formation, err) == 0)
			continue;
		formation_done(&formation);
		return -1;
	}
	if (check_total(release, &formation, err) < 0) {
		formation_done(&formation);
		return -1;
	}
	*ret = formation;
	return 0;
}

unsigned formation_total(const struct formation *formation)
{
	unsigned total = 0;

	for (size_t i = 0; i < formation->count; i++)
		total += formation->wants[i].quantity;
	return total;
}

static void add_action(
	struct formation_plan *plan, bool start, const struct process_type *type, unsigned number)
{
	plan->actions = memory_resize(plan->actions, plan->count + 1, sizeof *plan->actions);
	plan->actions[plan->count++] = (struct formation_action){ start, type, number };
}

static unsigned quantity_of(const struct formation *wanted, const struct process_type *type)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->wants[i].type == type)
			return wanted->wants[i].quantity;
	return 0;
}

static bool exists(const struct formation_member *members, size_t count,
	const struct process_type *type, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (members[i].type == type && members[i].number == number)
			return true;
	return false;
}

static bool is_leaving(enum process_state state)
{
	return state == PROCESS_STOPPED || state == PROCESS_STOPPING || state == PROCESS_KILLING ||
	       state == PROCESS_FAILING || state == PROCESS_FAILED;
}

void formation_plan(const struct formation *wanted, const struct formation_member *members,
	size_t count, struct formation_plan *ret)
{
	struct formation_plan plan = { 0 };

	for (size_t i = count; i-- > 0;)
		if (members[i].number > quantity_of(wanted, members[i].type) &&
			!is_leaving(members[i].state))
			add_action(&plan, false, members[i].type, members[i].number);
	for (size_t i = 0; i < wanted->count; i++)
		for (unsigned number = 1; number <= wanted->wants[i].quantity; number++)
			if (!exists(members, count, wanted->wants[i].type, number))
				add_action(&plan, true, wanted->wants[i].type, number);
	*ret = plan;
}

void formation_plan_done(struct formation_plan *plan)
{
	free(plan->actions);
	*plan = (struct formation_plan){ 0 };
}

void formation_done(struct formation *formation)
{
	free(formation->wants);
	*formation = (struct formation){ 0 };
}

/* app.json, as Heroku documents it: variables, formation and add-ons. An add-on becomes a service
 * that has to be attached, under the variable that Heroku would set for it.
 *
 * Deliberately absent: everything that only a platform could do (review apps, scripts after a
 * deploy, stacks, buildpacks); each is named in a note. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "init_draft.h"
#include "model/name.h"
#include "read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Add-ons whose variable is not NAME_URL. */
static const struct addon {
	const char *plan;
	const char *service; /* NULL: nothing to attach */
	const char *variable;
} addons[] = {
	{ "heroku-redis", "redis", "REDIS_URL" },
	{ "rediscloud", "redis", "REDISCLOUD_URL" },
	{ "redistogo", "redis", "REDISTOGO_URL" },
	{ "heroku-postgresql", "postgresql", "DATABASE_URL" },
	{ "cleardb", "mysql", "CLEARDB_DATABASE_URL" },
	{ "jawsdb", "mysql", "JAWSDB_URL" },
	{ "mongolab", "mongodb", "MONGODB_URI" },
	{ "mongohq", "mongodb", "MONGOHQ_URL" },
	{ "cloudamqp", "amqp", "CLOUDAMQP_URL" },
	{ "bonsai", "elasticsearch", "BONSAI_URL" },
	{ "searchbox", "elasticsearch", "SEARCHBOX_URL" },
	{ "scheduler", NULL, NULL },
	{ "papertrail", NULL, NULL },
	{ "logentries", NULL, NULL },
	{ "logdna", NULL, NULL },
};

/* Those whose address is no URL: their variables are config like any other. */
static const struct {
	const char *plan;
	const char *variables[3];
} plain_addons[] = {
	{ "memcachier", { "MEMCACHIER_SERVERS", "MEMCACHIER_USERNAME", "MEMCACHIER_PASSWORD" } },
	{ "memcachedcloud", { "MEMCACHEDCLOUD_SERVERS", "MEMCACHEDCLOUD_USERNAME",
				    "MEMCACHEDCLOUD_PASSWORD" } },
};

static int read_flag(const struct json_at *at, const char *key, bool *ret, struct error *err)
{
	struct json_at member;

	return json_member(at, key, &member) ? json_get_bool(&member, ret, err) : 0;
}

/* The text of a member, or NULL. */
static int read_member(
	const struct json_at *at, const char *key, const char **ret, struct error *err)
{
	struct json_at member;

	*ret = NULL;
	return json_member(at, key, &member) ? json_get_str(&member, ret, err) : 0;
}

static int check_generator(const struct json_at *at, const char *generator, struct error *err)
{
	struct json_at member;

	if (!generator || strcmp(generator, "secret") == 0)
		return 0;
	(void)json_member(at, "generator", &member); /* it is there: it was read */
	return json_error(&member, err, "must be \"secret\"");
}

static void note_members(const struct json_at *at, const char *const *known, struct draft *draft)
{
	const char *key;
	json_t *value;

	json_object_foreach (at->value, key, value) {
		const char *const *name = known;
		struct json_at member;

		while (*name && strcmp(*name, key) != 0)
			name++;
		if (*name)
			continue;
		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		init_note_at(&member, draft, "has no counterpart in isorun.json");
	}
}

/* Without a value and a generator it has to be given, unless app.json says otherwise. */
static int read_variable_object(const struct json_at *at, struct draft *draft, struct error *err)
{
	static const char *const known[] = { "description", "value", "required", "generator",
		NULL };
	const char *description, *value, *generator;
	json_t *declaration;
	bool required = true;

	if (json_is(at, JSON_OBJECT, err) < 0 ||
		read_member(at, "description", &description, err) < 0 ||
		read_member(at, "value", &value, err) < 0 ||
		read_member(at, "generator", &generator, err) < 0 ||
		read_flag(at, "required", &required, err) < 0 ||
		check_generator(at, generator, err) < 0)
		return -1;
	note_members(at, known, draft);
	declaration = json_object();
	if (value)
		init_put(declaration, "value", json_string(value));
	else if (generator)
		init_put(declaration, "generator", json_string(generator));
	else
		init_put(declaration, "required", json_boolean(required));
	if (description && *description)
		init_put(declaration, "description", json_string(description));
	init_put(draft->env, at->key, declaration);
	return 0;
}

static int read_env(const struct json_at *at, struct draft *draft, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, VARIABLES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (name_is_reserved(key)) {
			init_note_at(&member, draft, "is set by isorun itself");
			continue;
		}
		if (read_variable(&member, key, err) < 0)
			return -1;
		if (json_is_string(value))
			init_put(draft->env, key,
				json_pack("{s:s}", "value", json_string_value(value)));
		else if (read_variable_object(&member, draft, err) < 0)
			return -1;
	}
	return 0;
}

static int read_quantity(const struct json_at *at, struct draft *draft, struct error *err)
{
	static const char *const known[] = { "quantity", NULL };
	json_t *process = json_object_get(draft->processes, at->key);
	struct json_at member;
	int64_t quantity;

	if (json_is(at, JSON_OBJECT, err) < 0)
		return -1;
	note_members(at, known, draft);
	if (!json_member(at, "quantity", &member))
		return 0;
	if (json_get_int(&member, 0, QUANTITY_MAX, &quantity, err) < 0)
		return -1;
	if (!process)
		init_note_at(at, draft, "there is no such process type");
	else if (strcmp(at->key, "release") != 0)
		init_put(process, "quantity", json_integer(quantity));
	return 0;
}

static int read_formation(const struct json_at *at, struct draft *draft, struct error *err)
{
	const char *key;
	json_t *value;

	if (read_object(at, PROCESS_TYPES_MAX, err) < 0)
		return -1;
	json_object_foreach (at->value, key, value) {
		struct json_at member;

		(void)json_member(at, key, &member); /* it is there: we are iterating over it */
		if (read_quantity(&member, draft, err) < 0)
			return -1;
	}
	return 0;
}

/* Two add-ons of a kind are two services; of one variable, one. */
static void add_service(struct draft *draft, const char *name, const char *variable)
{
	CLEANUP_FREE char *free_name = memory_copy_str(name);
	const char *key;
	json_t *value;

	json_object_foreach (draft->services, key, value)
		if (strcmp(json_string_value(json_object_get(value, "env")), variable) == 0)
			return;
	for (unsigned i = 2; json_object_get(draft->services, free_name); i++) {
		free(free_name);
		free_name = memory_format("%s-%u", name, i);
	}
	(void)json_object_del(draft->env, variable); /* declared there too: it is the service's */
	init_put(draft->services, free_name,
		json_pack("{s:s, s:b}", "env", variable, "required", 1));
}

/* NAME_URL in capitals. */
static char *variable_of(const char *name)
{
	char *text = memory_format("%s_URL", name);

	for (char *c = text; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
	return text;
}

static bool add_plain(const struct json_at *at, struct draft *draft, const char *plan)
{
	for (size_t i = 0; i < sizeof plain_addons / sizeof *plain_addons; i++) {
		if (strcmp(plain_addons[i].plan, plan) != 0)
			continue;
		for (size_t j = 0; j < 3; j++)
			init_put(draft->env, plain_addons[i].variables[j],
				json_pack("{s:b}", "required", j == 0));
		init_note_at(at, draft, "has no URL to attach: its variables are in \"env\"");
		return true;
	}
	return false;
}

/* plan is what stands before the ":" of "heroku-redis:mini"; as (may be NULL) another name. */
static int add_addon(const struct json_at *at, struct draft *draft, const char *plan,
	const char *as, struct error *err)
{
	CLEANUP_FREE char *name = init_slug(as ? as : plan);
	CLEANUP_FREE char *variable = NULL;
	const struct addon *addon = addons;
	const struct addon *const end = addons + sizeof addons / sizeof *addons;

	while (addon < end && strcmp(addon->plan, plan) != 0)
		addon++;
	if (!name)
		return json_error(at, err, "is not an add-on's name");
	if (addon < end && !addon->service) {
		init_note_at(at, draft, "has no counterpart in isorun.json");
		return 0;
	}
	if (!as && add_plain(at, draft, plan))
		return 0;
	if (addon < end && !as) {
		add_service(draft, addon->service, addon->variable);
		return 0;
	}
	variable = variable_of(name);
	if (!name_is(NAME_VARIABLE, variable) || name_is_reserved(variable))
		return json_error(at, err, "is not an add-on's name");
	if (!as) {
		CLEANUP_FREE char *text = memory_format(
			"is not known: it is taken for a service whose variable is %s", variable);

		init_note_at(at, draft, text);
	}
	add_service(draft, name, variable);
	return 0;
}

/* "heroku-redis:mini" or { "plan": "heroku-redis:mini", "as": "CACHE" }. */
static int read_addon(const struct json_at *at, struct draft *draft, struct error *err)
{
	CLEANUP_FREE char *plan = NULL;
	const char *text, *as = NULL;
	struct json_at member = *at;

	if (json_is_object(at->value)) {
		if (!json_member(at, "plan", &member))
			return json_error(at, err, "has no \"plan\"");
		if (read_member(at, "as", &as, err) < 0)
			return -1;
	}
	if (json_get_str(&member, &text, err) < 0)
		return -1;
	plan = memory_format("%.*s", (int)strcspn(text, ":"), text);
	return add_addon(at, draft, plan, as, err);
}

static int read_addons(const struct json_at *at, struct draft *draft, struct error *err)
{
	struct json_at element;

	if (json_is(at, JSON_ARRAY, err) < 0)
		return -1;
	if (json_array_size(at->value) > PROCESS_TYPES_MAX)
		return json_error(at, err, "has more than %d elements", (int)PROCESS_TYPES_MAX);
	for (size_t i = 0; json_element(at, i, &element); i++)
		if (read_addon(&element, draft, err) < 0)
			return -1;
	return 0;
}

int init_read_app(const struct init_input *input, struct draft *draft, struct error *err)
{
	static const char *const known[] = { "name", "description", "repository", "keywords",
		"website", "logo", "success_url", "$schema", "env", "formation", "addons", NULL };
	const struct init_file *file = &input->app;
	CLEANUP_JSON json_t *value = NULL;
	struct json_at top = { .file = file->name, .text = file->text };
	struct json_at member;
	const char *name;

	if (json_parse(file->name, file->text, file->len, &value, err) < 0)
		return -1;
	top.value = value;
	if (json_is(&top, JSON_OBJECT, err) < 0 || read_member(&top, "name", &name, err) < 0)
		return -1;
	note_members(&top, known, draft);
	if (name && !draft->name)
		draft->name = init_slug(name);
	if (json_member(&top, "env", &member) && read_env(&member, draft, err) < 0)
		return -1;
	if (json_member(&top, "formation", &member) && read_formation(&member, draft, err) < 0)
		return -1;
	return json_member(&top, "addons", &member) ? read_addons(&member, draft, err) : 0;
}

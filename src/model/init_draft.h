/* What the readers of init fill in, one a file format. */
#ifndef MODEL_INIT_DRAFT_H
#define MODEL_INIT_DRAFT_H

#include "base/json.h"
#include "model/init.h"

/* A manifest under construction. The JSON objects keep the order in which they were filled. */
struct draft {
	char *name;           /* NULL: nothing has said one yet */
	json_t *processes;    /* name: { "command", "port", "quantity" } */
	json_t *env;          /* as in a manifest */
	json_t *services;     /* likewise */
	json_t *scripts;      /* package.json's, borrowed; or NULL */
	struct strv packages; /* of the app's root */
	struct strv build;    /* packages of the build command's root */
	struct strv commands; /* of the build, one after another */
	struct strv bins;     /* directories of programs that the build command leaves */
	struct strv *notes;
};

/* Reads package.json: engines, scripts, dependencies. *ret_value owns what draft borrows. */
int init_read_package(
	const struct init_input *input, struct draft *draft, json_t **ret_value, struct error *err);

/* What npm or yarn would run for a command such as "npm start", borrowed; NULL: it is no such
 * command, or there is no such script. */
const char *init_npm_script(const struct draft *draft, const char *command);

/* Reads app.json: env, formation, add-ons. The processes must be there. */
int init_read_app(const struct init_input *input, struct draft *draft, struct error *err);

/* requirements.txt: what pip needs, and where Python finds what it installs. */
void init_add_python(struct draft *draft);

/* Sets a variable's default, unless something else declares it. */
void init_set_env(struct draft *draft, const char *key, const char *value);

void init_add_package(struct strv *packages, const char *name);

void init_note(struct draft *draft, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A note on a value: "FILE:LINE: PATH: text". */
void init_note_at(const struct json_at *at, struct draft *draft, const char *text);

/* Text as a name: lower-case letters, digits and inner -, at most 63; NULL: nothing is left. */
char *init_slug(const char *text);

/* Appends KEY: value to an object; the value is taken over. */
void init_put(json_t *object, const char *key, json_t *value);

#endif

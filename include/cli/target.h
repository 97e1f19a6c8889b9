/* What a verb works on: which app and deploy, and which of their releases. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "base/error.h"
#include "ledger/ledger.h"
#include "model/release.h"
#include "store/store.h"

#include <stdbool.h>

enum { TARGET_NAME = 64, TARGET_VERSION = 32 };

/* -a and -d; NULL: not said. */
struct target_choice {
	const char *app;
	const char *deploy;
};

/* Whether -a and -d can be names at all. */
int target_check(const struct target_choice *choice, struct error *err);

struct target_deploy {
	char app[TARGET_NAME];
	char deploy[TARGET_NAME];
};

/* Chooses among the deploys that have a ledger: by -a and -d, else the app of the current
 * directory, else the only one there is, else an error that lists them. */
int target_choose(const struct store *store, const struct target_choice *choice,
	struct target_deploy *ret, struct error *err);

struct target {
	struct release release;
	unsigned number;              /* its version in its deploy's ledger; 0: it has none */
	char version[TARGET_VERSION]; /* "v7-3f9a1c20be44"; "" without a number */
};

/* Opens the release that what names: the path of a release or a build (run with an empty config;
 * "-" is standard input), "v7", "v7-3f9a1c20be44", an id or its first 12 digits or more; NULL is
 * the deploy's newest. A path comes into the store, and with record also into its deploy's ledger,
 * unless that has it. The caller calls target_done. */
int target_open(const struct store *store, const char *what, const struct target_choice *choice,
	bool record, struct target *ret, struct error *err);

/* Brings the build that what names (a path, "-", or the digest that isorun build printed) into the
 * store. */
int target_open_build(
	const struct store *store, const char *what, struct digest *ret, struct error *err);

/* Records a release in its deploy's ledger, as kind, and sets number and version. */
int target_record(const struct store *store, struct target *target, enum ledger_kind kind,
	const char *description, struct error *err);

/* Who is doing this, for the ledger. */
const char *target_user(char text[TARGET_NAME]);

void target_done(struct target *target);
#define CLEANUP_TARGET __attribute__((cleanup(target_done)))

#endif

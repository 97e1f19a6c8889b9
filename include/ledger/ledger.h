/* A deploy's ledger: append-only lines of JSON under apps/APP/DEPLOY/ledger. Each holds its own
 * digest and that of the line before it (hash chain), and the file "head" beside it the digest of
 * the last durable one, so that no entry can be changed or dropped unseen. A torn last line, left
 * by a crash, is cut off by the next append; anything else that does not verify is
 * ERROR_INTEGRITY. Values of the environment never appear: only digests keyed with the deploy's own
 * random key. */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/digest.h"
#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_kind {
	LEDGER_RELEASE,  /* made here */
	LEDGER_IMPORT,   /* made elsewhere, first run here */
	LEDGER_ROLLBACK, /* made here from an earlier one */
	LEDGER_ADMIN,    /* a one-off: who, what, exit status */
};

struct ledger_entry {
	enum ledger_kind kind;
	unsigned version; /* the release's number in this deploy: 1, 2, …; of the release it ran for
			     ADMIN */
	struct digest release; /* id */
	int64_t time;          /* microseconds since 1970; 0: ledger_append says now */
	char *commit;          /* NULL if unknown */
	char *description;     /* "rollback to v1", the command of an admin run, …; or NULL */
	char *user;            /* who; NULL if unknown */
	int status;            /* ADMIN: exit status; else 0 */
	struct strv keys;      /* "KEY=keyed digest" of each environment value; empty for ADMIN */
};

struct ledger {
	struct ledger_entry *entries;
	size_t count;
};

/* "release", "import", "rollback", "admin". */
const char *ledger_kind_name(enum ledger_kind kind);

/* Reads and verifies the whole ledger below store directory dir; an absent one is empty. */
int ledger_read(
	int dir, const char *app, const char *deploy, struct ledger *ret, struct error *err);

/* Only the newest release entry of id: 1, or 0 where there is none. Verifies nothing but that
 * entry: for the warm path of a run, which must not get slower as a ledger grows. */
int ledger_lookup(int dir, const char *app, const char *deploy, const struct digest *id,
	struct ledger_entry *ret, struct error *err);

/* Appends under the deploy's lock, durably unless quick; sets entry->version for kinds other than
 * ADMIN (an id equal to the newest release's id, of an IMPORT to any, keeps that number and appends
 * nothing). env are the
 * release's KEY=VALUE pairs, from which keys is filled; NULL for ADMIN. The whole chain is verified
 * first, for ADMIN only its last line. */
int ledger_append(int dir, const char *app, const char *deploy, struct ledger_entry *entry,
	const struct strv *env, bool quick, struct error *err);

/* A secret of the deploy's own, made once and the same ever after: another for each name, and not
 * to be had from anything that the ledger holds. */
int ledger_secret(int dir, const char *app, const char *deploy, const char *name,
	struct digest *ret, struct error *err);

/* The release entry that text names: "v7", "v7-3f9a1c20be44" or an id or its first 12 digits or
 * more. ERROR_NO_SUCH otherwise. Borrowed from ledger. */
int ledger_find(const struct ledger *ledger, const char *text, const struct ledger_entry **ret,
	struct error *err);

/* The newest release entry, or NULL. */
const struct ledger_entry *ledger_newest(const struct ledger *ledger);

/* "app/deploy" names of all ledgers below dir, sorted. */
int ledger_list(int dir, struct strv *ret, struct error *err);

void ledger_entry_done(struct ledger_entry *entry);
void ledger_done(struct ledger *ledger);

#endif

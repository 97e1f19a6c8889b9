/* System accounts that packages would have made: sysusers.d(5) and adduser(8). */
#ifndef IMAGE_ACCOUNT_H
#define IMAGE_ACCOUNT_H

#include "base/error.h"
#include "base/strv.h"
#include "root.h"

struct accounts {
	struct strv users;  /* "name:id:home", id "-" where it is to be chosen */
	struct strv groups; /* "name:id" */
};

/* Takes every literal "adduser --system" and "addgroup --system" of a script. */
void accounts_read_script(struct accounts *accounts, const char *script);

/* Adds the root's sysusers.d, then appends to /etc/passwd and /etc/group what is not there yet, in
 * the order of names, ids from 100 on. */
int accounts_make(struct accounts *accounts, const struct root *root, struct error *err);

void accounts_done(struct accounts *accounts);

#endif

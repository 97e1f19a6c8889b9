/* Names under tmp/ and the lock that says that their owner lives; see store.c. */
#ifndef STORE_TMP_H
#define STORE_TMP_H

#include "base/error.h"

#include <stdbool.h>

/* A fresh name below the store: "tmp/" and 24 random digits. */
int tmp_name(char name[80], struct error *err);

/* Locks fd, just made as name below dir; false: a sweep was quicker, take another name. */
bool tmp_claim(int dir, const char *name, int fd);

#endif

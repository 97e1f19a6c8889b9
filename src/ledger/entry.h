/* One line of a ledger. */
#ifndef LEDGER_ENTRY_H
#define LEDGER_ENTRY_H

#include "base/buf.h"
#include "ledger/ledger.h"

/* Appends the entry's line, newline included, that follows the line with the digest previous (NULL:
 * the first); *ret_digest is the line's own. */
void entry_print(const struct ledger_entry *entry, const struct digest *previous, struct buf *ret,
	struct digest *ret_digest);

/* Checks a line (without its newline) against its own digest and reads it. ERROR_INTEGRITY. */
int entry_parse(const char *line, size_t len, struct ledger_entry *ret, struct digest *ret_digest,
	struct digest *ret_previous, struct error *err);

#endif

/* Cuts one process's output into lines and lays them out. Pure: bytes in, bytes out. */
#ifndef CUTTER_H
#define CUTTER_H

#include "base/buf.h"
#include "supervisor/line.h"

#include <stdbool.h>
#include <stdint.h>

enum { CUTTER_LIMIT = 1 << 16 }; /* bytes of a line; a longer one is cut into pieces */

/* One process's output so far. Set style, midline, name and index; the rest starts zeroed. */
struct cutter {
	const struct line_style *style;
	const void **midline; /* raw: the cutter with whose unfinished line the output ends, or
				 NULL; common to all cutters of an output */
	char *name;
	unsigned index;
	bool continued;   /* carry goes on with a line whose first piece was written already */
	struct buf carry; /* of an unfinished line */
	struct buf prefix;
	int64_t time; /* of the prefix */
};

/* Appends the lines that data completes to out, dated now; keeps what is left. */
void cutter_take(struct cutter *cutter, const char *data, size_t len, struct buf *out);

/* Appends what is kept: the last line may lack its newline. */
void cutter_end(struct cutter *cutter, struct buf *out);

/* Appends the newline that must stand between a raw unfinished line and what is not its rest. */
void cutter_break_line(const void **midline, struct buf *out);

/* Frees what is kept, not the name. */
void cutter_done(struct cutter *cutter);

#endif

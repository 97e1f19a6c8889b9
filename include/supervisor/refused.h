/* What one instance was refused, and when to say it: a line for each destination at once, no second
 * one within a minute, and then with how many were not told. Pure: times in, text out. Memory is
 * bounded: beyond REFUSED_DESTINATIONS a minute, further ones are told of together. */
#ifndef SUPERVISOR_REFUSED_H
#define SUPERVISOR_REFUSED_H

#include "model/config.h"

#include <stdbool.h>
#include <stdint.h>

enum { REFUSED_DESTINATIONS = 32, REFUSED_TEXT = 192, REFUSED_INTERVAL = 60000 };

/* "not an attached service" */
const char *refused_reason(enum egress egress);

/* Zeroed is none. */
struct refused {
	struct refused_entry *entries; /* REFUSED_DESTINATIONS, and one for all others */
};

/* A refusal at the time now (milliseconds): what is "connection to 93.184.216.34:443". True: say
 * text. quiet: only count, it will be told later. */
bool refused_take(struct refused *refused, enum egress egress, const char *what, uint64_t now,
	bool quiet, char text[REFUSED_TEXT]);

/* True: say text, about what was counted and not told for a minute; call again. With a now of
 * UINT64_MAX: about all that was not told. */
bool refused_take_rest(
	struct refused *refused, enum egress egress, uint64_t now, char text[REFUSED_TEXT]);

void refused_done(struct refused *refused);

#endif

/* Command line options: one table a verb, from which parsing and --help both come, so that no verb
 * has a loop of its own. Options may stand among the operands; everything behind "--" is the
 * command. "-o FILE", "-oFILE", "--output FILE", "--output=FILE", and grouped flags "-it". */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>

enum option_kind {
	OPTION_FLAG, /* target is a bool */
	OPTION_TEXT, /* target is a const char *; given twice, the last wins */
	OPTION_LIST, /* target is a struct strv; each one is appended */
};

struct option_row {
	char letter; /* 0: none */
	const char *name;
	enum option_kind kind;
	void *target;
	const char *value; /* what --help calls the value; NULL for a flag */
	const char *help;
};

/* What a verb says of itself. The rows end with one whose name is NULL. */
struct usage {
	const char *synopsis; /* "build [DIR]" */
	const char *summary;  /* one sentence */
	const char *example;  /* "isorun build -o build.tar" */
	const struct option_row *rows;
};

struct operands {
	struct strv words;   /* what is neither option nor option's value */
	struct strv command; /* what stands behind "--" */
	bool has_command;    /* whether there was a "--" */
};

/* argv[0] is the verb. Returns 0; 1 when --help was asked for and printed; -1 with ERROR_USAGE. On
 * success the caller owns what is in ret (operands_done) and in OPTION_LIST targets. */
int options_parse(
	const struct usage *usage, int argc, char **argv, struct operands *ret, struct error *err);

void operands_done(struct operands *operands);
#define CLEANUP_OPERANDS __attribute__((cleanup(operands_done)))

#endif

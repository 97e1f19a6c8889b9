/* What the readers of manifest, config and release share: typed reads that end in an error at the
 * value, with file, line and JSON path. */
#ifndef MODEL_READ_H
#define MODEL_READ_H

#include "base/json.h"
#include "model/manifest.h"
#include "model/name.h"

/* Turns the error in err, from a parser that knows no place, into one at the value. Returns -1. */
int read_error(const struct json_at *at, struct error *err);

/* Whether the value is an object of at most max members; else an error at it. */
int read_object(const struct json_at *at, size_t max, struct error *err);

/* A string that is not empty, copied. */
int read_text(const struct json_at *at, char **ret, struct error *err);

/* A name of this kind, copied. */
int read_name(const struct json_at *at, enum name_kind kind, char **ret, struct error *err);

/* The member's own key as a name of this kind. */
int read_key(const struct json_at *member, enum name_kind kind, struct error *err);

/* "256M" or a number of bytes; "10s" or a number of seconds. */
int read_size(const struct json_at *at, uint64_t *ret, struct error *err);
int read_duration(const struct json_at *at, uint64_t *ret, struct error *err);

/* A relative path that stays below its directory: no "..", no "//", not absolute. */
int read_path_below(const struct json_at *at, char **ret, struct error *err);

/* {memory, cpu, pids, tmp}; what is not said stays as it is in ret. NULL when nothing is said. */
int read_limits(const struct json_at *at, struct limits *ret, struct error *err);
json_t *print_limits(const struct limits *limits);

json_t *print_process(const struct process_type *type);

/* The object of all process types. */
int read_processes(
	const struct json_at *at, struct process_type **ret, size_t *ret_count, struct error *err);
json_t *print_processes(const struct process_type *types, size_t count);

/* The sum of all quantities. */
size_t count_instances(const struct process_type *types, size_t count);

/* A type of this name as a manifest leaves it that says nothing but a command. */
int process_from_command(
	const char *name, const char *command, struct process_type *ret, struct error *err);

/* Sorts elements whose first member is a name, so that order in a document has no meaning and what
 * is printed canonically reads back equal. */
void sort_by_name(void *elements, size_t count, size_t size);

/* The error of a variable that isorun sets itself or whose name is none, at the value. */
int read_variable(const struct json_at *at, const char *key, struct error *err);

/* "127.0.0.1:5000", "[::1]:5000", "*:5000" or a bare port, which is at "*". */
int read_address(const char *text, char **ret_address, uint16_t *ret_port, struct error *err);

json_t *print_strv(const struct strv *strv);

#endif

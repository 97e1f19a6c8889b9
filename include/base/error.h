/* An error is a value that the caller owns: what went wrong, noun first, as one line a person can
 * act on, and sometimes a second line that says how. No heap, one datagram: it crosses a clone. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_kind {
	ERROR_FAILED,      /* exit 1: it was right to try and did not work */
	ERROR_USAGE,       /* exit 2: the command line is wrong */
	ERROR_INTEGRITY,   /* exit 3: a digest, the ledger, a dirty tree */
	ERROR_CONFIG,      /* exit 4: missing or invalid manifest, Procfile, env file or config */
	ERROR_NO_SUCH,     /* exit 5: no such app, release or instance */
	ERROR_LOCKED,      /* exit 6: another isorun holds it */
	ERROR_UNSUPPORTED, /* exit 8: this host lacks a feature */
	ERROR_NOT_EXECUTABLE, /* exit 126: the command cannot be invoked */
	ERROR_NOT_FOUND,      /* exit 127: the command is not there */
};

struct error {
	int errnum; /* errno where a system call failed, else 0 */
	enum error_kind kind;
	char text[344];
	char hint[160];
};

/* Each of these returns -1, so that a failure is reported and returned in one statement. A text
 * that is too long is cut, never overrun. Control characters become '?': one error is one line. */

/* "fmt"; sets the kind, clears hint and errnum. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "fmt: strerror(errno)" with kind ERROR_FAILED; errno is read first and kept in errnum. */
int error_errno(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "fmt: " before the text; kind, errnum and hint stay. Once a layer. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the second line, what a person can do; replaces an earlier one. */
int error_hint(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit status of PRODUCT's table for this kind: 1 to 8, 126 or 127. */
int error_status(const struct error *err);

#endif

/* What a build asks of git: provenance, and the files of a commit. Every call runs the user's own
 * git, which refuses a repository that somebody else owns, with hooks and helpers off. */
#ifndef IMAGE_GIT_H
#define IMAGE_GIT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct git_head {
	char commit[65]; /* of the repository */
	char tree[65];   /* of the codebase's directory in that commit */
	int64_t date;    /* the committer's, in seconds since 1970 */
	char *remote; /* of origin, without credentials; NULL: none that means anything elsewhere */
};

struct git_changes {
	struct strv changed;   /* tracked files that differ from the commit */
	struct strv untracked; /* files git knows nothing of and does not ignore */
};

/* Reads the head of the repository that dir lies in, and what below dir is not as committed (paths
 * relative to the repository's top). *ret_found is false, and the rest untouched, where dir is in
 * no repository. ERROR_INTEGRITY where nothing is committed. */
int git_read_state(int dir, bool *ret_found, struct git_head *ret_head,
	struct git_changes *ret_changes, struct error *err);
/* The first part of that: ERROR_INTEGRITY where the repository's own configuration would have git
 * run programs. */
int git_check_config(int dir, struct error *err);
void git_head_done(struct git_head *head);
void git_changes_done(struct git_changes *changes);

/* Writes the files of a tree, exactly as committed, below path app of root. */
int git_export(int dir, const char *tree, int root, const char *app, struct error *err);

/* Paths, relative to dir, of all files below it that git does not ignore, less untracked ones of
 * the name but. */
int git_list_files(int dir, const char *but, struct strv *ret, struct error *err);

/* The remote's address as provenance: "" for a path on this host, user and password taken out.
 * ret is appended to. */
void git_print_remote(const char *url, struct buf *ret);

#endif

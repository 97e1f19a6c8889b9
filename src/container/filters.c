/* The cache of compiled filters. Its directory belongs to isorun alone (0700), so a file in it is
 * trusted as far as its shape: whole instructions, as many as the kernel takes. One that is not
 * is compiled anew. */
#include "container/filters.h"

#include "base/digest.h"
#include "base/file.h"
#include "kernel/filter.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdio.h>

enum { FILTER_MAX = BPF_MAXINSNS * sizeof(struct sock_filter), NAME_SIZE = DIGEST_HEX + 4 };

static void name_of(const struct strv *allow, char name[NAME_SIZE])
{
	CLEANUP_BUF struct buf key = { 0 };
	struct digest digest;

	filter_key(allow, &key);
	digest_bytes(key.data, key.len, &digest);
	(void)snprintf(name, NAME_SIZE, "%s.bpf", digest.hex); /* fits */
}

static bool read_kept(int dir, const char *name, struct buf *ret)
{
	CLEANUP_BUF struct buf text = { 0 };
	struct error ignored;

	if (file_read_at(dir, name, FILTER_MAX, &text, &ignored) < 0)
		return false;
	if (text.len == 0 || text.len % sizeof(struct sock_filter) != 0)
		return false;
	buf_add(ret, text.data, text.len);
	return true;
}

int filters_load(int dir, const struct strv *allow, struct buf *ret, struct error *err)
{
	CLEANUP_BUF struct buf compiled = { 0 };
	char name[NAME_SIZE];
	struct error ignored;

	name_of(allow, name);
	if (dir >= 0 && read_kept(dir, name, ret))
		return 0;
	if (filter_compile(allow, &compiled, err) < 0)
		return error_wrap(err, "seccomp filter");
	if (dir >= 0)
		(void)file_write_at(dir, name, 0600, compiled.data, compiled.len,
			&ignored); /* a full disk must not keep a release from running */
	buf_add(ret, compiled.data, compiled.len);
	return 0;
}

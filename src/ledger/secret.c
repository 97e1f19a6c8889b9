/* Secrets that a deploy makes up for itself: its key, keyed over a name. Nothing is stored beyond
 * the key, which the ledger has anyway.
 *
 * A NUL stands in what is digested: in the ledger are keyed digests of "KEY=VALUE", and no value
 * can hold one, so that none of them is ever a secret. */
#include "ledger/ledger.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include "files.h"

#include <string.h>

int ledger_secret(int dir, const char *app, const char *deploy, const char *name,
	struct digest *ret, struct error *err)
{
	CLEANUP_CLOSE int deploy_dir = -1;
	CLEANUP_CLOSE int file = -1;
	CLEANUP_BUF struct buf text = { 0 };
	unsigned char key[FILES_KEY];

	if (files_open_dir(dir, app, deploy, true, &deploy_dir, err) < 0)
		return -1;
	file = files_open_locked(deploy_dir, err); /* two at once would make two keys */
	if (file < 0 || files_key(deploy_dir, key, err) < 0)
		return -1;
	buf_add(&text, "secret", sizeof "secret");
	buf_add_str(&text, name);
	digest_keyed(key, FILES_KEY, text.data, text.len, ret);
	explicit_bzero(key, sizeof key);
	return 0;
}

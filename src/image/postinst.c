/* Instead of maintainer scripts. Scripts are read, never run: the few commands in them whose effect
 * a program may rely on are written literally by debhelper, so they can be recognised. What a
 * script does by other means is not done, and the closure proof tells where that matters. */
#include "postinst.h"

#include "account.h"
#include "alternative.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "ldcache.h"
#include "package.h"
#include "place.h"
#include "root.h"
#include "skeleton.h"

#include <string.h>

#define CERTIFICATES "/usr/share/ca-certificates"
#define BUNDLE       "etc/ssl/certs/ca-certificates.crt"

enum { CERTIFICATE_MAX = 1 << 20 };

/* Where tools that look for known holes in images expect to read what is installed. */
static int record(const struct lock_package *package, const struct package_control *control,
	int root, struct error *err)
{
	CLEANUP_FREE char *path = memory_format("var/lib/dpkg/status.d/%s", package->name);

	return place_text(root, path, control->control.data ? control->control.data : "",
		control->control.len, err);
}

static int read_scripts(const struct store *store, const struct lock_set *set, int root,
	struct alternatives *alternatives, struct accounts *accounts, struct error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		__attribute__((
			cleanup(package_control_done))) struct package_control control = { 0 };

		if (package_read_control(store, &set->packages[i], &control, err) < 0 ||
			record(&set->packages[i], &control, root, err) < 0)
			return -1;
		if (!control.postinst.len)
			continue;
		alternatives_read(alternatives, control.postinst.data);
		accounts_read_script(accounts, control.postinst.data);
	}
	return 0;
}

/* Appends every certificate below directory path. */
static int add_certificates(
	const struct root *root, const char *path, struct buf *ret, struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };

	if (root_list(root, path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP_FREE char *below = memory_format("%s/%s", path, names.items[i]);
		size_t len = strlen(below);
		size_t size;
		const void *data;

		if (len < 4 || strcmp(below + len - 4, ".crt") != 0) {
			if (add_certificates(root, below, ret, err) < 0)
				return -1;
			continue;
		}
		data = root_map(root, below, &size);
		if (size < CERTIFICATE_MAX)
			buf_add(ret, data, size);
		root_unmap(data, size);
		if (ret->len && ret->data[ret->len - 1] != '\n')
			buf_add_str(ret, "\n");
	}
	return 0;
}

/* update-ca-certificates, without its hashed links: the name that OpenSSL looks at first is made
 * instead. */
static int make_bundle(const struct root *root, struct error *err)
{
	CLEANUP_BUF struct buf bundle = { 0 };

	if (add_certificates(root, CERTIFICATES, &bundle, err) < 0)
		return -1;
	if (!bundle.len)
		return 0;
	if (place_text(root->dependencies, BUNDLE, bundle.data, bundle.len, err) < 0)
		return -1;
	return place_link(root->dependencies, "usr/lib/ssl/cert.pem", "/" BUNDLE, err);
}

static int make_zone(const struct root *root, struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	int found = root_find(root, "/usr/share/zoneinfo/Etc/UTC", canonical, &status, err);

	if (found <= 0)
		return found;
	if (place_text(root->dependencies, "etc/timezone", "Etc/UTC\n", 8, err) < 0)
		return -1;
	return place_link(root->dependencies, "etc/localtime", "/usr/share/zoneinfo/Etc/UTC", err);
}

int postinst_replace(
	const struct store *store, const struct lock_set *set, int root, struct error *err)
{
	__attribute__((cleanup(alternatives_done))) struct alternatives alternatives = { 0 };
	__attribute__((cleanup(accounts_done))) struct accounts accounts = { 0 };
	const struct root whole = { root, root };

	if (read_scripts(store, set, root, &alternatives, &accounts, err) < 0 ||
		skeleton_make_files(root, err) < 0 ||
		alternatives_make(&alternatives, &whole, err) < 0 ||
		accounts_make(&accounts, &whole, err) < 0 || make_bundle(&whole, err) < 0 ||
		make_zone(&whole, err) < 0 || ldcache_make(&whole, err) < 0)
		return error_wrap(err, "set up the root");
	return 0;
}

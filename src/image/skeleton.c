/* The skeleton, as distroless images have one: enough for a program to find its user, its group,
 * a resolver's order and the usual mount points, and nothing that runs. */
#include "skeleton.h"

#include "base/cleanup.h"
#include "place.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct directory {
	const char *path;
	mode_t mode;
};

static const struct directory directories[] = {
	{ "usr", 0755 },
	{ "usr/bin", 0755 },
	{ "usr/sbin", 0755 },
	{ "usr/lib", 0755 },
	{ "usr/lib64", 0755 },
	{ "usr/local/bin", 0755 },
	{ "usr/share", 0755 },
	{ "app", 0755 },
	{ "dev", 0755 },
	{ "etc", 0755 },
	{ "home/app", 0755 },
	{ "proc", 0555 },
	{ "root", 0700 },
	{ "run", 0755 },
	{ "sys", 0555 },
	{ "tmp", 01777 },
	{ "var/cache", 0755 },
	{ "var/lib", 0755 },
	{ "var/log", 0755 },
	{ "var/tmp", 01777 },
};

struct link {
	const char *path;
	const char *target;
};

static const struct link links[] = {
	{ "bin", "usr/bin" },
	{ "lib", "usr/lib" },
	{ "lib64", "usr/lib64" },
	{ "sbin", "usr/sbin" },
	{ "var/run", "/run" },
};

struct text {
	const char *path;
	const char *content;
};

static const struct text texts[] = {
	{ "etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n"
			"app:x:1000:1000:app:/home/app:/sbin/nologin\n"
			"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n" },
	{ "etc/group", "root:x:0:\ntty:x:5:\napp:x:1000:\nnogroup:x:65534:\n" },
	{ "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"
			       "services: files\nprotocols: files\n" },
	{ "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n" }, /* mounted over at run */
	{ "etc/hostname", "" },
	{ "etc/resolv.conf", "" },
};

int skeleton_make_dirs(int root, struct error *err)
{
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (place_dir(root, directories[i].path, directories[i].mode, err) < 0)
			return error_wrap(err, "skeleton");
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		CLEANUP_CLOSE int there = place_open(root, links[i].path, O_PATH);

		if (there < 0 && place_link(root, links[i].path, links[i].target, err) < 0)
			return error_wrap(err, "skeleton");
	}
	return 0;
}

int skeleton_make_files(int root, struct error *err)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		CLEANUP_CLOSE int there = place_open(root, texts[i].path, O_PATH | O_NOFOLLOW);

		if (there < 0 && place_text(root, texts[i].path, texts[i].content,
					 strlen(texts[i].content), err) < 0)
			return error_wrap(err, "skeleton");
	}
	return 0;
}

/* Config from files and flags. Who calls says in which order they win: the later over the earlier.
 */
#include "settings.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "model/envfile.h"

#include <fcntl.h>
#include <string.h>

enum { TEXT_MAX = 4 << 20 };

/* What a person gave and cannot be read is config that is missing. */
static int read_text(const char *path, struct buf *ret, struct error *err)
{
	CLEANUP_CLOSE int fd = -1;

	if (strcmp(path, "-") == 0) {
		if (file_read_all(STDIN_FILENO, TEXT_MAX, ret, err) < 0)
			return error_wrap(err, "standard input");
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0) {
			error_errno(err, "%s", path);
			err->kind = ERROR_CONFIG;
			return -1;
		}
		if (file_read_all(fd, TEXT_MAX, ret, err) < 0) {
			err->kind = ERROR_CONFIG;
			return error_wrap(err, "%s", path);
		}
	}
	buf_reserve(ret, 0); /* an empty file is an empty text */
	return 0;
}

int settings_read_config(const char *path, struct config *ret, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };

	if (!path)
		return 0;
	if (read_text(path, &text, err) < 0)
		return -1;
	return config_parse(path, text.data, text.len, ret, err);
}

int settings_add_env_file(
	const char *argument, struct config *config, char **ret_port, struct error *err)
{
	CLEANUP_BUF struct buf text = { 0 };
	CLEANUP_STRV struct strv env = { 0 };
	CLEANUP_FREE char *port = NULL;
	const char *path;
	enum envfile_dialect dialect = envfile_dialect(argument, &path);

	if (read_text(path, &text, err) < 0 ||
		(ret_port ? envfile_parse_foreman(
				    dialect, path, text.data, text.len, &env, &port, err)
			  : envfile_parse(dialect, path, text.data, text.len, &env, err)) < 0)
		return -1;
	for (size_t i = 0; i < env.len; i++)
		if (config_set_env(config, env.items[i], err) < 0)
			return -1;
	if (port) {
		free(*ret_port);
		*ret_port = STEAL(port);
	}
	return 0;
}

int settings_add_flags(
	const struct strv *texts, settings_flag *set, struct config *config, struct error *err)
{
	for (size_t i = 0; i < texts->len; i++)
		if (set(config, texts->items[i], err) < 0)
			return -1;
	return 0;
}

/* What a release can say already and a run does not do yet. */
void settings_warn(const struct release *release)
{
	if (release->drains.len > 0)
		cli_warn("this version has no log drains: the log goes to standard output");
}

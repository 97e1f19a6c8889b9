/* System accounts. Ids are given out in the order of names and so depend on the packages alone. No
 * process of the app runs as one of them; they are there for programs that look a name up. */
#include "account.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "place.h"
#include "script.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SYSUSERS "/usr/lib/sysusers.d"

enum { FIRST_ID = 100, LAST_ID = 999, FILE_MAX = 1 << 20 };

static bool is_account_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= 32 && !name[len] && name[0] != '-' &&
	       !(name[0] >= '0' && name[0] <= '9');
}

static bool is_home(const char *path)
{
	return path[0] == '/' && !strpbrk(path, ":$\n");
}

static void add_group(struct accounts *accounts, const char *name, const char *id)
{
	if (is_account_name(name))
		strv_addf(&accounts->groups, "%s:%s", name, id);
}

static void add_user(struct accounts *accounts, const char *name, const char *id, const char *home)
{
	if (!is_account_name(name))
		return;
	strv_addf(&accounts->users, "%s:%s:%s", name, id, is_home(home) ? home : "/nonexistent");
	add_group(accounts, name, id);
}

/* Options of adduser(8) that are followed by a value. */
static bool takes_value(const char *option)
{
	static const char *const options[] = { "--home", "--shell", "--gecos", "--comment", "--uid",
		"--gid", "--ingroup", "--conf", "--firstuid", "--lastuid", NULL };

	for (const char *const *at = options; *at; at++)
		if (strcmp(option, *at) == 0)
			return true;
	return false;
}

static void read_adduser(struct accounts *accounts, const struct strv *words, bool user)
{
	const char *name = NULL;
	const char *home = "/nonexistent";
	bool system = false;

	for (size_t i = 1; i < words->len; i++) {
		const char *word = words->items[i];
		const char *value = i + 1 < words->len ? words->items[i + 1] : "";

		if (strcmp(word, "--home") == 0)
			home = value;
		system = system || strcmp(word, "--system") == 0;
		if (takes_value(word))
			i++;
		else if (word[0] != '-' && !strchr(word, '>') && !name)
			name = word;
	}
	if (!name || !system)
		return;
	if (user)
		add_user(accounts, name, "-", home);
	else
		add_group(accounts, name, "-");
}

static void read_calls(
	struct accounts *accounts, const char *script, const char *program, bool user)
{
	CLEANUP_STRV struct strv words = { 0 };

	while (script_next(&script, program, &words)) {
		read_adduser(accounts, &words, user);
		strv_done(&words);
	}
}

void accounts_read_script(struct accounts *accounts, const char *script)
{
	read_calls(accounts, script, "adduser", true);
	read_calls(accounts, script, "addgroup", false);
}

/* u NAME ID "GECOS" HOME SHELL, g NAME ID: the scanner for scripts reads the quoting. */
static void read_sysusers_line(struct accounts *accounts, const char *line)
{
	static const char *const kinds[] = { "u", "u!", "g", NULL };

	for (const char *const *kind = kinds; *kind; kind++) {
		CLEANUP_STRV struct strv words = { 0 };
		const char *at = line;

		if (!script_next(&at, *kind, &words) || words.len < 2)
			continue;
		if (**kind == 'g')
			add_group(accounts, words.items[1], words.len > 2 ? words.items[2] : "-");
		else
			add_user(accounts, words.items[1], words.len > 2 ? words.items[2] : "-",
				words.len > 4 ? words.items[4] : "-");
	}
}

static char *read_text(const struct root *root, const char *path, struct error *err)
{
	char canonical[PATH_MAX];
	struct stat status;
	size_t size;
	const char *data;
	char *text;
	int found = root_find(root, path, canonical, &status, err);

	if (found < 0)
		return NULL;
	data = found ? root_map(root, canonical, &size) : NULL;
	text = memory_format("%.*s", data && size < FILE_MAX ? (int)size : 0, data ? data : "");
	if (data)
		root_unmap(data, size);
	return text;
}

static int read_sysusers(struct accounts *accounts, const struct root *root, struct error *err)
{
	CLEANUP_STRV struct strv names = { 0 };

	if (root_list(root, SYSUSERS, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		CLEANUP_FREE char *path = memory_format(SYSUSERS "/%s", names.items[i]);
		CLEANUP_FREE char *text = read_text(root, path, err);
		char *rest = NULL;

		if (!text)
			return -1;
		for (char *line = strtok_r(text, "\n", &rest); line;
			line = strtok_r(NULL, "\n", &rest))
			read_sysusers_line(accounts, line);
	}
	return 0;
}

/* Whether a line of passwd or group is for name. */
static bool has_name(const struct buf *file, const char *name, size_t len)
{
	for (const char *line = file->data; *line; line += strcspn(line, "\n"), line += *line != 0)
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return true;
	return false;
}

static bool has_id(const struct buf *file, unsigned id)
{
	for (const char *line = file->data; *line;
		line += strcspn(line, "\n"), line += *line != 0) {
		const char *field = strchr(line, ':');

		field = field ? strchr(field + 1, ':') : NULL;
		if (field && strtoul(field + 1, NULL, 10) == id)
			return true;
	}
	return false;
}

/* The id asked for if it is a number nobody has, else the first free one. */
static unsigned choose_id(const struct buf *file, const char *asked)
{
	unsigned long wanted = strtoul(asked, NULL, 10);
	unsigned id = FIRST_ID;

	if (wanted > 0 && wanted <= LAST_ID && !has_id(file, (unsigned)wanted))
		return (unsigned)wanted;
	while (id < LAST_ID && has_id(file, id))
		id++;
	return id;
}

static void append_groups(const struct accounts *accounts, struct buf *group)
{
	for (size_t i = 0; i < accounts->groups.len; i++) {
		const char *text = accounts->groups.items[i];
		size_t len = strcspn(text, ":");

		if (!has_name(group, text, len))
			buf_addf(group, "%.*s:x:%u:\n", (int)len, text,
				choose_id(group, text + len + 1));
	}
}

static void append_users(const struct accounts *accounts, struct buf *passwd)
{
	for (size_t i = 0; i < accounts->users.len; i++) {
		const char *text = accounts->users.items[i];
		size_t len = strcspn(text, ":");
		const char *home = strrchr(text, ':') + 1;
		unsigned id = choose_id(passwd, text + len + 1);

		if (!has_name(passwd, text, len))
			buf_addf(passwd, "%.*s:x:%u:65534::%s:/usr/sbin/nologin\n", (int)len, text,
				id, home);
	}
}

int accounts_make(struct accounts *accounts, const struct root *root, struct error *err)
{
	CLEANUP_FREE char *passwd_text = read_text(root, "/etc/passwd", err);
	CLEANUP_FREE char *group_text = passwd_text ? read_text(root, "/etc/group", err) : NULL;
	CLEANUP_BUF struct buf passwd = { 0 };
	CLEANUP_BUF struct buf group = { 0 };

	if (!group_text || read_sysusers(accounts, root, err) < 0)
		return -1;
	buf_add_str(&passwd, passwd_text);
	buf_add_str(&group, group_text);
	strv_sort(&accounts->users);
	strv_sort(&accounts->groups);
	append_users(accounts, &passwd);
	append_groups(accounts, &group);
	if (place_text(root->dependencies, "etc/passwd", passwd.data, passwd.len, err) < 0)
		return -1;
	return place_text(root->dependencies, "etc/group", group.data, group.len, err);
}

void accounts_done(struct accounts *accounts)
{
	strv_done(&accounts->users);
	strv_done(&accounts->groups);
}

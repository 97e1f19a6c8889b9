/* The pure half of cgroups: texts in, values out. Sources: cgroups(7), proc_pid_mountinfo(5), and
 * the kernel's cgroup-v2.rst. */
#include "cgroup_plan.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned bit;
} controllers_known[] = {
	{ "cpu", CGROUP_CPU },
	{ "memory", CGROUP_MEMORY },
	{ "pids", CGROUP_PIDS },
	{ "io", CGROUP_IO },
};
enum { KNOWN = sizeof controllers_known / sizeof *controllers_known };

char *cgroup_plan_own(const char *text)
{
	const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	char *path;

	if (!line)
		return NULL;
	line = strchr(line, '/');
	if (!line || strncmp(line, "/..", 3) == 0)
		return NULL;
	path = memory_copy_str(line);
	path[strcspn(path, "\n")] = '\0';
	return path;
}

/* Mount points are written with \040 and the like for spaces, tabs, newlines and backslashes. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* What of path is shown below a mount whose root is root; NULL: nothing. */
static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (strcmp(root, "/") == 0)
		return path;
	if (strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

static void add_place(char *line, const char *path, struct strv *ret)
{
	char *fields[5];
	char *type = strstr(line, " - ");
	char *next = line;
	const char *rest;

	if (!type || strncmp(type, " - cgroup2 ", 11) != 0)
		return;
	for (int i = 0; i < 5; i++)
		if (!(fields[i] = strsep(&next, " ")))
			return;
	unescape(fields[3]);
	unescape(fields[4]);
	rest = below(path, fields[3]);
	if (rest)
		strv_addf(ret, "%s%s", fields[4], rest);
}

void cgroup_plan_places(const char *mountinfo, const char *path, struct strv *ret)
{
	char *text = memory_copy_str(mountinfo);
	char *next = text;
	char *line;

	while ((line = strsep(&next, "\n")))
		add_place(line, path, ret);
	for (size_t i = 0; i < ret->len / 2; i++) {
		char *other = ret->items[ret->len - 1 - i];

		ret->items[ret->len - 1 - i] = ret->items[i];
		ret->items[i] = other;
	}
	free(text);
}

unsigned cgroup_plan_controllers(const char *text)
{
	unsigned found = 0;

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, " \n");

		for (size_t i = 0; i < KNOWN; i++)
			if (strlen(controllers_known[i].name) == len &&
				strncmp(controllers_known[i].name, at, len) == 0)
				found |= controllers_known[i].bit;
		at += len;
		at += strspn(at, " \n");
	}
	return found;
}

void cgroup_plan_enable(unsigned controllers, char text[64])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < KNOWN; i++)
		if (controllers & controllers_known[i].bit)
			used += (size_t)snprintf(text + used, 64 - used, "%s+%s", used ? " " : "",
				controllers_known[i].name);
}

const char *cgroup_names(unsigned controllers, char text[40])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < KNOWN; i++)
		if (controllers & controllers_known[i].bit)
			used += (size_t)snprintf(text + used, 40 - used, "%s%s", used ? ", " : "",
				controllers_known[i].name);
	return text;
}

static struct cgroup_write *add_write(
	struct cgroup_write *writes, size_t *count, const char *file, uint64_t value)
{
	struct cgroup_write *write = &writes[(*count)++];

	*write = (struct cgroup_write){ .file = file };
	(void)snprintf(write->text, sizeof write->text, "%" PRIu64, value);
	return write;
}

static void add_memory(uint64_t bytes, struct cgroup_write *writes, size_t *count)
{
	if (bytes) {
		add_write(writes, count, "memory.max", bytes);
		/* Else the limit would only say when swapping starts. Absent without swap. */
		add_write(writes, count, "memory.swap.max", 0)->optional = true;
	}
	/* An instance that lost one of its processes is broken in ways that nobody tests. */
	add_write(writes, count, "memory.oom.group", 1);
}

static void add_cpu(uint32_t milli, struct cgroup_write *writes, size_t *count)
{
	/* The kernel takes no quota under a millisecond, so small shares need a long period. */
	const uint64_t period = milli < 10 ? 1000000 : 100000;
	struct cgroup_write *write = add_write(writes, count, "cpu.max", 0);

	(void)snprintf(write->text, sizeof write->text, "%" PRIu64 " %" PRIu64,
		milli * (period / 1000), period);
}

size_t cgroup_plan_limits(const struct cgroup_limits *limits, unsigned controllers,
	struct cgroup_write ret[CGROUP_WRITES], unsigned *ret_missing)
{
	size_t count = 0;
	unsigned wanted = (limits->memory ? CGROUP_MEMORY : 0) |
			  (limits->cpu_milli ? CGROUP_CPU : 0) | (limits->pids ? CGROUP_PIDS : 0);

	if (controllers & CGROUP_MEMORY)
		add_memory(limits->memory, ret, &count);
	if (limits->cpu_milli && (controllers & CGROUP_CPU))
		add_cpu(limits->cpu_milli, ret, &count);
	if (limits->pids && (controllers & CGROUP_PIDS))
		add_write(ret, &count, "pids.max", limits->pids);
	*ret_missing = wanted & ~controllers;
	return count;
}

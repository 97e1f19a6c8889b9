/* hello id: everything about a process that isorun decides, a line a fact, in a fixed order, so
 * that two processes can be compared with diff. */
#include "hello.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_status(void)
{
	static const char *const wanted[] = { "Uid:", "Gid:", "Groups:", "CapInh:", "CapPrm:",
		"CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:",
		"SigBlk:", "SigIgn:" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096];

	while (file && fgets(line, sizeof line, file)) {
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])) != 0)
				continue;
			for (char *c = line; *c; c++)
				if (*c == '\t')
					*c = ' ';
			fputs(line, stdout);
		}
	}
	if (file)
		fclose(file);
}

static void print_link(const char *label, const char *path)
{
	char text[4096];
	ssize_t len = readlink(path, text, sizeof text - 1);

	printf("%s %.*s\n", label, len < 0 ? 1 : (int)len, len < 0 ? "-" : text);
}

static void print_namespaces(void)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };
	char path[64], label[32];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
		snprintf(label, sizeof label, "ns %s", kinds[i]);
		print_link(label, path);
	}
}

static void print_limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = { { "core", RLIMIT_CORE }, { "nofile", RLIMIT_NOFILE },
		{ "nproc", RLIMIT_NPROC }, { "memlock", RLIMIT_MEMLOCK }, { "stack", RLIMIT_STACK },
		{ "fsize", RLIMIT_FSIZE }, { "as", RLIMIT_AS }, { "cpu", RLIMIT_CPU } };
	struct rlimit value;

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		getrlimit(limits[i].resource, &value);
		printf("rlimit %s %lld %lld\n", limits[i].name, (long long)value.rlim_cur,
			(long long)value.rlim_max);
	}
}

/* Lines of a file in /proc, each behind its label. */
static void print_file(const char *label, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	while (file && fgets(line, sizeof line, file))
		printf("%s %s", label, line);
	if (file)
		fclose(file);
}

/* A mount without its ids and device number, which differ from start to start. */
static void print_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int start;

	while (file && fgets(line, sizeof line, file)) {
		start = 0;
		if (sscanf(line, "%*d %*d %*s %n", &start) == 0 && start > 0)
			printf("mount %s", line + start);
	}
	if (file)
		fclose(file);
}

static void print_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[300], label[300];
		struct stat status;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
		snprintf(label, sizeof label, "fd %s", entry->d_name);
		if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
			printf("%s pipe\n", label);
		else
			print_link(label, path);
	}
	if (dir)
		closedir(dir);
}

int inspect(int argc, char **argv)
{
	char host[256] = "";
	mode_t mask = umask(022);

	(void)argc, (void)argv;
	umask(mask);
	gethostname(host, sizeof host - 1);
	print_status();
	printf("host %s\n", host);
	printf("umask %03o\n", (unsigned)mask);
	printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
	printf("leader %d\n", getsid(0) == getpid());
	print_file("oom_score_adj", "/proc/self/oom_score_adj");
	print_link("cwd", "/proc/self/cwd");
	print_link("exe", "/proc/self/exe");
	print_file("cgroup", "/proc/self/cgroup");
	print_namespaces();
	print_file("uid_map", "/proc/self/uid_map");
	print_file("gid_map", "/proc/self/gid_map");
	print_limits();
	print_descriptors();
	print_mounts();
	return 0;
}

/* isorun: the verb table and what surrounds every verb. */
#include "cli/cli.h"

#include "base/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct verb {
	const char *name;
	cli_verb *run;
	const char *summary;
};

/* In the order of a deploy's life. */
static const struct verb verbs[] = {
	{ "init", cli_init, "write an isorun.json for a codebase" },
	{ "start", cli_start, "build, release and run a codebase, as foreman does" },
	{ "build", cli_build, "turn a codebase into an immutable build" },
	{ "release", cli_release, "join a build with a deploy's config" },
	{ "run", cli_run, "run a release's formation, or one command in its environment" },
	{ "releases", cli_releases, "list a deploy's releases" },
	{ "rollback", cli_rollback, "make an earlier release the newest again" },
	{ "inspect", cli_inspect, "show what a release holds" },
	{ "verify", cli_verify, "check every digest and the ledger" },
	{ "gc", cli_gc, "free what no release needs" },
	{ "doctor", cli_doctor, "say what this host offers, and what mends the rest" },
	{ NULL, NULL, NULL },
};

static char *default_root(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return memory_copy_str("/var/lib/isorun");
	if (data && *data == '/')
		return memory_format("%s/isorun", data);
	return memory_format("%s/.local/share/isorun", home ? home : "");
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static void read_settings(struct cli *ret)
{
	*ret = (struct cli){
		.network = is_set("ISORUN_NETWORK") ? getenv("ISORUN_NETWORK") : NULL,
		.color = isatty(STDOUT_FILENO) && !is_set("NO_COLOR"),
	};
	ret->root = is_set("ISORUN_ROOT") ? memory_copy_str(getenv("ISORUN_ROOT")) : default_root();
	ret->runtime_dir = is_set("ISORUN_RUNTIME_DIR")
				   ? memory_copy_str(getenv("ISORUN_RUNTIME_DIR"))
				   : cli_runtime_dir();
}

static void print_help(FILE *out)
{
	(void)fprintf(out, "usage: isorun VERB [OPTION…] …\n\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		(void)fprintf(out, "  %-10s %s\n", verb->name, verb->summary);
	(void)fprintf(out, "\nisorun VERB --help explains one verb.\n"
			   "\nexample:\n  isorun build -o build.tar && isorun release build.tar -o "
			   "release.tar && isorun run release.tar\n");
}

static bool called_as(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, name) == 0;
}

static int dispatch(struct cli *cli, int argc, char **argv, struct error *err)
{
	if (argc > 0 && called_as(argv[0], "isorun-oci"))
		return error_set(err, ERROR_UNSUPPORTED,
			"the OCI runtime command line is not part of version " ISORUN_VERSION);
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("isorun %s\n", ISORUN_VERSION);
		return 0;
	}
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (strcmp(argv[1], verb->name) == 0)
			return verb->run(cli, argc - 1, argv + 1, err);
	error_set(err, ERROR_USAGE, "unknown verb \"%s\"", argv[1]);
	return error_hint(err, "isorun --help lists the verbs");
}

/* A missing 0, 1 or 2 would become the next file opened, and be written to by accident. */
static int open_standard_streams(void)
{
	int fd;

	do
		fd = open(
			"/dev/null", O_RDWR); /* not CLOEXEC: it stands in for a standard stream */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	return close(fd);
}

static int conclude(const struct cli *cli, int status, const struct error *err)
{
	if (status >= 0)
		return status;
	cli_print_error(err);
	if (cli->failure_status && err->kind != ERROR_NOT_EXECUTABLE &&
		err->kind != ERROR_NOT_FOUND)
		return cli->failure_status;
	return error_status(err);
}

int main(int argc, char **argv)
{
	struct cli cli;
	struct error err = { 0 };
	int status;

	if (open_standard_streams() < 0)
		return 1;
	/* Whoever ignores it hands that down, and then no child could be waited for. */
	(void)signal(SIGCHLD, SIG_DFL); /* cannot fail for this signal */
	read_settings(&cli);
	status = dispatch(&cli, argc, argv, &err);
	if (fflush(stdout) != 0 && status >= 0)
		status = error_errno(&err, "standard output");
	status = conclude(&cli, status, &err);
	free(cli.root);
	free(cli.runtime_dir);
	return status;
}

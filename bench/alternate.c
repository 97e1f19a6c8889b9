/* alternate: how long commands take, measured in turns, so that whatever else the machine does hits
 * all of them alike.
 *
 *	alternate ROUNDS ROOT PROGRAM… :: NAME COMMAND… :: NAME COMMAND…
 *
 * Every round starts PROGRAM once in each row of the floor (in the directory ROOT; none with
 * ROOT "-"), then every COMMAND once, and waits. Rounds/10 more come first and do not count. Prints
 * NAME, p50 and p90 in microseconds, with tabs between. A command that fails ends the program; its
 * output goes to alternate.log. */
#include "floor.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTENDERS = 40 };

extern char **environ;

struct contender {
	const char *name;
	const struct floor_row *row; /* or */
	char **argv;
	double *took;
};

static double run_command(const struct contender *contender)
{
	posix_spawn_file_actions_t actions;
	double began, took;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
		&actions, 1, "alternate.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	began = floor_now();
	if (posix_spawnp(&pid, contender->argv[0], &actions, NULL, contender->argv, environ) != 0 ||
		waitpid(pid, &status, 0) != pid)
		status = -1;
	took = floor_now() - began;
	posix_spawn_file_actions_destroy(&actions);
	if (status != 0) {
		fprintf(stderr, "alternate: %s ended with status %#x, see alternate.log\n",
			contender->name, (unsigned)status);
		exit(1);
	}
	return took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct contender *contender, size_t rounds)
{
	qsort(contender->took, rounds, sizeof *contender->took, compare);
	printf("%s\t%.0f\t%.0f\n", contender->name, contender->took[rounds / 2],
		contender->took[rounds * 9 / 10]);
}

/* Cuts the arguments at each "::" and returns the number of contenders. */
static size_t read_contenders(int argc, char **argv, struct contender *contenders, bool floor)
{
	size_t count = 0;

	for (size_t i = 0; floor && i < floor_row_count; i++)
		contenders[count++] =
			(struct contender){ .name = floor_rows[i].name, .row = &floor_rows[i] };
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "::") != 0)
			continue;
		argv[i] = NULL;
		if (i + 2 >= argc || count == CONTENDERS) {
			fprintf(stderr, "alternate: a name and a command after each ::\n");
			exit(2);
		}
		contenders[count++] =
			(struct contender){ .name = argv[i + 1], .argv = &argv[i + 2] };
	}
	return count;
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS];
	size_t rounds = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
	size_t count, warm = rounds / 10 + 1;

	if (rounds == 0) {
		fprintf(stderr,
			"usage: alternate ROUNDS ROOT PROGRAM... [:: NAME COMMAND...]...\n");
		return 2;
	}
	count = read_contenders(argc, argv, contenders, strcmp(argv[2], "-") != 0);
	for (size_t i = 0; i < count; i++)
		contenders[i].took = calloc(rounds, sizeof *contenders[i].took);
	for (size_t round = 0; round < warm + rounds; round++)
		for (size_t i = 0; i < count; i++) {
			const struct contender *this = &contenders[i];
			double took = this->row ? floor_once(this->row, argv[2], argv + 3)
						: run_command(this);

			if (round >= warm)
				this->took[round - warm] = took;
		}
	for (size_t i = 0; i < count; i++)
		print(&contenders[i], rounds);
	return 0;
}

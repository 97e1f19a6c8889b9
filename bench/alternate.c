/* alternate: how long commands take, measured in turns, so that whatever else the machine does hits
 * all of them alike.
 *
 *	alternate ROUNDS ROOT PROGRAM… :: NAME COMMAND… :UID: NAME COMMAND…
 *
 * Every round starts PROGRAM once in each row of the floor (in the directory ROOT; none with
 * ROOT "-"), then every COMMAND once, and waits. Rounds/10 more come first and do not count. After
 * :UID: a command runs as that user, without a program in between that would have to be paid for;
 * words K=V before it are its environment's. Prints NAME, p50 and p90 in microseconds, with tabs
 * between. A command that fails ends the program; its output goes to alternate.log. */
#include "floor.h"

#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTENDERS = 40 };

struct contender {
	const char *name;
	const struct floor_row *row; /* or */
	char **argv;
	unsigned user;
	double *took;
};

static void become(const struct contender *contender, int log)
{
	char **argv = contender->argv;
	const unsigned user = contender->user;

	for (; *argv && strchr(*argv, '='); argv++)
		putenv(*argv);
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	dup2(log, 1);
	dup2(log, 2);
	if (!user || (setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
			     setresuid(user, user, user) == 0))
		execvp(argv[0], argv);
	_exit(127);
}

static double run_command(const struct contender *contender, int log)
{
	double began = floor_now();
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become(contender, log);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	if (status != 0) {
		fprintf(stderr, "alternate: %s ended with status %#x, see alternate.log\n",
			contender->name, (unsigned)status);
		exit(1);
	}
	return floor_now() - began;
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

/* Whether text is "::" or ":UID:". */
static bool is_mark(const char *text, unsigned *user)
{
	char *end;

	*user = 0;
	if (text[0] != ':')
		return false;
	*user = (unsigned)strtoul(text + 1, &end, 10);
	return strcmp(end, ":") == 0;
}

/* Cuts the arguments at each mark and returns the number of contenders. */
static size_t read_contenders(int argc, char **argv, struct contender *contenders, bool floor)
{
	size_t count = 0;

	for (size_t i = 0; floor && i < floor_row_count; i++)
		contenders[count++] =
			(struct contender){ .name = floor_rows[i].name, .row = &floor_rows[i] };
	for (int i = 3; i < argc; i++) {
		unsigned user;

		if (!is_mark(argv[i], &user))
			continue;
		argv[i] = NULL;
		if (i + 2 >= argc || count == CONTENDERS) {
			fprintf(stderr, "alternate: a name and a command after each mark\n");
			exit(2);
		}
		contenders[count++] = (struct contender){
			.name = argv[i + 1], .argv = &argv[i + 2], .user = user
		};
	}
	return count;
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS];
	size_t rounds = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
	size_t count, warm = rounds / 10 + 1;
	int log = open("alternate.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (rounds == 0) {
		fprintf(stderr,
			"usage: alternate ROUNDS ROOT PROGRAM... [:[UID]: NAME COMMAND...]...\n");
		return 2;
	}
	count = read_contenders(argc, argv, contenders, strcmp(argv[2], "-") != 0);
	for (size_t i = 0; i < count; i++)
		contenders[i].took = calloc(rounds, sizeof *contenders[i].took);
	for (size_t round = 0; round < warm + rounds; round++)
		for (size_t i = 0; i < count; i++) {
			const struct contender *this = &contenders[i];
			double took = this->row ? floor_once(this->row, argv[2], argv + 3)
						: run_command(this, log);

			if (round >= warm)
				this->took[round - warm] = took;
		}
	for (size_t i = 0; i < count; i++)
		print(&contenders[i], rounds);
	return 0;
}

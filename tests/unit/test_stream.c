/* The log stream between pipes: completeness, order, long and partial lines, slow and dead readers.
 */
#include "supervisor/stream.h"

#include "base/buf.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
	struct loop *loop;
	struct stream *stream;
	int out[2]; /* what the reader reads */
	int live;   /* sources not ended yet */
	int broken;
	struct loop_timer *timer;
	struct buf got;
};

static void on_finished(void *context)
{
	loop_stop(((struct bench *)context)->loop);
}

static void on_ended(void *context)
{
	struct bench *bench = context;

	if (--bench->live == 0)
		stream_finish(bench->stream, on_finished, bench);
}

static void on_broken(void *context)
{
	((struct bench *)context)->broken++;
}

static void bench_open(struct bench *bench, enum line_format format)
{
	struct error err;
	struct stream_config config = {
		.style.format = format, .broken = on_broken, .context = bench
	};

	*bench = (struct bench){ 0 };
	assert_int_equal(pipe2(bench->out, O_CLOEXEC), 0);
	config.fd = bench->out[1];
	assert_int_equal(loop_new(&bench->loop, &err), 0);
	assert_int_equal(stream_new(bench->loop, &config, &bench->stream, &err), 0);
}

static struct stream_source *bench_add(struct bench *bench, const char *name, int *write_end)
{
	struct stream_source *source;
	struct error err;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stream_add(bench->stream, name, 0, &fds[0], &source, &err), 0);
	*write_end = fds[1];
	bench->live++;
	return source;
}

static void bench_close(struct bench *bench)
{
	stream_free(bench->stream);
	loop_free(bench->loop);
	buf_done(&bench->got);
	if (bench->out[0] >= 0)
		close(bench->out[0]);
	close(bench->out[1]);
}

/* Runs the loop to its end and reads what came out (which must fit into a pipe). */
static const char *bench_run(struct bench *bench)
{
	struct error err;
	ssize_t got;

	assert_int_equal(loop_run(bench->loop, &err), 0);
	(void)fcntl(bench->out[0], F_SETFL, O_NONBLOCK);
	buf_reserve(&bench->got, 1 << 20);
	while ((got = read(bench->out[0], bench->got.data + bench->got.len, 1 << 16)) > 0)
		bench->got.len += (size_t)got;
	bench->got.data[bench->got.len] = '\0';
	return bench->got.data;
}

static void write_str(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void a_last_line_without_newline_is_a_line(void **state)
{
	struct bench bench;
	struct stream_source *source;
	int fd;

	(void)state;
	bench_open(&bench, LINE_RAW);
	source = bench_add(&bench, "web.1", &fd);
	write_str(fd, "one\ntwo");
	close(fd);
	stream_end(source, on_ended, &bench);
	assert_string_equal(bench_run(&bench), "one\ntwo");
	bench_close(&bench);
}

static void an_event_stands_behind_what_was_written_before_it(void **state)
{
	struct bench bench;
	struct stream_source *source;
	int fd;

	(void)state;
	bench_open(&bench, LINE_RAW);
	source = bench_add(&bench, "web.1", &fd);
	write_str(fd, "bye");
	close(fd);
	stream_end(source, on_ended, &bench);
	stream_event(bench.stream, "web.1", "exited with status %d", 3);
	assert_string_equal(bench_run(&bench), "bye\nisorun[web.1]: exited with status 3\n");
	bench_close(&bench);
}

static void a_raw_line_is_not_mixed_with_anothers(void **state)
{
	struct bench bench;
	struct stream_source *one, *two;
	int first, second;

	(void)state;
	bench_open(&bench, LINE_RAW);
	one = bench_add(&bench, "web.1", &first);
	two = bench_add(&bench, "web.2", &second);
	write_str(first, "un");
	write_str(second, "whole\n");
	close(second);
	stream_end(two, on_ended, &bench);
	write_str(first, "finished");
	close(first);
	stream_end(one, on_ended, &bench);
	assert_string_equal(bench_run(&bench), "whole\nunfinished");
	bench_close(&bench);
}

static void bytes_that_are_no_text_pass_unchanged(void **state)
{
	struct bench bench;
	struct stream_source *source;
	char all[256];
	int fd;

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	bench_open(&bench, LINE_RAW);
	source = bench_add(&bench, "web.1", &fd);
	assert_int_equal(write(fd, all, sizeof all), sizeof all);
	close(fd);
	stream_end(source, on_ended, &bench);
	(void)bench_run(&bench);
	assert_int_equal(bench.got.len, 256);
	assert_memory_equal(bench.got.data, all, 256);
	bench_close(&bench);
}

static void the_end_of_a_held_pipe_is_not_waited_for(void **state)
{
	struct bench bench;
	struct stream_source *source;
	int fd;

	(void)state;
	bench_open(&bench, LINE_RAW);
	source = bench_add(&bench, "web.1", &fd);
	write_str(fd, "half");
	stream_end(source, on_ended, &bench); /* fd is still open */
	assert_string_equal(bench_run(&bench), "half");
	close(fd);
	bench_close(&bench);
}

/* A child that keeps nothing of the bench open but fd, which becomes its standard input. */
static pid_t fork_with(int fd)
{
	pid_t pid = fork();

	if (pid == 0 && (dup2(fd, 0) < 0 || close_range(3, ~0U, 0) < 0))
		_exit(9);
	return pid;
}

/* Writes from a process of its own, since a pipe holds less. */
static pid_t spawn_writer(int fd, const char *unit, int count)
{
	pid_t pid = fork_with(fd);

	if (pid != 0)
		return pid;
	for (int i = 0; i < count; i++) {
		char line[64];
		int len = snprintf(line, sizeof line, "%s %d\n", unit, i);

		if (write(0, line, (size_t)len) != len)
			_exit(1);
	}
	_exit(0);
}

/* Reads lines "NAME NUMBER" and checks that each name counts up without a gap. */
static pid_t spawn_checker(int fd, int expected, unsigned delay)
{
	pid_t pid = fork_with(fd);
	int next[4] = { 0 }, lines = 0;
	char line[64];
	FILE *in;

	if (pid != 0)
		return pid;
	in = fdopen(0, "r");
	while (in && fgets(line, sizeof line, in)) {
		int which = line[0] - 'a', number = atoi(line + 2);

		if (which < 0 || which > 3 || number != next[which]++)
			_exit(2);
		if (delay > 0 && lines % 1000 == 0)
			usleep(delay);
		lines++;
	}
	_exit(lines == expected ? 0 : 3);
}

static void run_writers(unsigned delay)
{
	enum { LINES = 20000 };
	static const char *const units[] = { "a", "b", "c", "d" };
	struct stream_source *sources[4];
	pid_t writers[4], checker;
	struct bench bench;
	struct error err;
	int status;

	bench_open(&bench, LINE_RAW);
	checker = spawn_checker(bench.out[0], 4 * LINES, delay);
	close(bench.out[0]);
	bench.out[0] = -1;
	for (int i = 0; i < 4; i++) {
		int fd;

		sources[i] = bench_add(&bench, units[i], &fd);
		writers[i] = spawn_writer(fd, units[i], LINES);
		close(fd);
	}
	for (int i = 0; i < 4; i++) {
		/* The loop has to run for a writer to end: turn it while it lives. */
		while (waitpid(writers[i], &status, WNOHANG) == 0) {
			loop_after(bench.loop, 1, on_finished, &bench, &bench.timer);
			assert_int_equal(loop_run(bench.loop, &err), 0);
		}
		assert_int_equal(status, 0);
		stream_end(sources[i], on_ended, &bench);
	}
	assert_int_equal(loop_run(bench.loop, &err), 0);
	bench_close(&bench);
	assert_int_equal(waitpid(checker, &status, 0), checker);
	assert_int_equal(status, 0);
}

static void no_line_of_four_fast_writers_is_lost_or_out_of_order(void **state)
{
	(void)state;
	run_writers(0);
}

static void a_slow_reader_is_waited_for(void **state)
{
	(void)state;
	run_writers(1000);
}

static void a_very_long_line_is_cut_and_marked(void **state)
{
	enum { LONG = 150000 };
	struct bench bench;
	struct stream_source *source;
	char *text = memory_new(LONG, 1);
	const char *got;
	struct error err;
	int fd;

	(void)state;
	memset(text, 'x', LONG);
	bench_open(&bench, LINE_HEROKU);
	assert_true(fcntl(bench.out[1], F_SETPIPE_SZ, 1 << 19) >= LONG * 2);
	source = bench_add(&bench, "web.1", &fd);
	(void)fcntl(fd, F_SETPIPE_SZ, 1 << 19);
	assert_int_equal(write(fd, text, LONG), LONG);
	write_str(fd, "\nend\n");
	close(fd);
	loop_after(bench.loop, 20, on_finished, &bench, &bench.timer);
	assert_int_equal(loop_run(bench.loop, &err), 0);
	stream_end(source, on_ended, &bench);
	got = bench_run(&bench);
	assert_non_null(strstr(got, "app[web.1]: xxx"));
	assert_non_null(strstr(got, "xxx\xe2\x80\xa6\n"));
	assert_non_null(strstr(got, "app[web.1]: \xe2\x80\xa6xxx"));
	assert_non_null(strstr(got, "app[web.1]: end\n"));
	{
		size_t count = 0;

		for (const char *c = got; *c; c++)
			count += *c == 'x';
		assert_int_equal(count, LONG);
	}
	free(text);
	bench_close(&bench);
}

static void a_reader_that_left_is_noticed_once_and_writers_go_on(void **state)
{
	struct bench bench;
	struct stream_source *source;
	struct error err;
	int fd;

	(void)state;
	bench_open(&bench, LINE_RAW);
	close(bench.out[0]);
	bench.out[0] = -1;
	source = bench_add(&bench, "web.1", &fd);
	write_str(fd, "lost\n");
	loop_after(bench.loop, 20, on_finished, &bench, &bench.timer);
	assert_int_equal(loop_run(bench.loop, &err), 0);
	assert_int_equal(bench.broken, 1);
	assert_true(stream_is_broken(bench.stream, &err));
	assert_string_equal(err.text, "log stream: Broken pipe");
	write_str(fd, "lost as well\n");
	close(fd);
	stream_end(source, on_ended, &bench);
	assert_int_equal(loop_run(bench.loop, &err), 0);
	assert_int_equal(bench.broken, 1);
	bench_close(&bench);
}

static void standard_output_stays_blocking_for_whoever_shares_it(void **state)
{
	struct bench bench;

	(void)state;
	bench_open(&bench, LINE_RAW);
	assert_int_equal(fcntl(bench.out[1], F_GETFL) & O_NONBLOCK, 0);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_last_line_without_newline_is_a_line),
		cmocka_unit_test(an_event_stands_behind_what_was_written_before_it),
		cmocka_unit_test(a_raw_line_is_not_mixed_with_anothers),
		cmocka_unit_test(bytes_that_are_no_text_pass_unchanged),
		cmocka_unit_test(the_end_of_a_held_pipe_is_not_waited_for),
		cmocka_unit_test(no_line_of_four_fast_writers_is_lost_or_out_of_order),
		cmocka_unit_test(a_slow_reader_is_waited_for),
		cmocka_unit_test(a_very_long_line_is_cut_and_marked),
		cmocka_unit_test(a_reader_that_left_is_noticed_once_and_writers_go_on),
		cmocka_unit_test(standard_output_stays_blocking_for_whoever_shares_it),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}

/* The foreground of a one-off.
 *
 * Without a terminal there is nothing to copy here: the process has the caller's own descriptors or
 * what container/streams.c made of them, and all that is left is to pass signals on and wait. With
 * one, bytes go both ways between the caller's standard streams and the pseudoterminal's master,
 * and nothing looks at them: the caller's terminal is raw, so Ctrl-C is a byte that the container's
 * terminal turns into a signal.
 *
 * The master is ours and does not block. The caller's streams may: they are written to only when
 * poll(2) says so, and at most PIPE_BUF at a time, which it then promises to take. */
#include "container/attach.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { HALF_SIZE = 1 << 14 };

/* One direction. */
struct half {
	int from, to;
	bool ended; /* nothing more will be read */
	size_t head, len;
	char data[HALF_SIZE];
};

struct relay {
	const struct container *container;
	int signals;
	bool dead;
	struct half in, out;
	bool raw;
	struct termios saved;
};

void attach_add_hangup(sigset_t *set)
{
	struct sigaction action;

	if (sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
		(void)sigaddset(set, SIGHUP); /* cannot fail with it */
}

int attach_begin(struct attach *ret, struct error *err)
{
	static const int passed[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };
	sigset_t set;

	(void)sigemptyset(&set); /* cannot fail */
	for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
		(void)sigaddset(&set, passed[i]); /* cannot fail with these */
	attach_add_hangup(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "block signals");
	ret->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return ret->signals < 0 ? error_errno(err, "signalfd") : 0;
}

void attach_end(struct attach *attach)
{
	cleanup_close(&attach->signals);
	attach->signals = -1;
}

bool attach_size(unsigned short *ret_columns, unsigned short *ret_rows)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 &&
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return false;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
	return true;
}

static void resize(const struct relay *relay)
{
	struct winsize size = { 0 };

	if (relay->container->sandbox.console >= 0 && attach_size(&size.ws_col, &size.ws_row))
		(void)ioctl(relay->container->sandbox.console, TIOCSWINSZ,
			&size); /* a size is a courtesy */
}

static void pass_signals(const struct relay *relay)
{
	struct signalfd_siginfo info;
	struct error ignored; /* the process has ended, then */

	while (read(relay->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGWINCH)
			resize(relay);
		else
			(void)container_signal(relay->container, (int)info.ssi_signo, &ignored);
	}
}

static void enter_raw(struct relay *relay)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &relay->saved) < 0)
		return; /* not a terminal */
	raw = relay->saved;
	cfmakeraw(&raw);
	relay->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void leave_raw(struct relay *relay)
{
	if (relay->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->saved); /* it is gone, then */
	relay->raw = false;
}

/* The end of a standard input that is no terminal, as a terminal says it. */
static void type_end(struct half *in)
{
	struct termios mode;

	in->ended = true;
	if (tcgetattr(in->to, &mode) < 0 || !(mode.c_lflag & ICANON))
		return;
	in->data[0] = (char)mode.c_cc[VEOF];
	in->head = 0;
	in->len = 1;
}

/* Reads into an empty half. False at the end. */
static bool fill(struct half *half)
{
	ssize_t got = read(half->from, half->data, sizeof half->data);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	half->head = 0;
	half->len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static void empty(struct half *half)
{
	size_t most = half->len < PIPE_BUF ? half->len : PIPE_BUF;
	ssize_t put = write(half->to, half->data + half->head, most);

	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A reader that has gone must not keep the process from writing on. */
	half->head += put < 0 ? half->len : (size_t)put;
	half->len -= put < 0 ? half->len : (size_t)put;
}

enum { AT_DEATH, AT_SIGNALS, AT_IN, AT_MASTER, AT_OUT, AT_COUNT };

static void prepare_polls(const struct relay *relay, struct pollfd polls[AT_COUNT])
{
	const struct half *in = &relay->in, *out = &relay->out;
	short master = 0;

	for (int i = 0; i < AT_COUNT; i++)
		polls[i] = (struct pollfd){ .fd = -1 }; /* an interrupted poll sets nothing */
	polls[AT_SIGNALS] = (struct pollfd){ relay->signals, POLLIN, 0 };
	if (!relay->dead)
		polls[AT_DEATH] = (struct pollfd){ relay->container->sandbox.pidfd, POLLIN, 0 };
	if (out->from < 0)
		return;
	if (!in->ended && in->len == 0 && !relay->dead)
		polls[AT_IN] = (struct pollfd){ in->from, POLLIN, 0 };
	if (in->len > 0)
		master |= POLLOUT;
	if (!out->ended && out->len == 0)
		master |= POLLIN;
	if (master && !relay->dead)
		polls[AT_MASTER] = (struct pollfd){ out->from, master, 0 };
	if (out->len > 0)
		polls[AT_OUT] = (struct pollfd){ out->to, POLLOUT, 0 };
}

static void move_bytes(struct relay *relay, const struct pollfd polls[AT_COUNT])
{
	if (polls[AT_IN].revents && !fill(&relay->in))
		type_end(&relay->in);
	if (polls[AT_MASTER].revents & POLLOUT)
		empty(&relay->in);
	if (polls[AT_MASTER].revents & (POLLIN | POLLHUP) && relay->out.len == 0 &&
		!fill(&relay->out))
		relay->out.ended = true;
	if (polls[AT_OUT].revents)
		empty(&relay->out);
}

/* Once all are dead, what they wrote is in the master's buffer: an empty one is the end. */
static void drain(struct relay *relay)
{
	struct half *out = &relay->out;

	if (out->from < 0 || out->ended || out->len > 0)
		return;
	out->ended = !fill(out) || out->len == 0;
}

static bool is_done(const struct relay *relay)
{
	return relay->dead && (relay->out.from < 0 || (relay->out.ended && relay->out.len == 0));
}

static int attend(struct relay *relay, struct error *err)
{
	struct pollfd polls[AT_COUNT];

	for (;;) {
		if (relay->dead)
			drain(relay);
		if (is_done(relay))
			return 0;
		prepare_polls(relay, polls);
		if (poll(polls, AT_COUNT, -1) < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (polls[AT_SIGNALS].revents)
			pass_signals(relay);
		if (polls[AT_DEATH].revents)
			relay->dead = true;
		move_bytes(relay, polls);
	}
}

int attach_run(struct attach *attach, const struct container *container, struct error *err)
{
	int console = container->sandbox.console;
	struct relay relay = {
		.container = container,
		.signals = attach->signals,
		.in = { .from = STDIN_FILENO, .to = console },
		.out = { .from = console, .to = STDOUT_FILENO },
	};
	int status;

	if (console < 0)
		return attend(&relay, err);
	if (fcntl(console, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return error_errno(err, "terminal");
	(void)signal(SIGPIPE, SIG_IGN); /* the write tells as well */
	resize(&relay);
	enter_raw(&relay);
	status = attend(&relay, err);
	leave_raw(&relay);
	return status;
}

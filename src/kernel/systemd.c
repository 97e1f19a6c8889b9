/* A delegated scope from systemd, over D-Bus:
 * https://www.freedesktop.org/software/systemd/man/org.freedesktop.systemd1.html
 * (StartTransientUnit, JobRemoved, GetUnitByControlGroup).
 *
 * The scope belongs to its processes, not to the connection: it is closed as soon as the scope is
 * there, and systemd collects the scope when its last process has died, however that came about.
 *
 * libsystemd is loaded at run time, because most of what it links to costs start-up time where it
 * is not needed, and because hosts without systemd do not have it. Deliberately absent: waiting for
 * anything longer than TIMEOUT, talking to systemd's private socket, and any other unit. */
#include "kernel/systemd.h"

#include "base/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT  "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

#define MANAGERS "/run/user/%u" /* where the sockets of a user's manager are */

enum { SENDER = 0, TIMEOUT = 10000, UNIT_NAME = 200 }; /* milliseconds; bytes, systemd takes 255 */

/* The functions of sd-bus(3) that are used here. */
struct library {
	void *handle;
	int (*open_system)(sd_bus **);
	int (*open_user)(sd_bus **);
	int (*new)(sd_bus **);
	int (*set_address)(sd_bus *, const char *);
	int (*set_client)(sd_bus *, int);
	int (*start)(sd_bus *);
	sd_bus *(*close)(sd_bus *);
	int (*match)(sd_bus *, sd_bus_slot **, const char *, const char *, const char *,
		const char *, sd_bus_message_handler_t, void *);
	int (*new_call)(sd_bus *, sd_bus_message **, const char *, const char *, const char *,
		const char *);
	int (*append)(sd_bus_message *, const char *, ...);
	int (*call)(sd_bus *, sd_bus_message *, uint64_t, sd_bus_error *, sd_bus_message **);
	int (*read)(sd_bus_message *, const char *, ...);
	sd_bus_message *(*unref)(sd_bus_message *);
	void (*error_free)(sd_bus_error *);
	int (*get)(sd_bus *, const char *, const char *, const char *, const char *, sd_bus_error *,
		char, void *);
	int (*process)(sd_bus *, sd_bus_message **);
	int (*wait)(sd_bus *, uint64_t);
};

/* What is known of the job while it runs. */
struct job {
	const struct library *library;
	char unit[UNIT_NAME];
	char result[40]; /* "": not finished; "done" is success */
};

bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static int load(struct library *ret, struct error *err)
{
	const struct {
		const char *name;
		void **place;
	} functions[] = {
		{ "sd_bus_open_system", (void **)&ret->open_system },
		{ "sd_bus_open_user", (void **)&ret->open_user },
		{ "sd_bus_new", (void **)&ret->new },
		{ "sd_bus_set_address", (void **)&ret->set_address },
		{ "sd_bus_set_bus_client", (void **)&ret->set_client },
		{ "sd_bus_start", (void **)&ret->start },
		{ "sd_bus_flush_close_unref", (void **)&ret->close },
		{ "sd_bus_match_signal", (void **)&ret->match },
		{ "sd_bus_message_new_method_call", (void **)&ret->new_call },
		{ "sd_bus_message_append", (void **)&ret->append },
		{ "sd_bus_call", (void **)&ret->call },
		{ "sd_bus_message_read", (void **)&ret->read },
		{ "sd_bus_message_unref", (void **)&ret->unref },
		{ "sd_bus_error_free", (void **)&ret->error_free },
		{ "sd_bus_get_property_trivial", (void **)&ret->get },
		{ "sd_bus_process", (void **)&ret->process },
		{ "sd_bus_wait", (void **)&ret->wait },
	};

	ret->handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!ret->handle)
		return error_set(err, ERROR_UNSUPPORTED, "systemd: %s", dlerror());
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		*functions[i].place = dlsym(ret->handle, functions[i].name);
		if (!*functions[i].place) {
			(void)dlclose(ret->handle); /* nothing of it is in use */
			return error_set(err, ERROR_UNSUPPORTED, "systemd: libsystemd without %s",
				functions[i].name);
		}
	}
	return 0;
}

static int fail(struct error *err, int negative_errno, const char *what)
{
	errno = -negative_errno;
	error_errno(err, "systemd: %s", what);
	err->kind = ERROR_UNSUPPORTED;
	return -1;
}

/* isorun-NAME-PID.scope, with what a unit's name may not hold replaced. */
static void name_unit(const char *name, char ret[UNIT_NAME])
{
	(void)snprintf(ret, UNIT_NAME, "isorun-%.100s-%d.scope", name, (int)getpid()); /* fits */
	for (char *c = ret; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.-",
			    *c))
			*c = '_';
}

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct job *job = context;
	const char *object, *unit, *result;
	uint32_t id;

	(void)error; /* only for methods that answer */
	if (job->library->read(message, "uoss", &id, &object, &unit, &result) >= 0 &&
		strcmp(unit, job->unit) == 0)
		(void)snprintf(job->result, sizeof job->result, "%s", result); /* fits or is odd */
	return 0;
}

/* PIDs: 0 is who asks, as the kernel tells the bus, and so right in a pid namespace, too, where
 * getpid is another process's number outside.
 * Delegate: the cgroup is ours to divide. CollectMode: a failed scope is forgotten, too.
 * TasksMax: every instance has its own limit; systemd's default for the sum would be hit first. */
static int append_arguments(
	const struct library *library, sd_bus_message *message, const struct job *job)
{
	int result = library->append(message, "ss", job->unit, "fail");

	if (result >= 0)
		result = library->append(message, "a(sv)", 5, "Description", "s", "isorun",
			"Delegate", "b", 1, "CollectMode", "s", "inactive-or-failed", "TasksMax",
			"t", UINT64_MAX, "PIDs", "au", 1, SENDER);
	return result >= 0 ? library->append(message, "a(sa(sv))", 0) : result;
}

static int ask(const struct library *library, sd_bus *bus, const struct job *job, struct error *err)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	int result;

	result = library->new_call(bus, &message, SERVICE, OBJECT, MANAGER, "StartTransientUnit");
	if (result >= 0)
		result = append_arguments(library, message, job);
	if (result >= 0)
		result = library->call(bus, message, TIMEOUT * UINT64_C(1000), &error, NULL);
	library->unref(message);
	if (result < 0 && error.message)
		error_set(err, ERROR_UNSUPPORTED, "systemd: %s: %s", job->unit, error.message);
	else if (result < 0)
		fail(err, result, job->unit);
	library->error_free(&error);
	return result < 0 ? -1 : 0;
}

static int wait_for(
	const struct library *library, sd_bus *bus, const struct job *job, struct error *err)
{
	const uint64_t end = clock_now() + TIMEOUT;

	while (!*job->result) {
		uint64_t now = clock_now();
		int result = library->process(bus, NULL);

		if (result == 0 && now < end)
			result = library->wait(bus, (end - now) * 1000);
		if (result < 0 && result != -EINTR)
			return fail(err, result, job->unit);
		if (now >= end)
			return fail(err, -ETIMEDOUT, job->unit);
	}
	if (strcmp(job->result, "done") != 0)
		return error_set(err, ERROR_UNSUPPORTED, "systemd: %s: %s", job->unit, job->result);
	return 0;
}

static int start(const struct library *library, sd_bus *bus, const char *name, struct error *err)
{
	struct job job = { .library = library };
	int result;

	name_unit(name, job.unit);
	/* First the ear, then the question: the answer may come before the call returns. */
	result = library->match(
		bus, NULL, SERVICE, OBJECT, MANAGER, "JobRemoved", on_job_removed, &job);
	if (result < 0)
		return fail(err, result, "D-Bus");
	if (ask(library, bus, &job, err) < 0)
		return -1;
	return wait_for(library, bus, &job, err);
}

/* Without a login's variables (cron, su, a unit of root's) the user's manager may run nevertheless.
 * Where it is, systemd has made for this user, and nobody else can put anything there. */
static int open_where_it_is(const struct library *library, sd_bus **ret)
{
	sd_bus *bus = NULL;
	char address[64];
	int result = library->new (&bus);

	(void)snprintf(address, sizeof address, "unix:path=" MANAGERS "/bus", (unsigned)geteuid());
	if (result >= 0)
		result = library->set_address(bus, address);
	if (result >= 0)
		result = library->set_client(bus, 1);
	if (result >= 0)
		result = library->start(bus);
	if (result >= 0)
		*ret = bus;
	else
		library->close(bus);
	return result;
}

/* Why a user has no bus, in words that say what to do. */
static int no_bus(struct error *err)
{
	char private[64];

	(void)snprintf(private, sizeof private, MANAGERS "/systemd/private", (unsigned)geteuid());
	if (access(private, F_OK) == 0) {
		error_set(err, ERROR_UNSUPPORTED, "systemd runs for this user, but has no D-Bus");
		return error_hint(err, "sudo apt-get install dbus-user-session, and log in again");
	}
	error_set(err, ERROR_UNSUPPORTED, "systemd does not run for this user");
	return error_hint(err,
		"log in over ssh or at a console, or let it run always: "
		"sudo loginctl enable-linger %u",
		(unsigned)geteuid());
}

static int open_bus(const struct library *library, sd_bus **ret, struct error *err)
{
	int result;

	if (geteuid() == 0) {
		result = library->open_system(ret);
		return result < 0 ? fail(err, result, "D-Bus") : 0;
	}
	if (library->open_user(ret) >= 0 || open_where_it_is(library, ret) >= 0)
		return 0;
	return no_bus(err);
}

int systemd_start_scope(const char *name, struct error *err)
{
	struct library library;
	sd_bus *bus = NULL;
	int result;

	if (load(&library, err) < 0)
		return -1;
	result = open_bus(&library, &bus, err);
	if (result == 0) {
		result = start(&library, bus, name, err);
		library.close(bus);
	}
	(void)dlclose(library.handle); /* it is not needed again */
	return result < 0 ? -1 : 0;
}

/* Whether the unit whose cgroup is path has Delegate=yes, as the manager on bus knows it. */
static bool is_delegated(const struct library *library, sd_bus *bus, const char *path)
{
	const char *dot = strrchr(path, '.'), *object;
	const char *interface =
		dot && strcmp(dot, ".scope") == 0 ? SERVICE ".Scope" : SERVICE ".Service";
	sd_bus_message *message = NULL, *reply = NULL;
	int result, delegated = 0;

	result =
		library->new_call(bus, &message, SERVICE, OBJECT, MANAGER, "GetUnitByControlGroup");
	if (result >= 0)
		result = library->append(message, "s", path);
	if (result >= 0)
		result = library->call(bus, message, TIMEOUT * UINT64_C(1000), NULL, &reply);
	if (result >= 0)
		result = library->read(reply, "o", &object);
	if (result >= 0)
		result = library->get(
			bus, SERVICE, object, interface, "Delegate", NULL, 'b', &delegated);
	library->unref(message);
	library->unref(reply);
	return result >= 0 && delegated;
}

/* A user's manager leaves no mark on the cgroups of its units (systemd 252), so it is asked. */
static bool has_users_delegated(const char *path)
{
	struct library library;
	sd_bus *bus = NULL;
	struct error ignored; /* then it is not: a scope is asked for, which says why not */
	char manager[40];
	bool result = false;

	(void)snprintf(
		manager, sizeof manager, "/user@%u.service/", (unsigned)geteuid()); /* fits */
	if (!strstr(path, manager) || load(&library, &ignored) < 0)
		return false;
	if (open_bus(&library, &bus, &ignored) == 0) {
		result = is_delegated(&library, bus, path);
		library.close(bus);
	}
	(void)dlclose(library.handle); /* it is opened again where it is needed */
	return result;
}

bool systemd_has_delegated(int dir, const char *path)
{
	/* Since systemd 251 there is one that unprivileged processes can read. */
	static const char *const names[] = { "trusted.delegate", "user.delegate" };
	char value[4];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (fgetxattr(dir, names[i], value, sizeof value) == 1 && value[0] == '1')
			return true;
	return geteuid() != 0 && has_users_delegated(path);
}

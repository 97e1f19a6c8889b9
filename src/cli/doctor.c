/* isorun doctor: what this host offers to this caller, what it lacks, and the command that mends
 * it. Everything is tried in a child; the table below says what, in the order of a launch. Once
 * user namespaces are refused, what needs one is not asked again: it would say the same many times.
 *
 * Deliberately absent: mending. Settings of the host are its owner's. */
#include "base/cleanup.h"
#include "base/memory.h"
#include "checklist.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "doctor_place.h"
#include "kernel/feature.h"
#include "kernel/userns.h"
#include "network/forwards.h"

#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum need { ROOT = 1, USER = 2, ALL = ROOT | USER }; /* who cannot run without it */

enum subject { NOTHING, PLACE, NETWORK, ACCOUNT, STORE, RUNTIME, KIND };

struct attempt {
	const char *name, *purpose;
	unsigned needed; /* enum need */
	bool within;     /* in a user namespace */
	trial_act *act;
	enum subject subject;
	struct feature_namespace kind;
};

static const struct attempt attempts[] = {
	{ "kernel", "everything", 0, false, feature_version, NOTHING, { 0 } },
	{ "clone3", "starting processes", ALL, false, feature_clone, NOTHING, { 0 } },
	{ "user-namespaces", "ids that are nobody's on the host", ALL, false, feature_userns,
		NOTHING, { 0 } },
	{ "mount-namespace", "a root of its own", ALL, true, feature_one, KIND,
		{ CLONE_NEWNS, "mnt" } },
	{ "pid-namespace", "its own processes only", ALL, true, feature_one, KIND,
		{ CLONE_NEWPID, "pid" } },
	{ "network-namespace", "its own interface and ports", ALL, true, feature_one, KIND,
		{ CLONE_NEWNET, "net" } },
	{ "ipc-namespace", "its own shared memory", ALL, true, feature_one, KIND,
		{ CLONE_NEWIPC, "ipc" } },
	{ "uts-namespace", "its own host name", ALL, true, feature_one, KIND,
		{ CLONE_NEWUTS, "uts" } },
	{ "cgroup-namespace", "its own view of limits", ALL, true, feature_one, KIND,
		{ CLONE_NEWCGROUP, "cgroup" } },
	{ "proc", "/proc in it", ALL, true, feature_proc, NOTHING, { 0 } },
	{ "mount-api", "mounts on descriptors", ALL, true, feature_mounts, NOTHING, { 0 } },
	{ "overlay", "layers as one root", ALL, true, feature_overlay, PLACE, { 0 } },
	{ "idmapped-mounts", "files of the store as the app's own", ROOT, true, feature_idmap,
		PLACE, { 0 } },
	{ "seccomp", "the filter of system calls", ALL, false, feature_seccomp, NOTHING, { 0 } },
	{ "landlock", "abstract sockets closed to a build", 0, false, feature_landlock, NOTHING,
		{ 0 } },
	{ "cgroup", "limits of cpu, memory and processes", ROOT, false, feature_cgroup, NOTHING,
		{ 0 } },
	{ "veth", "an instance's interface", ALL, true, feature_veth, NOTHING, { 0 } },
	{ "nftables", "who may connect where", ALL, true, feature_nftables, NOTHING, { 0 } },
	{ "ipv6", "publishing ports on IPv6", 0, true, feature_ipv6, NOTHING, { 0 } },
	{ "forwarding", "connections passed on by the kernel", ROOT, true, forwards_try, NETWORK,
		{ 0 } },
	{ "low-ports", "publishing ports below 1024", 0, false, feature_ports, NOTHING, { 0 } },
	{ "apparmor", "rights in user namespaces", 0, false, feature_apparmor, NOTHING, { 0 } },
	{ "subordinate-ids", "images with several users", 0, false, feature_subids, ACCOUNT,
		{ 0 } },
	{ "groups", "no group of yours in an app", 0, false, feature_groups, NOTHING, { 0 } },
	{ "store", "builds, releases and ledgers", ALL, false, doctor_place_try_store, STORE,
		{ 0 } },
	{ "runtime-directory", "what lives as long as a run", ALL, false, doctor_place_try_runtime,
		RUNTIME, { 0 } },
};

/* What the attempts are made with. */
struct doctor {
	const struct cli *cli;
	struct doctor_place place;
	const char *account; /* the caller's name, or NULL */
	bool is_root;
};

static const void *context_of(const struct doctor *doctor, const struct attempt *attempt)
{
	switch (attempt->subject) {
	case PLACE:
		return &doctor->place.feature;
	case NETWORK:
		return doctor->cli->network;
	case ACCOUNT:
		return doctor->account;
	case STORE:
		return doctor->cli->root;
	case RUNTIME:
		return doctor->cli->runtime_dir;
	case KIND:
		return &attempt->kind;
	default:
		return NULL;
	}
}

/* Why an attempt makes no sense, or NULL. */
static const char *why_not(const struct doctor *doctor, const struct attempt *attempt, bool refused)
{
	if (attempt->within && refused)
		return "not without user namespaces";
	if (attempt->subject == PLACE && doctor->place.dir < 0)
		return "not without a store";
	return NULL;
}

static enum trial_result try_one(const struct doctor *doctor, const struct attempt *attempt,
	char found[TRIAL_TEXT], struct error *err)
{
	if (attempt->subject == NETWORK && !doctor->is_root) {
		(void)snprintf(found, TRIAL_TEXT, "not needed: isorun moves the bytes with splice");
		return TRIAL_DONE;
	}
	return trial_run(attempt->act, context_of(doctor, attempt), found, err);
}

static void try_all(const struct doctor *doctor, struct checklist *list)
{
	bool refused = false;

	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		const struct attempt *attempt = &attempts[i];
		const struct check check = {
			.name = attempt->name,
			.purpose = attempt->purpose,
			.needed = attempt->needed & (doctor->is_root ? ROOT : USER),
		};
		const char *why = why_not(doctor, attempt, refused);
		char found[TRIAL_TEXT] = "";
		struct error err = { 0 };
		enum trial_result result;

		if (why) {
			checklist_skip(list, &check, why);
			continue;
		}
		result = try_one(doctor, attempt, found, &err);
		refused |= attempt->act == feature_userns && result == TRIAL_FAILED;
		checklist_add(list, &check, result, found, &err);
	}
}

static int examine(const struct cli *cli, bool json, struct error *err)
{
	CLEANUP_FREE struct checklist *list = memory_new(1, sizeof *list);
	CLEANUP_BUF struct buf text = { 0 };
	const struct passwd *account = getpwuid(geteuid());
	struct doctor doctor = {
		.cli = cli,
		.account = account ? account->pw_name : NULL,
		.is_root = userns_owns_ids(),
	};

	doctor_place_make(cli->root, &doctor.place);
	try_all(&doctor, list);
	doctor_place_remove(&doctor.place);
	if (json)
		checklist_print_json(list, doctor.is_root, &text);
	else
		checklist_print(list, cli->color, &text);
	(void)fputs(text.data, stdout); /* main looks at stdout when it ends */
	return checklist_judge(list, err);
}

int cli_doctor(struct cli *cli, int argc, char **argv, struct error *err)
{
	CLEANUP_OPERANDS struct operands operands = { 0 };
	bool json = false;
	const struct option_row rows[] = {
		{ 0, "json", OPTION_FLAG, &json, NULL, "as JSON (docs/doctor.md)" },
		{ 0 },
	};
	const struct usage usage = {
		.synopsis = "doctor [--json]",
		.summary = "Try what this host offers to you, and say what mends the rest. Exit "
			   "status "
			   "8: no run is possible.",
		.example = "isorun doctor",
		.rows = rows,
	};
	int parsed = options_parse(&usage, argc, argv, &operands, err);

	if (parsed != 0)
		return parsed < 0 ? -1 : 0;
	if (operands.words.len > 0 || operands.has_command)
		return error_set(err, ERROR_USAGE, "doctor takes no operand");
	return examine(cli, json, err);
}

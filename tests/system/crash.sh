#!/bin/bash
# Crash only: whatever is killed, whenever, leaves nothing, and the next run works.
#
# isorun is killed after every few milliseconds of a start and of a stop, which meets every step of
# them; the steps of one launch are met one by one in test_crash.c.
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

# An emulated machine takes ten times as long for each kill, so there are fewer.
readonly STRIDE=${ISORUN_VM:+4}
readonly WEB='{ "web": { "command": ["/app/hello", "serve"], "port": true, "quantity": 2 } }'

# A name of its own for the cgroups of this test, which lie in the machine's tree.
export APP=${APP:-crash$RANDOM$RANDOM}

# Processes, interfaces, tables, and cgroups in use that belong to isorun, one a line.
remains() {
	local process exe directory
	for process in /proc/[0-9]*; do
		exe=$(readlink "$process/exe" 2>/dev/null) || continue
		case $exe in
		"$HARNESS_PROGRAM" | /app/hello) echo "process ${process#/proc/} $(tr '\0' ' ' <"$process/cmdline")" ;;
		esac
	done
	ip -o link | grep -v ': lo:' | sed 's/^/interface /'
	nft list tables | sed 's/^/table /'
	while read -r directory; do
		grep -q 'populated 1' "$directory/cgroup.events" 2>/dev/null && echo "cgroup $directory"
	done < <(find /sys/fs/cgroup -type d -name "isorun.$APP-*" 2>/dev/null)
	return 0
}

nothing_remains() {
	[ -z "$(remains)" ] || { remains; return 1; }
}

mounts() {
	sed -E 's/^[0-9]+ [0-9]+ //; s/shared:[0-9]+|master:[0-9]+//g' /proc/self/mountinfo
}

settings() {
	sysctl -a -r '^net\.(ipv4|ipv6|netfilter)\.' 2>/dev/null |
		grep -v -e hash -e nf_conntrack_count -e random -e stable_secret | sort
}

answers() {
	curl -s -m 5 http://127.0.0.1:5000/ | grep -q '^hello from web'
}

# The next run sweeps and works; a test of the kills before it ends with this.
next_run_works() {
	start next isorun run v1
	wait_for 60 answers # the first in a machine loads modules
	kill "$started"
	wait_exit "$started" 10
	assert_status 0
	wait_for 5 nothing_remains
	assert_equal "" "$(find /sys/fs/cgroup -type d -name "isorun.$APP-*" 2>/dev/null)" cgroups
}

# How long a start and a stop take here, together, in milliseconds.
milliseconds_of() {
	local from=${EPOCHREALTIME/[.,]/}
	"$@" >&2
	echo $(((${EPOCHREALTIME/[.,]/} - from) / 1000))
}

# kill_after MILLISECONDS SIGNALS…: of what was started last.
kill_after() {
	sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
	kill -KILL "$started" 2>/dev/null || true
	wait "$started" 2>/dev/null || true
	wait_for 5 nothing_remains
}

test_killed_while_it_starts() {
	in_host pid
	need nft curl
	make_app "$WEB"
	local before settings after=0 whole steps=$((20 / ${STRIDE:-1}))
	[ -z "${ISORUN_TEST_LONG-}" ] || steps=150
	before=$(mounts)
	whole=$(milliseconds_of next_run_works)
	settings=$(settings) # now: the modules that a machine's first run loads bring some
	for after in $(seq 0 $((whole / steps + 1)) "$whole"); do
		start run isorun run v1
		kill_after "$after"
	done
	assert_equal "$before" "$(mounts)" mounts
	assert_equal "$settings" "$(settings)" sysctls
	next_run_works
}

test_killed_while_it_stops() {
	in_host pid
	need nft curl
	make_app "$WEB"
	local after
	for after in $(seq 0 $((2 * ${STRIDE:-1})) 24); do
		start run isorun run v1
		wait_for 20 answers
		kill "$started"
		kill_after "$after"
	done
	next_run_works
}

test_a_one_off_killed_at_any_time() {
	in_host pid
	need nft
	make_app "$WEB"
	local after
	for after in $(seq 0 $((2 * ${STRIDE:-1})) 40); do
		start run isorun run v1 -- /app/hello sleep 100
		kill_after "$after"
	done
	next_run_works
}

first_init() {
	for process in $(pgrep -P "$1"); do
		grep -q 'isorun:\[init\]' "/proc/$process/cmdline" && echo "$process" && return
	done
	return 1
}

test_pid_1_of_an_instance_killed() {
	in_host pid
	need nft curl
	make_app "$WEB"
	start run isorun run v1
	wait_for 20 answers
	kill -KILL "$(first_init "$started")"
	wait_for 5 has_event "$T/run.out" 'exited on SIGKILL'
	wait_for 5 answers
	wait_for 10 has_event "$T/run.out" 'restarting in 1 s'
	kill "$started"
	wait_exit "$started" 10
	assert_status 0
	wait_for 5 nothing_remains
}

test_an_instance_killed() {
	in_host pid
	need nft curl
	make_app "$WEB"
	start run isorun run v1
	wait_for 20 answers
	kill -KILL "$(pgrep -P "$(first_init "$started")")"
	wait_for 5 has_event "$T/run.out" 'exited on SIGKILL'
	wait_for 5 answers
	kill "$started"
	wait_exit "$started" 10
	assert_status 0
	wait_for 5 nothing_remains
}

test_whatever_isorun_started_killed_one_after_the_other() {
	in_host pid
	need nft curl
	make_app "$WEB"
	local child
	start run isorun run v1
	wait_for 20 answers
	for child in $(pgrep -P "$started"); do
		kill -KILL "$child" 2>/dev/null || true
	done
	sleep 0.5
	kill "$started" 2>/dev/null || true
	wait_exit "$started" 10
	wait_for 5 nothing_remains
	next_run_works
}

test_two_first_runs_at_once_unpack_and_record_once() {
	in_host pid
	need nft
	make_app "$WEB"
	rm -rf "$ISORUN_ROOT"
	start one isorun run "$T/build.tar" -- /app/hello true
	local one=$started
	start two isorun run "$T/build.tar" -- /app/hello true
	wait_exit "$one" 20
	assert_status 0
	wait_exit "$started" 20
	assert_status 0
	capture isorun verify -a "$APP"
	assert_status 0
	assert_equal 1 "$(isorun releases | grep -c '^v')" releases
}

run_tests

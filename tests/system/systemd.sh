#!/bin/bash
# A formation where systemd runs: in a delegated scope of its own, or in the unit's cgroup when the
# unit says Delegate=yes; limits hold, and running out of memory is told apart from other deaths.
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly WEB='"web": { "command": ["/app/hello", "serve"], "port": true,
	"ready": { "http": "/healthz", "timeout": "60s" },
	"limits": { "memory": "64M", "cpu": 0.5, "pids": 32 } }'

need_systemd() {
	need_root
	[ -d /run/systemd/system ] || skip "systemd is not pid 1 here"
	grep -q memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null ||
		skip "no memory controller in /sys/fs/cgroup"
}

# The cgroup, below /sys/fs/cgroup, of the instance's main process, whose command line is given.
cgroup_of() {
	local pid
	pid=$(pgrep -n -x -f "$1")
	sed -n 's/^0:://p' "/proc/$pid/cgroup"
}

value() {
	cat "/sys/fs/cgroup$1/$2"
}

gone() {
	[ ! -e "$1" ]
}

test_a_run_has_a_scope_of_its_own_with_the_limits_written() {
	need_systemd
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')

	assert_match "$cgroup" '^/[^ ]*\.scope/'
	scope=${cgroup%%.scope/*}.scope
	assert_equal yes "$(systemctl show -P Delegate "${scope##*/}")"
	assert_equal 67108864 "$(value "$cgroup" memory.max)"
	assert_equal "50000 100000" "$(value "$cgroup" cpu.max)"
	assert_equal 32 "$(value "$cgroup" pids.max)"
	assert_equal 1 "$(value "$cgroup" memory.oom.group)"
	assert_not_contains "$(cat "$T/run.out")" "not limited"

	kill "$started"
	wait_exit "$started" 20
	assert_status 0
	wait_for 10 gone "/sys/fs/cgroup$scope"
}

test_a_delegated_unit_keeps_its_own_cgroup() {
	need_systemd
	make_app "{ $WEB }"
	unit=isorun-test-$$.service
	systemd-run --quiet --unit="$unit" -p Delegate=yes -p StandardOutput="file:$T/run.out" \
		-E ISORUN_ROOT="$ISORUN_ROOT" -E ISORUN_RUNTIME_DIR="$ISORUN_RUNTIME_DIR" \
		"$ISORUN" run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')

	assert_match "$cgroup" "^/system.slice/$unit/"
	assert_equal 67108864 "$(value "$cgroup" memory.max)"
	assert_equal "" "$(systemctl list-units --plain --no-legend '*isorun*.scope')"

	systemctl stop "$unit"
	assert_contains "$(events "$T/run.out")" "web.1: stopped with status 0"
	assert_equal inactive "$(systemctl is-active "$unit" || :)"
	wait_for 10 gone "/sys/fs/cgroup/system.slice/$unit"
}

test_an_instance_that_outgrows_its_memory_is_told_apart() {
	need_systemd
	make_app '{ "hog": { "command": "/app/hello memory 300", "limits": { "memory": "32M" } } }'
	start run isorun run v1 hog=1
	wait_for 60 has_event "$T/run.out" 'hog.1: exited on SIGKILL'
	kill "$started"

	assert_contains "$(events "$T/run.out")" \
		"hog.1: oom: killed for want of memory, its limit is 32 MiB"
}

test_a_killed_instance_is_no_oom() {
	need_systemd
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	kill -KILL "$(pgrep -n -x -f '/app/hello serve')"
	wait_for 30 has_event "$T/run.out" 'web.1: exited on SIGKILL'
	kill "$started"

	assert_not_contains "$(cat "$T/run.out")" oom
}

test_a_one_off_that_outgrows_its_memory_says_so() {
	need_systemd
	make_app '{ "web": { "command": "/app/hello true", "limits": { "memory": "32M" } } }'
	capture isorun run v1 -- /app/hello memory 300

	assert_status 137
	assert_contains "$stderr" "isorun: warning: killed for want of memory (oom)"
}

test_more_processes_than_allowed_are_refused() {
	need_systemd
	make_app '{ "web": { "command": "/app/hello true", "limits": { "pids": 10 } } }'
	capture isorun run v1 -- /app/hello forks 100

	assert_status 0
	assert_match "$stdout" '^[0-9] children: Resource temporarily unavailable$'
}

test_a_killed_isorun_leaves_no_scope_and_no_process() {
	need_systemd
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')
	kill -KILL "$started"

	wait_for 10 gone "/sys/fs/cgroup${cgroup%%.scope/*}.scope"
	assert_equal "" "$(pgrep -x -f '/app/hello serve' || :)"
}

run_tests

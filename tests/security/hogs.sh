#!/bin/bash
# A process that takes all it can get: the limits hold, and another instance goes on answering.
# Small here; ISORUN_TEST_LONG=1 for the full counts. Limits in the cgroup: tests/system/test_cgroup.c.
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/intruder.sh"
in_host

# many FEW MANY
many() {
	[ -n "${ISORUN_TEST_LONG-}" ] && echo "$2" || echo "$1"
}

oneoff() {
	timeout 120 "$ISORUN" run v1 -- /app/intruder "$@"
}

test_a_hog_of_processes_ends_at_the_limit_and_leaves_none() {
	make_intruder
	capture oneoff fork 1500
	# 1024 with pid 1 and the hog itself, by the cgroup or, where it has no controller, by rlimit.
	assert_equal "[fork]
1022 children, then EAGAIN" "$stdout"
	none_is_left() { ! pgrep -f '^/app/intruder fork'; }
	wait_for 10 none_is_left
}

test_a_hog_of_descriptors_ends_at_the_limit() {
	make_intruder
	ulimit -n 4096
	capture oneoff descriptors
	assert_equal "[descriptors]
EMFILE" "$stdout"
}

test_orphans_are_reaped() {
	make_intruder
	capture oneoff zombies "$(many 2000 100000)"
	assert_equal "[zombies]
2 processes left" "$stdout"
}

test_a_flood_of_log_lines_leaves_memory_flat() {
	WEB="/app/intruder flood $(many 64 4096)" make_intruder
	start run isorun run v1
	wait_for 100 grep -aq 'exited with status 0' "$T/run.out"
	local peak
	peak=$(awk '/VmHWM/ { print $2 }' "/proc/$started/status")
	[ "$peak" -lt 65536 ] || fail "isorun took $peak kB"
	kill "$started"
	wait_exit "$started" 10
}

test_others_answer_while_one_takes_all_it_can() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/hello" "$T/app/bin/hello"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-'END'
		{ "name": "two",
		  "dependencies": { "files": { "/app/hello": "bin/hello", "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "/app/hello serve", "port": true },
		                 "hog": { "command": "/app/intruder fork 300 -- flood 32 -- wait" } } }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	isorun release "$T/build.tar" >/dev/null
	need curl
	start run isorun run v1 web=1 hog=1
	wait_for 30 curl -sf -m 2 http://127.0.0.1:5000/healthz
	wait_for 30 grep -aq '\[wait\]' "$T/run.out"
	curl -sf -m 2 http://127.0.0.1:5000/healthz >/dev/null || fail "web does not answer"
	kill "$started"
	wait_exit "$started" 20
}

run_tests

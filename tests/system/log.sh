#!/bin/bash
# The log stream of a formation: whole, in order, in every format, whoever reads it.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

# An emulated machine takes ten times as long for each line.
MANY=100000
[ -z "${ISORUN_VM-}" ] || MANY=20000
readonly WEB='"web": { "command": ["/app/hello", "serve"], "port": true, "quantity": 2,
	"ready": { "http": "/healthz", "timeout": "20s" } }'

test_many_lines_arrive_in_order() {
	in_host
	make_app "{ \"web\": { \"command\": \"/app/hello lines $MANY abc\" } }"
	start run isorun run v1 web=2
	wait_for 30 has_event "$T/run.out" 'web.1: exited with status 0'
	wait_for 30 has_event "$T/run.out" 'web.2: exited with status 0'
	kill "$started"
	wait_exit "$started" 10

	for name in web.1 web.2; do
		lines "$T/run.out" | grep "^$name" | head -n "$MANY" >"$T/$name"
		seq -f "$name: %.0f abc" "$MANY" | cmp - "$T/$name"
	done
	# Last words stand before the news of the death.
	assert_match "$(grep 'web.1\]' "$T/run.out" | grep -B 1 exited | head -n 1)" "$MANY abc\$"
}

# Whether the pipe that isorun writes to, descriptor 5, is about full: pages need not be.
is_full() {
	python3 -c 'import fcntl, struct, sys, termios
queued = struct.unpack("i", fcntl.ioctl(5, termios.FIONREAD, bytes(4)))[0]
sys.exit(queued < 30000)'
}

test_a_slow_reader_loses_nothing_and_signals_still_work() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello lines 30000 abcdefghijklmnopqrstuvwxyz" } }'
	mkfifo "$T/fifo"
	"$ISORUN" run v1 --log-format raw >"$T/fifo" &
	local pid=$!
	echo "$pid" >>"$T/.pids"
	exec 5<"$T/fifo"
	wait_for 30 is_full
	kill "$pid"
	(sleep 0.5; cat) <&5 >"$T/lines"
	exec 5<&-
	wait_exit "$pid" 10

	assert_status 0
	# The signal may have met it in the middle of a line.
	grep -x '[0-9]* abcdefghijklmnopqrstuvwxyz' "$T/lines" | head -n 30000 >"$T/got"
	seq -f '%.0f abcdefghijklmnopqrstuvwxyz' "$(wc -l <"$T/got")" | cmp - "$T/got"
}

test_a_reader_that_is_stuck_does_not_keep_isorun_from_ending() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello lines 1000000" } }'
	mkfifo "$T/fifo"
	exec 5<>"$T/fifo"
	"$ISORUN" run v1 >"$T/fifo" 2>"$T/err" &
	local pid=$!
	echo "$pid" >>"$T/.pids"
	wait_for 30 is_full
	kill "$pid"
	sleep 0.3
	assert_file "/proc/$pid/exe" # it waits for the reader
	kill "$pid"
	sleep 0.3
	kill "$pid" 2>/dev/null || true
	wait_exit "$pid" 5

	assert_status 0
}

test_a_closed_log_ends_the_formation() {
	in_host
	make_app "{ $WEB }"
	start run bash -c "'$ISORUN' run v1 | head -n 1; echo \${PIPESTATUS[0]}"
	wait_for 20 grep -q '^1$' "$T/run.out"

	assert_equal "isorun: log stream: Broken pipe" "$(cat "$T/run.err")"
}

test_formats_are_chosen_by_flag() {
	in_host
	make_app '{ "web": { "command": "/app/hello lines 1 hi" } }'
	for format in text json raw; do
		start "$format" isorun run v1 --log-format "$format"
		wait_for 20 grep -q restarting "$T/$format.out"
		kill "$started"
		wait_exit "$started" 10
	done
	capture isorun run v1 --log-format yaml

	assert_error 2 'log format "yaml" is not known' 'text, heroku, json, raw or auto'
	assert_match "$(cat "$T/text.out")" $'\n[0-9:]{8} web.1    \\| 1 hi\n'
	assert_match "$(cat "$T/json.out")" \
		$'\n\\{"message":"1 hi","process":"web.1","source":"app","time":"[^"]*"\\}\n'
	assert_match "$(cat "$T/raw.out")" $'\n1 hi\n'
}

run_tests

#!/bin/bash
# One-offs: the same surroundings as an instance's, raw streams, exit statuses, signals, terminals.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"
. "$(dirname "$0")/../support/intruder.sh"

readonly TERMINAL=$HARNESS_TOP/tests/support/terminal.py

oneoff() {
	isorun run v1 "$@"
}

# What the app prints as an instance, in $T/instance.
run_instance() {
	start run isorun run v1 --log-format raw
	wait_for 20 grep -q restarting "$T/run.out"
	kill "$started"
	wait_exit "$started" 10
	grep -v '^isorun\[' "$T/run.out" >"$T/instance"
}

# Leaves out what differs between any two starts: namespace numbers, descriptors, the own name.
normalize() {
	sed -E 's/:\[[0-9]+\]/:[…]/; s|/proc/self/fd/[0-9]+|FD|g; s/(web|run)\.1/TYPE.1/'
}

test_it_has_root_mounts_user_rights_filter_limits_and_namespaces_of_an_instance() {
	in_host
	make_app '{ "web": { "command": "/app/hello id", "limits": { "memory": "64M" } } }'
	run_instance
	"$ISORUN" run v1 -- /app/hello id </dev/null 2>"$T/err" | cat >"$T/oneoff"

	assert_equal "$(normalize <"$T/instance" | sed 's/^fd 2 .*//')" \
		"$(normalize <"$T/oneoff" | sed 's/^fd 2 .*//')"
	assert_contains "$(cat "$T/oneoff")" "Seccomp: 2"
	assert_contains "$(cat "$T/oneoff")" "CapBnd: 0000000000000000"
}

test_it_has_the_environment_of_an_instance() {
	in_host
	make_app '{ "web": { "command": "/app/hello env" } }'
	run_instance

	assert_equal "$(normalize <"$T/instance")" "$(oneoff -- /app/hello env | normalize)"
	assert_contains "$(oneoff -e A=1 -- /app/hello env)" "A=1"
}

test_its_exit_status_is_the_commands() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	for want in 0 1 3 255; do
		capture oneoff -- /app/hello exit "$want"
		assert_status "$want"
	done
	capture oneoff -- /app/hello crash
	assert_status 139
}

test_what_cannot_be_run_says_so() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	capture oneoff -- /app/nosuch
	assert_error 127 "/app/nosuch: command not found"
	capture oneoff -- /app
	assert_error 126 "/app: is a directory"
	capture isorun run v9 -- /app/hello true
	assert_status 125
	capture oneoff --
	assert_error 2 "there is no command behind --"
}

test_its_streams_are_the_callers_or_as_good() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	head -c 3000000 /dev/urandom >"$T/random"
	oneoff -- /app/hello cat <"$T/random" 2>/dev/null | cmp - "$T/random"
	oneoff -- /app/hello cat <"$T/random" >"$T/copy" 2>/dev/null
	cmp "$T/copy" "$T/random"
	capture oneoff -- /app/hello nosuch
	assert_equal "" "$stdout"
	assert_contains "$stderr" "usage: hello COMMAND"
}

test_output_and_error_that_are_one_file_keep_their_order() {
	in_host
	make_intruder
	oneoff -- /app/intruder turns 2000 >"$T/both" 2>&1 </dev/null
	grep ^turn "$T/both" >"$T/got"
	seq -f 'turn %.0f' 0 1999 | cmp - "$T/got"
}

test_signals_reach_the_command() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	for name in TERM INT HUP USR1; do
		start "$name" "$ISORUN" run v1 -- /app/hello signal
		wait_for 10 grep -q waiting "$T/$name.out"
		kill "-$name" "$started"
		wait_exit "$started" 10
		assert_status 0
		assert_contains "$(cat "$T/$name.out")" "SIG$name"
	done
	start sleep "$ISORUN" run v1 -- /app/hello sleep 100
	sleep 0.3
	kill "$started"
	wait_exit "$started" 10
	assert_status 143
}

test_it_is_in_the_ledger() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	capture oneoff -- /app/hello exit 7
	assert_match "$(tail -n 1 "$ISORUN_ROOT/apps/hello/dev/ledger")" \
		'"description":"/app/hello exit 7".*"kind":"admin".*"status":7'
	capture isorun verify
	assert_status 0
}

on_terminal() {
	local size=$1
	shift
	capture python3 "$TERMINAL" "$size" /dev/stdin "$@"
	stdout=${stdout//$'\r'/}
}

test_a_terminal_has_the_callers_size_and_its_changes() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 33x77 "$ISORUN" run v1 -it -- /app/hello tty </dev/null
	assert_contains "$stdout" "stdin 1 stdout 1 stderr 1
33 rows 77 columns"
	assert_contains "$stdout" "rc 0
mode same"
	on_terminal 33x77 "$ISORUN" run v1 -t -- /app/hello signal <<-END
		expect waiting
		resize 20x40
		expect SIGWINCH
	END
	assert_contains "$stdout" "rc 0"
}

test_a_terminal_that_was_not_asked_for_is_behind_pipes() {
	in_host
	need python3
	make_intruder
	on_terminal 24x80 "$ISORUN" run v1 -- /app/intruder streams </dev/null
	assert_contains "$stdout" "0 pipe - -
1 pipe - -
2 pipe - -"
	assert_contains "$stdout" "rc 0
mode same"
}

test_a_terminal_behind_pipes_is_typed_on_and_written_to() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 "$ISORUN" run v1 -- /app/hello cat <<-'END'
		send typed\x0a
		expect typed
		expect typed
		send \x04
	END
	assert_contains "$stdout" "rc 0
mode same"
	on_terminal 24x80 "$ISORUN" run v1 -- /app/hello signal <<-'END'
		expect waiting
		send \x03
		expect SIGINT
	END
	assert_contains "$stdout" "rc 0
mode same"
	on_terminal 24x80 "$ISORUN" run v1 -- /app/hello write /dev/stdout 10 </dev/null
	assert_contains "$stdout" "rc 0"
}

test_a_job_in_the_background_takes_the_terminal_for_ended() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 bash -c 'set -m; "$0" run v1 -- /app/hello cat & wait $!; echo "ended $?"' \
		"$ISORUN" <<-'END'
		expect ended 0
	END
	assert_contains "$stdout" "rc 0"
}

test_control_c_on_a_terminal_goes_to_the_command() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 "$ISORUN" run v1 -it -- /app/hello signal <<-'END'
		expect waiting
		send \x03
		expect SIGINT
	END
	assert_contains "$stdout" "rc 0
mode same"
	on_terminal 24x80 "$ISORUN" run v1 -it -- /app/hello cat <<-'END'
		send x\x0a
		expect x
		expect x
		send \x03
	END
	assert_contains "$stdout" "rc 130
mode same"
}

test_a_terminal_passes_every_byte_and_ends_with_control_d() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 "$ISORUN" run v1 -it -- /app/hello cat <<-'END'
		send \xe9\x80\xff!\x0a
		expect \xe9\x80\xff!
		expect \xe9\x80\xff!
		send \x04
	END
	assert_contains "$stdout" "rc 0
mode same"
}

test_a_terminal_is_given_back_when_isorun_is_told_to_stop() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 "$ISORUN" run v1 -it -- /app/hello signal <<-'END'
		expect waiting
		signal SIGTERM
		expect SIGTERM
	END
	assert_contains "$stdout" "rc 0
mode same"
}

test_much_output_through_a_terminal_is_whole() {
	in_host
	need python3
	make_app '{ "web": { "command": "/app/hello id" } }'
	on_terminal 24x80 "$ISORUN" run v1 -t -- /app/hello lines 20000 </dev/null
	grep ' line$' <<<"$stdout" >"$T/got"
	seq -f '%.0f line' 20000 | cmp - "$T/got"
}

test_a_caller_that_ignores_sigchld_still_gets_the_status() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	(
		trap '' CHLD
		capture oneoff -- /app/hello exit 3
		assert_status 3
	)
}

test_a_pipe_into_a_terminal_ends_it() {
	in_host
	make_app '{ "web": { "command": "/app/hello id" } }'
	echo hi >"$T/in"
	capture oneoff -t -- /app/hello cat <"$T/in"
	assert_status 0
	assert_contains "$stdout" hi
}

test_the_release_process_runs_once_to_its_end() {
	in_host
	make_app '{ "web": { "command": "/app/hello true" }, "release": { "command": "/app/hello exit $CODE" } }'
	isorun release build.tar -e CODE=0 >/dev/null
	capture isorun run v2 release
	assert_status 0
	isorun release build.tar -e CODE=7 >/dev/null
	capture isorun run v3 release
	assert_status 7
	assert_equal "" "$stdout"
	assert_match "$(tail -n 1 "$ISORUN_ROOT/apps/hello/dev/ledger")" \
		'"description":"/app/hello exit .CODE".*"kind":"admin".*"status":7'
}

run_tests

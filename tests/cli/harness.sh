#!/bin/bash
# The harness itself: what its assertions, isolation and cleaning up promise to every other test.
. "$(dirname "$0")/../support/harness.sh"

test_an_assertion_that_does_not_hold_ends_the_test() {
	(T=$T/inner; mkdir "$T"; assert_equal a b; echo reached >"$T/reached") && fail "passed"

	assert_no_file "$T/inner/reached"
	assert_equal "# value:
#   want: a
#   got:  b" "$(cat "$T/inner/.diagnostics")"
}

test_a_command_is_captured_with_its_status() {
	capture sh -c 'echo out; echo err >&2; exit 3'

	assert_status 3
	assert_equal out "$stdout"
	assert_equal err "$stderr"
}

test_a_started_process_is_waited_for() {
	start sleeper sh -c 'echo here; exit 5'
	wait_exit "$started" 5

	assert_status 5
	assert_equal here "$(cat "$T/sleeper.out")"
}

test_a_host_of_its_own_has_only_lo() {
	in_host
	assert_equal lo "$(ls /proc/self/net/dev_snmp6)"
	assert_equal ok "$(ip -br addr show dev lo | grep -q 127.0.0.1 && echo ok)"
}

test_what_was_started_does_not_outlive_its_test() {
	cat >"$T/inner.sh" <<-END
		. "$HARNESS_TOP/tests/support/harness.sh"
		test_it() {
			start stubborn sh -c 'trap "" TERM; echo up; while :; do sleep 0.1; done'
			wait_for 5 grep -q up "\$T/stubborn.out"
			echo \$started >$T/pid
		}
		run_tests
	END
	capture bash "$T/inner.sh"

	assert_equal "1..1
ok 1 - it" "$stdout"
	wait_for 5 harness_ended "$(cat "$T/pid")"
}

skipping() {
	printf '. %s/tests/support/harness.sh; it "a b" f; f() { skip "no such thing"; }; run_tests\n' \
		"$HARNESS_TOP" >"$T/inner.sh"
	capture bash "$T/inner.sh"
	assert_equal "1..1
ok 1 - a b # SKIP no such thing" "$stdout"
}
it "a skipped test says why" skipping

run_tests

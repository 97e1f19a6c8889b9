#!/bin/bash
# The demo app on its own: the well-behaved web process that other tests take for granted.
. "$(dirname "$0")/../support/harness.sh"
in_host

hello=$BUILD/hello

serve() {
	start serve env PORT=5000 ISORUN_PROCESS=web.7 ISORUN_RELEASE=v1-abc "$@" "$hello" serve
	wait_for 5 grep -q listening "$T/serve.out"
}

test_it_says_who_it_is_and_who_asks() {
	serve

	assert_equal "hello from web.7
release v1-abc
host $(hostname)
client 127.0.0.1:PORT" "$(curl -s http://127.0.0.1:5000/ | sed 's/:[0-9]*$/:PORT/')"
	assert_contains "$(curl -s 'http://[::1]:5000/')" "client [::1]:"
	assert_equal ok "$(curl -s http://localhost:5000/healthz)"
}

test_connections_are_kept() {
	serve
	capture curl -s -v http://127.0.0.1:5000/healthz http://127.0.0.1:5000/bytes/100000

	assert_contains "$stderr" "Re-using existing connection"
	assert_equal 100003 "$(wc -c <"$T/stdout")"
}

test_at_sigterm_it_refuses_and_finishes() {
	serve
	start asker curl -si http://127.0.0.1:5000/slow/700
	sleep 0.3
	kill "$(sed -n 1p "$T/.pids")"
	wait_for 5 grep -q finishing "$T/serve.out"

	capture curl -s http://127.0.0.1:5000/
	assert_status 7
	wait_exit "$(sed -n 2p "$T/.pids")" 5
	assert_status 0
	assert_contains "$(cat "$T/asker.out")" "Connection: close"
	assert_equal ok "$(tail -n 1 "$T/asker.out")"
	wait_exit "$(sed -n 1p "$T/.pids")" 5
	assert_status 0
	assert_equal finished "$(tail -n 1 "$T/serve.out")"
}

test_two_hundred_connections_at_once_are_served() {
	serve HELLO_QUIET=1
	capture curl -s -Z --parallel-immediate --parallel-max 200 \
		'http://127.0.0.1:5000/slow/300?[1-200]'

	assert_status 0
	assert_equal 200 "$(grep -c ok "$T/stdout")"
}

test_one_offs_end_as_they_are_told() {
	capture "$hello" true
	assert_status 0
	capture "$hello" exit 7
	assert_status 7
	capture "$hello" crash
	assert_status 139
	capture "$hello" lines 2 x
	assert_equal "1 x
2 x" "$stdout"
	capture env -i A=1 "$hello" env
	assert_equal A=1 "$stdout"
	capture "$hello" nonsense
	assert_status 2
}

run_tests

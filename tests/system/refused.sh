#!/bin/bash
# What an app is refused is said: in the log stream, or behind a one-off.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

# make_app_of PROCESSES [CONFIG]: an app of the intruder, released: v1.
make_app_of() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "intruder",
		  "dependencies": { "files": { "/app/intruder": "bin/intruder" } },
		  "processes": $1 }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	echo "${2:-{\}}" >"$T/config.json"
	isorun release "$T/build.tar" -c "$T/config.json" >/dev/null
}

refusals() {
	events "$1" | grep refused
}

test_the_stream_says_what_an_instance_was_refused() {
	in_host
	make_app_of '{ "web": { "command": "/app/intruder reach 93.184.216.34 443 2001:db8::9 8080 198.18.0.1 7000 -- wait" } }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" '198.18.0.1:7000'
	kill "$started"
	wait_exit "$started" 10

	assert_equal "web.1: refused datagram to 93.184.216.34:443: not an attached service
web.1: refused connection to 93.184.216.34:443: not an attached service
web.1: refused datagram to [2001:db8::9]:8080: not an attached service
web.1: refused connection to [2001:db8::9]:8080: not an attached service
web.1: refused datagram to 198.18.0.1:7000: not an attached service
web.1: refused connection to 198.18.0.1:7000: not an attached service" "$(refusals "$T/run.out")"
}

test_a_destination_is_told_once_and_counted() {
	in_host
	make_app_of '{ "web": { "command": "/app/intruder knock 42 93.184.216.34 443" } }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" 'restarting'
	kill "$started"
	wait_exit "$started" 10

	assert_equal "web.1: refused connection to 93.184.216.34:443: not an attached service
web.1: refused connection to 93.184.216.34:443: not an attached service (41 more times)
web.1: exited with status 0" "$(events "$T/run.out" | grep -e refused -e exited | head -n 3)"
}

test_the_reason_is_the_releases_own() {
	in_host
	make_app_of '{ "web": { "command": "/app/intruder knock 1 93.184.216.34 443" } }' '{ "egress": "none" }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" 'restarting'
	kill "$started"
	wait_exit "$started" 10
	assert_equal "web.1: refused connection to 93.184.216.34:443: egress is none" \
		"$(refusals "$T/run.out" | head -n 1)"

	isorun run v1 -- /app/intruder knock 1 93.184.216.34 443 >/dev/null 2>"$T/warnings"
	assert_equal "isorun: warning: refused connection to 93.184.216.34:443: egress is none" \
		"$(cat "$T/warnings")"
}

test_a_one_off_is_told_of_afterwards() {
	in_host
	make_app_of '{ "web": { "command": "/app/intruder wait" } }'
	isorun run v1 -- /app/intruder knock 3 93.184.216.34 443 -- reach 2001:db8::9 8080 \
		>/dev/null 2>"$T/warnings"
	assert_equal "isorun: warning: refused connection to 93.184.216.34:443: not an attached service (3 times)
isorun: warning: refused datagram to [2001:db8::9]:8080: not an attached service
isorun: warning: refused connection to [2001:db8::9]:8080: not an attached service" "$(cat "$T/warnings")"

	isorun run v1 -- /app/intruder knock 20 93.184.216.34 0 >/dev/null 2>"$T/warnings"
	assert_equal "isorun: warning: refused connection to 93.184.216.34:1: not an attached service
isorun: warning: refused connection to 93.184.216.34:2: not an attached service
isorun: warning: refused connection to 93.184.216.34:3: not an attached service
isorun: warning: refused connection to 93.184.216.34:4: not an attached service
isorun: warning: refused connection to 93.184.216.34:5: not an attached service
isorun: warning: refused what went to further destinations: not an attached service (15 times)" \
		"$(cat "$T/warnings")"

	isorun run v1 -- /app/intruder fds >/dev/null 2>"$T/warnings"
	assert_equal "" "$(cat "$T/warnings")"
}

test_a_flood_is_a_few_lines_and_hides_nobody_elses() {
	in_host
	make_app_of '{ "web": { "command": "/app/intruder knock 100000 93.184.216.34 0 -- wait" },
		"worker": { "command": "/app/intruder knock 1 192.0.2.7 25 -- wait" } }'
	start run isorun run v1 web=1 worker=3
	wait_for 60 grep -q 'refused 100000 of 100000' "$T/run.out"
	kill "$started"
	wait_exit "$started" 10

	assert_equal 3 "$(refusals "$T/run.out" | grep -c 'worker.*192.0.2.7:25')"
	[ "$(refusals "$T/run.out" | grep -c '^web')" -le 66 ] || fail "too many lines"
	assert_contains "$(refusals "$T/run.out")" \
		"web.1: refused what went to further destinations: not an attached service"
}

run_tests

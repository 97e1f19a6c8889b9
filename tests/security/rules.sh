#!/bin/bash
# A process cannot change where it may connect to: it tries with every kind of socket, message,
# request, setting, namespace and device (tests/support/intruder/rules.c), and everything is as in a
# run in which nobody tried.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"
in_host

# make_app_of COMMAND EGRESS: released as v1.
make_app_of() {
	rm -rf "$ISORUN_ROOT" "$T/app"
	mkdir -p "$T/app/bin"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "intruder", "services": { "cache": {} },
		  "dependencies": { "files": { "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "$1" } } }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	local services='"services": { "cache": "redis://10.9.9.9" },'
	[ "$2" != none ] || services= # they could not be reached, which is an error
	echo "{ $services \"egress\": \"$2\" }" >"$T/config.json"
	isorun release "$T/build.tar" -c "$T/config.json" >/dev/null
}

# Everything that says where packets go in the namespace of that path. What the kernel counts and
# times is left out.
look_into() {
	nsenter --net="$1" sh -c 'nft list ruleset; ip -d link; ip addr; ip rule; ip -6 rule
		ip route show table all; ip -6 route show table all; ip neigh | sort; ip -6 neigh | sort' 2>/dev/null |
		awk '/inet6 fe80:/ { getline; next } /fe80:/ { next } /elements = {/ { on = 1 } !on; /}/ { on = 0 }' | sed -e 's/[0-9]*@if/@if/; s/if[0-9]*: /if: /; s/^[0-9]*: //' \
			-e 's/link-netns[^ ]* [^ ]*//' -e 's/iso-[0-9a-f]*/iso-N/g; s/198\.19\.[0-9.]*/198.19.N/g' \
			-e 's/fd69:736f:7275:6e01:[0-9a-f:]*/N6/g' -e 's/\(expires\|used\|age\) [^ ]*//g'
}

# The main process of the run's one instance: the child of its pid 1.
instance_of() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		if grep -q '^isorun:.init' "/proc/$child/cmdline"; then
			tr -d ' ' <"/proc/$child/task/$child/children"
			return
		fi
	done
}

# The instance's namespace and those that isorun holds, which but for the host's is the router's.
look() {
	local fd own host instance
	host=$(readlink /proc/self/ns/net)
	instance=$(instance_of "$started")
	echo "# instance"
	look_into "/proc/$instance/ns/net"
	for fd in "/proc/$started/fd/"*; do
		own=$(readlink "$fd") || continue
		[[ $own = net:* && $own != "$host" ]] || continue
		echo "# router"
		look_into "$fd"
		break
	done
}

# run_app COMMAND EGRESS: with what there is when it waits in $T/look, what it said in $T/said.
run_app() {
	make_app_of "$@"
	rm -f "$T/run.out"
	start run isorun run v1
	wait_for 30 grep -q '\[wait\]' "$T/run.out"
	look >"$T/look"
	kill "$started"
	wait_exit "$started" 10
	lines "$T/run.out" | sed -n 's/^web.1: //; /^.wait/q; p' >"$T/said"
	events "$T/run.out" >"$T/events"
}

# Some may be done, and change nothing outside the socket they are done to.
assert_nothing_was_done() {
	assert_match "$(tail -n 1 "$1")" '^[0-9]* refused$'
	[ "$(tail -n 1 "$1" | cut -d ' ' -f 1)" -gt 350 ] || fail "too few: $(tail -n 1 "$1")"
	assert_equal "" "$(grep -v -e ' refused$' -e '^\[' "$1")"
}

test_an_instance_changes_no_rule() {
	need nft
	local egress
	for egress in services open none; do
		run_app "/app/intruder wait" "$egress"
		cp "$T/look" "$T/before"
		sed -n '/^# instance/,/^# router/p' "$T/before" | grep -q 'scope global eth0' ||
			fail "nothing was seen of the instance" "$(cat "$T/before")"
		sed -n '/^# router/,$p' "$T/before" | grep -q 'table inet router' ||
			fail "nothing was seen of the router" "$(cat "$T/before")"
		run_app "/app/intruder rules -- knock 1 10.98.0.1 7 -- wait" "$egress"
		diff "$T/before" "$T/look" >"$T/diff" || fail "$egress:" "$(cat "$T/diff")"
		sed -i '/^.knock/,$d' "$T/said"
		assert_nothing_was_done "$T/said"
		[ "$egress" = open ] || assert_contains "$(cat "$T/events")" \
			"web.1: refused connection to 10.98.0.1:7: "
	done
}

test_a_one_off_changes_no_rule() {
	make_app_of "/app/intruder wait" services
	isorun run v1 -- /app/intruder rules >"$T/said" 2>"$T/warnings"
	assert_nothing_was_done "$T/said"
	isorun run v1 -- /app/intruder knock 1 10.98.0.1 7 >"$T/said" 2>"$T/warnings"
	assert_contains "$(cat "$T/warnings")" "refused connection to 10.98.0.1:7: not an attached service"
}

run_tests

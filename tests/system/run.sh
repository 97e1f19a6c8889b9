#!/bin/bash
# A formation in the foreground: published, balanced, restarted, stopped; its status.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly WEB='"web": { "command": ["/app/hello", "serve"], "port": true, "quantity": 2,
	"ready": { "http": "/healthz", "timeout": "20s" } }'

ask() {
	curl -s -m 5 "http://127.0.0.1:5000$1"
}

# Asks until both instances have answered.
both_answer() {
	local i who=
	for i in $(seq 20); do
		who+=$(ask / | sed -n 's/^hello from //p')
	done
	[[ $who == *web.1* && $who == *web.2* ]]
}

test_two_instances_answer_on_the_published_port() {
	in_host
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" 'listening on http://127.0.0.1:5000'
	wait_for 10 both_answer
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_equal "" "$(cat "$T/run.err")"
	assert_equal 'web.1: started
web.1: stopped with status 0
web.1: stopping' "$(events "$T/run.out" | grep -v -e 'not limited' -e ready | grep ^web.1 | sort)"
	assert_contains "$(lines "$T/run.out")" "web.2: finished"
}

test_a_client_from_elsewhere_is_seen_with_its_own_address() {
	in_host
	make_app "{ $WEB }"
	# Another machine, behind a veth.
	unshare --net sleep 100 &
	local other=$!
	echo "$other" >>"$T/.pids"
	wait_for 5 sh -c "[ \$(readlink /proc/$other/ns/net) != $(readlink /proc/self/ns/net) ]"
	ip link add lan type veth peer name far netns "$other"
	ip addr add 10.97.0.1/24 dev lan && ip link set lan up
	nsenter --net="/proc/$other/ns/net" sh -c 'ip addr add 10.97.0.2/24 dev far; ip link set far up'
	start run isorun run v1 web=1 -p 0.0.0.0:5000
	wait_for 20 has_event "$T/run.out" 'listening on'
	wait_for 10 nsenter --net="/proc/$other/ns/net" curl -s -f -m 2 http://10.97.0.1:5000/ -o seen

	assert_match "$(cat seen)" 'client 10\.97\.0\.2:'
}

test_the_port_refuses_once_it_is_stopped() {
	in_host
	make_app "{ $WEB }"
	start run isorun run v1 web=1
	wait_for 20 has_event "$T/run.out" 'listening on'
	kill "$started"
	wait_exit "$started" 10
	capture curl -s -m 5 http://127.0.0.1:5000/

	assert_status 7
}

test_a_crashed_instance_restarts_while_the_other_answers() {
	in_host
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 20 both_answer
	kill -SEGV "$(pgrep -P "$(pgrep -f 'isorun:\[init\]' -P "$started" | head -n 1)")"
	wait_for 5 has_event "$T/run.out" 'exited on SIGSEGV'
	assert_contains "$(ask /)" "hello from web"
	wait_for 10 both_answer
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_match "$(events "$T/run.out")" 'web\.[12]: restarting in 1 s'
}

test_a_type_can_be_chosen_and_counted() {
	in_host
	make_app "{ $WEB, \"worker\": { \"command\": \"/app/hello sleep 100\" } }"
	start run isorun run v1 worker=3
	wait_for 20 has_event "$T/run.out" 'worker.3: started'
	kill -INT "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_not_contains "$(cat "$T/run.out")" web
}

test_a_run_under_nohup_outlives_its_terminal() {
	in_host
	make_app "{ \"worker\": { \"command\": \"/app/hello sleep 100\" } }"
	start run nohup "$ISORUN" run v1 worker=1
	wait_for 20 has_event "$T/run.out" 'worker.1: started'
	kill -HUP "$started"
	sleep 0.5
	assert_not_contains "$(events "$T/run.out")" stopping
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
}

test_a_stubborn_process_is_killed_after_its_timeout() {
	in_host
	make_app '{ "web": { "command": "/app/hello stubborn", "stop": { "timeout": "500ms" } } }'
	start run isorun run v1
	wait_for 20 grep -q ignoring "$T/run.out"
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_equal 'web.1: stopping
web.1: still there after 500 ms: killed
web.1: stopped on SIGKILL' "$(events "$T/run.out" | tail -n 3)"
}

test_the_second_signal_kills_at_once() {
	in_host
	make_app '{ "web": { "command": "/app/hello stubborn", "stop": { "timeout": "1h" } } }'
	start run isorun run v1
	wait_for 20 grep -q ignoring "$T/run.out"
	kill "$started"
	wait_for 5 has_event "$T/run.out" stopping
	kill "$started"
	wait_exit "$started" 5

	assert_status 0
	assert_contains "$(events "$T/run.out")" 'web.1: stopped on SIGKILL'
}

test_a_loopback_listener_is_named_when_the_boot_times_out() {
	in_host
	make_app '{ "web": { "command": "/app/hello listen 8000 127.0.0.1", "port": true,
		"ready": { "timeout": "300ms" } } }'
	capture isorun run v1

	assert_status 1
	assert_equal "isorun: web.1 is not ready after 300 ms: listens on 127.0.0.1:8000 only: a \
loopback listener cannot be reached; listen on 0.0.0.0:\$PORT" "$stderr"
	assert_contains "$stdout" 'isorun[web.1]: exited on SIGKILL'
}

test_another_port_is_named_when_the_boot_times_out() {
	in_host
	make_app '{ "web": { "command": "/app/hello listen 3000", "port": true,
		"ready": { "timeout": "300ms" } } }'
	capture isorun run v1

	assert_status 1
	assert_equal "isorun: web.1 is not ready after 300 ms: listens on port 3000 instead of PORT \
5000" "$stderr"
}

test_an_unhealthy_server_is_named_when_the_boot_times_out() {
	in_host
	make_app '{ "web": { "command": ["/app/hello", "serve"], "port": true,
		"ready": { "http": "/nosuch", "timeout": "300ms" } } }'
	capture isorun run v1

	assert_status 1
	assert_equal "isorun: web.1 is not ready after 300 ms: answers GET /nosuch with status 404" \
		"$stderr"
}

test_a_taken_port_is_an_error_at_once() {
	in_host
	make_app "{ $WEB }"
	start taker "$BUILD/hello" listen 5000 127.0.0.1
	wait_for 10 grep -q listening "$T/taker.out"
	capture isorun run v1

	assert_status 1
	assert_contains "$stderr" 5000
	assert_equal "" "$stdout"
}

test_two_runs_of_one_deploy_are_refused_by_pid() {
	in_host
	make_app "{ $WEB }"
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" listening
	capture isorun run v1

	assert_error 6 "hello/dev is running already, as process $started" \
		"stop it, or give this one another deploy: isorun release -d NAME"
	capture isorun run v1 -- /app/hello true
	assert_status 0
}

test_a_formation_needs_no_higher_limit_of_open_files() {
	in_host
	make_app '{ "worker": { "command": "/app/hello sleep 100" } }'
	start run prlimit --nofile=64:4096 "$ISORUN" run v1 worker=40
	wait_for 60 has_event "$T/run.out" 'worker.40: started'
	kill "$started"
	wait_exit "$started" 20

	assert_status 0
}

test_an_instance_out_of_memory_is_told_from_other_deaths() {
	in_host
	make_app '{ "web": { "command": "/app/hello memory 300", "limits": { "memory": "32M" } } }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" started
	! has_event "$T/run.out" 'cannot enforce.*memory' ||
		skip "this host's cgroups have no memory controller"
	wait_for 20 has_event "$T/run.out" exited
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_contains "$(events "$T/run.out")" \
		"web.1: oom: killed for want of memory, its limit is 32 MiB
web.1: exited on SIGKILL
web.1: restarting in 1 s"
}

test_one_that_waits_for_its_restart_stops_at_once() {
	in_host
	make_app '{ "web": { "command": "/app/hello exit 3" } }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" 'restarting in 1 s'
	kill "$started"
	wait_exit "$started" 2

	assert_status 0
	assert_equal 'web.1: exited with status 3
web.1: restarting in 1 s
web.1: stopped' "$(events "$T/run.out" | tail -n 3)"
}

test_a_flag_publishes_elsewhere() {
	in_host
	make_app "{ $WEB }"
	start run isorun run v1 web=1 -p 127.0.0.1:6001 -p '[::1]:6002:web'
	wait_for 20 curl -s -o "$T/four" http://127.0.0.1:6001/
	wait_for 20 curl -s -o "$T/six" 'http://[::1]:6002/'
	kill "$started"
	wait_exit "$started" 10

	assert_status 0
	assert_contains "$(cat "$T/four" "$T/six")" "hello from web.1"
	capture isorun run v1 -p 6001:wob
	assert_error 4 '-p 6001:wob: hello has no process type "wob" with a port'
}

test_unknown_types_and_empty_formations_are_refused() {
	in_host
	make_app '{ "worker": { "command": "/app/hello true" } }'
	capture isorun run v1 wob
	assert_error 5 'hello has no process type "wob"' 'it has worker'
	capture isorun run v1
	assert_error 4 'nothing to run: every process type of hello has quantity 0' \
		'isorun run RELEASE TYPE=1'
}

run_tests

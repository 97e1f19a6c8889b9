#!/bin/bash
# Attached services: reached as their URLs are written, by instances and one-offs, and nothing else.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

# make_client CONFIG [PROCESS]: an app of bash, whose /dev/tcp takes names, released: v1. `client
# HOST PORT` prints what a server greets with. The process (worker) is a command, or waits.
make_client() {
	local library files=
	mkdir -p "$T/app/bin"
	cp "$(command -v bash)" "$T/app/bin/bash"
	for library in $(ldd "$T/app/bin/bash" | grep -o '/[^ ]*'); do
		cp "$library" "$T/app/bin/"
		files+=", \"$library\": \"bin/${library##*/}\""
	done
	cat >"$T/app/bin/client" <<-'END'
		#!/usr/bin/bash
		exec 3<>"/dev/tcp/$1/$2" || exit 7
		read -r line <&3 || exit 8
		echo "$line"
	END
	chmod +x "$T/app/bin/client"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "client",
		  "dependencies": { "files": { "/usr/bin/bash": "bin/bash",
		    "/usr/bin/client": "bin/client"$files } },
		  "services": { "cache": { "env": "CACHE_URL" }, "db": { "env": "DB_URL" } },
		  "processes": { "worker": { "command": ["bash", "-c", "${2:-read -t 60 <> <(:)}"],
		    "quantity": 1 } } }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	echo "$1" >"$T/config.json"
	isorun release "$T/build.tar" -c "$T/config.json" >/dev/null
}

# serve ADDRESS PORT: greets each client with its own address and the client's.
serve() {
	start "server-$2" python3 -c '
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    client, address = server.accept()
    client.sendall(f"{sys.argv[1]} to {address[0]}\n".encode())
    client.close()' "$1" "$2"
	wait_for 10 grep -q ready "$T/server-$2.out"
}

# host_names TEXT: the host's /etc/hosts from now on.
host_names() {
	echo "$1" >"$T/hosts"
	chmod 644 "$T/hosts"
	grep -q "$T/hosts" /proc/self/mountinfo || mount --bind "$T/hosts" /etc/hosts
}

test_the_hosts_localhost_is_reached_as_the_url_says() {
	in_host
	serve 127.0.0.1 6379
	make_client '{ "services": { "cache": "redis://:secret@127.0.0.1:6379/0" } }' \
		'echo $CACHE_URL; client 127.0.0.1 6379; read -t 60 <> <(:)'
	start run isorun run v1
	wait_for 20 grep -q 'to 127' "$T/run.out"
	kill "$started"
	wait_exit "$started" 20
	assert_status 0
	assert_equal 'worker.1: redis://:secret@127.0.0.1:6379/0
worker.1: 127.0.0.1 to 127.0.0.1' "$(lines "$T/run.out")"
	assert_not_contains "$(events "$T/run.out")" service

	capture isorun run v1 -- client 127.0.0.1 6379
	assert_equal '127.0.0.1 to 127.0.0.1' "$stdout"
	assert_equal '' "$stderr"
	capture isorun run v1 -- client 127.0.0.1 6380
	assert_status 7
}

test_a_name_leads_where_the_host_says_at_the_time() {
	in_host
	ip address add 10.99.0.1/32 dev lo
	ip address add 10.99.0.2/32 dev lo
	serve 10.99.0.1 5432
	host_names '10.99.0.1 db.example.com'
	make_client '{ "services": { "db": "postgres://u:secret@db.example.com/app" } }' \
		'while read -t 0.3 <> <(:) || true; do client db.example.com 5432 2>&1; done'
	start run isorun run v1
	run=$started
	wait_for 20 grep -q '10.99.0.1 to' "$T/run.out"
	kill "$(head -n 1 "$T/.pids")"
	serve 10.99.0.2 5432
	host_names '10.99.0.2 db.example.com'
	wait_for 20 grep -q '10.99.0.2 to' "$T/run.out"
	host_names '127.0.0.1 db.example.com'
	kill "$run"
	wait_exit "$run" 20

	capture isorun run v1 -- client db.example.com 5432
	assert_match "$status" '^[78]$' # the reset comes at its connect or at its read
	assert_equal "isorun: warning: service db: db.example.com resolves to 127.0.0.1, which is this host itself" \
		"$(grep ^isorun "$T/stderr")"
}

test_a_service_that_does_not_answer_is_said() {
	in_host
	make_client '{ "services": { "cache": "redis://127.0.0.1" } }' \
		'for i in 1 2 3; do client 127.0.0.1 6379; done; read -t 60 <> <(:)'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" '(127.0.0.1:6379)'
	kill "$started"
	wait_exit "$started" 20

	assert_equal 'client: service cache (127.0.0.1:6379): connection refused
client: service cache does not answer: 127.0.0.1:6379: connection refused' \
		"$(events "$T/run.out" | grep service | sort)"
	capture isorun run v1 -- client 127.0.0.1 6379
	assert_status 8
	assert_equal "isorun: warning: service cache (127.0.0.1:6379): connection refused" \
		"$(grep ^isorun "$T/stderr")"
}

test_a_run_waits_for_its_services() {
	in_host
	make_client '{ "services": { "cache": "redis://localhost:6379" } }' \
		'client localhost 6379; read -t 60 <> <(:)'
	capture isorun run v1 --wait-services 500ms
	assert_error 1 'service cache does not answer: localhost:6379: connection refused'
	capture isorun run v1 --wait-services 500ms -- client localhost 6379
	assert_error 125 'service cache does not answer: localhost:6379: connection refused'
	capture isorun run v1 --wait-services soon
	assert_status 2

	start run isorun run v1 --wait-services 1m
	run=$started
	sleep 0.5
	serve 127.0.0.1 6379
	wait_for 20 grep -q '127.0.0.1 to' "$T/run.out"
	kill "$run"
	wait_exit "$run" 20
	assert_status 0
}

test_waiting_ends_by_a_signal() {
	in_host
	make_client '{ "services": { "cache": "redis://localhost:6379" } }'
	start run isorun run v1 --wait-services 1m
	wait_for 10 pgrep -f 'isorun:\[gates\]' -P "$started"
	kill "$started"
	wait_exit "$started" 5
	assert_status 0
	assert_equal '' "$(events "$T/run.out" | grep started)"
}

test_without_a_service_there_is_no_process_for_it() {
	in_host
	make_client '{}'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" started
	assert_equal '' "$(pgrep -f 'isorun:\[gates\]' -P "$started")"
	kill "$started"
	wait_exit "$started" 20
}

test_after_kill_9_the_gates_are_gone() {
	in_host pid
	host_names '10.99.0.1 db.example.com'
	make_client '{ "services": { "db": "postgres://db.example.com" } }'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" started
	assert_match "$(pgrep -cf 'isorun:\[(gates|resolve)\]')" '^2$'
	kill -9 "$started"
	wait_for 5 bash -c '! pgrep -f "is[o]run:"'
}

test_who_moves_the_bytes_sees_no_other_process_and_keeps_no_environment() {
	in_host
	local name pid own
	make_client '{ "services": { "cache": "redis://127.0.0.1" } }' 'read -t 60 <> <(:)'
	start run isorun run v1
	wait_for 20 has_event "$T/run.out" 'worker.1: started'
	own=$(readlink "/proc/$started/ns/pid")
	pid=$(pgrep -P "$started" -f '^isorun:.gates')
	[ -n "$pid" ] || fail "no gates"
	[ "$(readlink "/proc/$pid/ns/pid")" != "$own" ] || fail "the gates' process is in isorun's own pid namespace"
	assert_equal 0 "$(tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -c . || :)"
}

run_tests

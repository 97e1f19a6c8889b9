#!/bin/bash
# Egress "open" through isorun run: an instance and a one-off reach what the host reaches, by address
# and by name, and not the host's loopback.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly ATTEMPTS="resolve www.example -- ask tcp 10.98.0.2 7000 -- ask udp 10.98.0.2 7000
	-- ask tcp fd98::2 7000 -- ask udp fd98::2 7000 -- ask tcp 127.0.0.1 7000 -- ask tcp 198.18.0.9 7000"
readonly SEEN="[resolve]
nameserver 198.18.255.53
search corp.example
10.98.0.2
[ask]
10.98.0.2: tcp hello
[ask]
10.98.0.2: udp hello
[ask]
fd98::2: tcp hello
[ask]
fd98::2: udp hello
[ask]
127.0.0.1: ECONNREFUSED
[ask]
198.18.0.9: ECONNREFUSED"

is_elsewhere() {
	[ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]
}

# A further machine with TCP and UDP servers; on the host's loopback the same and a name server.
make_world() {
	need python3
	ip link add lan type veth peer name far
	start far unshare --net sleep 1000
	wait_for 5 is_elsewhere "$started"
	ip link set far netns "$started"
	ip addr add 10.98.0.1/24 dev lan && ip addr add fd98::1/64 dev lan nodad && ip link set lan up
	nsenter -n -t "$started" sh -c 'ip addr add 10.98.0.2/24 dev far
		ip addr add fd98::2/64 dev far nodad; ip link set far up; ip link set lo up'
	start far_server nsenter -n -t "$started" python3 -c "$SERVER"
	start own_server python3 -c "$SERVER"
	start names python3 -c "$NAMES"
	wait_for 10 grep -q ready "$T/far_server.out" && wait_for 10 grep -q ready "$T/own_server.out"
	wait_for 10 grep -q ready "$T/names.out"
	printf 'nameserver 127.0.0.53\nsearch corp.example\n' >"$T/resolv.conf"
	mount --bind "$T/resolv.conf" /etc/resolv.conf
}

readonly SERVER='
import select, socket
t = socket.create_server(("", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); u.bind(("", 7000))
print("ready", flush=True)
while True:
    for s in select.select([t, u], [], [])[0]:
        if s is t:
            c = s.accept()[0]; c.sendall(b"tcp " + c.recv(99)); c.close()
        else:
            data, who = s.recvfrom(99); s.sendto(b"udp " + data, who)'

readonly NAMES='
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.53", 53))
print("ready", flush=True)
while True:
    q, who = s.recvfrom(512)
    s.sendto(q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + q[12:] +
             b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.98.0.2"), who)'

make_open_app() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "intruder",
		  "dependencies": { "files": { "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "/app/intruder $(echo $ATTEMPTS) -- wait" } } }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	echo "{ \"egress\": \"${1:-open}\" }" >"$T/config.json"
	isorun release "$T/build.tar" -c "$T/config.json" >"$T/release.out" 2>"$T/release.err"
	assert_equal "" "$(cat "$T/release.err")"
}

test_an_instance_reaches_what_the_host_reaches() {
	in_host
	make_world
	make_open_app
	start run isorun run v1
	wait_for 20 grep -q '\[wait\]' "$T/run.out"
	kill "$started"
	wait_exit "$started" 10
	assert_equal "$SEEN" "$(lines "$T/run.out" | sed -n 's/^web.1: //; /^.wait/q; p')"
	assert_contains "$(events "$T/run.out")" \
		"web.1: refused connection to 198.18.0.9:7000: only TCP and UDP to other machines get out"
}

test_a_one_off_reaches_the_same() {
	in_host
	make_world
	make_open_app
	isorun run v1 -- /app/intruder $ATTEMPTS >"$T/seen" 2>"$T/warnings"
	assert_equal "$SEEN" "$(cat "$T/seen")"
	assert_contains "$(cat "$T/warnings")" \
		"isorun: warning: refused connection to 198.18.0.9:7000: only TCP and UDP to other machines get out"
}

test_without_it_nothing_is_reached() {
	in_host
	make_world
	make_open_app services
	isorun run v1 -- /app/intruder ask tcp 10.98.0.2 7000 -- ask tcp fd98::2 7000 >"$T/seen" 2>/dev/null
	assert_equal "[ask]
10.98.0.2: ECONNREFUSED
[ask]
fd98::2: ECONNREFUSED" "$(cat "$T/seen")"
}

run_tests

#!/bin/bash
# SECURITY's defaults from inside, by a process that tries to break them: as an instance, as a
# one-off and as a build command. It runs once in each way; the tests look at what it said.
#
# Equality of the first two field by field: tests/system/oneoff.sh; the launch alone:
# tests/system/test_view.c; system calls one by one: tests/system/test_filter.c.
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/intruder.sh"
in_host

readonly WAYS="web oneoff build"
SETTINGS=()
for path in kernel/core_pattern kernel/modprobe kernel/hostname vm/overcommit_memory \
	net/ipv4/ip_forward net/ipv4/ping_group_range fs/file-max user/max_user_namespaces; do
	[ ! -e /proc/sys/$path ] || SETTINGS+=(/proc/sys/$path)
done
ATTEMPTS=(rights -- init -- mounts -- exec /tmp /run /dev/shm -- dev
	-- masks /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats
	/proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats
	-- write "${SETTINGS[@]}" /proc/sysrq-trigger /sys/fs/cgroup/cgroup.procs
	-- fds -- sockets -- abstract isorun-canary
	-- reach 10.98.0.1 7000 127.0.0.1 7000 ::1 7000 fd98::1 7000 198.18.0.1 7000 198.18.0.3 7000
	255.255.255.255 7000 224.0.0.1 7000 ff02::1 7000 fe80::1 7000 10.98.0.255 7000 0.0.0.0 7000
	169.254.169.254 80)
SHARED=$(mktemp -d "${TMPDIR:-/tmp}/isorun-test-shared.XXXXXX")

# Listens on every address of this host, TCP and UDP, and on an abstract socket; says what comes.
listen_everywhere() {
	exec python3 -c '
import select, socket
a = socket.socket(socket.AF_UNIX); a.bind("\0isorun-canary"); a.listen(9)
t = socket.create_server(("", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); u.bind(("", 7000))
print("listening", flush=True)
while True:
    for s in select.select([a, t, u], [], [])[0]:
        print("came", s.recvfrom(99) if s is u else s.accept(), flush=True)'
}

# The three runs, by the first test that needs them, with a listener on an address of the host, a
# canary, and a caller that leaks a file and the root directory (CVE-2024-21626).
look() {
	[ ! -e "$SHARED/done" ] || return 0
	need python3
	ip link add eth9 type veth peer name eth8
	ip addr add 10.98.0.1/24 dev eth9
	ip addr add fd98::1/64 dev eth9 nodad
	ip link set eth9 up && ip link set eth8 up
	start listener listen_everywhere
	wait_for 10 grep -q listening "$T/listener.out"
	canary
	exec 7<"$HARNESS_SCRIPT" 9</
	local way
	for way in $WAYS; do
		rm -rf "$ISORUN_ROOT" "$T/app"
		"as_$way" "${ATTEMPTS[@]}"
		cp "$T/seen" "$SHARED/$way"
	done
	exec 7<&- 9<&-
	cp "$T/listener.out" "$SHARED/listener"
	canary_state | diff "$T/canary.before" - >"$SHARED/host" || :
	touch "$SHARED/done"
}

# said WAY WORD: what that attempt printed.
said() {
	awk -v word="[$2]" '/^\[/ { on = $0 == word; next } on' "$SHARED/$1"
}

# assert_said WORD TEXT: in each of the ways.
assert_said() {
	local way
	look
	for way in $WAYS; do
		assert_equal "$2" "$(said "$way" "$1")" "$1, $way"
	done
}

test_the_host_is_as_it_was() {
	look
	assert_equal "" "$(cat "$SHARED/host")"
}

test_nothing_that_needs_a_right_can_be_done() {
	# An ordinary user's namespace does not even have such an id.
	local absent=EPERM
	[ -z "${HARNESS_USER-}" ] || absent=EINVAL
	assert_said rights "become user 0: $absent
become group 0: $absent
join group 0: EPERM
take every capability: EPERM
mount tmpfs: EPERM
leave by chroot: EPERM
make a user namespace: EPERM
make a disk: EPERM
make a null device: EPERM
change the host name: EPERM
type into the terminal: EPERM
type with high bits: EPERM
touch /dev/null: EROFS
leave by ..: done
read ../etc/shadow: ENOENT"
}

test_pid_1_which_is_isorun_cannot_be_looked_into() {
	assert_said init "read /proc/1/exe: EACCES
read /proc/1/root: EACCES
read /proc/1/cwd: EACCES
read /proc/1/mem: EACCES
read /proc/1/fd: EACCES
read /proc/1/environ: EACCES
read /proc/1/maps: EACCES
read /proc/1/ns/mnt: EACCES
read /proc/1/map_files: EACCES
read /proc/1/stack: EACCES
read /proc/1/syscall: EACCES
write /proc/1/exe: EACCES
write /proc/1/mem: EACCES
trace 1: EPERM
trace by number 1: EPERM
read memory of 1: EPERM
take a descriptor of 1: EPERM"
}

test_pid_1_keeps_no_descriptor_but_its_report() {
	make_intruder
	exec 9</
	start run isorun run v1 -- /app/intruder wait
	exec 9<&-
	wait_for 10 grep -q wait "$T/run.out"
	local init fd
	init=$(pgrep -P "$started" -f '^isorun:.init' | head -n 1)
	[ -n "$init" ] || fail "no pid 1"
	for fd in /proc/"$init"/fd/*; do
		assert_match "$(readlink "$fd")" '^pipe:'
	done
}

test_mounts_are_closed_and_bounded() {
	look
	local way want="/ ro nosuid nodev
/proc rw nosuid nodev noexec
/sys ro nosuid nodev noexec
/sys/fs/cgroup ro nosuid nodev noexec
/dev ro nosuid nodev noexec
/dev/shm rw nosuid nodev noexec 64 MiB 16448 files
/tmp rw nosuid nodev noexec 64 MiB 16448 files
/run rw nosuid nodev noexec 16 MiB 4160 files
/dev/null ro nosuid noexec
/dev/zero ro nosuid noexec
/dev/full ro nosuid noexec
/dev/random ro nosuid noexec
/dev/urandom ro nosuid noexec
/dev/tty ro nosuid noexec"
	# Which paths there are in /proc depends on the kernel; none of those mounts is writable.
	for way in $WAYS; do
		assert_equal "" "$(said "$way" mounts | grep '^/proc/' | grep -v ' ro ')" "$way"
	done
	assert_equal "$want" "$(said web mounts | grep -v '^/proc/')" instance
	assert_equal "$want" "$(said oneoff mounts | grep -v '^/proc/')" one-off
	# A build may write to /app, compile in /tmp, and has more room there. Kernels list mounts in the
	# order in which they were made or attached.
	assert_equal "$(sed -e 's/\(shm.*\|tmp.*\|run.*\) noexec/\1/' \
		-e 's|/tmp rw nosuid nodev .*|/tmp rw nosuid nodev 1024 MiB 262208 files|' \
		-e 's|^/ ro.*|&\n/app rw nosuid nodev|' <<<"$want" | sort)" \
		"$(said build mounts | grep -v '^/proc/' | sort)" build
}

test_nothing_writable_can_hold_a_program() {
	look
	local way
	for way in web oneoff; do
		assert_equal "execute in /tmp: EACCES
execute in /run: EACCES
execute in /dev/shm: EACCES" "$(said $way exec)"
	done
}

test_dev_has_the_listed_nodes_only() {
	assert_said dev "/dev/fd
/dev/full 1:7
/dev/null 1:3
/dev/random 1:8
/dev/shm
/dev/stderr
/dev/stdin
/dev/stdout
/dev/tty 5:0
/dev/urandom 1:9
/dev/zero 1:5"
}

# CVE-2025-31133
test_masked_paths_are_the_null_device_or_an_empty_directory() {
	assert_said masks ""
}

# CVE-2025-52881, CVE-2022-0492
test_the_kernels_settings_cannot_be_written() {
	look
	local way
	for way in $WAYS; do
		assert_equal $((${#SETTINGS[@]} + 2)) "$(said $way write | grep -c ': E')" "$way"
		assert_not_contains "$(said $way write)" done
	done
}

# CVE-2024-21626
test_no_descriptor_of_the_caller_arrives() {
	assert_said fds "0
1
2"
}

test_other_families_of_sockets_are_refused() {
	assert_said sockets "socket netfilter: EPERM
socket raw: EPERM
socket packet: EPERM
socket vsock: EPERM
socket alg: EPERM"
}

# CVE-2020-15257
test_abstract_sockets_of_the_host_cannot_be_reached() {
	assert_said abstract "connect to isorun-canary: ECONNREFUSED"
}

# A build with "network": true is in the host's network, and must still not reach those.
test_abstract_sockets_cannot_be_reached_from_the_hosts_network_either() {
	need python3
	[ "$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')" -ge 6 ] ||
		skip "this kernel's Landlock has no scopes (6.12)"
	start listener listen_everywhere
	wait_for 10 grep -q listening "$T/listener.out"
	make_intruder '["/app/bin/intruder", "abstract", "isorun-canary", "--", "reach", "127.0.0.1", "7000"], "network": true'
	assert_contains "$(cat "$T/build.err")" "[abstract]
connect to isorun-canary: EPERM
[reach]
reached 127.0.0.1 7000"
}

# CVE-2020-8558, and what tests/system/test_egress.c cannot see: that nothing arrives.
test_no_address_of_the_host_can_be_reached() {
	assert_said reach ""
	assert_equal listening "$(cat "$SHARED/listener")"
}

# CVE-2024-21626
test_a_directory_as_a_standard_stream_is_refused() {
	make_intruder
	status=0
	isorun run v1 -- /app/intruder fds </ >"$T/stdout" 2>"$T/stderr" || status=$?
	assert_contains "$(cat "$T/stderr")" "standard stream 0 is a directory"
	[ "$status" -ne 0 ]
	[ ! -s "$T/stdout" ]
}

# CVE-2019-5736; a root that no build of ours made: test_escape.c
test_the_program_itself_is_no_interpreter() {
	local status=0
	mkdir "$T/app"
	printf '#!/proc/self/exe\n' >"$T/app/one"
	printf '#!/app/one\n' >"$T/app/two"
	chmod 755 "$T/app/one" "$T/app/two"
	make_intruder || status=$?
	[ "$status" -ne 0 ]
	assert_contains "$(cat "$T/build.err")" "/app/one needs /proc/self/exe (its #! line)"
}

test_state_is_private() {
	umask 000
	as_oneoff fds
	isorun release "$T/build.tar" -o "$T/release.tar" >/dev/null
	local odd
	# What is below trees/ is a root's and has its modes; the directory above is closed.
	odd=$(find "$ISORUN_ROOT" "$ISORUN_RUNTIME_DIR" -path "$ISORUN_ROOT/trees/*" -prune -o \
		\( -type d ! -perm 700 -o ! -type d ! -perm 600 \) -printf '%m %P\n')
	assert_equal "" "$odd"
	assert_equal 600 "$(stat -c %a "$T/release.tar")"
}

run_tests
rm -rf "$SHARED"

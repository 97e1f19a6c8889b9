#!/bin/bash
# doctor on hosts that offer everything and on such as refuse: what it says, what a run says there,
# and that nothing of it stays.
# isolate: mount net
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly REFUSE=$HARNESS_TOP/tests/support/refuse.py
readonly FILTERED="the seccomp filter that isorun was started under refuses it"
readonly DOCKER="docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"

# One member of one check of the last captured document.
of() {
	jq -r --arg name "$1" --arg member "$2" '.checks[] | select(.name == $name) | .[$member]' <<<"$stdout"
}

# In a user namespace of the caller's in which no other can be made.
without_namespaces() {
	local as=()
	[ -z "${HARNESS_USER-}" ] || as=(setpriv "--reuid=$HARNESS_USER" "--regid=$HARNESS_USER" --clear-groups)
	"${as[@]}" unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$0" "$@"' \
		"$HARNESS_PROGRAM" "$@"
}

test_a_host_that_offers_what_is_needed_is_said_to_be_possible() {
	in_host
	capture isorun doctor --json
	assert_status 0
	assert_equal "" "$stderr"

	assert_equal "1 true ${HARNESS_USER:+ordinary}" \
		"$(jq -r '"\(.schema) \(.possible) \(if .user == "root" then "" else .user end)"' <<<"$stdout")"
	assert_equal "[]" "$(jq -c '[.checks[] | select(.needed and .state != "ok" and .state != "limited")]' <<<"$stdout")"
	assert_equal ok "$(of user-namespaces state)"
	assert_equal "Linux $(uname -r)" "$(of kernel found)"
}

test_the_table_has_a_row_for_each_check() {
	in_host
	capture isorun doctor --json
	names=$(jq -r '.checks[].name' <<<"$stdout")
	capture isorun doctor

	assert_equal "STATE FEATURE FOR FOUND" "$(head -n 1 "$T/stdout" | tr -s ' ')"
	assert_equal "$names" "$(tail -n +2 "$T/stdout" | awk '$1 != "hint:" { print $2 }')"
	assert_not_contains "$stdout" $'\033'
}

test_every_check_is_documented() {
	in_host
	capture isorun doctor --json
	for name in $(jq -r '.checks[].name' <<<"$stdout"); do
		grep -qE "^\|.*\`($name|${name%namespace})\`" "$HARNESS_TOP/docs/doctor.md" ||
			fail "docs/doctor.md has no $name"
	done
}

traces() {
	ip -o link | cut -d : -f 2
	nft list tables
	wc -l </proc/self/mountinfo
	find "$T" ! -name 'std*' ! -name '.last' ! -name '.output' ! -name .poll | sort
	find /sys/fs/cgroup -name 'isorun*doctor*' 2>/dev/null
	ls -A /tmp | grep doctor
	cat /proc/sys/net/ipv4/ip_forward
}

is_as_before() {
	[ "$before" = "$(traces)" ]
}

# The kernel takes a dead namespace's links away a moment after its last process.
test_nothing_of_it_stays() {
	in_host
	before=$(traces)
	capture isorun doctor
	assert_status 0

	wait_for 5 is_as_before
	assert_no_file "$ISORUN_ROOT"
}

test_forwarding_is_found_out_by_a_connection() {
	in_host
	need_linked "an ordinary user has no link to the host"
	echo 0 >/proc/sys/net/ipv4/ip_forward
	capture isorun doctor --json
	refused=$(of forwarding state)
	echo 1 >/proc/sys/net/ipv4/ip_forward
	capture isorun doctor --json

	assert_equal limited "$refused"
	assert_equal ok "$(of forwarding state)"
	assert_contains "$(of forwarding found)" IPv4
	nft 'add table inet t; add chain inet t f { type filter hook forward priority 0; policy drop; }'
	capture isorun doctor --json
	assert_equal limited "$(of forwarding state)"
}

test_a_limit_of_none_is_named_by_doctor_and_run() {
	in_host
	make_app '{ "web": { "command": "/app/hello env" } }'
	own "$T"
	capture without_namespaces run v1 -- /app/hello env
	assert_equal "isorun: user namespace: none is allowed: user.max_user_namespaces is 0
hint: sudo sysctl -w user.max_user_namespaces=15000" "$stderr"
	assert_status 125

	capture without_namespaces doctor --json
	assert_status 8
	assert_equal "isorun: this host lacks what a run needs: user-namespaces
hint: sudo sysctl -w user.max_user_namespaces=15000" "$stderr"
	assert_equal missing "$(of user-namespaces state)"
	assert_equal "user namespace: none is allowed: user.max_user_namespaces is 0" \
		"$(of user-namespaces found)"
	assert_equal untried "$(of nftables state)"
	assert_equal false "$(jq .possible <<<"$stdout")"
}

# Root of a namespace in which every id is itself is root as far as isorun can tell.
as_root_without_namespaces() {
	start holder unshare -U -m sleep 60
	wait_for 5 sh -c "[ \$(readlink /proc/$started/ns/user) != \$(readlink /proc/self/ns/user) ]"
	echo "0 0 4294967295" >"/proc/$started/gid_map"
	echo "0 0 4294967295" >"/proc/$started/uid_map"
	nsenter -U -m --preserve-credentials -t "$started" sh -c '
		echo 0 >/proc/sys/user/max_user_namespaces; exec "$0" "$@"' "$ISORUN" "$@"
}

test_a_limit_of_none_is_named_to_root() {
	in_host
	need_linked "it is about root"
	make_app '{ "web": { "command": "/app/hello env" } }'
	capture as_root_without_namespaces run v1 -- /app/hello env
	assert_equal "isorun: root file system: user namespace: none is allowed: user.max_user_namespaces is 0
hint: sudo sysctl -w user.max_user_namespaces=15000" "$(grep -v warning "$T/stderr")"
	assert_status 125
}

test_an_engines_filter_is_told_by_doctor_and_run() {
	in_host
	[ "$(uname -m)" = x86_64 ] || skip "refuse.py knows the numbers of x86_64 only"
	make_app '{ "web": { "command": "/app/hello env" } }'
	own "$T"
	local kind=mount
	[ -z "${HARNESS_USER-}" ] || kind=user
	capture "$REFUSE" "$ISORUN" run v1 -- /app/hello env
	assert_equal "isorun: $kind namespace: $FILTERED
hint: $DOCKER" "$(grep -v warning "$T/stderr")"
	assert_status 125

	capture "$REFUSE" "$ISORUN" doctor --json
	assert_status 8
	assert_equal "user namespace: $FILTERED" "$(of user-namespaces found)"
	assert_equal "$DOCKER" "$(of user-namespaces hint)"
	assert_contains "$stderr" "isorun: this host lacks what a run needs: clone3, user-namespaces"
}

test_a_proc_that_is_covered_in_places_is_told() {
	in_host
	mount -t tmpfs none /proc/sys/kernel
	capture isorun doctor --json
	assert_status 8

	assert_equal "refused while parts of this /proc are covered" "$(of proc found)"
	assert_equal "docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL" \
		"$(of proc hint)"
	assert_contains "$stderr" "isorun: this host lacks what a run needs: proc"
}

test_a_root_without_its_capability_is_told_to_be_a_user() {
	in_host
	need_linked "it is about root"
	need capsh
	make_app '{ "web": { "command": "/app/hello env" } }'
	capture capsh --drop=cap_sys_admin -- -c '"$0" run v1 -- /app/hello env' "$ISORUN"
	assert_equal "isorun: mount namespace: this root lacks CAP_SYS_ADMIN
hint: run isorun as an ordinary user, who needs no capability, or docker run --cap-add SYS_ADMIN …" \
		"$(grep -v warning "$T/stderr")"
	assert_status 125
}

test_groups_that_stay_are_named() {
	in_host
	capture isorun doctor --json
	alone=$(of groups state)
	cp "$HARNESS_PROGRAM" "$T/isorun" # wherever the build is, the user can reach it here
	chmod 755 "$T"
	capture setpriv --reuid=4000 --regid=4000 --groups=4000,5000 env ISORUN_ROOT=/tmp ISORUN_RUNTIME_DIR=/tmp \
		"$T/isorun" doctor --json

	assert_equal ok "$alone"
	assert_equal limited "$(of groups state)"
	assert_equal "these stay with every process: 5000" "$(of groups found)"
	assert_equal "sudo setpriv --reuid=4000 --regid=4000 --clear-groups isorun …" "$(of groups hint)"
}

# Who logged in has a service manager, which hands over what it was given; who only became the user
# has none.
test_a_session_of_systemds_is_what_gives_a_user_limits() {
	need_linked "it makes a session of its own"
	[ -d /run/systemd/system ] || skip "systemd is not pid 1 here"
	id tester >/dev/null 2>&1 || skip "needs the user tester"
	cp "$HARNESS_PROGRAM" "$T/isorun"
	chmod 755 "$T"
	capture systemd-run --quiet --pipe --wait --collect --uid=tester -p PAMName=login \
		"$T/isorun" doctor --json
	assert_status 0
	assert_equal "ok cpu, memory, pids" "$(of cgroup state) $(of cgroup found)"
	assert_equal "/run/user/$(id -u tester)/isorun" "$(of runtime-directory found)"
	assert_equal ok "$(of subordinate-ids state)"

	capture setpriv --reuid=tester --regid=tester --clear-groups env -i HOME=/home/tester PATH="$PATH" \
		"$T/isorun" doctor --json
	assert_status 0
	assert_equal missing "$(of cgroup state)"
	assert_equal "log in over ssh or at a console, or let it run always: sudo loginctl enable-linger $(id -u tester)" \
		"$(of cgroup hint)"
}

test_a_store_that_cannot_be_written_to_is_missing() {
	in_host
	export ISORUN_ROOT=/proc/isorun
	capture isorun doctor --json
	assert_status 8

	assert_equal missing "$(of store state)"
	assert_equal "set ISORUN_ROOT to a directory that you may write to" "$(of store hint)"
	assert_equal untried "$(of overlay state)"
}

test_an_operand_is_refused() {
	capture isorun doctor store
	assert_error 2 "doctor takes no operand"
}

run_tests

#!/bin/bash
# One release, run as root and as an ordinary user: what a process sees is compared field by field,
# and the differences are exactly those that docs/security.md names.
# isolate: mount net
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly USER_ID=4000 GROUP=5000

# A script that is isorun for a user who is in one more group than its own, with its own store.
make_user() {
	[ ! -e "$T/as_user" ] || return 0
	install -d -o $USER_ID -g $USER_ID "$T/home"
	chmod 755 "$T"
	cp "$BUILD/isorun" "$T/home/isorun"
	cat >"$T/as_user" <<-END
		#!/bin/sh
		export ISORUN_ROOT=$T/home/store ISORUN_RUNTIME_DIR=$T/home/run
		exec setpriv --reuid=$USER_ID --regid=$USER_ID --groups $USER_ID,$GROUP \
			"$T/home/isorun" "\$@"
	END
	chmod +x "$T/as_user"
}

# both WORD…: the command in a one-off of the same release, into $T/root and $T/user.
both() {
	isorun run release.tar -- "$@" </dev/null >"$T/root" 2>"$T/err"
	"$T/as_user" run release.tar -- "$@" </dev/null >"$T/user" 2>"$T/err"
}

# instance FILE PROGRAM: what an instance says.
instance() {
	start "$1" "$2" run release.tar --log-format raw
	wait_for 20 grep -q restarting "$T/$1.out"
	kill "$started"
	wait_exit "$started" 10
	grep -v '^isorun\[' "$T/$1.out" >"$T/$1"
}

both_instances() {
	instance root isorun
	instance user "$T/as_user"
}

# make_release PROCESSES
make_release() {
	make_app "$1"
	isorun release build.tar -o release.tar >/dev/null
	chmod 644 release.tar
	make_user
}

make_intruder_release() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "intruder", "dependencies": { "files": { "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "/app/intruder fds" } } }
	END
	isorun build --allow-dirty "$T/app" -o build.tar >/dev/null
	isorun release build.tar -o release.tar >/dev/null
	chmod 644 release.tar
	make_user
}

# What differs between any two starts: namespaces' numbers, the overlay's descriptors, streams; and
# what bounds processes where only root has a pids controller.
normalize() {
	sed -E 's/:\[[0-9]+\]/:[…]/; s|/proc/self/fd/[0-9]+|FD|g; /^fd [012] /d; /^rlimit nproc/d'
}

differences() {
	diff <(normalize <"$T/root") <(normalize <"$T/user") | grep '^[<>]' || :
}

# Ids: the only thing that an ordinary user has not enough of.
readonly DIFFERENCES="< Groups:  
> Groups: 1000 65534 
< uid_map          0 RANGE      65536
< gid_map          0 RANGE      65536
> uid_map       1000       $USER_ID          1
> gid_map       1000       $USER_ID          1"

test_a_one_off_differs_in_its_ids_alone() {
	make_release '{ "web": { "command": "/app/hello id", "limits": { "memory": "64M" } } }'
	both /app/hello id

	assert_ids_alone
}

test_an_instance_differs_in_its_ids_alone() {
	make_release '{ "web": { "command": "/app/hello id", "limits": { "memory": "64M" } } }'
	both_instances

	assert_ids_alone
}

# Every line that differs but for mounts', and of those what differs beside the owner.
assert_ids_alone() {
	assert_equal "$DIFFERENCES" "$(differences | grep -v ' mount ' |
		sed -E '/_map/s/ [0-9]{9,} / RANGE /')"
	assert_equal "" "$(diff \
		<(normalize <"$T/root" | sed -nE '/^mount/s/,uid=[0-9]+,gid=[0-9]+//p') \
		<(normalize <"$T/user" | sed -nE '/^mount/s/,uid=[0-9]+,gid=[0-9]+//p'))"
	assert_equal "$(grep -c ^mount "$T/root")" "$(grep -c ^mount "$T/user")"
	assert_contains "$(cat "$T/user")" "Uid: 1000 1000 1000 1000"
	assert_contains "$(cat "$T/user")" "CapBnd: 0000000000000000"
	assert_contains "$(cat "$T/user")" "Seccomp: 2"
	assert_contains "$(cat "$T/user")" "rlimit nproc 1024 1024"
}

test_the_environment_is_the_same() {
	make_release '{ "web": { "command": "/app/hello env" } }'
	both /app/hello env
	assert_equal "" "$(differences)"

	both_instances
	assert_equal "" "$(differences)"
}

# Link-local addresses come when the kernel has time for them, and it counts the uses of a route.
settled() {
	grep -v fe80 | if [ "$1" = ipv6_route ]; then awk '{ $7 = $8 = "-"; print }'; else cat; fi | sort
}

test_the_network_looks_the_same() {
	make_release '{ "web": { "command": "/app/hello true" } }'
	for file in route if_inet6 fib_trie ipv6_route; do
		[ ! -e /proc/net/$file ] || both /app/hello read /proc/net/$file
		assert_equal "$(settled "$file" <"$T/root")" "$(settled "$file" <"$T/user")" "$file"
		[ -s "$T/root" ] || fail "nothing in /proc/net/$file"
	done
}

test_what_is_the_callers_is_out_of_reach() {
	echo secret >"$T/secret"
	chgrp $GROUP "$T/secret"
	chmod 640 "$T/secret"
	make_intruder_release
	both /app/intruder groups

	assert_equal "[groups]
nothing else by a group alone" "$(cat "$T/user")"
	both /app/intruder inotify
	assert_equal "[inotify]
64 instances" "$(cat "$T/user")"
	both /app/intruder read "$T/secret"
	assert_contains "$(cat "$T/user")" ENOENT
}

test_files_of_the_caller_are_not_in_the_hands_of_a_process() {
	make_intruder_release
	local file
	echo "from the caller" >"$T/home/in"
	touch "$T/home/out" "$T/home/err"
	chmod 400 "$T/home/in"
	chown $USER_ID "$T/home/in" "$T/home/out" "$T/home/err"
	"$T/as_user" run release.tar -- /app/intruder streams <"$T/home/in" >>"$T/home/out" 2>>"$T/home/err"

	assert_equal "0 pipe - -
1 pipe - -
2 pipe - -" "$(grep -v ^isorun "$T/home/err")"
	assert_equal "400 from the caller" "$(stat -c %a "$T/home/in") $(cat "$T/home/in")"
	assert_equal "644 644" "$(stat -c %a "$T/home/out" "$T/home/err" | tr '\n' ' ' | sed 's/ $//')"
}

test_files_as_streams_lose_no_byte_and_no_status() {
	make_release '{ "web": { "command": "/app/hello true" } }'
	head -c 20000000 /dev/urandom >"$T/home/in"
	capture "$T/as_user" run release.tar -- /app/hello cat <"$T/home/in"
	cmp "$T/home/in" "$T/stdout" || fail "bytes were lost"
	capture "$T/as_user" run release.tar -- /app/hello exit 7
	assert_status 7
	capture "$T/as_user" run release.tar -- /app/hello lines 100000 <"$T/home/in"
	assert_equal 100000 "$(wc -l <"$T/stdout")"
	"$T/as_user" run release.tar -- /app/hello lines 10000000 2>/dev/null | head -n 1 >"$T/first"
	assert_equal 1 "$(wc -l <"$T/first")"
}

test_output_that_could_not_be_copied_is_a_failure() {
	make_release '{ "web": { "command": "/app/hello true" } }'
	status=0
	"$T/as_user" run release.tar -- /app/hello lines 10 >/dev/full 2>"$T/err" || status=$?
	assert_status 125
	assert_contains "$(cat "$T/err")" "isorun: warning: standard output: No space left on device"
}

test_roots_own_groups_are_dropped() {
	make_release '{ "web": { "command": "/app/hello id" } }'
	capture setpriv --groups 0,$GROUP "$ISORUN" run release.tar -- /app/hello id

	assert_status 0
	assert_equal "Groups:" "$(grep ^Groups "$T/stdout" | tr -d ' ')"
}

# A user who did not log in has no manager to hand over a cgroup.
test_limits_that_do_not_hold_are_said_where_they_were_asked_for() {
	make_release '{ "web": { "command": "/app/hello true", "limits": { "memory": "64M" } } }'
	instance user "$T/as_user"
	assert_contains "$(cat "$T/user.out")" "isorun[hello]: no limit of cpu or memory holds: "

	make_release '{ "web": { "command": "/app/hello true" } }'
	instance user "$T/as_user"
	assert_not_contains "$(cat "$T/user.out")" "limit"
}

test_groups_that_stay_are_said() {
	make_release '{ "web": { "command": "/app/hello true" } }'
	start user "$T/as_user" run release.tar
	wait_for 20 grep -q restarting "$T/user.out"
	kill "$started"
	wait_exit "$started" 10

	assert_equal "isorun: warning: the app's processes keep this user's other groups ($GROUP), which only root could drop" \
		"$(cat "$T/user.err")"
}

test_a_runtime_directory_in_tmp_is_nobody_elses() {
	# A user whom nobody has met, for the directory is named after the user.
	local id=$((400000 + RANDOM))
	make_release '{ "web": { "command": "/app/hello true" } }'
	sed -i "s/ISORUN_RUNTIME_DIR=.*/XDG_RUNTIME_DIR=; unset ISORUN_RUNTIME_DIR/
		s/--reuid=$USER_ID/--reuid=$id/" "$T/as_user"
	chown -R $id "$T/home"
	[ ! -e /tmp/isorun-$id ] || skip "/tmp/isorun-$id is there"
	capture "$T/as_user" run release.tar -- /app/hello true
	assert_status 0
	assert_equal "700 $id" "$(stat -c '%a %u' /tmp/isorun-$id)"

	chown 4001 /tmp/isorun-$id
	capture "$T/as_user" run release.tar -- /app/hello true
	rm -rf /tmp/isorun-$id
	assert_error 125 "/tmp/isorun-$id is not this user's own, or open to others" \
		"remove it, or say ISORUN_RUNTIME_DIR=DIRECTORY"
}

run_tests

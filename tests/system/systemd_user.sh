#!/bin/bash
# An ordinary user on a machine with systemd: logged in over ssh, at a console, in a unit of the own
# manager, without a login, without a manager. Limits hold through a delegated scope of that
# manager, nothing setuid helps, and where no limit holds it is said what would mend it.
#
# The test is root; isorun is tester's: $ISORUN is a script that runs it in tester's login. Only in
# the machine of tests/vm/check: an sshd is started, and the account's sessions are ended.
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly PROGRAM=$ISORUN TESTER=tester
readonly WEB='"web": { "command": ["/app/hello", "serve"], "port": true,
	"ready": { "http": "/healthz", "timeout": "60s" },
	"limits": { "memory": "64M", "cpu": 0.5, "pids": 32 } }'
readonly HOG='"hog": { "command": "/app/hello memory 300", "limits": { "memory": "32M" } }'

missing=
[ "$(id -u)" = 0 ] || missing="needs root"
[ -n "${ISORUN_VM-}" ] || missing=${missing:-"only in the machine of tests/vm/check"}
[ -d /run/systemd/system ] || missing=${missing:-"systemd is not pid 1 here"}
id "$TESTER" >/dev/null 2>&1 || missing=${missing:-"there is no user $TESTER"}
[ -x /usr/sbin/sshd ] || missing=${missing:-"there is no sshd"}

# An sshd on loopback with a key for this run, and one connection for all tests: each command is a
# session of it.
open_login() {
	LOGIN=$(mktemp -d /tmp/isorun-login.XXXXXX)
	trap close_login EXIT
	chmod 755 "$LOGIN"
	ssh-keygen -q -t ed25519 -N '' -f "$LOGIN/key"
	cat >"$LOGIN/sshd_config" <<-END
		Port 2222
		ListenAddress 127.0.0.1
		HostKey /etc/ssh/ssh_host_ed25519_key
		AuthorizedKeysFile $LOGIN/key.pub
		AuthenticationMethods publickey
		StrictModes no
		UsePAM yes
		PidFile none
		MaxSessions 100
	END
	systemd-run --quiet --collect --unit=isorun-test-sshd -p RuntimeDirectory=sshd \
		/usr/sbin/sshd -D -f "$LOGIN/sshd_config"
	cat >"$LOGIN/config" <<-END
		Host *
		HostName 127.0.0.1
		Port 2222
		User $TESTER
		IdentityFile $LOGIN/key
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		LogLevel ERROR
		ConnectionAttempts 20
		ControlMaster auto
		ControlPath $LOGIN/control
		ControlPersist 600
	END
	export LOGIN PROGRAM
	cat >"$LOGIN/isorun" <<-'END'
		#!/bin/bash
		# isorun in the login, with the words given; its pid goes to $T/pid.
		[ ! -t 0 ] || tty=-tt
		exec ssh -F "$LOGIN/config" $tty tester "cd $T && echo \$\$ >pid &&
			exec env ISORUN_ROOT=$ISORUN_ROOT ${WRAP-} $PROGRAM ${*@Q}"
	END
	chmod 755 "$LOGIN/isorun"
	ISORUN=$LOGIN/isorun
}

close_login() {
	loginctl terminate-user "$TESTER" 2>/dev/null || :
	systemctl stop isorun-test-sshd 2>/dev/null || :
	rm -rf "$LOGIN"
}

login() {
	ssh -F "$LOGIN/config" "$TESTER" "$*"
}

# First statement of a test.
as_tester() {
	[ -z "$missing" ] || skip "$missing"
	unset ISORUN_RUNTIME_DIR # the login's own
	chown "$TESTER:" "$T"
	chmod 755 "$T"
	manager=/user.slice/user-$(id -u $TESTER).slice/user@$(id -u $TESTER).service
}

# start_isorun WORD…: in the background; $started is the pid of isorun itself.
start_isorun() {
	rm -f "$T/pid"
	start run isorun "$@"
	ssh=$started
	wait_for 20 test -s "$T/pid"
	started=$(cat "$T/pid")
	echo "$started" >>"$T/.pids"
}

# Ends it as a user does; $status is isorun's, as ssh tells it.
stop_isorun() {
	kill "$started"
	wait_exit "$ssh" 20
}

# From here to assert_limited: of the instance whose command line is given.
cgroup_of() {
	sed -n 's/^0:://p' "/proc/$(pgrep -n -x -f "$1")/cgroup"
}

value() {
	cat "/sys/fs/cgroup$1/$2"
}

gone() {
	[ ! -e "$1" ]
}

assert_limited() {
	assert_equal 67108864 "$(value "$1" memory.max)" memory.max
	assert_equal "50000 100000" "$(value "$1" cpu.max)" cpu.max
	assert_equal 32 "$(value "$1" pids.max)" pids.max
	assert_equal 1 "$(value "$1" memory.oom.group)" memory.oom.group
	assert_not_contains "$(cat "$T/run.out")" limit
}

test_a_run_in_a_login_has_a_scope_of_the_users_manager_with_the_limits_written() {
	as_tester
	make_app "{ $WEB }"
	start_isorun run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')

	assert_match "$(login cat /proc/self/cgroup)" '/session-[^/]*\.scope$'
	assert_match "$cgroup" "^$manager/[^ ]*\.scope/"
	scope=${cgroup%%.scope/*}.scope
	assert_equal yes "$(login systemctl --user show -P Delegate "${scope##*/}")"
	assert_limited "$cgroup"
	assert_equal "" "$(cat "$T/run.err")"

	stop_isorun
	assert_status 0
	wait_for 10 gone "/sys/fs/cgroup$scope"
}

test_an_instance_that_outgrows_its_memory_is_told_apart() {
	as_tester
	make_app "{ $HOG }"
	start_isorun run v1 hog=1
	wait_for 60 has_event "$T/run.out" 'hog.1: exited on SIGKILL'
	stop_isorun

	assert_contains "$(events "$T/run.out")" \
		"hog.1: oom: killed for want of memory, its limit is 32 MiB"
}

test_a_one_off_that_outgrows_its_memory_says_so() {
	as_tester
	make_app "{ $HOG }"
	capture isorun run v1 -- /app/hello memory 300

	assert_status 137
	assert_equal "isorun: warning: killed for want of memory (oom)" "$stderr"
}

test_more_processes_than_allowed_are_refused() {
	as_tester
	make_app '{ "web": { "command": "/app/hello true", "limits": { "pids": 10 } } }'
	capture isorun run v1 -- /app/hello forks 100

	assert_status 0
	assert_match "$stdout" '^[0-9] children: Resource temporarily unavailable$'
}

test_a_killed_isorun_leaves_no_scope_and_no_process() {
	as_tester
	make_app "{ $WEB }"
	start_isorun run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')
	kill -KILL "$started"

	wait_for 10 gone "/sys/fs/cgroup${cgroup%%.scope/*}.scope"
	assert_equal "" "$(pgrep -x -f '/app/hello serve' || :)"
}

test_a_delegated_unit_of_the_user_keeps_its_own_cgroup() {
	as_tester
	make_app "{ $WEB }"
	unit=isorun-test-$$.service
	login systemd-run --user --quiet --unit="$unit" -p Delegate=yes \
		-p StandardOutput="file:$T/run.out" -E ISORUN_ROOT="$ISORUN_ROOT" "$PROGRAM" run v1
	wait_for 60 has_event "$T/run.out" 'listening on'
	cgroup=$(cgroup_of '/app/hello serve')

	assert_match "$cgroup" "^$manager/app.slice/$unit/"
	assert_limited "$cgroup"
	assert_equal "" "$(login systemctl --user list-units --plain --no-legend "'*isorun*.scope'")"

	login systemctl --user stop "$unit"
	assert_contains "$(events "$T/run.out")" "web.1: stopped with status 0"
	wait_for 10 gone "/sys/fs/cgroup$manager/app.slice/$unit"
}

test_nothing_setuid_is_executed() {
	as_tester
	make_app "{ $HOG }"
	WRAP="strace -f -qq -e trace=execve -o $T/calls"
	export WRAP
	capture isorun run v1 -- /app/hello true
	unset WRAP

	assert_equal "" "$stderr"
	# Two programs are executed. The second one's name a tracer without rights cannot read: who
	# calls has closed itself to others.
	assert_equal "\"$PROGRAM\"
0x…" "$(sed -n 's/.*execve(\("[^"]*"\|0x\)[^,]*,.*/\1/p' "$T/calls" | sed 's/^0x$/0x…/')"
	# A formation, where nothing setuid would have an effect.
	export WRAP="setpriv --no-new-privs"
	start_isorun run v1 hog=1
	wait_for 60 has_event "$T/run.out" 'hog.1: oom'
	assert_match "$(cat "/proc/$started/status")" 'NoNewPrivs:[[:space:]]1'
	stop_isorun
	assert_status 0
}

test_two_instances_answer_clients_whose_addresses_they_see() {
	as_tester
	make_app "{ $WEB }"
	address=$(ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
	start_isorun run v1 web=2 -p 0.0.0.0:5000
	wait_for 60 has_event "$T/run.out" 'web.2: ready'
	wait_for 60 has_event "$T/run.out" 'listening on'
	wait_for 20 both_answer
	curl -s -m 5 "http://$address:5000/seen" >/dev/null
	wait_for 5 grep -q seen "$T/run.out"
	stop_isorun

	assert_match "$(lines "$T/run.out")" "GET /seen [0-9]+ $address:"
}

both_answer() {
	local i who=
	for i in $(seq 10); do
		who+=$(curl -s -m 5 http://127.0.0.1:5000/ | sed -n 's/^hello from //p')
	done
	[[ $who == *web.1* && $who == *web.2* ]]
}

test_what_is_refused_is_said() {
	as_tester
	make_app "{ $WEB }"
	capture isorun run v1 -- /app/hello connect 192.0.2.1 80

	assert_status 1
	assert_contains "$stderr" "hello: connect: Connection refused"
	assert_contains "$stderr" \
		"isorun: warning: refused connection to 192.0.2.1:80: not an attached service"
}

test_a_terminal_over_ssh_is_the_apps() {
	as_tester
	make_app "{ $WEB }"
	capture python3 "$HARNESS_TOP/tests/support/terminal.py" 33x77 /dev/stdin \
		"$ISORUN" run v1 -it -- /app/hello signal <<-'END'
			expect waiting
			send \x03
			expect SIGINT
		END

	assert_contains "${stdout//$'\r'/}" "rc 0"
	capture python3 "$HARNESS_TOP/tests/support/terminal.py" 33x77 /dev/stdin \
		"$ISORUN" run v1 -it -- /app/hello tty <<<""
	assert_contains "${stdout//$'\r'/}" "stdin 1 stdout 1 stderr 1
33 rows 77 columns"
}

# A login at a console, as login(1) asks PAM for it.
test_limits_hold_in_a_login_at_a_console() {
	as_tester
	make_app "{ $HOG }"
	capture systemd-run --quiet --wait --pipe --collect -p User=$TESTER -p PAMName=login \
		-E ISORUN_ROOT="$ISORUN_ROOT" "$PROGRAM" run v1 -- /app/hello memory 300

	assert_status 137
	assert_equal "isorun: warning: killed for want of memory (oom)" "$stderr"
}

# As su, cron and units of root's do it: not a variable of the login, and a cgroup of root's.
without_login() {
	setpriv --reuid=$TESTER --regid=$TESTER --clear-groups \
		env -i PATH="$PATH" HOME=/home/$TESTER ISORUN_ROOT="$ISORUN_ROOT" "$@"
}

test_the_manager_is_found_without_a_login() {
	as_tester
	make_app "{ $HOG }"
	capture without_login "$PROGRAM" run v1 -- /app/hello memory 300

	assert_status 137
	assert_equal "isorun: warning: killed for want of memory (oom)" "$stderr"
}

# The last ones: they end the login.
test_without_a_manager_it_is_said_what_would_start_one() {
	as_tester
	make_app "{ $HOG, \"web\": { \"command\": \"/app/hello true\", \"limits\": { \"memory\": \"32M\" } } }"
	loginctl terminate-user "$TESTER"
	wait_for 30 gone "/run/user/$(id -u $TESTER)"
	command="sudo loginctl enable-linger $(id -u $TESTER)"
	why="no limit of cpu or memory holds: systemd does not run for this user; log in over ssh or \
at a console, or let it run always: $command"
	capture without_login "$PROGRAM" run v1 -- /app/hello true
	assert_status 0
	assert_equal "isorun: warning: not limited: this host's cgroups cannot enforce memory
isorun: warning: $why" "$stderr"

	start run without_login "$PROGRAM" run v1 web=1
	wait_for 60 has_event "$T/run.out" 'web.1: started'
	kill "$started"
	wait_exit "$started" 20
	assert_equal "hello: $why
web.1: not limited: this host's cgroups cannot enforce memory" \
		"$(events "$T/run.out" | grep limit)"
	capture without_login "$PROGRAM" doctor
	assert_contains "$stdout" "cgroup             limits of cpu, memory and processes  systemd does \
not run for this user
         hint: log in over ssh or at a console, or let it run always: $command"

	${command#sudo }
	wait_for 30 test -S "/run/user/$(id -u $TESTER)/bus"
	capture without_login "$PROGRAM" run v1 -- /app/hello memory 300
	loginctl disable-linger "$TESTER"
	assert_status 137
	assert_equal "isorun: warning: killed for want of memory (oom)" "$stderr"
}

[ -n "$missing" ] || open_login
run_tests

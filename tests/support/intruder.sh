# Sourced after harness.sh by security tests: an app of which tests/support/intruder is everything,
# and what must not change outside whatever it does.

# make_intruder [BUILD-COMMAND]: builds and releases it: v1. As web it sleeps in "fork 0".
make_intruder() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "intruder", ${1:+"\"build\": { \"command\": $1 },"}
		  "dependencies": { "files": { "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "${WEB:-/app/intruder fds}" } } }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >"$T/digest" 2>"$T/build.err"
	isorun release "$T/build.tar" >/dev/null
}

# as_web WORD…: what the process web prints, run as an instance, in $T/seen.
as_web() {
	WEB="/app/intruder $*" make_intruder
	start run isorun run v1 --log-format raw
	wait_for 20 grep -q restarting "$T/run.out"
	kill "$started"
	wait_exit "$started" 10
	sed '/^isorun\[.*exited/,$d; /^isorun\[/d' "$T/run.out" >"$T/seen"
}

as_oneoff() {
	make_intruder
	isorun run v1 -- /app/intruder "$@" >"$T/seen" 2>/dev/null </dev/null
}

# The build sandbox runs what the codebase brings, so the words are spread over a JSON array.
as_build() {
	local word array='"/app/bin/intruder"'
	for word; do array+=", \"$word\""; done
	make_intruder "[ $array ]"
	grep -v '^isorun: ' "$T/build.err" >"$T/seen"
}


# A tree outside every root, and the mounts of this namespace: `canary`, then `assert_canary`.
canary() {
	mkdir -p "$T/canary/dir"
	echo alive >"$T/canary/dir/file"
	chmod 600 "$T/canary/dir/file"
	canary_state >"$T/canary.before"
}

canary_state() {
	(cd "$T/canary" && find . -printf '%p %y %m %U %G %s %T@ %l\n' | sort && sha256sum dir/file)
	sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo
	stat -c '%n %y %a %u' /dev/null /dev/zero
	cat /proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward
	hostname
}

assert_canary() {
	canary_state | diff "$T/canary.before" - >"$T/canary.diff" || fail "the host has changed:" "$(cat "$T/canary.diff")"
}

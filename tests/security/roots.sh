#!/bin/bash
# Hostile roots through the front door: base archives whose directories are links out of the root,
# whose files are pipes or huge, and build commands that leave such things in /app. Each is refused
# or harmless; the canary outside and this namespace's mounts are as they were. The launch of such
# roots without a build before it: tests/system/test_view.c, test_escape.c.
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/intruder.sh"
in_host

# base COMMANDS…: a base archive of what the shell commands make in an empty directory.
base() {
	mkdir -p "$T/app/bin" "$T/root"
	cp "$BUILD/tests/intruder" "$T/app/bin/intruder"
	(cd "$T/root" && eval "$*")
	tar -S -C "$T/root" --numeric-owner --owner=0 --group=0 -cf "$T/app/base.tar" .
	rm -rf "$T/root"
	cat >"$T/app/isorun.json" <<-'END'
		{ "name": "intruder",
		  "dependencies": { "base": "base.tar", "files": { "/app/intruder": "bin/intruder" } },
		  "processes": { "web": { "command": "/app/intruder fds" } } }
	END
}

# Builds, releases and runs; whatever happens, it is one line, in time, and stays inside.
attempt() {
	rm -rf "$ISORUN_ROOT"
	status=0
	timeout 20 "$ISORUN" build --allow-dirty "$T/app" -o "$T/build.tar" >"$T/stdout" 2>"$T/stderr" &&
		timeout 20 "$ISORUN" release "$T/build.tar" >"$T/stdout" 2>"$T/stderr" &&
		timeout 20 "$ISORUN" run v1 -- /app/intruder write /tmp/x /etc/passwd /run/x >"$T/stdout" 2>"$T/stderr" ||
		status=$?
	[ "$status" != 124 ] || fail "$1: hangs"
	[ "$(grep -cv '^hint: \|not in the build\|not committed' "$T/stderr")" -le 1 ] ||
		fail "$1: more than a line:" "$(cat "$T/stderr")"
	assert_canary
}

# CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2026-41579, CVE-2026-47766
test_a_base_whose_system_directories_are_links_is_harmless() {
	canary
	local name way
	for name in proc sys dev; do
		for way in "$T/canary" "../../../../../../../..$T/canary"; do
			rm -rf "$T/app"
			base "ln -s $way $name"
			attempt "$name -> $way"
			[ "$status" -ne 0 ] || fail "$name -> $way was run"
		done
	done
}

test_a_base_whose_other_directories_are_links_stays_inside() {
	canary
	local name
	for name in tmp run etc app usr dev/shm; do
		rm -rf "$T/app"
		base "mkdir -p $(dirname $name); ln -s ../../../../../../../..$T/canary/dir $name"
		attempt "$name"
		assert_not_contains "$(cat "$T/stdout")" "write /etc/passwd: done"
	done
}

# CVE-2024-9676
test_a_base_whose_files_are_links_pipes_or_huge_is_not_read_outside() {
	canary
	echo "stolen:x:0:0::/:/bin/sh" >"$T/canary.secret"
	local made
	for made in "ln -s ../../../../../../../..$T/canary.secret" "ln -s $T/canary.secret" \
		"ln -s /proc/self/fd/0" "truncate -s 5G" "mkdir"; do
		rm -rf "$T/app"
		base "mkdir etc; $made etc/passwd; $made etc/ld.so.cache"
		ISORUN_MAX_UNPACKED=64M attempt "$made"
		! grep -aq stolen "$T/build.tar" 2>/dev/null || fail "$made: read outside"
		rm -f "$T/build.tar"
	done
	rm -rf "$T/app"
	base "mkdir etc; mkfifo etc/passwd"
	attempt fifo
	assert_contains "$(cat "$T/stderr")" "a FIFO is not allowed"
}

# What a build command leaves behind is packed by isorun as root.
test_what_a_build_command_leaves_cannot_lead_out() {
	canary
	local made
	mkdir -p "$T/app/bin"
	for made in "link /app/isorun.json $T/canary/dir/file" "link /app/bin ../../../../../../../..$T/canary/dir" \
		"link /app/evil /proc/self/root" "pipe /app/evil" "socket /app/evil" "deep /app/evil 3000" \
		"setuid /app/evil"; do
		rm -rf "$T/app" "$ISORUN_ROOT"
		# shellcheck disable=SC2086
		set -- $made
		status=0
		make_intruder "$(printf '["/app/bin/intruder", "leave"'; printf ', "%s"' "$@"; printf ']')" || status=$?
		assert_canary
		! tar -xOf "$T/build.tar" 2>/dev/null | grep -aq alive || fail "$made: read outside"
		case $made in
		pipe* | socket*) assert_contains "$(cat "$T/build.err")" "neither a file nor a directory nor a symlink" ;;
		deep*) assert_match "$(tail -n 1 "$T/build.err")" "nested too deep|Too many open files" ;;
		esac
		rm -f "$T/build.tar"
	done
	assert_equal "" "$(find "$ISORUN_ROOT" -perm /6000)"
	# Half-made things are gone, however deep.
	assert_equal "" "$(ls "$ISORUN_ROOT/tmp" 2>/dev/null)"
}

run_tests

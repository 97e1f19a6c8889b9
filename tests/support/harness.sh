# Sourced by shell tests: `. "$(dirname "$0")/../support/harness.sh"`, then functions test_some_words
# or `it "some words" function`, and as the last line `run_tests`. Speaks TAP on stdout.
#
# Each test runs in a subshell of its own under set -e, in an empty directory $T of its own, with
# ISORUN_ROOT and ISORUN_RUNTIME_DIR below it. What it started with `start` is ended by pid when it
# ends. Where it fails, the last captured command and its output are shown.
#
#	test_a_missing_file_is_named() {
#		capture isorun release absent.tar
#		assert_status 1
#		assert_equal "isorun: open absent.tar: no such file or directory" "$stderr"
#	}
set -u
HARNESS_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HARNESS_SCRIPT=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
HARNESS_IT=()
BUILD=${BUILD:-$HARNESS_TOP/build}
[ "${BUILD#/}" != "$BUILD" ] || BUILD=$HARNESS_TOP/$BUILD
ISORUN=${ISORUN:-$BUILD/isorun}
export LC_ALL=C.UTF-8 TZ=UTC

# --- declaring

# it "sentence" function: a test with a name of its own; test_* functions need no declaration.
it() {
	HARNESS_IT+=("$2|$1")
}

# --- running commands

isorun() {
	"$ISORUN" "$@"
}

# With HARNESS_USER, an id of nobody's, isorun is that ordinary user's, the test itself stays root:
# $ISORUN is a script that changes the user and executes $HARNESS_PROGRAM, a copy that the user can
# reach wherever the build is. $T is the user's then.
harness_as_user() {
	HARNESS_PROGRAM=$ISORUN
	[ -n "${HARNESS_USER-}" ] || return 0
	HARNESS_PROGRAM=$T/.program/isorun ISORUN=$T/.isorun
	[ ! -e "$ISORUN" ] || return 0
	chown "$HARNESS_USER:$HARNESS_USER" "$T"
	mkdir "$T/.program"
	cp "$BUILD/isorun" "$HARNESS_PROGRAM"
	cat >"$ISORUN" <<-END
		#!/bin/sh
		exec setpriv --reuid=$HARNESS_USER --regid=$HARNESS_USER --clear-groups \
			env HOME="$T" "$HARNESS_PROGRAM" "\$@"
	END
	chmod +x "$ISORUN"
	printf '[safe]\n\tdirectory = *\n' >"$T/.gitconfig"
}

# own FILE…: it is whoever isorun is, and so is what is below it.
own() {
	[ -z "${HARNESS_USER-}" ] || chown -R "$HARNESS_USER:$HARNESS_USER" "$@"
}

# The test's own, which looks after repositories of either.
git() {
	command git -c safe.directory='*' "$@"
}

# For tests of what only root has: a link to the host, ranges of ids.
need_linked() {
	[ -z "${HARNESS_USER-}" ] || skip "$1"
}

# Runs a command, never fails; sets $status, $stdout and $stderr (also in $T/stdout, $T/stderr).
capture() {
	status=0
	"$@" >"$T/stdout" 2>"$T/stderr" || status=$?
	stdout=$(tr -d '\0' <"$T/stdout")
	stderr=$(tr -d '\0' <"$T/stderr")
	printf '%q ' "$@" >"$T/.last"
}

# start NAME COMMAND…: in the background, output to $T/NAME.out and $T/NAME.err; sets $started to
# its pid. A function works too, but its pid is then a shell's.
start() {
	local name=$1
	shift
	[ "$1" != isorun ] || set -- "$ISORUN" "${@:2}"
	"$@" </dev/null >"$T/$name.out" 2>"$T/$name.err" &
	started=$!
	echo "$started" >>"$T/.pids"
}

# wait_for SECONDS COMMAND…: polls until the command succeeds; the test fails after SECONDS.
wait_for() {
	local seconds=$1 end
	shift
	end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
	until "$@" >"$T/.poll" 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] ||
			fail "not within $seconds s: $*" "$(tail -n 3 "$T/.poll")"
		sleep 0.05
	done
}

# wait_exit PID SECONDS: waits for a started process to end and sets $status.
wait_exit() {
	wait_for "$2" harness_ended "$1"
	status=0
	wait "$1" || status=$?
}

# --- judging

fail() {
	local text
	for text; do
		[ -z "$text" ] || printf '%s\n' "$text"
	done | sed 's/^/# /' >>"$T/.diagnostics"
	exit 1
}

# Ends the test; the reason is shown. Never to hide a failure: only where the host lacks something.
skip() {
	printf '%s' "$1" >"$T/.skip"
	exit 77
}

# assert_equal WANT GOT [WHAT]
assert_equal() {
	[ "$1" = "$2" ] || fail "${3:-value}:" "  want: $1" "  got:  $2"
}

# assert_contains TEXT PART
assert_contains() {
	[[ $1 == *"$2"* ]] || fail "want: …$2…" "in:   $1"
}

assert_not_contains() {
	[[ $1 != *"$2"* ]] || fail "want nothing like: $2" "in: $1"
}

# assert_match TEXT EXTENDED-REGEXP
assert_match() {
	[[ $1 =~ $2 ]] || fail "want a match of: $2" "in: $1"
}

# assert_status N: of the last capture or wait_exit.
assert_status() {
	[ "$status" = "$1" ] || fail "exit status: want $1, got $status"
}

# assert_error STATUS TEXT [HINT]: the last captured command failed so, saying exactly this.
assert_error() {
	assert_equal "isorun: $2${3:+$'\n'hint: $3}" "$stderr" stderr
	assert_equal "" "$stdout" stdout
	assert_status "$1"
}

assert_file() {
	[ -e "$1" ] || [ -L "$1" ] || fail "no such file: $1"
}

assert_no_file() {
	[ ! -e "$1" ] && [ ! -L "$1" ] || fail "file exists: $1"
}

# --- surroundings

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need() {
	local command
	for command; do
		command -v "$command" >/dev/null || skip "needs the command $command"
	done
}

# Moves what follows into a host of its own: new mount and network namespaces with lo up. First
# statement of a test, or of the file before its tests. in_host pid: a pid namespace as well.
in_host() {
	[ -z "${HARNESS_IN_HOST-}" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		[ -z "${T-}" ] || skip "needs root"
		echo "1..0 # SKIP needs root"
		exit 0
	fi
	local extra=()
	[ "${1-}" != pid ] || extra=(--pid --fork --mount-proc --kill-child)
	HARNESS_IN_HOST=1 HARNESS_ONE=${HARNESS_NOW-} HARNESS_T=${T-} exec unshare --mount --net \
		--propagation private "${extra[@]}" \
		sh -c 'ip link set lo up; exec "$0"' "$HARNESS_SCRIPT"
}

# A clean clone as it is behind `make`, in a new directory: what git knows or would take, committed,
# with the built program and demo app in it. The build is this one's, by a link.
make_clone() {
	mkdir -p "$1"
	(
		cd "$HARNESS_TOP"
		git ls-files -z -co --exclude-standard | xargs -0 -r ls -d 2>/dev/null | tar -c -T -
	) | tar -x -C "$1"
	mkdir -p "$1/images/hello/bin"
	cp "$BUILD/hello" "$1/images/hello/bin/hello"
	git -C "$1" init -q -b main
	ln -s "$BUILD" "$1/build"
	echo /build >>"$1/.git/info/exclude"
	git -C "$1" add -A
	git -C "$1" -c user.name=tests -c user.email=tests@localhost commit -q -m clone
}

# --- inside

harness_ended() {
	local stat
	{ read -r stat </proc/"$1"/stat; } 2>/dev/null || return 0
	stat=${stat##*) }
	[ "${stat%% *}" = Z ]
}

# Ends what `start` started: TERM, at most 3 s, KILL. Only children of ours that still live.
harness_end_started() {
	local pid tries
	[ -f "$T/.pids" ] || return 0
	while read -r pid; do
		harness_ended "$pid" || kill "$pid" 2>/dev/null
	done <"$T/.pids"
	while read -r pid; do
		for tries in $(seq 60); do
			harness_ended "$pid" && break
			sleep 0.05
		done
		harness_ended "$pid" || kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null || :
	done <"$T/.pids"
}

# The body of a test, in its subshell or, behind in_host, in a shell of its own.
harness_body() {
	HARNESS_NOW=$1
	harness_as_user
	trap 'harness_end_started' EXIT
	cd "$T"
	set -e
	"$1"
	exit 0
}

harness_show() {
	[ ! -f "$T/.diagnostics" ] || cat "$T/.diagnostics"
	[ ! -f "$T/.last" ] || { printf '# last command: '; cat "$T/.last"; echo; }
	local file
	for file in "$T"/stdout "$T"/stderr "$T"/*.out "$T"/*.err; do
		[ ! -s "$file" ] || { echo "# ${file##*/}:"; tail -n 25 "$file" | tr -d '\0' | sed 's/^/#   /'; }
	done
}

harness_run() {
	local number=$1 function=$2 name=$3 result=0
	T=$(mktemp -d "${TMPDIR:-/tmp}/isorun-test.XXXXXX") || exit 1
	export T ISORUN_ROOT=$T/store ISORUN_RUNTIME_DIR=$T/run
	(harness_body "$function") >"$T/.output" 2>&1 </dev/null || result=$?
	case $result in
	0) echo "ok $number - $name" ;;
	77) echo "ok $number - $name # SKIP $(cat "$T/.skip" 2>/dev/null)" ;;
	*)
		echo "not ok $number - $name"
		harness_show
		sed 's/^/# /' "$T/.output"
		;;
	esac
	rm -rf --one-file-system "$T" || echo "# left behind: $T"
}

# All tests in the order in which they were written, then those of `it`.
run_tests() {
	local function name tests=() number=0 entry
	if [ -n "${HARNESS_ONE-}" ]; then
		function=$HARNESS_ONE
		T=$HARNESS_T
		unset HARNESS_ONE
		harness_body "$function"
	fi
	shopt -s extdebug
	while read -r function; do
		name=${function#test_}
		tests+=("$function|${name//_/ }")
	done < <(declare -F | awk '$3 ~ /^test_/ { print $3 }' |
		while read -r function; do declare -F "$function"; done | sort -n -k 2 | cut -d ' ' -f 1)
	shopt -u extdebug
	tests+=("${HARNESS_IT[@]}")
	trap 'echo "Bail out! ended by a signal"; harness_end_started; exit 1' TERM INT
	echo "1..${#tests[@]}"
	for entry in "${tests[@]}"; do
		number=$((number + 1))
		harness_run "$number" "${entry%%|*}" "${entry#*|}"
	done
}

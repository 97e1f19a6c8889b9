#!/bin/bash
# An app and its backing service, images/guestbook and images/redis: built from Debian's packages,
# run, attached, and attached to another Redis. Of the network only apt's mirrors are used; where
# they cannot be reached these tests say so.
# again: user
# vm: no
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/app.sh"

readonly PAGE=http://localhost:5000
# One store serves all tests, each with deploys of its own: what is unpacked once is there.
export SHARED=${SHARED:-$(mktemp -d "${TMPDIR:-/tmp}/isorun-test-guestbook.XXXXXX")}

# image NAME: leaves images/NAME's build in $SHARED/NAME.tar; kept for the next time, as make_app does.
image() {
	local made=$BUILD/tests/apps/$1
	made+=-$( (cat "$HARNESS_PROGRAM" && tar -c -C "$HARNESS_TOP/images" "$1") | sha256sum | cut -c 1-32)
	if [ ! -e "$made" ]; then
		build_image "$1"
		mkdir -p "${made%/*}"
		cp "$1.tar" "$made.$$"
		mv "$made.$$" "$made"
	fi
	cp "$made" "$SHARED/$1.tar"
}

build_image() {
	need apt-get dpkg-deb git
	[ ! -e "$SHARED/unreachable" ] || skip "no package mirror can be reached"
	[ -d clone ] || make_clone clone
	own clone
	isorun build "clone/images/$1" -o "$1.tar" 2>said >digest && return 0
	grep -q 'resolve\|connect\|Failed to fetch\|reach' said || fail "$(cat said)"
	touch "$SHARED/unreachable"
	skip "no package mirror can be reached"
}

# First statement of a test: both images and the store, then a host of its own.
images() {
	export ISORUN_ROOT=$SHARED/store
	own "$SHARED"
	[ -e "$SHARED/redis.tar" ] || image redis
	[ -e "$SHARED/guestbook.tar" ] || image guestbook
	DEPLOY=${HARNESS_NOW//_/-}
	DEPLOY=$(cut -c 6-36 <<<"$DEPLOY")
	in_host
}

# start_redis PORT: as a deploy of its own; sets $redis.
start_redis() {
	isorun release "$SHARED/redis.tar" -d "$DEPLOY-$1" -p "127.0.0.1:$1:redis" >/dev/null
	run_redis "$1"
}

run_redis() {
	start "redis-$1" isorun run -a redis -d "$DEPLOY-$1"
	redis=$started
	wait_for 30 has_event "$T/redis-$1.out" "redis: listening on"
}

# ask_redis HOST PORT WORD…: what it answers to one command.
ask_redis() {
	bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "%s\r\n" "${*:2}" >&3 && read -r -t 5 line <&3 && echo "${line%?}"' "$@"
}

# attach PORT: a release of the guestbook with that Redis.
attach() {
	isorun release "$SHARED/guestbook.tar" -d "$DEPLOY" --attach "cache=redis://127.0.0.1:$1/0" >/dev/null
}

migrate() {
	isorun run "$1" release -a guestbook -d "$DEPLOY" 2>/dev/null
}

# run_guestbook VERSION: sets $guestbook.
run_guestbook() {
	start "$1" isorun run "$1" -a guestbook -d "$DEPLOY"
	guestbook=$started
	wait_for 60 has_event "$T/$1.out" "web: listening on"
}

stop() {
	kill "$1"
	wait_exit "$1" 20
	assert_status 0
}

# sign NAME TEXT: the status of the answer.
sign() {
	curl -s -m 10 -o /dev/null -w '%{http_code}' --data-urlencode "name=$1" --data-urlencode "text=$2" $PAGE/
}

entries() {
	curl -s -m 10 $PAGE/ | sed -n 's/^<li>[0-9]* ... [0-9:]* //p'
}

has_entry() {
	entries | grep -qF -e "$1"
}

build_of() {
	isorun inspect "$1" -a guestbook -d "$DEPLOY" --json | jq -r .release.build
}

test_redis_is_an_app_of_its_own() {
	images
	start_redis 6379

	assert_equal +PONG "$(ask_redis 127.0.0.1 6379 PING)"
	assert_equal +PONG "$(ask_redis localhost 6379 PING)"
	stop "$redis"
	assert_contains "$(events redis-6379.out)" "redis.1: stopped with status 0"
}

test_a_guestbook_without_its_service_is_no_release() {
	images
	capture isorun release "$SHARED/guestbook.tar"

	assert_error 4 "release: service cache is required and not attached" \
		"--attach cache=URL, which becomes REDIS_URL"
}

test_web_is_ready_once_the_release_process_has_run() {
	images
	start_redis 6379
	attach 6379
	start v1 isorun run v1 -a guestbook -d "$DEPLOY"
	wait_for 30 grep -q '"GET /healthz HTTP/1.[01]" 503' v1.out
	assert_not_contains "$(events v1.out)" "web.1: ready"
	assert_equal "guestbook: schema 1, before 0" "$(migrate v1)"
	wait_for 30 has_event v1.out "web.1: ready"

	assert_equal "guestbook: schema 1, before 1" "$(migrate v1)"
	stop "$started"
}

test_another_redis_is_another_release_of_the_same_build() {
	images
	start_redis 6379
	start_redis 6380
	attach 6379
	attach 6380
	migrate v1
	run_guestbook v1
	assert_equal 303 "$(sign 'Ada <ada>' 'one two')"
	wait_for 10 has_entry 'Thank you'
	assert_equal '<b>Ada &lt;ada&gt;</b>: one two <i>Thank you, Ada &lt;ada&gt;, for 2 words. (worker.1)</i></li>' \
		"$(entries)"
	stop "$guestbook"
	migrate v2
	run_guestbook v2

	assert_equal "" "$(entries)"
	assert_equal 303 "$(sign Grace three)"
	wait_for 10 has_entry 'Thank you, Grace, for 1 word. (worker.1)'
	assert_equal 1 "$(entries | wc -l)"
	assert_equal "$(build_of v1)" "$(build_of v2)"
	assert_equal "$(tar -xOf "$SHARED/guestbook.tar" index.json | jq -r '.manifests[0].digest')" "$(build_of v1)"
	stop "$guestbook"
	assert_contains "$(lines v2.out)" "worker.1: stopped between two entries"
	assert_contains "$(lines v2.out)" "web.1: served the last request"
}

test_the_guestbook_outlives_its_redis() {
	images
	start_redis 6379
	attach 6379
	migrate v1
	run_guestbook v1
	stop "$redis"
	assert_equal 503 "$(sign Ada lost)"
	run_redis 6379
	migrate v1

	assert_equal 303 "$(sign Ada found)"
	wait_for 10 has_entry 'found <i>Thank you'
	stop "$guestbook"
	assert_not_contains "$(events v1.out)" "exited"
}

test_the_shared_store_goes_away() {
	rm -rf --one-file-system "$SHARED"
}

run_tests

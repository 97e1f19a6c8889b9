#!/bin/bash
# What must not break a store: damaged archives, changed files, two at once, a full disk, kill -9.
# again: user
# vm: no
. "$(dirname "$0")/../support/harness.sh"

# release.tar, of a small app with a file of $1 kB; made in a store of its own.
make_release() {
	mkdir app
	cp "$BUILD/hello" app/hello
	head -c "$((${1-1} * 1024))" /dev/urandom >app/data
	echo '{ "name": "shop", "processes": { "web": { "command": ["/app/hello", "serve"] } } }' \
		>app/isorun.json
	git -C app init -q
	git -C app add .
	git -C app -c user.name=t -c user.email=t@example.com commit -qm one
	export ISORUN_ROOT=$T/maker
	isorun build app -o build.tar >/dev/null
	isorun release build.tar -e A=1 -o release.tar >id
	export ISORUN_ROOT=$T/store
}

# What the store holds, and what in it is unfinished.
store_listing() {
	[ ! -d "$ISORUN_ROOT" ] || (cd "$ISORUN_ROOT" && find blobs releases apps -type f -exec sha256sum {} + &&
		find trees tmp -mindepth 1)
}

# $1 with the byte at offset $2 changed.
flip() {
	local byte
	byte=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1)
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o' $(((byte + 1) % 256)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

test_a_truncated_archive_is_an_error_and_changes_nothing() {
	make_release
	isorun inspect release.tar >/dev/null
	rm -r "$ISORUN_ROOT"
	size=$(stat -c %s release.tar)
	for part in 0 1 511 512 1024 5000 $((size / 2)) $((size - 12000)); do
		head -c "$part" release.tar >cut.tar
		capture isorun inspect cut.tar
		assert_status 3
		assert_match "$stderr" '^isorun: cut.tar: '
		assert_equal "" "$(store_listing)"
	done
}

test_a_changed_layer_is_an_error_and_changes_nothing() {
	make_release
	# The largest blob is the app's layer; its content begins behind its header.
	name=$(tar tvf release.tar | sort -n -k 3 | tail -n 1 | sed 's/.* //')
	offset=$(tar tRvf release.tar | sed -n "s/^block \([0-9]*\): .* ${name//\//\\/}\$/\1/p")
	flip release.tar $((offset * 512 + 512 + 1000))
	capture isorun inspect release.tar
	assert_status 3
	assert_match "$stderr" "^isorun: release.tar: $name: its digest is [0-9a-f]{64} instead of ${name#blobs/sha256/}\$"
	assert_equal "" "$(store_listing)"
}

test_a_changed_blob_in_the_store_is_found_by_verify() {
	make_release
	isorun inspect release.tar >/dev/null
	capture isorun verify release.tar
	assert_status 0
	largest=$(ls -S "$ISORUN_ROOT/blobs/sha256" | head -n 1)
	flip "$ISORUN_ROOT/blobs/sha256/$largest" 2000
	capture isorun verify release.tar
	assert_status 3
	assert_match "$stderr" "^isorun: release.tar: store $ISORUN_ROOT: blob $largest has the digest "
}

test_a_changed_tree_is_found_by_verify() {
	make_release
	isorun inspect release.tar >/dev/null
	tree=$(cd "$ISORUN_ROOT" && echo trees/*/app/data)
	flip "$ISORUN_ROOT/$tree" 0
	capture isorun verify release.tar
	assert_error 3 "release.tar: store $ISORUN_ROOT: ${tree%/app/data}: app/data: its content differs"
}

test_a_changed_release_text_is_found_by_verify() {
	make_release
	isorun inspect release.tar >/dev/null
	text=$(cd "$ISORUN_ROOT" && echo releases/*)
	sed -i 's/"A":"1"/"A":"2"/' "$ISORUN_ROOT/$text"
	capture isorun verify release.tar
	assert_error 3 "release.tar: store $ISORUN_ROOT: $text: it is not what the image says"
}

test_a_changed_ledger_stops_every_verb_that_reads_it() {
	make_release
	export ISORUN_ROOT=$T/maker
	isorun release build.tar -e A=2 >/dev/null
	sed -i '1s/"kind":"release"/"kind":"import"/' "$ISORUN_ROOT/apps/shop/dev/ledger"
	for verb in releases verify rollback "inspect v1" "release build.tar"; do
		capture isorun $verb
		assert_status 3
		assert_contains "$stderr" "ledger of shop/dev: line 1: changed after it was written"
	done
	assert_equal 2 "$(wc -l <"$ISORUN_ROOT/apps/shop/dev/ledger")"
}

test_many_at_once_on_one_store_agree() {
	make_release 2000
	pids=()
	for i in 1 2 3 4 5 6; do
		isorun inspect --json release.tar >"import$i" &
		pids+=($!)
		isorun inspect --json - <release.tar >"stream$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	assert_equal 1 "$(sort -u import* stream* | wc -l)"
	pids=()
	for i in 1 2 3 4 5 6; do
		isorun release build.tar -e A=$i >"id$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	assert_equal 6 "$(isorun releases --json | jq length)"
	assert_equal "6 5 4 3 2 1" "$(isorun releases --json | jq -r '[.[].version | tostring] | join(" ")')"
	assert_equal 2 "$(ls "$ISORUN_ROOT/trees" | wc -l)"
	assert_equal "" "$(ls "$ISORUN_ROOT/tmp")"
	capture isorun verify
	assert_equal "shop/dev: 6 ledger entries, 6 releases verified" "$stdout"
}

test_a_full_disk_is_named_and_corrupts_nothing() {
	in_host
	make_release 3000
	mkdir store
	mount -t tmpfs -o size=4m tmpfs store
	own store
	capture isorun inspect release.tar
	assert_status 1
	assert_match "$stderr" "store $ISORUN_ROOT: .*: No space left on device"
	assert_contains "$stderr" "hint: free space on its file system, or let isorun gc remove what no release needs"
	assert_equal "" "$(store_listing)"
	assert_equal "" "$(ls store/tmp)"

	mount -o remount,size=40m store
	capture isorun inspect release.tar
	assert_status 0
	# A ledger on a full disk stays what it was.
	isorun release build.tar -e A=1 >/dev/null
	before=$(sha256sum <store/apps/shop/dev/ledger)
	dd if=/dev/zero of=store/filler bs=4k status=none 2>/dev/null || true
	capture isorun release build.tar -e A=2
	assert_status 1
	assert_contains "$stderr" "No space left on device"
	assert_equal "$before" "$(sha256sum <store/apps/shop/dev/ledger)"
	rm store/filler
	isorun release build.tar -e A=2 >/dev/null
	capture isorun verify
	assert_equal "shop/dev: 2 ledger entries, 2 releases verified" "$stdout"
	umount store
}

test_a_full_disk_leaves_no_half_written_output() {
	in_host
	make_release 3000
	isorun inspect release.tar >/dev/null
	id=$(cut -c 8- id)
	mkdir out
	mount -t tmpfs -o size=1m tmpfs out
	capture isorun release build.tar -e A=1 -o out/release.tar
	assert_error 1 "out/release.tar: write: No space left on device"
	assert_equal "" "$(ls -A out)"
	assert_no_file "$ISORUN_ROOT/apps/shop"
	umount out
}

test_a_killed_import_leaves_a_store_that_works() {
	make_release 4000
	kills=0
	for delay in 0.001 0.003 0.005 0.01 0.015 0.02 0.03 0.04 0.06 0.08 0.1 0.15 0.2; do
		rm -rf "$ISORUN_ROOT"
		start import isorun verify release.tar
		sleep "$delay"
		kill -KILL "$started" 2>/dev/null && kills=$((kills + 1))
		wait "$started" || true
		capture isorun verify release.tar
		assert_equal "$(cat id): verified" "$stdout"
		assert_equal "" "$(ls "$ISORUN_ROOT/tmp")"
		assert_equal 2 "$(ls "$ISORUN_ROOT/trees" | wc -l)"
	done
	[ "$kills" -gt 3 ] || fail "only $kills of the imports were still running when killed"
}

test_a_killed_release_leaves_a_ledger_that_works() {
	make_release
	isorun inspect release.tar >/dev/null
	for i in $(seq 12); do
		start release isorun release build.tar -e "A=$i"
		sleep "0.00$((i % 10))"
		kill -KILL "$started" 2>/dev/null || true
		wait "$started" || true
		isorun release build.tar -e "A=last$i" >/dev/null
	done
	capture isorun verify
	assert_status 0
}

# Twelve releases of two builds, one after the other: the first two are more than gc keeps.
make_twelve() {
	make_release
	export ISORUN_ROOT=$T/maker
	for i in $(seq 2 6); do isorun release build.tar -e A=$i >/dev/null; done
	echo more >>app/data
	git -C app -c user.name=t -c user.email=t@example.com commit -qam two
	isorun build app -o build2.tar >/dev/null
	for i in $(seq 7 12); do isorun release build2.tar -e A=$i >/dev/null; done
}

test_gc_keeps_the_last_ten_releases_and_says_what_it_frees() {
	make_twelve
	before=$(store_listing)
	capture isorun gc --dry-run --recent
	assert_status 0
	assert_equal 2 "$(grep -c ' releases/' stdout)"
	assert_equal "$before" "$(store_listing)"

	capture isorun gc --recent
	assert_status 0
	assert_match "$stdout" '^freed 6 items, [0-9]+ bytes and what was unpacked of them$'
	capture isorun verify
	assert_equal "shop/dev: 12 ledger entries, 10 releases verified, 2 no longer in the store" "$stdout"
	capture isorun rollback v1
	assert_error 5 "release $(isorun releases --json | jq -r '.[-1].id[7:19]') is not in the store $ISORUN_ROOT"
	capture isorun rollback v3
	assert_status 0
}

test_gc_leaves_what_is_younger_than_a_day() {
	make_twelve
	before=$(store_listing)
	capture isorun gc
	assert_equal "freed 0 items, 0 bytes and what was unpacked of them" "$stdout"
	assert_equal "$before" "$(store_listing)"
}

test_gc_leaves_what_a_run_stands_on() {
	in_host
	make_release
	export ISORUN_ROOT=$T/store
	start run isorun run release.tar -- /app/hello serve
	wait_for 20 test -s run.out
	rm "$ISORUN_ROOT/apps/shop/dev/ledger" "$ISORUN_ROOT/apps/shop/dev/head"
	isorun gc --recent >/dev/null
	assert_equal 2 "$(ls "$ISORUN_ROOT/trees" | wc -l)"
	kill -KILL "$started"
	wait "$started" || true
	isorun gc --recent >/dev/null
	assert_equal 0 "$(ls "$ISORUN_ROOT/trees" | wc -l)"
}

test_the_archive_reader_is_confined() {
	need strace
	make_release
	timeout 20 strace -f -e trace=seccomp,prctl,capset,openat,execve,socket -o trace "$ISORUN" inspect release.tar \
		>/dev/null || skip "strace does not work here"
	reader=$(sed -n 's/^\([0-9]*\) .*PR_SET_SECCOMP.*= 0$/\1/p' trace)
	[ -n "$reader" ] || fail "nobody loaded a filter"
	for pid in $reader; do
		assert_equal "" "$(sed "1,/^$pid .*PR_SET_SECCOMP/d" trace | grep "^$pid .*\(openat\|socket\|execve\)(.*) = [0-9]")"
		grep -q "^$pid .*capset.*effective=0, permitted=0" trace || fail "capabilities stay" "$(grep "^$pid" trace)"
	done
}

run_tests

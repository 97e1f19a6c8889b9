#!/bin/bash
# Hostile archives, made by archives.py, given to `isorun release` by somebody else: each is refused
# with one line, and nothing is written, in the store or outside. The unpacking alone:
# tests/unit/test_tree.c; damage by accident: tests/system/store.sh.
# again: user
# vm: no
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/intruder.sh"

readonly MAKER=$HARNESS_TOP/tests/security/archives.py
export ISORUN_MAX_UNPACKED=32M

make_archives() {
	need python3
	canary
	make_intruder
	mkdir made
	CANARY=$T/canary python3 "$MAKER" make build.tar made
	rm -r "$ISORUN_ROOT"
}

# assert_refused FILE [TEXT]
assert_refused() {
	capture timeout 10 "$ISORUN" release "$1"
	[ "$status" = 3 ] || fail "$1: exit status $status"
	assert_equal "" "$stdout"
	assert_equal 1 "$(wc -l <"$T/stderr")" "$1: lines"
	assert_match "$stderr" "^isorun: made/"
	assert_contains "$stderr" "${2-}"
	# Neither a blob, nor a tree, nor an entry, nor anything half-written.
	assert_equal "" "$(cd "$ISORUN_ROOT" && find . -type f ! -name version ! -path './locks/*' ! -name '*lock*')" "$1"
}

test_a_hostile_layer_is_refused_and_nothing_changes() {
	make_archives
	local name text count=0
	while IFS=$'\t' read -r name text; do
		assert_refused "made/$name.tar" "$text"
		count=$((count + 1))
	done < <(python3 "$MAKER" list)
	[ "$count" -gt 30 ] || fail "only $count"
	assert_canary
}

test_a_hostile_image_layout_is_refused_and_nothing_changes() {
	make_archives
	local file
	for file in made/outer-*.tar; do
		assert_refused "$file"
	done
	assert_refused made/outer-bomb.tar "larger than ISORUN_MAX_UNPACKED allows"
	assert_canary
}

test_what_is_allowed_is_tamed_and_what_follows_is_not_skipped() {
	make_archives
	capture isorun release made/tamed.tar
	assert_status 0
	local tree
	tree=$(dirname "$(echo "$ISORUN_ROOT"/trees/*/app/last)")
	assert_equal "1777 app
755 setuid" "$(stat -c '%a %n' "$tree" "$tree/setuid" | sed 's|/.*/||')"
	assert_equal "here 22 1 2" "$(cat "$tree/last") $(cat "$tree/again") $(cat "$tree/Name") $(cat "$tree/name")"
	assert_equal "$T/canary/dir/file" "$(readlink "$tree/link")"
	assert_equal "[]" "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$tree/attr")"
	assert_canary
}

run_tests

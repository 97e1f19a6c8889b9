#!/bin/bash
# Every command of README.md works: each block fenced with ```sh is run as it stands, line after
# line, in a clean clone behind `make`, as root, on a host of its own. A block that is only to be
# looked at is fenced with another word, or none.
. "$(dirname "$0")/../support/harness.sh"
in_host

# One block of README.md, the number-th.
block() {
	awk -v number="$1" '
		/^```/ && inside { inside = 0; next }
		/^```sh$/ { inside = 1; seen++; next }
		inside && seen == number' "$HARNESS_TOP/README.md"
}

run_block() {
	make_clone "$T/clone"
	cd "$T/clone"
	block "$number" >"$T/block.sh"
	capture timeout 120 bash -e "$T/block.sh"
	assert_status 0
}

count=$(grep -c '^```sh$' "$HARNESS_TOP/README.md")
for number in $(seq "$count"); do
	eval "block_$number() { number=$number; run_block; }"
	it "block $number: $(block "$number" | head -n 1)" "block_$number"
done

test_there_are_commands() {
	[ "$count" -gt 0 ] || fail "README.md has no block fenced with sh"
}

test_each_make_target_it_names_exists() {
	for target in $(grep -oE '(^|[ `])make [a-z-]+' "$HARNESS_TOP/README.md" | sed 's/.*make //' | sort -u); do
		capture make -C "$HARNESS_TOP" -n "$target"
		assert_status 0
	done
}

run_tests

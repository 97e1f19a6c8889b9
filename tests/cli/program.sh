#!/bin/bash
# The program as a file: what it links with, what it is called, that the demo app needs nothing.
. "$(dirname "$0")/../support/harness.sh"

test_it_loads_only_libc_and_libmnl() {
	case $BUILD in
	*build-san) skip "a sanitized build loads the sanitizer" ;;
	esac
	libraries=$(ldd "$ISORUN" | sed 's/^[ \t]*//; s/[ .].*//; s|.*/||' | sort | tr '\n' ' ')

	assert_match " $libraries" '^ (ld-linux[^ ]* )?(libc )?(libmnl )?(linux-vdso )?$'
}

test_it_is_hardened() {
	headers=$(readelf -lWd "$ISORUN")

	assert_contains "$headers" GNU_RELRO
	assert_contains "$headers" BIND_NOW
	assert_match "$headers" 'GNU_STACK[^\n]* RW '
	assert_contains "$(readelf -h "$ISORUN")" "DYN (Position-Independent Executable"
}

test_the_oci_name_is_the_same_program() {
	assert_equal "$(readlink -f "$ISORUN")" "$(readlink -f "$BUILD/isorun-oci")"
}

test_the_demo_app_needs_no_library() {
	assert_contains "$(ldd "$BUILD/hello" 2>&1)" "not a dynamic executable"
}

run_tests

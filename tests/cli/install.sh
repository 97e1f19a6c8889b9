#!/bin/bash
# make install: what goes where, and the AppArmor profile, which a host gets that can read it.
. "$(dirname "$0")/../support/harness.sh"

install_to() {
	make -s -C "$HARNESS_TOP" install BUILD="$BUILD" DESTDIR="$1" PREFIX="$2" >/dev/null
}

test_the_program_goes_below_the_prefix() {
	install_to "$T/dest" /usr

	assert_equal "$(isorun --version)" "$("$T/dest/usr/bin/isorun" --version)"
	assert_equal isorun "$(readlink "$T/dest/usr/bin/isorun-oci")"
}

test_the_profile_names_the_program_where_it_is_to_be() {
	install_to "$T/dest" /opt/tools

	assert_equal 644 "$(stat -c %a "$T/dest/etc/apparmor.d/isorun")"
	assert_equal "abi <abi/4.0>,
include <tunables/global>
profile isorun /opt/tools/bin/isorun flags=(unconfined) {
  userns,
  include if exists <local/isorun>
}" "$(grep -v -e '^#' -e '^$' "$T/dest/etc/apparmor.d/isorun")"
}

test_nothing_else_is_installed() {
	install_to "$T/dest" /usr

	assert_equal "./etc/apparmor.d/isorun ./usr/bin/isorun ./usr/bin/isorun-oci " \
		"$(cd "$T/dest" && find . ! -type d | sort | tr '\n' ' ')"
}

test_the_parser_takes_the_profile() {
	need apparmor_parser
	[ -e /etc/apparmor.d/abi/4.0 ] || skip "needs AppArmor 4.0, which knows userns"
	install_to "$T/dest" /usr
	capture apparmor_parser -QK "$T/dest/etc/apparmor.d/isorun"
	assert_status 0
}

# What scripts/apparmor does on a host whose parser is as the argument says: true or false.
on_a_host_whose_parser_says() {
	mkdir "$T/bin"
	printf '#!/bin/sh\nexec %s\n' "$1" >"$T/bin/apparmor_parser"
	chmod +x "$T/bin/apparmor_parser"
	mount -t tmpfs none /etc/apparmor.d
	PATH=$T/bin:$PATH capture "$HARNESS_TOP/scripts/apparmor" /usr/bin/isorun
	assert_status 0
}

test_a_host_that_cannot_read_it_gets_none() {
	in_host
	[ -d /etc/apparmor.d ] || skip "needs /etc/apparmor.d, to be mounted over"
	on_a_host_whose_parser_says false
	assert_equal "scripts/apparmor: no profile: this host's AppArmor is older than 4.0 and needs none" \
		"$stdout"
	assert_equal "" "$(ls -A /etc/apparmor.d)"
}

test_a_host_that_can_read_it_gets_it() {
	in_host
	[ -d /etc/apparmor.d ] || skip "needs /etc/apparmor.d, to be mounted over"
	on_a_host_whose_parser_says true
	assert_contains "$(cat /etc/apparmor.d/isorun)" "profile isorun /usr/bin/isorun flags=(unconfined)"
	assert_equal isorun "$(ls -A /etc/apparmor.d)"
}

run_tests

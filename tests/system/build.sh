#!/bin/bash
# isorun build with Debian packages, the build command, and other tools reading the result. Of the
# network only apt's mirrors are used; where they cannot be reached those tests say so.
# again: user
# vm: no
. "$(dirname "$0")/../support/harness.sh"

export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.org GIT_CONFIG_GLOBAL=/dev/null
SUITE=$(. /etc/os-release && echo "$VERSION_CODENAME")
LOCK_HINT="isorun build --update"
CLOSURE_HINT='declare the package or file that has it under "dependencies" in isorun.json'
# One resolution serves most tests: its packages and lock file are kept here.
SHARED=$(dirname "${T:-$(mktemp -u "${TMPDIR:-/tmp}/isorun-test.XXXXXX")}")/isorun-test-packages.$PPID

commit() {
	git -C "$1" init -q
	git -C "$1" add -A
	git -C "$1" commit -q -m change
	own "$1"
}

# codebase DIR DEPENDENCIES PROCESS [BUILD]
codebase() {
	mkdir -p "$1"
	echo "{ \"name\": \"app\", \"dependencies\": $2, ${4:+\"build\": $4,} \"processes\": { \"web\": { \"command\": $3 } } }" \
		>"$1/isorun.json"
	commit "$1"
}

# packages NAME…: as a value of "dependencies"
packages() {
	printf '{ "debian": { "suite": "%s", "packages": [' "$SUITE"
	printf '"%s",' "$@" | sed 's/,$//'
	printf '] } }'
}

# Skips where this host's apt cannot reach its mirrors.
need_mirror() {
	need_root
	need apt-get dpkg-deb git jq
	apt-get indextargets --format '$(CODENAME) $(RELEASE)' | grep -qw "$SUITE" ||
		skip "this host's apt has no source for $SUITE"
	[ ! -e "$SHARED/unreachable" ] || skip "$(cat "$SHARED/unreachable")"
}

# The codebase with busybox, built before by the first test that needs it; store and lock are copies.
busybox() {
	need_mirror
	if [ ! -d "$SHARED/store" ]; then
		mkdir -p "$SHARED"
		own "$SHARED"
		codebase "$SHARED/app" "$(packages busybox-static)" '["busybox", "true"]'
		if ! ISORUN_ROOT=$SHARED/store isorun build "$SHARED/app" 2>"$SHARED/said" >"$SHARED/digest"; then
			grep -q 'resolve\|connect\|Failed to fetch\|reach' "$SHARED/said" || fail "$(cat "$SHARED/said")"
			echo "no package mirror can be reached" >"$SHARED/unreachable"
			rm -rf "$SHARED/store"
			need_mirror
		fi
		git -C "$SHARED/app" add isorun.lock
		git -C "$SHARED/app" commit -q -m lock
	fi
	cp -a "$SHARED/store" "$ISORUN_ROOT"
	cp -a "$SHARED/app" app
	own app
}

layer() {
	rm -rf "$T/opened" && mkdir "$T/opened" && tar xf "$1" -C "$T/opened"
	local blobs=$T/opened/blobs/sha256
	cat "$blobs/$(jq -r ".layers[$2].digest" \
		"$blobs/$(jq -r '.manifests[0].digest' "$T/opened/index.json" | cut -d: -f2)" | cut -d: -f2)"
}

test_packages_are_resolved_pinned_and_unpacked_without_touching_the_host() {
	need_mirror
	before=$(dpkg-query -W | sha256sum; ls -lR /var/lib/apt/lists | sha256sum; ls /var/cache/apt/archives)
	busybox
	isorun build app -o build.tar
	after=$(dpkg-query -W | sha256sum; ls -lR /var/lib/apt/lists | sha256sum; ls /var/cache/apt/archives)

	assert_equal "$before" "$after"
	assert_contains "$(cat "$SHARED/said")" \
		"isorun: warning: isorun.lock is new: commit it, so that this build can be made again"
	assert_match "$(cat app/isorun.lock)" '"name":"busybox-static","sha256":"[0-9a-f]{64}"'
	assert_contains "$(layer build.tar 0 | tar t)" usr/bin/busybox
	assert_contains "$(layer build.tar 0 | tar xO var/lib/dpkg/status.d/busybox-static)" "Package: busybox-static"
}

test_the_merged_usr_of_the_skeleton_needs_no_package() {
	need_mirror
	codebase app "$(packages busybox-static init-system-helpers)" '["busybox", "true"]'
	isorun build app 2>said

	assert_contains "$(cat app/isorun.lock)" '"name":"init-system-helpers"'
	assert_not_contains "$(cat app/isorun.lock)" '"name":"usrmerge"'
	assert_not_contains "$(cat app/isorun.lock)" '"name":"perl"'
}

test_an_update_renews_the_lock_and_runs_no_hook_of_the_hosts_apt() {
	busybox
	sed -i 's/"date": "2/"date": "1/' app/isorun.lock
	cat >inner <<-'END'
		mount -t tmpfs none /var/cache/apt/archives
		mount -t tmpfs none /etc/apt/apt.conf.d
		echo 'APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' >/etc/apt/apt.conf.d/clean
		touch /var/cache/apt/archives/kept.deb
		"$0" build app --update && ls /var/cache/apt/archives
	END
	capture unshare --mount --propagation private sh -c "$(cat inner)" "$ISORUN"

	assert_status 0
	assert_match "$stdout" '^sha256:[0-9a-f]{64}
kept.deb$'
	assert_match "$(sed -n 2p app/isorun.lock)" '^"date": "2'
}

test_a_second_build_needs_no_network() {
	busybox
	first=$(isorun build app)
	capture unshare --net "$ISORUN" build app

	assert_equal "$first" "$stdout"
	assert_equal "" "$stderr"
}

test_the_lock_file_makes_the_same_build_in_an_empty_store() {
	busybox
	first=$(isorun build app -o first.tar)
	rm -rf "$ISORUN_ROOT"
	second=$(isorun build app -o second.tar 2>said)

	assert_equal "$first" "$second"
	cmp first.tar second.tar
	assert_not_contains "$(cat said)" resolving
	assert_contains "$(cat said)" "isorun: fetching 1 package"
}

test_another_commit_shares_the_dependencies_layer() {
	busybox
	isorun build app -o first.tar
	touch app/more && commit app
	capture unshare --net "$ISORUN" build app -o second.tar

	assert_status 0
	layer first.tar 0 >first && layer second.tar 0 >second
	cmp first second
}

test_a_version_that_has_vanished_says_what_to_do() {
	busybox
	rm -rf "$ISORUN_ROOT"
	sed -i 's|"filename":"pool/[^"]*"|"filename":"pool/main/b/busybox/gone_1_amd64.deb"|; s|"sha256":"[0-9a-f]*"|"sha256":"'"$(printf '0%.0s' $(seq 64))"'"|; s|"version":"[^"]*"|"version":"1:0.1"|' \
		app/isorun.lock
	capture isorun build app

	assert_status 1
	assert_match "$stderr" 'isorun: build: package busybox-static 1:0.1 is on no mirror: .*404 .*
hint: isorun build --update takes the versions that there are now$'
	assert_equal "" "$(find "$ISORUN_ROOT/blobs" "$ISORUN_ROOT/tmp" -mindepth 1 -type f)"
}

test_a_package_that_is_not_what_the_lock_says_is_refused() {
	busybox
	rm -rf "$ISORUN_ROOT"
	sed -i 's|"sha256":"[0-9a-f]*"|"sha256":"'"$(printf '0%.0s' $(seq 64))"'"|' app/isorun.lock
	capture isorun build app

	assert_status 1
	assert_contains "$stderr" "package busybox-static"
	assert_equal "" "$(find "$ISORUN_ROOT/blobs" "$ISORUN_ROOT/tmp" -mindepth 1 -type f)"
}

test_a_lock_file_that_does_not_cover_the_manifest_is_refused() {
	busybox
	sed -i 's/"busybox-static"/"busybox-static", "redis-server"/' app/isorun.json && commit app
	capture isorun build app

	assert_error 4 "build: isorun.lock: has no package redis-server" "$LOCK_HINT"
}

test_a_package_that_is_no_longer_declared_is_not_kept_silently() {
	busybox
	sed -i 's/"debian": {[^}]*}//; s/\["busybox", "true"\]/["x"]/' app/isorun.json
	sed -i 's/"dependencies": {  }/"dependencies": { "debian": { "suite": "'"$SUITE"'", "packages": ["dash"] } }/' app/isorun.json
	sed -i 's/"requested": \["busybox-static"\]/"requested": ["busybox-static", "dash"]/' app/isorun.lock
	commit app
	capture isorun build app

	assert_error 4 "build: isorun.lock: was made with package busybox-static, which is not declared any more" \
		"$LOCK_HINT"
}

test_an_uncommitted_lock_file_is_said() {
	busybox
	git -C app rm -q --cached isorun.lock && git -C app commit -q -m without
	capture isorun build app

	assert_status 0
	assert_equal "isorun: warning: isorun.lock is not as committed: commit it, so that this build can be made again" \
		"$stderr"
}

test_a_package_that_does_not_exist_is_named() {
	need_mirror
	codebase app "$(packages no-such-package)" '["x"]'
	capture isorun build app

	assert_status 1
	assert_equal "isorun: build: dependencies.debian: apt-get: Unable to locate package no-such-package" \
		"$(grep -v '^isorun: resolving' <<<"$stderr")"
	assert_no_file app/isorun.lock
}

test_a_suite_that_no_source_has_is_an_error_of_apt() {
	need_mirror
	codebase app "$(SUITE=nosuchsuite packages busybox-static)" '["x"]'
	capture isorun build app

	assert_status 1
	assert_contains "$stderr" "isorun: build: dependencies.debian: apt-get: "
	assert_contains "$stderr" nosuchsuite
}

test_a_command_that_no_package_brings_is_named() {
	busybox
	sed -i 's/"busybox", "true"/"python3"/' app/isorun.json && commit app
	capture isorun build app

	assert_error 1 "build: process web needs python3, which is not in the root or not executable" "$CLOSURE_HINT"
}

test_the_build_command_keeps_only_app_and_has_no_network() {
	busybox
	codebase app "$(packages busybox-static)" '["busybox", "true"]' \
		'{ "command": ["busybox", "sh", "-c", "id -u; echo made > made; busybox ls /sys/class/net /proc/sys/net/ipv4/conf; echo x > /usr/x; echo y > /tmp/y"] }'
	capture isorun build app -o build.tar

	assert_status 0
	assert_contains "$stderr" "1000"
	assert_not_contains "$stderr" eth0
	assert_contains "$stderr" "/usr/x: Read-only file system"
	assert_equal "app/ app/isorun.json app/isorun.lock app/made" "$(layer build.tar 1 | tar t | xargs)"
	assert_equal "0/0" "$(layer build.tar 1 | tar --numeric-owner -tv | awk '{ print $2 }' | sort -u)"
}

test_only_a_build_with_network_gets_the_callers_mirrors() {
	need_root
	mkdir -p app/bin && cp "$BUILD/hello" app/bin
	export npm_config_registry=http://127.0.0.1:1/ https_proxy=http://127.0.0.1:2 SECRET=3
	for network in false true; do
		echo '{ "name": "app", "processes": { "web": { "command": "bin/hello" } },
			"build": { "command": ["/app/bin/hello", "env"], "network": '$network' } }' >app/isorun.json
		capture isorun build --allow-dirty app
		assert_status 0
		grep -E '^(npm_config_registry|https_proxy|SECRET|HOME)=' "$T/stderr" | sort >$network
	done

	assert_equal "HOME=/tmp" "$(cat false)"
	assert_equal "HOME=/tmp
https_proxy=http://127.0.0.1:2
npm_config_registry=http://127.0.0.1:1/" "$(cat true)"
}

test_a_build_command_that_fails_fails_the_build() {
	busybox
	codebase app "$(packages busybox-static)" '["busybox", "true"]' \
		'{ "command": ["busybox", "sh", "-c", "echo broken >&2; exit 7"] }'
	capture isorun build app -o build.tar

	assert_status 1
	assert_contains "$stderr" "broken
isorun: build: build.command: exit status 7"
	assert_no_file build.tar
}

test_skopeo_and_podman_read_the_build() {
	busybox
	need skopeo podman
	isorun build app -o build.tar >digest
	capture skopeo inspect oci-archive:build.tar
	assert_status 0
	assert_equal "$(cat digest)" "$(jq -r .Digest <<<"$stdout")"

	mkdir storage
	capture podman --root "$T/storage" --runroot "$T/storage.run" --storage-driver vfs load -i build.tar
	assert_status 0
	assert_match "$stdout" '^Loaded image: localhost/app:[0-9a-f]{12}$'
}

test_the_shared_store_goes_away() {
	rm -rf --one-file-system "$SHARED"
}

run_tests

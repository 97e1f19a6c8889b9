#!/bin/bash
# isorun build without packages: provenance, reproducibility, closure, what is refused and how.
. "$(dirname "$0")/../support/harness.sh"

export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.org GIT_CONFIG_GLOBAL=/dev/null \
	GIT_AUTHOR_DATE='2026-01-02T03:04:05Z' GIT_COMMITTER_DATE='2026-01-02T03:04:05Z'

# codebase DIR [MANIFEST]: a committed codebase whose command is a static program it brings.
codebase() {
	mkdir -p "$1"
	git -C "$1" -c init.defaultBranch=main init -q
	cp "$BUILD/hello" "$1/hello"
	printf '%s\n' "${2:-{ \"name\": \"app\", \"processes\": { \"web\": { \"command\": [\"./hello\", \"serve\"], \"port\": true \} \} \}}" |
		tr -d '\\' >"$1/isorun.json"
	commit "$1"
}

commit() {
	git -C "$1" add -A
	git -C "$1" commit -q -m "change" --allow-empty
}

# document TAR manifest|config|layer N
document() {
	rm -rf "$T/opened" && mkdir "$T/opened" && tar xf "$1" -C "$T/opened"
	local blobs=$T/opened/blobs/sha256 manifest
	manifest=$blobs/$(jq -r '.manifests[0].digest' "$T/opened/index.json" | cut -d: -f2)
	case $2 in
	manifest) cat "$manifest" ;;
	config) cat "$blobs/$(jq -r .config.digest "$manifest" | cut -d: -f2)" ;;
	layer) cat "$blobs/$(jq -r ".layers[$3].digest" "$manifest" | cut -d: -f2)" ;;
	esac
}

test_a_build_prints_the_digest_of_its_image_manifest() {
	codebase app
	capture isorun build app -o build.tar

	assert_status 0
	assert_equal "" "$stderr"
	assert_equal "$stdout" "sha256:$(document build.tar manifest | sha256sum | cut -d' ' -f1)"
}

test_the_image_config_says_how_the_app_is_run_and_where_it_comes_from() {
	codebase app
	git -C app remote add origin https://user:secret@git.example.org/app.git
	isorun build app -o build.tar
	document build.tar config >config
	commit=$(git -C app rev-parse HEAD)

	assert_equal '["./hello","serve"]' "$(jq -c .config.Cmd config)"
	assert_equal '/app 1000:1000 SIGTERM {"5000/tcp":{}}' \
		"$(jq -r '.config | "\(.WorkingDir) \(.User) \(.StopSignal) \(.ExposedPorts)"' config)"
	assert_equal "$commit" "$(jq -r '.config.Labels["org.opencontainers.image.revision"]' config)"
	assert_equal https://git.example.org/app.git \
		"$(jq -r '.config.Labels["org.opencontainers.image.source"]' config)"
	assert_equal "${commit:0:12}" "$(jq -r '.config.Labels["org.opencontainers.image.version"]' config)"
	assert_equal 2026-01-02T03:04:05Z "$(jq -r '.config.Labels["org.opencontainers.image.created"]' config)"
	assert_equal app "$(jq -r '.config.Labels["dev.isorun.manifest"] | fromjson | .name' config)"
	assert_equal amd64,linux "$(jq -r '.architecture + "," + .os' config | sed 's/arm64/amd64/')"
	assert_not_contains "$(tr -d '\0' <build.tar | grep -a secret || true)" secret
}

test_the_same_commit_is_the_same_bytes_elsewhere() {
	need_root
	codebase one
	mkdir -p one/a/b && echo x >one/a/b/c && ln -s b/c one/a/link && commit one
	git clone -q one two/three
	isorun build one -o one.tar
	(
		umask 077
		export TZ=Asia/Tokyo ISORUN_ROOT=$T/other
		cd two/three
		unshare --uts sh -c 'hostname elsewhere; exec "$0" build -o '"$T/two.tar" "$ISORUN"
	)

	cmp one.tar two.tar
}

test_layers_are_sorted_owned_by_root_and_dated_by_the_commit() {
	codebase app
	mkdir -p app/a app/a-b && touch app/a/x app/a-b/x app/a.c && chmod 700 app/a app/a.c && commit app
	isorun build app -o build.tar
	for layer in 0 1; do
		document build.tar layer $layer >layer.tar
		tar tf layer.tar >names
		LC_ALL=C sort -c names
		assert_equal "0/0 2026-01-02 03:04:05" \
			"$(tar --full-time --numeric-owner -tvf layer.tar | awk '{ print $2, $4, $5 }' | sort -u)"
	done
	assert_equal "-rw-r--r--
-rwxr-xr-x
drwxr-xr-x" "$(tar tvf layer.tar | cut -d' ' -f1 | LC_ALL=C sort -u)"
}

test_names_are_kept_whatever_their_bytes_and_length() {
	codebase app
	long=$(printf 'n%.0s' $(seq 120))
	mkdir -p "app/$long/$long" && touch "app/$long/$long/x" "app/$(printf 'latin-\344')" 'app/főtan'
	commit app
	isorun build app -o build.tar
	document build.tar layer 1 >layer.tar
	mkdir out && tar xf layer.tar -C out 2>/dev/null

	assert_file "out/app/$long/$long/x"
	assert_file "out/app/$(printf 'latin-\344')"
	assert_file 'out/app/főtan'
}

test_a_changed_file_is_refused() {
	codebase app
	echo more >>app/isorun.json
	capture isorun build app -o build.tar

	assert_error 3 "build: app: isorun.json differs from what is committed" \
		"commit it, or build with --allow-dirty"
	assert_no_file build.tar
	assert_equal 0 "$(find "$ISORUN_ROOT/blobs" -type f | wc -l)"
}

test_several_changed_files_are_counted() {
	codebase app
	echo more >>app/isorun.json && rm app/hello && touch app/new && git -C app add new
	capture isorun build app

	assert_error 3 "build: app: hello and 2 more differ from what is committed" \
		"commit it, or build with --allow-dirty"
}

test_a_dirty_build_is_branded_and_holds_what_is_there() {
	codebase app
	echo ignored >app/.gitignore && touch app/ignored app/new
	capture isorun build app --allow-dirty -o build.tar

	assert_status 0
	assert_equal "$(git -C app rev-parse HEAD)+dirty" \
		"$(document build.tar config | jq -r '.config.Labels["org.opencontainers.image.revision"]')"
	assert_equal "app/ app/.gitignore app/hello app/isorun.json app/new" \
		"$(document build.tar layer 1 | tar t | xargs)"
}

test_allow_dirty_on_a_clean_tree_is_the_clean_build() {
	codebase app

	assert_equal "$(isorun build app)" "$(isorun build app --allow-dirty)"
}

test_an_uncommitted_file_does_not_enter_and_is_named() {
	codebase app
	clean=$(isorun build app)
	touch app/notes
	capture isorun build app

	assert_equal "$clean" "$stdout"
	assert_equal "isorun: warning: notes is not committed and not in the build" "$stderr"
}

test_a_directory_outside_git_needs_allow_dirty() {
	codebase app && rm -rf app/.git
	capture isorun build app
	assert_error 3 "build: app: not a git checkout" "commit it, or build with --allow-dirty"

	capture isorun build app --allow-dirty -o build.tar
	assert_status 0
	assert_equal null \
		"$(document build.tar config | jq -r '.config.Labels["org.opencontainers.image.revision"]')"
}

test_a_repository_without_a_commit_is_refused() {
	codebase app && rm -rf app/.git && git -C app init -q
	capture isorun build app

	assert_status 3
	assert_equal "isorun: build: app: nothing is committed yet" "$stderr"
}

test_of_a_subdirectory_only_the_subdirectory_counts() {
	codebase top
	mkdir top/sub && mv top/isorun.json top/hello top/sub && echo x >top/outside && commit top
	echo changed >top/outside
	capture isorun build top/sub -o build.tar

	assert_status 0
	assert_equal "app/ app/hello app/isorun.json" "$(document build.tar layer 1 | tar t | xargs)"
	assert_equal "$(git -C top rev-parse HEAD)" \
		"$(document build.tar config | jq -r '.config.Labels["org.opencontainers.image.revision"]')"
}

test_programs_named_by_the_repository_are_not_run() {
	codebase app
	git -C app config core.fsmonitor "touch $T/ran; true"
	git -C app config core.hooksPath "$T"
	printf '#!/bin/sh\ntouch %s/ran\n' "$T" >post-index-change && chmod +x post-index-change
	touch app/hello
	isorun build app >/dev/null

	assert_no_file ran
}

test_a_repository_that_has_git_run_programs_is_refused() {
	local key
	codebase app
	echo '*.x filter=own' >app/.gitattributes && echo data >app/f.x && commit app
	for key in filter.own.clean filter.own.process core.sshCommand; do
		git -C app config "$key" "sh -c 'touch $T/ran; cat'"
		touch -d 2001-01-01 app/f.x
		capture isorun build app
		key=$(git -C app config --local --name-only --get-regexp "^$key\$")
		assert_error 3 \
			"build: app: git: this repository's own configuration has $key, by which git runs programs" \
			"build a fresh clone of it, or git config --unset-all $key"
		git -C app config --unset-all "$key"
	done
	git -C app config remote.origin.promisor true
	capture isorun build app
	assert_status 3
	git -C app config --unset-all remote.origin.promisor
	assert_no_file "$T/ran"
	# The caller's own is the caller's.
	git config --file "$T/own" filter.lfs.clean cat
	HOME=$T XDG_CONFIG_HOME=$T/none
	cp "$T/own" "$T/.gitconfig"
	capture isorun build app
	assert_status 0
}

test_a_declared_file_may_be_ignored_by_git() {
	codebase app '{ "name": "app", "dependencies": { "files": { "/usr/local/bin/tool": "bin/tool", "/app/run": "bin/tool" } },
		"processes": { "web": { "command": ["tool"] } } }'
	echo bin >app/.gitignore && mkdir app/bin && mv app/hello app/bin/tool && commit app
	capture isorun build app -o build.tar

	assert_status 0
	assert_equal "" "$stderr"
	assert_contains "$(document build.tar layer 0 | tar t)" usr/local/bin/tool
	assert_equal "app/ app/.gitignore app/isorun.json app/run" "$(document build.tar layer 1 | tar t | xargs)"
}

test_a_declared_file_that_is_missing_or_outside_is_named() {
	codebase app '{ "name": "app", "dependencies": { "files": { "/app/x": "bin/tool" } }, "processes": { "web": { "command": ["./hello"] } } }'
	capture isorun build app
	assert_error 1 "build: dependencies.files: bin/tool: No such file or directory"

	mkdir app/bin && ln -s /etc/passwd app/bin/tool && commit app
	capture isorun build app
	assert_error 4 "build: dependencies.files: bin/tool: outside the codebase"
}

test_a_bad_manifest_is_named_with_line_and_path() {
	codebase app '{ "name": "app",
  "process": {} }'
	capture isorun build app

	assert_status 4
	assert_match "$stderr" '^isorun: build: isorun.json:2: \$\.process: '
	assert_equal 0 "$(find "$ISORUN_ROOT/blobs" -type f | wc -l)"
}

test_a_codebase_without_manifest_or_procfile_says_so() {
	codebase app && rm app/isorun.json && commit app
	capture isorun build app

	assert_error 4 "build: app: neither isorun.json nor Procfile is in the commit" \
		"isorun init writes one from package.json and the like"
}

test_a_procfile_alone_will_do() {
	codebase app && rm app/isorun.json && printf '# comment\r\nweb: ./hello serve\r\n' >app/Procfile && commit app
	capture isorun build app -o build.tar

	assert_status 0
	assert_equal '["./hello","serve"]' "$(document build.tar config | jq -c .config.Cmd)"
}

test_a_missing_library_fails_the_build() {
	codebase app && cp /bin/true app/tool && commit app
	capture isorun build app -o build.tar

	assert_status 1
	assert_match "$stderr" '^isorun: build: /app/tool needs /lib(64)?/ld-linux-[a-z0-9-]+\.so\.[12], which is not in the root \(and 1 more\)
hint: declare the package or file that has it under "dependencies" in isorun.json$'
	assert_no_file build.tar
}

test_a_script_without_its_interpreter_fails_the_build() {
	codebase app && printf '#!/usr/bin/python3 -u\n' >app/tool && chmod +x app/tool && commit app
	capture isorun build app

	assert_error 1 "build: /app/tool needs /usr/bin/python3 (its #! line), which is not in the root" \
		'declare the package or file that has it under "dependencies" in isorun.json'
}

test_a_symlink_to_nothing_fails_the_build() {
	codebase app && ln -s ../nowhere app/link && ln -s /proc/self/exe app/fine && commit app
	capture isorun build app

	assert_error 1 "build: /app/link is a symlink to ../nowhere, which is not in the root" \
		'declare the package or file that has it under "dependencies" in isorun.json'
}

test_a_command_that_is_not_there_fails_the_build() {
	codebase app '{ "name": "app", "processes": { "web": { "command": ["absent", "x"] } } }'
	capture isorun build app

	assert_error 1 "build: process web needs absent, which is not in the root or not executable" \
		'declare the package or file that has it under "dependencies" in isorun.json'
}

test_shell_syntax_needs_a_shell_in_the_root() {
	codebase app '{ "name": "app", "processes": { "web": { "command": "./hello serve | cat" } } }'
	capture isorun build app

	assert_error 1 "build: process web needs /bin/sh for \"./hello serve | cat\", which is not in the root" \
		'declare the package or file that has it under "dependencies" in isorun.json'
}

test_a_root_tar_can_be_the_base() {
	codebase app '{ "name": "app", "dependencies": { "base": "root.tar" }, "processes": { "web": { "command": ["tool"] } } }'
	mkdir -p root/bin root/etc && mv app/hello root/bin/tool && echo mine >root/etc/nsswitch.conf
	tar cf app/root.tar -C root . && echo root.tar >app/.gitignore && commit app
	isorun build app -o build.tar >/dev/null
	document build.tar layer 0 >layer.tar

	assert_contains "$(tar tf layer.tar)" usr/bin/tool
	assert_equal mine "$(tar xOf layer.tar etc/nsswitch.conf)"
}

test_an_image_can_be_the_base() {
	codebase base
	isorun build base -o base.tar >/dev/null
	codebase app '{ "name": "app", "dependencies": { "base": "base.tar", "files": { "/usr/bin/tool": "tool" } },
		"processes": { "web": { "command": ["tool"] } } }'
	mv base.tar app/ && mv app/hello app/tool && echo base.tar >app/.gitignore && commit app
	capture isorun build app -o build.tar

	assert_equal "" "$stderr"
	assert_status 0
}

# blob FILE: puts it into layout/ and prints its descriptor's digest and size.
blob() {
	local digest
	digest=$(sha256sum <"$1" | cut -d' ' -f1)
	mkdir -p layout/blobs/sha256
	cp "$1" "layout/blobs/sha256/$digest"
	printf '"digest": "sha256:%s", "size": %s' "$digest" "$(stat -c %s "$1")"
}

test_whiteouts_of_a_base_image_hide_what_lies_below() {
	mkdir -p one/usr/bin one/etc/deep two/etc/deep two/usr/bin
	cp "$BUILD/hello" one/usr/bin/tool
	touch one/etc/gone one/etc/kept one/etc/deep/below two/etc/.wh.gone \
		two/etc/deep/.wh..wh..opq two/etc/deep/above
	tar cf one.tar -C one . && tar cf two.tar -C two .
	echo "{ \"architecture\": \"amd64\", \"os\": \"linux\", \"rootfs\": { \"type\": \"layers\", \"diff_ids\": [
		\"sha256:$(sha256sum <one.tar | cut -d' ' -f1)\", \"sha256:$(sha256sum <two.tar | cut -d' ' -f1)\" ] } }" >config
	type=application/vnd.oci.image
	echo "{ \"schemaVersion\": 2, \"mediaType\": \"$type.manifest.v1+json\",
		\"config\": { \"mediaType\": \"$type.config.v1+json\", $(blob config) },
		\"layers\": [ { \"mediaType\": \"$type.layer.v1.tar\", $(blob one.tar) },
			{ \"mediaType\": \"$type.layer.v1.tar\", $(blob two.tar) } ] }" >manifest
	echo "{ \"schemaVersion\": 2, \"manifests\": [ { \"mediaType\": \"$type.manifest.v1+json\", $(blob manifest) } ] }" >layout/index.json
	echo '{ "imageLayoutVersion": "1.0.0" }' >layout/oci-layout
	codebase app '{ "name": "app", "dependencies": { "base": "base.tar" }, "processes": { "web": { "command": ["tool"] } } }'
	tar cf app/base.tar -C layout oci-layout index.json blobs
	echo base.tar >app/.gitignore && commit app
	capture isorun build app -o build.tar

	assert_equal "" "$stderr"
	assert_status 0
	document build.tar layer 0 | tar t >names
	assert_equal "etc/deep/ etc/deep/above etc/kept" "$(grep -E 'deep|kept|gone|wh' names | xargs)"
}

test_a_codebase_that_is_not_there_is_named() {
	capture isorun build absent

	assert_error 1 "build: absent: No such file or directory"
}

test_an_output_that_cannot_be_written_leaves_nothing() {
	codebase app
	capture isorun build app -o absent/build.tar

	assert_status 1
	assert_equal "" "$stdout"
	assert_contains "$stderr" "absent/build.tar"
	assert_equal "" "$(find . -name '*.new*')"
}

test_nothing_is_left_in_the_scratch_directory() {
	codebase app
	isorun build app >/dev/null
	echo x >>app/isorun.json
	capture isorun build app

	assert_equal "" "$(ls "$ISORUN_ROOT/tmp")"
}

test_help_has_an_example() {
	capture isorun build --help

	assert_status 0
	assert_contains "$stdout" "isorun build -o build.tar"
}

run_tests

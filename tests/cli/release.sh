#!/bin/bash
# A release's life in ledger and store: made, listed, rolled back, inspected, imported; and every
# way in which config, names and flags can be wrong.
. "$(dirname "$0")/../support/harness.sh"

# build.tar of a small app, in the test's own store.
make_build() {
	mkdir app
	cp "$BUILD/hello" app/hello
	cat >app/isorun.json <<-END
		{
		  "name": "shop",
		  "processes": { "web": { "command": ["/app/hello", "serve"], "port": true },
		                 "worker": { "command": ["/app/hello", "true"] } },
		  "env": { "KEY": { "required": true, "description": "signs cookies" },
		           "GREETING": { "value": "hi" } },
		  "services": { "cache": { "env": "CACHE_URL" } }
		}
	END
	git -C app init -q
	git -C app add .
	git -C app -c user.name=t -c user.email=t@example.com commit -qm one
	capture isorun build app -o build.tar
	assert_status 0
}

# What is in the store, without times.
store_listing() {
	(cd "$ISORUN_ROOT" && find . -type f -exec sha256sum {} + && find . | sort)
}


test_a_release_is_recorded_and_has_the_id_that_it_prints() {
	make_build
	capture isorun release build.tar -e KEY=1

	assert_status 0
	assert_equal "" "$stderr"
	assert_match "$stdout" '^sha256:[0-9a-f]{64}$'
	id=${stdout#sha256:}
	capture isorun releases --json
	assert_equal "sha256:$id v1-${id:0:12} release" "$(jq -r '.[0] | "\(.id) \(.name) \(.kind)"' stdout)"
}

test_a_release_of_a_dirty_build_names_its_commit_so() {
	make_build
	touch app/more
	isorun build --allow-dirty app -o build.tar >/dev/null
	id=$(isorun release build.tar -e KEY=1)
	capture isorun inspect "$id"

	assert_status 0
	assert_contains "$stdout" "$(git -C app rev-parse HEAD)+dirty"
	assert_not_contains "$stdout" "+dirty+dirty"
}

test_the_same_build_and_config_give_the_same_release_everywhere() {
	make_build
	isorun release build.tar -e KEY=1 -o one.tar >one
	ISORUN_ROOT=$T/other isorun release build.tar -e KEY=1 -o two.tar >two

	cmp one two
	cmp one.tar two.tar
	assert_equal 600 "$(stat -c %a one.tar)"
}

test_what_this_version_does_not_do_yet_is_said() {
	make_build
	cat >config.json <<-END
		{ "services": { "cache": "redis://h" }, "egress": "open",
		  "logs": { "drains": ["syslog+tls://logs.example:6514"] } }
	END
	capture isorun release build.tar -e KEY=1 --config config.json

	assert_status 0
	assert_equal "isorun: warning: this version has no log drains: the log goes to standard output" "$stderr"
}

test_the_same_release_twice_is_one_entry() {
	make_build
	isorun release build.tar -e KEY=1
	isorun release build.tar -e KEY=1

	assert_equal 1 "$(isorun releases --json | jq length)"
}

test_rolling_back_restores_build_and_config_as_a_new_release() {
	make_build
	isorun release build.tar -e KEY=k -e A=1
	isorun release build.tar -e KEY=k -e A=2
	assert_equal "env       A=2" "$(isorun inspect --reveal | grep ' A=')"

	capture isorun rollback
	assert_status 0
	assert_match "$stdout" '^v3-[0-9a-f]{12}$'

	assert_equal "env       A=1" "$(isorun inspect --reveal | grep ' A=')"
	assert_equal "3 rollback to v1" "$(isorun releases --json | jq -r '.[0] | "\(.version) \(.description)"')"
	assert_equal "$(isorun inspect v1 --json | jq .id)" "$(isorun inspect v3 --json | jq .id)"
}

test_rolling_back_to_a_release_by_number_writes_it_too() {
	make_build
	for a in 1 2 3; do isorun release build.tar -e KEY=k -e A=$a -o $a.tar; done

	capture isorun rollback v1 -o back.tar

	assert_status 0
	cmp 1.tar back.tar
}

test_there_is_nothing_before_the_first_release() {
	make_build
	isorun release build.tar -e KEY=k
	capture isorun rollback
	assert_error 5 "no release before v1"
	capture isorun rollback v7
	assert_error 5 "no release v7: there is only v1" "isorun releases lists them"
}

test_values_are_masked_unless_asked_for() {
	make_build
	isorun release build.tar -e KEY=hunter2 -o release.tar

	assert_not_contains "$(isorun inspect; isorun inspect --json; isorun releases --json)" hunter2
	assert_contains "$(isorun inspect)" "env       KEY=********"
	assert_contains "$(isorun inspect --reveal)" "env       KEY=hunter2"
	assert_equal hunter2 "$(isorun inspect --reveal --json release.tar | jq -r .release.env.KEY)"
	! grep -r hunter2 "$ISORUN_ROOT/apps"
}

test_config_file_env_files_and_flags_are_merged_in_this_order() {
	make_build
	echo '{"deploy":"staging","env":{"KEY":"config","A":"config","B":"config"}}' >config.json
	printf 'A=file\nB=file\n' >.env
	isorun release build.tar --config config.json --env-file .env -e B=flag

	assert_equal "config file flag hi" "$(isorun inspect --reveal --json |
		jq -r '.release.env | "\(.KEY) \(.A) \(.B) \(.GREETING)"')"
	assert_equal staging "$(isorun inspect --json | jq -r .release.deploy)"
}

test_a_release_of_another_store_is_imported_by_verify_and_inspect() {
	make_build
	isorun release build.tar -e KEY=k -o release.tar >id
	export ISORUN_ROOT=$T/other

	capture isorun verify release.tar
	assert_status 0
	assert_equal "$(cat id): verified" "$stdout"
	assert_no_file "$ISORUN_ROOT/apps/shop"
	capture isorun inspect "$(cut -c 8-20 id)"
	assert_status 0
	assert_contains "$stdout" "release   not in the ledger"
}

test_two_imported_releases_share_their_layers() {
	make_build
	isorun release build.tar -e KEY=1 -o one.tar >/dev/null
	isorun release build.tar -e KEY=2 -o two.tar >/dev/null
	export ISORUN_ROOT=$T/other

	isorun verify one.tar
	isorun verify two.tar

	assert_equal 2 "$(ls "$ISORUN_ROOT/trees" | wc -l)"
	assert_equal 6 "$(ls "$ISORUN_ROOT/blobs/sha256" | wc -l)"
	assert_equal "" "$(ls "$ISORUN_ROOT/tmp")"
}

test_a_run_of_an_unknown_release_or_build_records_it() {
	in_host
	make_build
	isorun release build.tar -e KEY=1 -o release.tar >id
	export ISORUN_ROOT=$T/other

	capture isorun run release.tar -- /app/hello true
	assert_status 0
	capture isorun run release.tar -- /app/hello true
	assert_equal "admin v1 0|admin v1 0|import v1 0" "$(isorun releases --all --json |
		jq -r '[.[] | "\(.kind) v\(.version) \(.status)"] | join("|")')"
	assert_equal "\"$(cat id)\"" "$(isorun releases --json | jq '.[0].id')"
}

test_a_release_comes_from_standard_input_gzip_and_zstd() {
	need zstd
	make_build
	isorun release build.tar -e KEY=k -o release.tar >id
	for pack in cat gzip zstd; do
		export ISORUN_ROOT=$T/$pack
		$pack <release.tar >packed
		assert_equal "$(cat id)" "$(isorun inspect --json - <packed | jq -r .id)"
		rm -r "$ISORUN_ROOT"
		assert_equal "$(cat id)" "$(isorun inspect --json packed | jq -r .id)"
	done
}

test_an_app_and_a_deploy_are_chosen() {
	make_build
	capture isorun releases
	assert_error 5 "there is no release yet in $ISORUN_ROOT" "isorun release BUILD makes one"
	isorun release build.tar -e KEY=k
	isorun release build.tar -e KEY=k -d staging

	capture isorun releases
	assert_error 2 "which deploy of shop? there are dev, staging" "choose with -d DEPLOY"
	capture isorun releases -d staging
	assert_status 0
	capture isorun releases -d production
	assert_error 5 'no deploy of shop "production": there are dev, staging'
	capture isorun releases -a other
	assert_error 5 'no app "other": there is shop'
	cd app
	capture isorun inspect -d dev
	assert_status 0
}

test_a_release_for_another_deploy_is_refused() {
	make_build
	isorun release build.tar -e KEY=k -d staging -o release.tar
	capture isorun inspect release.tar -d production
	assert_error 2 "release.tar: it is a release for deploy staging, not for production" \
		"isorun release BUILD -d production makes one for it"
}

test_a_required_variable_that_is_missing_or_empty_is_named() {
	make_build
	before=$(store_listing)
	capture isorun release build.tar
	assert_error 4 "release: KEY is required and not set (signs cookies)" "-e KEY=…"
	capture isorun release build.tar -e KEY=
	assert_error 4 "release: KEY is required and empty (signs cookies)" "-e KEY=…"
	assert_equal "$before" "$(store_listing)"
}

test_bad_config_is_named_with_line_and_path() {
	make_build
	before=$(store_listing)
	printf '{\n "env": { "A": 1 } }' >config.json
	capture isorun release build.tar -e KEY=k --config config.json
	assert_error 4 'config.json:2: $.env.A: must be a string, is a whole number'
	printf '{\n "envv": {} }' >config.json
	capture isorun release build.tar -e KEY=k --config config.json
	assert_status 4
	assert_contains "$stderr" 'config.json:2: $.envv: '
	printf '{' >config.json
	capture isorun release build.tar -e KEY=k --config config.json
	assert_error 4 "config.json:1:1: string or '}' expected near end of file"
	capture isorun release build.tar -e KEY=k --config absent.json
	assert_error 4 "absent.json: No such file or directory"
	capture isorun release build.tar -e KEY=k --env-file absent.env
	assert_error 4 "absent.env: No such file or directory"
	printf 'A=1\nB="x\n' >.env
	capture isorun release build.tar -e KEY=k --env-file .env
	assert_status 4
	assert_match "$stderr" '^isorun: \.env:2:[0-9]+: '
	assert_equal "$before" "$(store_listing)"
}

test_flags_that_name_nothing_are_refused() {
	make_build
	before=$(store_listing)
	capture isorun release build.tar -e KEY=k --formation wbe=2
	assert_error 4 'release: formation: the app has no process type "wbe"' "it has: web, worker"
	capture isorun release build.tar -e KEY=k --attach db=postgres://h/d
	assert_error 4 'release: services: the app declares no service "db"' "it declares cache"
	capture isorun release build.tar -e KEY=k --attach cache=redis://secret@h:1,i:2
	assert_error 4 'release: service cache: it names several hosts, and a gate stands for one' \
		'"egress": "open" in the config lets the app connect by itself'
	capture isorun release build.tar -e KEY=k -p 8080:worker
	assert_error 4 'release: ports: process type "worker" has no port' 'say "port": true in the manifest'
	capture isorun release build.tar -e KEY=k -e 1A=2
	assert_status 4
	capture isorun release build.tar -e KEY=k -e ISORUN_APP=2
	assert_status 4
	assert_equal "$before" "$(store_listing)"
}

test_bad_names_are_refused() {
	make_build
	before=$(store_listing)
	long=$(printf 'a%.0s' $(seq 10000))
	for name in a/b ../../etc '' 'a b' .. "$long" $'a\nb' -x A; do
		capture isorun release build.tar -e KEY=k --deploy="$name"
		assert_status 4
		assert_match "$(head -n 1 stderr)" '^isorun: --deploy: '
		[ "$(wc -l <stderr)" -le 2 ] || fail "more than two lines"
		capture isorun releases --app="$name"
		assert_status 4
	done
	assert_equal "$before" "$(store_listing)"
}

test_what_is_no_build_is_refused() {
	make_build
	isorun release build.tar -e KEY=k -o release.tar
	before=$(store_listing)
	capture isorun release release.tar -e KEY=2
	assert_error 2 "release.tar: it is a release already, not a build"
	capture isorun release absent.tar
	assert_error 5 "absent.tar: No such file or directory"
	capture isorun release 0123456789abcdef
	assert_error 5 "no build 0123456789abcdef in $ISORUN_ROOT"
	capture isorun release app
	assert_error 2 "app: it is a directory, not an archive" \
		"isorun build app turns a codebase into one"
	head -c 100 /dev/zero | tr '\0' x >text
	capture isorun release text
	assert_error 3 "text: Unrecognized archive format"
	capture isorun release
	assert_error 2 "release takes one build" "isorun release --help"
	assert_equal "$before" "$(store_listing)"
}

test_an_image_made_by_others_is_told_so() {
	make_build
	before=$(store_listing)
	mkdir -p layout/blobs/sha256
	put() {
		local digest
		digest=$(sha256sum <"$1" | cut -d ' ' -f 1)
		cp "$1" "layout/blobs/sha256/$digest"
		printf '"digest":"sha256:%s","size":%d' "$digest" "$(stat -c %s "$1")"
	}
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}' >config
	printf '{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[]}' \
		"$(put config)" >manifest
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' \
		"$(put manifest)" >layout/index.json
	printf '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
	tar -C layout -cf foreign.tar .
	capture isorun inspect foreign.tar
	assert_error 8 "foreign.tar: an image that isorun did not build" \
		"this version runs builds and releases of isorun build"
	assert_equal "$before" "$(store_listing)"
}

run_tests

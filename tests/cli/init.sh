#!/bin/bash
# isorun init: an isorun.json from what is there, whole or not at all, and never over another.
. "$(dirname "$0")/../support/harness.sh"

test_a_procfile_becomes_an_isorun_json() {
	mkdir guestbook
	printf 'web: bin/serve\nworker: bin/work\n' >guestbook/Procfile
	capture isorun init guestbook

	assert_status 0
	assert_equal "isorun: wrote guestbook/isorun.json" "$stderr"
	assert_equal "$(cat guestbook/isorun.json)" "$stdout"
	assert_equal guestbook "$(jq -r .name guestbook/isorun.json)"
	assert_equal "bin/work" "$(jq -r .processes.worker.command guestbook/isorun.json)"
}

test_what_init_writes_can_be_built() {
	mkdir -p hello/bin
	cp "$BUILD/hello" hello/bin/hello
	echo "web: bin/hello" >hello/Procfile
	isorun init hello 2>/dev/null >&2
	capture isorun build --allow-dirty hello

	assert_status 0
	assert_match "$stdout" '^sha256:[0-9a-f]{64}$'
}

test_an_isorun_json_that_is_there_is_kept() {
	echo "web: bin/serve" >Procfile
	echo mine >isorun.json
	capture isorun init

	assert_error 1 "init: .: isorun.json is there already" "--force replaces it"
	assert_equal mine "$(cat isorun.json)"

	capture isorun init --force
	assert_status 0
	assert_match "$(cat isorun.json)" '"command": "bin/serve"'
}

test_what_cannot_be_mapped_is_warned_of() {
	echo "web: bin/serve" >Procfile
	echo '{ "stack": "heroku-24", "addons": ["new-thing"] }' >app.json
	touch yarn.lock
	capture isorun init

	assert_status 0
	assert_equal "isorun: warning: yarn.lock is not read
isorun: warning: app.json:1: \$.stack: has no counterpart in isorun.json
isorun: warning: app.json:1: \$.addons[0]: is not known: it is taken for a service whose variable is NEW_THING_URL
isorun: wrote isorun.json" "$stderr"
}

test_malformed_input_is_named_and_nothing_is_written() {
	echo "web: bin/serve" >Procfile
	printf '{\n "env": { "A": [] } }\n' >app.json
	capture isorun init

	assert_error 4 'init: app.json:2: $.env.A: must be an object, is an array'
	assert_no_file isorun.json
}

test_a_directory_with_nothing_to_run_says_what_is_missing() {
	capture isorun init

	assert_error 4 "init: nothing says what to run: there is no Procfile" \
		"a Procfile has lines such as web: node server.js"
	capture isorun init absent
	assert_error 1 "init: absent: No such file or directory"
}

run_tests

#!/bin/bash
# isorun start: what `foreman start` does, by build, release and run; and only what has to be done
# again is done again. A type that no app has ends a start before anything runs.
# again: user
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/start.sh"

export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.org GIT_CONFIG_GLOBAL=/dev/null

# A codebase in $T/app that hello is built into by a build command, so that a build can be seen.
codebase() {
	mkdir -p app/bin
	cp "$BUILD/hello" app/bin/hello
	cat >app/isorun.json <<-'END'
		{ "name": "app",
		  "build": { "command": ["/app/bin/hello", "lines", "1", "built"] },
		  "dependencies": { "files": { "/hello": "data" } },
		  "processes": {
		    "web": { "command": "bin/hello serve", "port": true },
		    "worker": { "command": "bin/hello sleep 1000" },
		    "release": { "command": "bin/hello true" } },
		  "env": { "SECRET_KEY": { "generator": "secret" }, "GREETING": "hello" },
		  "services": { "cache": "REDIS_URL" } }
	END
	echo data >app/data
	printf 'data\n' >app/.gitignore
}

commit() {
	git -C app init -q
	git -C app add -A
	git -C app commit -q -m change
}

# Builds and releases, and says whether it built.
prepares() {
	capture isorun start -d app "$@" none
	assert_status 5
	assert_match "$stderr" 'has no process type "none"'
}

builds() {
	prepares "$@"
	assert_contains "$stderr" "running build.command"
}

builds_nothing() {
	prepares "$@"
	assert_not_contains "$stderr" "running build.command"
}

versions() {
	isorun releases -a app -d dev | grep -c '^v' || :
}

# The environment of the newest release's processes.
environment() {
	isorun run v"$(versions)" -a app -d dev -- bin/hello env
}

test_one_of_each_type_runs_and_is_logged_as_foreman_does() {
	in_host
	codebase && commit
	begin
	wait_for 10 grep -q 'worker.1.*started' start.out
	answer=$(curl -s -m 5 http://127.0.0.1:5000/)
	end

	assert_contains "$answer" "hello from web.1"
	assert_match "$(cat start.out)" '(^|
)[0-9]{2}:[0-9]{2}:[0-9]{2} web.1    \| listening on port 5000'
	assert_match "$(cat start.out)" '[0-9]{2}:[0-9]{2}:[0-9]{2} isorun\[worker.1\]: started'
	assert_not_contains "$(cat start.out)" "release.1"
	assert_equal 1 "$(versions)"
}

test_a_second_start_builds_and_releases_nothing() {
	in_host
	codebase && commit
	begin && end
	begin && end

	assert_equal "" "$(cat start.err)"
	assert_equal 1 "$(versions)"
}

test_whatever_changes_is_built_again() {
	need_root
	codebase
	builds && builds_nothing
	git -C app init -q
	builds && builds_nothing
	commit
	builds && builds_nothing

	# As long as before, and not newer.
	touch -r app/.gitignore stamp
	echo nata >app/.gitignore && touch -r stamp app/.gitignore
	builds && builds_nothing
	git -C app checkout -q .gitignore
	builds
	echo atad >app/data # which git ignores and the manifest names
	builds && builds_nothing
	touch app/untracked
	builds && builds_nothing
	chmod +x app/untracked
	builds && builds_nothing
	sed -i 's/"built"/"built", "2"/; s/, "2"//' app/isorun.json
	builds_nothing
	sed -i 's/sleep 1000/sleep 2000/' app/isorun.json
	builds && builds_nothing
	commit
	builds && builds_nothing
	builds --update
}

test_a_build_command_can_be_interrupted() {
	need_root
	codebase && commit
	sed -i 's/"lines", "1", "built"/"sleep", "1000"/' app/isorun.json
	start start isorun start -d app
	wait_for 10 grep -q "running build.command" start.err
	wait_for 10 pgrep -P "$(pgrep -P "$started")" # the sandbox's first process, the command's parent
	sleep 0.3
	kill "$started"
	wait_exit "$started" 10

	assert_status 1
	assert_equal "isorun: start: build.command: killed by SIGTERM" "$(tail -n 1 start.err)"
	assert_equal "" "$(ls "$ISORUN_ROOT/tmp")"
}

test_a_build_that_is_gone_is_made_again() {
	need_root
	codebase && commit
	builds
	rm -rf "$ISORUN_ROOT/blobs/sha256/"*
	builds
	rm "$ISORUN_ROOT"/starts/*
	builds
	echo '{' >"$(echo "$ISORUN_ROOT"/starts/*)"
	builds && builds_nothing
}

test_other_variables_make_another_release_of_the_same_build() {
	need_root
	codebase && commit
	builds
	echo "GREETING=hi" >app/.env
	builds_nothing
	assert_equal 2 "$(versions)"
	assert_contains "$(environment)" "GREETING=hi"
	builds_nothing
	assert_equal 2 "$(versions)"
}

test_an_env_file_is_read_and_never_built_in() {
	need_root
	codebase
	printf 'GREETING=from .env\nREDIS_URL=redis://127.0.0.1:1\n' >app/.env
	for step in "" "git -C app init -q" commit; do
		$step
		prepares
		capture isorun run v1 -a app -d dev -- bin/hello read /app/.env
		assert_match "$stderr" "No such file"
	done
	assert_contains "$(environment)" "GREETING=from .env"

	printf 'A=1\nGREETING=one\n' >one.env
	printf 'GREETING=two\n' >two.env
	prepares -e one.env,two.env
	assert_contains "$(environment)" "A=1
"
	assert_contains "$(environment)" "GREETING=two"
	assert_not_contains "$(environment)" REDIS_URL

	capture isorun start -d app -e GREETING=x
	assert_error 4 "start: GREETING=x: No such file or directory" "-e takes a file of variables"
}

test_port_in_an_env_file_is_where_web_is_published() {
	in_host
	codebase && commit
	echo "PORT=6000" >app/.env
	begin
	assert_contains "$(curl -s -m 5 http://127.0.0.1:6000/env)" "PORT=5000"
	end
	begin -p 7000
	assert_contains "$(curl -s -m 5 http://127.0.0.1:7000/)" "hello from web.1"
	end
	assert_equal 1 "$(versions)"
}

test_types_and_quantities_are_chosen_as_with_foreman() {
	in_host
	codebase && commit
	begin web
	end
	assert_not_contains "$(cat start.out)" worker
	begin -m worker=2,all=1
	wait_for 10 grep -q 'worker.2.*started' start.out
	end
	begin -m "web=2, worker=0"
	wait_for 10 grep -q 'web.2.*started' start.out
	end
	assert_not_contains "$(cat start.out)" worker
	assert_equal 1 "$(versions)"

	capture isorun start -d app -m web
	assert_error 2 "start: -m web: not TYPE=NUMBER" "as in -m web=2,worker=1 or -m all=1"
	capture isorun start -d app -m mail=1
	assert_error 5 'app has no process type "mail"' "it has release, web, worker"
	capture isorun start -d app -t soon
	assert_status 2
	assert_match "$stderr" '^isorun: start: -t: '
}

test_the_grace_can_be_shortened() {
	in_host
	codebase
	sed -i 's/hello sleep 1000/hello stubborn/' app/isorun.json
	begin -t 1
	wait_for 10 grep -q 'worker.1.*started' start.out
	began=$EPOCHSECONDS
	kill "$started"
	wait_exit "$started" 8
	assert_contains "$(cat start.out)" "isorun[worker.1]: "
	[ $((EPOCHSECONDS - began)) -le 6 ] || fail "took $((EPOCHSECONDS - began)) s"
}

test_a_required_service_is_attached_by_its_variable_or_missed() {
	need_root
	codebase
	sed -i 's/"cache": "REDIS_URL"/"cache": { "env": "REDIS_URL", "required": true }/' app/isorun.json
	commit
	capture isorun start -d app
	assert_status 4
	assert_equal "isorun: start: release: service cache is required and not attached
hint: --attach cache=URL, which becomes REDIS_URL" "$(tail -n 2 <<<"$stderr")"

	prepares --attach cache=redis://127.0.0.1:1
	assert_contains "$(environment)" "REDIS_URL=redis://127.0.0.1:1"
	echo "REDIS_URL=redis://127.0.0.1:2" >app/.env
	prepares
	assert_contains "$(environment)" "REDIS_URL=redis://127.0.0.1:2"
}

test_a_secret_is_made_up_once() {
	need_root
	codebase && commit
	prepares
	secret=$(environment | grep ^SECRET_KEY=)
	assert_match "$secret" '^SECRET_KEY=[0-9a-f]{64}$'
	assert_not_contains "$(cat "$ISORUN_ROOT"/apps/app/dev/ledger)" "${secret#*=}"

	touch app/more
	prepares
	assert_equal "$secret" "$(environment | grep ^SECRET_KEY=)"
	echo "SECRET_KEY=mine" >app/.env
	prepares
	assert_equal SECRET_KEY=mine "$(environment | grep ^SECRET_KEY=)"
}

test_a_procfile_is_enough() {
	in_host
	mkdir -p app/bin && cp "$BUILD/hello" app/bin/hello
	printf 'web: bin/hello serve\r\nworker: bin/hello sleep 1000\r\n' >app/Procfile
	begin
	end
	assert_equal "isorun: no isorun.json: taken for what isorun init would write" "$(cat start.err)"
	assert_no_file app/isorun.json

	printf 'web: bin/hello serve\nclock: bin/hello sleep 1000\n' >app/Procfile.dev
	rm start.out
	start start isorun start -f app/Procfile.dev
	wait_for 20 grep -q 'clock.1.*started' start.out
	end
	assert_not_contains "$(cat start.out)" worker
}

test_a_named_procfile_replaces_the_manifests_processes() {
	need_root
	codebase
	echo "web: bin/hello serve" >Procfile
	capture isorun start -d app -f Procfile worker
	assert_status 5
	assert_equal "hint: it has web" "$(tail -n 1 <<<"$stderr")"
	capture isorun start -d app -f absent
	assert_error 4 "start: absent: there is no such Procfile"
}

test_nothing_to_start_says_so() {
	need_root
	mkdir empty
	capture isorun start -d empty
	assert_error 4 "start: nothing says what to run: there is no Procfile" \
		"a Procfile has lines such as web: node server.js"
	capture isorun start -d absent
	assert_error 1 "start: absent: No such file or directory"
	capture isorun start -- ls
	assert_error 2 "start takes process types, no command" \
		"isorun run -a APP -d dev -- CMD runs one"
}

test_port_of_the_callers_environment_is_where_web_is_published() {
	in_host
	mkdir app
	echo '{ "name": "app", "processes": { "web": { "command": ["/app/hello", "serve"], "port": true } },
		"dependencies": { "files": { "/app/hello": "hello" } } }' >app/isorun.json
	cp "$BUILD/hello" app/hello
	own app
	PORT=5620 start run isorun start -d app
	wait_for 30 grep -q 'listening on http://127.0.0.1:5620' "$T/run.out"
	kill "$started"
	wait_exit "$started" 10
	echo PORT=5621 >app/.env
	PORT=5620 start run isorun start -d app
	wait_for 30 grep -q 'listening on http://127.0.0.1:5621' "$T/run.out"
}

test_what_an_env_file_attaches_is_said_without_its_password() {
	in_host
	mkdir -p app
	echo '{ "name": "app", "services": { "cache": { "env": "REDIS_URL" } },
		"processes": { "web": { "command": ["/app/hello", "true"] } },
		"dependencies": { "files": { "/app/hello": "hello" } } }' >app/isorun.json
	cp "$BUILD/hello" app/hello
	printf 'REDIS_URL=redis://u:secret@127.0.0.1:6379/0\nDATABASE_URL=postgres://u:secret@db.example.com/d\n' >app/.env
	own app
	start run isorun start -d app
	wait_for 30 grep -q restarting "$T/run.out"
	kill "$started"
	wait_exit "$started" 10
	assert_contains "$(cat "$T/run.err")" "isorun: service cache is 127.0.0.1:6379 (REDIS_URL)"
	assert_contains "$(cat "$T/run.err")" \
		'isorun: warning: DATABASE_URL is the URL of no declared service: the app cannot reach db.example.com:5432; in isorun.json: "services": { "NAME": { "env": "DATABASE_URL" } }'
	assert_not_contains "$(cat "$T/run.err" "$T/run.out")" secret

	echo A=1 >elsewhere
	ln -sf ../elsewhere app/.env
	capture isorun start -d app
	assert_status 4
	assert_equal "isorun: start: app/.env is a link
hint: -e app/.env reads what it leads to" "$(grep -v taken "$T/stderr")"
}

run_tests

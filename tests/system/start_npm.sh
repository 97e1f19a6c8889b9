#!/bin/bash
# isorun start of an app as the field writes them, unmodified: npm dependencies, a web and a worker
# process, an add-on in app.json. It is built where this machine's npm and apt reach what they reach,
# and run in a host of its own, without any network, by another start.
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/start.sh"

# The app, built with this host's own npm registry, whichever that is.
npm_app() {
	[ -z "${HARNESS_IN_HOST-}" ] || return 0
	need_root
	need npm apt-get dpkg-deb git curl
	cp -a "$HARNESS_TOP/tests/apps/node-guestbook" app
	rm -rf app/node_modules
	git -C app init -q
	git -C app add -A
	git -C app -c user.name=a -c user.email=a@example.org commit -q -m app
	echo "REDIS_URL=redis://127.0.0.1:6379" >app/.env
	npm_config_registry=$(npm config get registry)
	export npm_config_registry
	npm view express version >said 2>&1 || skip "no npm registry can be reached"
	capture isorun start -d app none
	if [ "$status" != 5 ] && grep -q 'resolve\|connect\|Failed to fetch\|reach\|no source' <<<"$stderr"; then
		skip "no package mirror can be reached"
	fi
	assert_status 5
}

test_an_npm_app_with_a_worker_and_an_add_on_runs_unmodified() {
	npm_app
	in_host
	begin
	wait_for 20 grep -q 'worker.1 | waiting for entries' start.out
	answer=$(curl -s -m 5 http://127.0.0.1:5000/)
	told=$(curl -s -m 5 http://127.0.0.1:5000/status)
	end

	assert_equal "isorun: no isorun.json: taken for what isorun init would write" \
		"$(grep -v 'leads to no service' start.err)"
	assert_equal Welcome "$answer"
	assert_contains "$told" '"secret":64'
	assert_contains "$(cat start.out)" "web.1    | closing"
	assert_equal "" "$(git -C app status --porcelain | grep -v isorun.lock)"
}

run_tests

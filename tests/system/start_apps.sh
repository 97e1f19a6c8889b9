#!/bin/bash
# isorun start of apps as the field writes them, unmodified: dependencies from npm and pip, a web and
# a worker process, an add-on in app.json. They are built where this machine's npm and apt reach what
# they reach, and run in a host of their own, without any network, by another start. Redis is
# Debian's, started the same way.
# vm: no
# san: no
. "$(dirname "$0")/../support/harness.sh"
. "$(dirname "$0")/../support/start.sh"

# prepare DIR: builds and releases; a type that there is not ends the start then.
prepare() {
	own "$1"
	capture isorun start -d "$1" none
	if [ "$status" != 5 ] && grep -q 'resolve\|connect\|Failed to fetch\|reach\|no source' <<<"$stderr"; then
		skip "no package mirror can be reached"
	fi
	assert_status 5
}

# The app, built with this host's own npm registry, whichever that is.
npm_app() {
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
	prepare app
}

redis() {
	mkdir redis
	cat >redis/isorun.json <<-END
		{ "name": "redis",
		  "dependencies": { "debian": {
		    "suite": "$(. /etc/os-release && echo "$VERSION_CODENAME")",
		    "packages": ["redis-server"] } },
		  "processes": { "web": { "port": 6379, "command": ["redis-server", "--bind", "*",
		    "--protected-mode", "no", "--save", "", "--dir", "/tmp"] } } }
	END
	prepare redis
}

# A Python app; its one requirement lies beside it, so that no package index is asked.
pip_app() {
	need_root
	need python3 apt-get dpkg-deb
	mkdir -p app/wheels
	python3 - <<-'END'
		from zipfile import ZipFile
		files = {
		    "greet.py": "import http.server, os\n"
		        "class Handler(http.server.BaseHTTPRequestHandler):\n"
		        "    def do_GET(self):\n"
		        "        self.send_response(200)\n"
		        "        self.end_headers()\n"
		        "        self.wfile.write(b'greetings\\n')\n"
		        "def main():\n"
		        "    print('serving')\n"
		        "    http.server.HTTPServer(('', int(os.environ['PORT'])), Handler).serve_forever()\n",
		    "greet-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
		    "greet-1.0.dist-info/WHEEL":
		        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		    "greet-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greet:main\n",
		}
		files["greet-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
		with ZipFile("app/wheels/greet-1.0-py3-none-any.whl", "w") as wheel:
		    for name, text in files.items():
		        wheel.writestr(name, text)
	END
	printf -- '--no-index\n--find-links wheels\ngreet==1.0\n' >app/requirements.txt
	printf 'web: greet\nworker: python -c "import greet, time; print(greet.__file__); time.sleep(1000)"\n' \
		>app/Procfile
	prepare app
}

ask() {
	curl -s -m 5 "$@"
}

test_an_npm_app_with_a_worker_and_an_add_on_runs_unmodified() {
	[ -n "${HARNESS_IN_HOST-}" ] || { npm_app && redis; }
	in_host
	start redis isorun start -d redis -p 6379
	wait_for 20 grep -q 'listening on http' redis.out
	begin
	wait_for 20 grep -q 'web: Redis is there' start.out
	wait_for 20 grep -q 'worker: Redis is there' start.out
	ask -d "the first entry" -H "Content-Type: text/plain" http://127.0.0.1:5000/ >said
	wait_for 20 grep -q 'worker.1 | counted 1: the first entry' start.out
	entries=$(ask http://127.0.0.1:5000/)
	told=$(ask http://127.0.0.1:5000/status)
	end

	assert_equal "isorun: no isorun.json: taken for what isorun init would write
isorun: service redis is 127.0.0.1:6379 (REDIS_URL)" "$(cat start.err)"
	assert_equal "Welcome
the first entry" "$entries"
	assert_equal '{"redis":true,"secret":64}' "$told"
	assert_contains "$(cat start.out)" "web.1    | closing"
	assert_equal "" "$(git -C app status --porcelain | grep -v isorun.lock)"
}

test_a_python_app_with_requirements_runs_unmodified() {
	[ -n "${HARNESS_IN_HOST-}" ] || pip_app
	in_host
	begin
	wait_for 20 grep -q 'worker.1 | /app/.python/greet.py' start.out
	answer=$(ask http://127.0.0.1:5000/)
	end

	assert_equal greetings "$answer"
	assert_contains "$(cat start.out)" "web.1    | serving"
}

run_tests

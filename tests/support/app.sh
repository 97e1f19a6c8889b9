# Sourced after harness.sh by tests that run releases: an app of which hello is everything.

# make_app PROCESSES: an app whose manifest has these processes (JSON), built in $T/build.tar and
# released: v1. What was made once is copied: most tests want the same few apps.
make_app() {
	local made kept=$BUILD/tests/apps
	kept+=/$(cat "$HARNESS_PROGRAM" "$BUILD/hello" "${BASH_SOURCE[0]}" | sha256sum - <(echo "${APP:-hello} ${HARNESS_USER-} $1") |
		sha256sum | cut -c 1-32)
	if [ ! -d "$kept" ]; then
		build_app "$1"
		mkdir -p "${kept%/*}"
		find "${kept%/*}" -mindepth 1 -maxdepth 1 -mmin +60 -exec rm -rf {} +
		made=$(mktemp -d "$kept.XXXXXX")
		cp -a "$ISORUN_ROOT" "$T/build.tar" "$made"
		mv -T "$made" "$kept" 2>/dev/null || rm -rf "$made"
		return 0
	fi
	cp -a "$kept/store" "$ISORUN_ROOT"
	cp -a "$kept/build.tar" "$T"
}

build_app() {
	mkdir -p "$T/app/bin"
	cp "$BUILD/hello" "$T/app/bin/hello"
	cat >"$T/app/isorun.json" <<-END
		{ "name": "${APP:-hello}",
		  "dependencies": { "files": { "/app/hello": "bin/hello" } },
		  "processes": $1 }
	END
	isorun build --allow-dirty "$T/app" -o "$T/build.tar" >/dev/null
	isorun release "$T/build.tar" >/dev/null
}

# The log lines of isorun itself, without time: "web.1: started".
events() {
	sed -n 's/^[^ ]* isorun\[\(.*\)\]: /\1: /p' "$1"
}

# The log lines of the app, without time: "web.1: GET / 200".
lines() {
	sed -n 's/^[^ ]* app\[\(.*\)\]: /\1: /p' "$1"
}

has_event() {
	events "$1" | grep -q -e "$2"
}

# Sourced after harness.sh by tests that run releases: an app of which hello is everything.

# make_app PROCESSES: builds $T/app, whose manifest has these processes (JSON), and releases it: v1.
make_app() {
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

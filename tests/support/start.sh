# Sourced after harness.sh by tests that start the codebase in app.

# begin ARGUMENT…: isorun start, until web can be reached.
begin() {
	rm -f start.out start.err # an earlier start's would be taken for this one's
	start start isorun start -d app "$@"
	wait_for 20 grep -q 'web.1.*ready after' start.out
	wait_for 20 grep -q 'listening on http' start.out
}

end() {
	kill "$started"
	wait_exit "$started" 10
	assert_status 0
}

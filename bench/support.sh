# Shared by the scripts in bench/: packages, builds, a release of the demo app, tables.
# shellcheck shell=bash
set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$top/bench
isorun=${ISORUN:-$top/build/isorun}
[ "$(id -u)" = 0 ] || { echo "bench: needs root" >&2; exit 1; }

# Everything happens in a mount and a network namespace of its own, but for what outside() runs.
[ -n "${BENCH_PRIVATE-}" ] || BENCH_PRIVATE=1 exec unshare -mn "$0" "$@" 7</proc/self/ns/net
outside() {
	nsenter --net=/proc/self/fd/7 "$@"
}
ip link set lo up

# need PACKAGE…: installs what is missing.
need() {
	local missing=
	for package; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			missing="$missing $package"
	done
	# shellcheck disable=SC2086
	[ -z "$missing" ] || outside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $missing >/dev/null
}

# A directory that goes with the script, with all that was mounted or started below it.
work=$(mktemp -d /tmp/isorun-bench.XXXXXX)
started=()
finish() {
	for pid in "${started[@]}"; do
		disown "$pid" 2>/dev/null || : # no report of how it ended
		kill -9 "$pid" 2>/dev/null || :
	done
	cd /
	awk -v work="$work/" 'index($5, work) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		xargs -r umount -l
	rm -rf --one-file-system "$work"
	# podman leaves its parent directory in every cgroup hierarchy.
	[ -z "$podman_parent" ] ||
		find /sys/fs/cgroup -depth -type d -path "*/$podman_parent*" -exec rmdir {} + 2>/dev/null || :
}
podman_parent=
trap finish EXIT
trap 'exit 1' INT TERM
cd "$work"

# Hosts with hybrid cgroups get their cgroup2 in another place, since crun refuses it in its own.
if mountpoint -q /sys/fs/cgroup/unified; then
	umount /sys/fs/cgroup/unified
	mkdir "$work/cgroup2"
	mount -t cgroup2 none "$work/cgroup2"
fi

# compile NAME SOURCE…: a program of bench/ into the work directory.
compile() {
	local name=$1
	shift
	(cd "$here" && cc -O2 -std=gnu17 -D_GNU_SOURCE -o "$work/$name" "$@")
}

# Makes a release of images/hello in a store of its own; sets release and rootfs, a plain directory
# with the same files as the release's root.
hello_release() {
	export ISORUN_ROOT=$work/store
	release=$("$isorun" build "$top/images/hello" --allow-dirty | tail -1)
	release=$("$isorun" release "$release" "$@" | tail -1)
	"$isorun" run "$release" -- /app/hello true 2>"$work/first.err" || {
		cat "$work/first.err" >&2
		exit 1
	}
	rootfs=$work/rootfs
	[ ! -d "$rootfs" ] || return 0
	mkdir "$rootfs"
	for tree in "$ISORUN_ROOT"/trees/*; do
		cp -a "$tree/." "$rootfs/"
	done
	mkdir -p "$rootfs"/{proc,dev,sys,tmp,run}
}

# bundle DIRECTORY COMMAND…: an OCI bundle of rootfs with Docker's default seccomp profile.
bundle() {
	local dir=$1
	shift
	mkdir -p "$dir"
	(cd "$dir" && rm -f config.json && crun spec)
	"$here/ociconfig" "$dir/config.json" "$rootfs" "$@"
}

# Prints versions of what was compared, one a line.
versions() {
	for package; do
		dpkg-query -W -f='- ${Package} ${Version}\n' "$package"
	done
}

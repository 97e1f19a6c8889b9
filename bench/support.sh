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
	end_podman_user
	cd /
	awk -v work="$work/" 'index($5, work) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		xargs -r umount -l
	rm -rf --one-file-system "$work"
	# podman leaves its parent directory in every cgroup hierarchy.
	[ -z "$podman_parent" ] ||
		find /sys/fs/cgroup -depth -type d -path "*/$podman_parent*" -exec rmdir {} + 2>/dev/null || :
}
podman_parent= home=
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

# Makes a release of images/hello in a store of its own; sets build, release and rootfs, a plain directory
# with the same files as the release's root.
hello_release() {
	export ISORUN_ROOT=$work/store
	build=$("$isorun" build "$top/images/hello" --allow-dirty | tail -1)
	release=$("$isorun" release "$build" "$@" | tail -1)
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

# Makes uid 4000 an ordinary user, who has a home, a copy of rootfs and, in this mount namespace
# alone, a name, subordinate ids and a tap device of the sort that login and udev give out; sets
# user, home and as_user, the words before a command of that user's.
user=4000
ordinary_user() {
	home=$work/home
	as_user=(setpriv --reuid=$user --regid=$user --clear-groups
		env HOME="$home" XDG_RUNTIME_DIR="$home/run" ISORUN_ROOT="$home/store")
	[ ! -d "$home" ] || return 0
	chmod 711 "$work"
	mkdir -p "$home/run"
	cp -a "$rootfs" "$home/rootfs"
	chown -R $user:$user "$home"
	chmod 700 "$home/run"
	{ cat /etc/passwd; echo "bench:x:$user:$user::$home:/bin/sh"; } >"$work/passwd"
	mount --bind "$work/passwd" /etc/passwd
	echo "$user:100000:65536" >"$work/subids"
	mount --bind "$work/subids" /etc/subuid
	mount --bind "$work/subids" /etc/subgid
	[ ! -e /dev/net/tun ] || {
		mknod -m 666 "$work/tun" c 10 200
		mount --bind "$work/tun" /dev/net/tun
	}
	# Podman's, below the home, without cgroups: a user has none that a login did not delegate.
	podman_user=(podman --root "$home/podman" --runroot "$home/run/podman" --tmpdir "$home/run/tmp"
		--storage-driver vfs --cgroup-manager cgroupfs --events-backend none run --cgroups disabled
		--ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --read-only)
}

# pure_cgroup2 COMMAND…: in a mount namespace whose /sys/fs/cgroup is cgroup2 alone, which is what
# crun wants to see before it serves an ordinary user.
pure_cgroup2() {
	# shellcheck disable=SC2016
	unshare -m sh -c 'umount -R /sys/fs/cgroup 2>/dev/null
		mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' - "$@"
}

# What a user's podman leaves running.
end_podman_user() {
	local pid
	pid=$(cat "$home/run/tmp/pause.pid" 2>/dev/null) || return 0
	kill -9 "$pid" 2>/dev/null || :
}

# An interface with a default route, which pasta copies into its namespace; a client beyond it.
# Sets client, the words before a command of the client's.
lan() {
	unshare -n sleep infinity &
	started+=($!)
	ip link add lan type veth peer name eth0
	until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	ip link set eth0 netns $!
	ip addr add 198.51.100.1/24 dev lan
	ip link set lan up
	client=(nsenter -t $! -n)
	"${client[@]}" ip link set lo up
	"${client[@]}" ip addr add 198.51.100.2/24 dev eth0
	"${client[@]}" ip link set eth0 up
	ip route add default via 198.51.100.2
}

# Prints versions of what was compared, one a line.
versions() {
	for package; do
		dpkg-query -W -f='- ${Package} ${Version}\n' "$package"
	done
}

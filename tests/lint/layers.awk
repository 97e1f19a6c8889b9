# The layer table of ARCHITECTURE.md, checked over #include lines. A file may include headers of its
# own layer, of the layers listed for it, and its private neighbours; a library's header only where
# that library has its door.
BEGIN {
	may["base"] = ""
	may["kernel"] = "base"
	may["model"] = "base"
	may["store"] = "base"
	may["ledger"] = "base model"
	may["sandbox"] = "base model kernel"
	may["network"] = "base model kernel"
	may["image"] = "base model store"
	may["container"] = "base model kernel sandbox network"
	may["supervisor"] = "base model store ledger network container"
	may["control"] = "base model supervisor"
	may["cli"] = "*"

	door["^seccomp\\.h$"] = "^kernel/filter"
	door["^sys/capability\\.h$"] = "^kernel/capset"
	door["^libmnl/"] = "^kernel/(netlink|nftables|nflog)"
	door["^libnftnl/"] = "^kernel/(netlink|nftables)"
	door["^systemd/"] = "^kernel/systemd"
	door["^archive"] = "^(image|store)/"
	door["^jansson\\.h$"] = "^base/json"
	door["^nettle/"] = "^base/digest"
	door["^microhttpd\\.h$"] = "^control/"

	# Values only: no header that offers system calls, except for the sake of constants.
	for (i = split("arpa/inet.h assert.h ctype.h errno.h inttypes.h limits.h netinet/in.h signal.h " \
		"sched.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h " \
		"sys/mount.h sys/resource.h sys/types.h time.h linux/capability.h linux/magic.h", list, " "); i > 0; i--)
		pure[list[i]] = 1
}

FNR == 1 {
	file = FILENAME
	module = FILENAME
	sub(/^(src|include)\//, "", module)
	layer = module
	sub(/\/.*/, "", layer)
	if (!(layer in may))
		complain("the layer " layer " is not in the table")
}

function complain(text) {
	print file ":" FNR ": " text
	bad = 1
}

/^#include "/ {
	split($0, part, "\"")
	if (part[2] !~ /\//)
		next # a private header beside it
	to = part[2]
	sub(/\/.*/, "", to)
	if (to != layer && may[layer] != "*" && index(" " may[layer] " ", " " to " ") == 0)
		complain(layer " must not know " to)
}

/^#include </ {
	split($0, part, /[<>]/)
	for (library in door)
		if (part[2] ~ library && module !~ door[library])
			complain("<" part[2] "> belongs to " door[library])
	if (layer == "model" && !(part[2] in pure))
		complain("model is values only: <" part[2] ">")
}

END { exit bad }

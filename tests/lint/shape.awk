# What a source file looks like: its length, its functions' lengths, its opening words, and what
# must not be in it.
function complain(line, text) {
	print FILENAME ":" line ": " text
	bad = 1
}

function end_of_file() {
	limit = last ~ /^tests\// ? max_test : max_file
	if (count > limit)
		print last ":" count ": longer than " limit " lines"
	bad = bad || count > limit
}

FNR == 1 {
	if (last)
		end_of_file()
	last = FILENAME
	inside = 0
	if (!/^\/\*/)
		complain(1, "does not open with a comment that says what it is for")
}

{ count = FNR }

/^{$/ { inside = FNR }

/^}$/ {
	if (inside && FNR - inside - 1 > max_function)
		complain(inside, "a function of " FNR - inside - 1 " lines, more than " max_function)
	inside = 0
}

/TODO|FIXME|XXX|#if 0/ && !/[A-Z]XXX|XXX[A-Z]/ { complain(FNR, "unfinished: " $0) }
/[;){ \t]goto [a-z_]+;/ { complain(FNR, "goto") }
/[ \t]$/ { complain(FNR, "space at the end") }
length($0) > 130 { complain(FNR, "a very long line") }

END {
	end_of_file()
	exit bad
}

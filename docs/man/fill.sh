#!/bin/sh
# fill.sh KTLS_SIM PAGE: the page, with what the program says of itself in the
# place of each line @WHAT@.
set -eu
while IFS= read -r line; do
	case $line in
	@*@)
		what=${line#@}
		"$1" list "${what%@}" --mdoc
		;;
	*)
		printf '%s\n' "$line"
		;;
	esac
done <"$2"

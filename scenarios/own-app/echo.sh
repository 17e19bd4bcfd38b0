#!/bin/bash
# An echo server: what comes goes back. Text only, since a shell keeps no byte 0.
LC_ALL=C
while read -r event now length; do
	case $event in
	data)
		IFS= read -r -N "$length" bytes
		printf 'write %d\n%s' "$length" "$bytes"
		;;
	closed)
		echo close
		;;
	esac
	echo wait
done

#!/bin/sh
# Every script of this folder passes; each of bad/ fails with the text beside
# it, so that the runner can fail at all.
segtest=$(realpath "$1") && cd "$(dirname "$0")" || exit 1
rc=0 n=0
for f in */*.pkt; do
	case $f in bad/*) continue ;; esac
	n=$((n + 1))
	"$segtest" "$f" || rc=1
done
for f in bad/*.pkt; do
	if "$segtest" "$f" >"${TMPDIR:-/tmp}/seg.$$"; then
		echo "$f passed, but must fail"
		rc=1
	elif [ -n "$KTLS_BLESS" ]; then
		cp "${TMPDIR:-/tmp}/seg.$$" "${f%.pkt}.expect"
	else
		diff -u "${f%.pkt}.expect" "${TMPDIR:-/tmp}/seg.$$" || rc=1
	fi
	rm -f "${TMPDIR:-/tmp}/seg.$$"
done
echo "$n scripts, over IPv4 and IPv6"
[ "$n" -ge 60 ] || { echo "fewer than 60"; rc=1; }
exit $rc

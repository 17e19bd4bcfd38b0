#!/bin/sh
# Good captures of every version, suite and handshake pass the gate.
#   good_test.sh MKCAP GATE VERSION
MKCAP=$1 GATE=$2 V=$3
command -v tshark >/dev/null 2>&1 || exit 77
D=$(mktemp -d) || exit 2
trap 'rm -rf "$D"' EXIT
i=0
while [ $i -lt 12000 ]; do echo "line $i of the body"; i=$((i + 1)); done \
    >"$D/body.bin"
rc=0
for hs in openssl synthetic; do
	for suite in aes128-gcm aes256-gcm chacha20-poly1305; do
		extra=
		[ $suite != aes256-gcm ] || extra=v6
		[ $suite != chacha20-poly1305 ] || extra="v4 vlan"
		"$MKCAP" "$D/c.pcapng" $V $suite $hs 1 "$D/body.bin" $extra ||
		    exit 1
		rm -rf "$D/http"
		if ! "$GATE" --http "$D/http" "$D/body.bin" "$D/c.pcapng" \
		    >"$D/out" 2>&1; then
			echo "--- $V $suite $hs"
			cat "$D/out"
			rc=1
		fi
	done
done
exit $rc

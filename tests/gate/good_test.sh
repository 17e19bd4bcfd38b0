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
printf 'GET /body.bin HTTP/1.1\r\nHost: server.sim\r\n\r\n' >"$D/request"
rc=0
for hs in openssl synthetic; do
	for suite in aes128-gcm aes256-gcm chacha20-poly1305; do
		extra=
		[ $suite != aes256-gcm ] || extra=v6
		[ $suite != chacha20-poly1305 ] || extra="v4 vlan"
		"$MKCAP" "$D/c.pcapng" $V $suite $hs 1 "$D/body.bin" $extra ||
		    exit 1
		client=10.0.0.1:50000
		[ "$extra" != v6 ] || client='[fd00::1]:50000'
		rm -rf "$D/http"
		if ! "$GATE" --http "$D/http" "$D/body.bin" \
		    --bytes 0 $client "$D/request" "$D/c.pcapng" \
		    >"$D/out" 2>&1; then
			echo "--- $V $suite $hs"
			cat "$D/out"
			rc=1
		fi
	done
done
exit $rc

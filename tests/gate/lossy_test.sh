#!/bin/sh
# quickstart with loss passes the gate: both versions, both handshakes, with
# and without kernel receive.
#   lossy_test.sh KTLS-SIM GATE FILE.ktls.yaml
SIM=$1 GATE=$2 FILE=$3
command -v tshark >/dev/null 2>&1 || exit 77
D=$(mktemp -d) || exit 2
trap 'rm -rf "$D"' EXIT
rc=0

judge()	# scenario text
{
	"$SIM" run -q --out "$D/out" "$1" >"$D/log" 2>&1 || {
		echo "--- $2: the run itself fails"
		cat "$D/log"
		rc=1
		return
	}
	"$GATE" "$D/out/wire.pcapng" >"$D/log" 2>&1 && return
	echo "--- $2"
	cat "$D/log"
	rc=1
}

for version in 1.2 1.3; do
	for hs in openssl synthetic; do
		for rx in openssl kernel; do
			sed -e "s/version: \"1.3\",/version: \"$version\", handshake: $hs,/" \
			    -e "s/rx: openssl/rx: $rx/" -e 's/8MiB/512KiB/' \
			    -e 's/rate: 100Gbit\/s,/rate: 10Gbit\/s, loss: 1%,/' \
			    -e 's/^  client:/&\n    sysctl: {kern.ipc.tls.enable: 1}/' \
			    -e 's/max: 100ms/max: 50s/' -e 's/^until: .*/until: 60s/' \
			    "$FILE" >"$D/lossy.ktls.yaml"
			judge "$D/lossy.ktls.yaml" "loss, $version $hs rx=$rx"
		done
	done
done
exit $rc

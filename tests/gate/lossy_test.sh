#!/bin/sh
# quickstart with loss passes the gate: both versions, both handshakes, with
# and without kernel receive; and on ways that reorder and double frames, where
# SACK finds the holes, or does not.
#   lossy_test.sh KTLS-SIM GATE FILE.ktls.yaml
SIM=$1 GATE=$2 FILE=$3
command -v tshark >/dev/null 2>&1 || exit 77
OK=
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
	"$GATE" $OK "$D/out/wire.pcapng" >"$D/log" 2>&1 && return
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
# The same file over a way with these nodes; server's and client's sysctls, model.
crooked()	# name nodes sysctl model family
{
	sed -e 's/8MiB/512KiB/' -e 's/max: 100ms/max: 50s/' \
	    -e 's/^until: .*/until: 60s/' -e '/  - mode:/d' \
	    -e "s/rate: 100Gbit\/s, delay: 20us/rate: 10Gbit\/s, delay: 2ms, impair: [$2]/" \
	    -e "s/kern.ipc.tls.enable: 1/&\n      $3/" \
	    -e "s/^  client:/&\n    sysctl: {$3}/" \
	    -e "s/mce0: {model: basic/mce0: {model: $4/" \
	    -e 's/ifnet.permitted: 0/ifnet.permitted: 1/' \
	    "$FILE" >"$D/crooked.ktls.yaml"
	judge "$D/crooked.ktls.yaml" "$1"
}

# That bytes came twice is what a receiver has to say (RFC 2883).
OK='--warnings-ok tcp.options.sack.dsack'
SACK='net.inet.tcp.sack.enable'
crooked 'reordered' '{reorder: {chance: 3%, delay: 3ms}}' "$SACK: 1" basic
crooked 'reordered, lost' '{reorder: {every: 40, delay: 1ms}}, {name: lose, loss: 2%}' \
    "$SACK: 1" ideal
crooked 'doubled, lost' '{duplicate: 4%}, {name: lose, loss: 2%}' "$SACK: 1" basic
crooked 'bursts' '{bursts: {enter: 0.5%, leave: 25%}}' "$SACK: 1" ideal
crooked 'reordered, doubled, lost, no SACK' \
    '{reorder: {chance: 2%, delay: 3ms}}, {duplicate: 2%}, {name: lose, loss: 1%}' \
    "$SACK: 0" basic
crooked 'overtaking' '{name: shake, from: server.mce0, jitter: {up_to: 1ms, keep_order: false}}' "$SACK: 1" ideal
exit $rc

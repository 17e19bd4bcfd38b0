#!/bin/sh
# The gate turns red for each damage, and stays green for the undamaged.
#   damage_test.sh MKCAP GATE DAMAGE VERSION
MKCAP=$1 GATE=$2 DAMAGE=$3 V=$4
command -v tshark >/dev/null 2>&1 || exit 77
command -v python3 >/dev/null 2>&1 || exit 77
D=$(mktemp -d) || exit 2
trap 'rm -rf "$D"' EXIT
i=0
while [ $i -lt 4000 ]; do echo "line $i of the body"; i=$((i + 1)); done \
    >"$D/body.bin"
"$MKCAP" "$D/good.pcapng" $V aes128-gcm openssl 1 "$D/body.bin" || exit 1
"$MKCAP" "$D/other.pcapng" $V aes128-gcm openssl 2 "$D/body.bin" || exit 1
"$GATE" "$D/good.pcapng" >"$D/out" 2>&1 || {
	echo "the good capture is refused:"
	cat "$D/out"
	exit 1
}
rc=0
for kind in flip-cipher bad-sum drop-frame no-secrets last-secret-gone \
    time-back not-said said-wrongly cut other-secrets; do
	arg=
	[ $kind != other-secrets ] || arg=$D/other.pcapng
	python3 "$DAMAGE" $kind "$D/good.pcapng" "$D/bad.pcapng" $arg || exit 1
	# Without --http: the checks themselves must see it.
	if "$GATE" "$D/bad.pcapng" >"$D/out" 2>&1; then
		echo "NOT FOUND  $kind"
		cat "$D/out"
		rc=1
	else
		echo "found      $kind: $(grep FAIL "$D/out" | cut -c1-60 |
		    tr '\n' ';')"
	fi
done
"$GATE" --http "$D/http" "$D/other.pcapng" "$D/good.pcapng" >/dev/null 2>&1 &&
    { echo "NOT FOUND  another file"; rc=1; }
exit $rc

#!/bin/sh
# live-demo.sh KTLS-SIM [options of ktls-sim live]: a live session in a network
# namespace of its own. curl fetches a file over TLS 1.3 and sends it back; the
# checksums are compared; then everything is removed, however it ends.
set -u
sim=$1
shift
here=$(cd "$(dirname "$0")" && pwd)

missing() {
	echo "live-demo: $*" >&2
	exit 3
}
[ "$(id -u)" = 0 ] || missing "only root can make a network namespace: sudo ./dev live-demo"
[ -c /dev/net/tun ] || missing "there is no /dev/net/tun: modprobe tun (in a container: --device /dev/net/tun)"
for p in ip:iproute2 curl:curl sha256sum:coreutils; do
	command -v "${p%%:*}" >/dev/null 2>&1 ||
	    missing "there is no ${p%%:*}: apt-get install ${p##*:}"
done

ns=ktls-demo-$$
tmp=$(mktemp -d "${TMPDIR:-/tmp}/ktls-demo.XXXXXX") || exit 3
pid=
made=

clean() {
	trap - EXIT INT TERM HUP
	if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
		kill -INT "$pid"
		wait "$pid"
	fi
	[ -z "$made" ] || ip netns del "$ns"
	rm -rf "$tmp"
}
trap clean EXIT
trap 'clean; exit 130' INT TERM HUP

say() { printf '\n== %s\n' "$*"; }
in_ns() { ip netns exec "$ns" "$@"; }
show() { # a command as one would type it there, and what it says
	printf '$ %s\n' "$*"
	in_ns "$@"
}
fail() {
	echo "live-demo: $*" >&2
	exit 1
}

say "a network namespace, and the simulator in it"
ip netns add "$ns" || missing "this machine gives no network namespaces"
made=1
in_ns ip link set lo up
printf '$ ktls-sim live scenarios/live.ktls.yaml%s\n' "${*:+ $*}"
# No function: the process itself gets the signal.
ip netns exec "$ns" "$sim" live --out "$tmp/out" "$@" "$here/live.ktls.yaml" \
    >"$tmp/log" 2>&1 &
pid=$!
until "$sim" ctl "$tmp/out/control.sock" status >/dev/null 2>&1; do
	kill -0 "$pid" 2>/dev/null || {
		wait "$pid"
		code=$?
		pid=
		cat "$tmp/log" >&2
		exit "$code"
	}
	sleep 0.1
done
cat "$tmp/log"

say "Linux gets the addresses of the other end"
show ip addr add 10.77.0.2/24 dev ktls0
show ip addr add fd77::2/64 dev ktls0 nodad

url=https://10.77.0.1
say "curl fetches a file over TLS 1.3; the simulated kernel encrypts it"
show curl -sSk -f -o "$tmp/data.bin" \
    -w '%{http_code}, %{size_download} bytes, %{speed_download} bytes/s\n' \
    $url/data.bin || fail "the download failed"
say "and sends it back; the simulated kernel decrypts it"
show curl -sSk -f -T "$tmp/data.bin" $url/ | tee "$tmp/answer" ||
    fail "the upload failed"
sum=$(sha256sum "$tmp/data.bin" | cut -d' ' -f1)
printf '$ sha256sum data.bin\n%s\n' "$sum"
grep -q "^sha256 $sum\$" "$tmp/answer" || fail "the checksums differ"
echo "the same: every byte went out and came back right"

say "over IPv6 and TLS 1.2"
show curl -gsSk -f 'https://[fd77::1]:8443/hello.txt' ||
    fail "the download failed"

say "orders, while it is live"
for order in "sysctl server kern.ipc.tls.stats.offload_total" "link down mce0" \
    "link up mce0" "status"; do
	printf '$ ktls-sim ctl control.sock %s\n' "$order"
	# shellcheck disable=SC2086
	"$sim" ctl "$tmp/out/control.sock" $order || fail "the order was refused"
done

say "Ctrl-C: an orderly end, and what the session came to"
kill -INT "$pid"
wait "$pid"
code=$?
pid=
sed -n '/^live: /,/^Links/p' "$tmp/out/report.txt" | sed '$d'
grep -E '^  (held|unseen|BROKEN)' "$tmp/out/report.txt"
if command -v tshark >/dev/null 2>&1; then
	say "stock tshark reads the capture, decrypted"
	printf '$ tshark -r wire.pcapng -Y http\n'
	tshark -r "$tmp/out/wire.pcapng" -Y http 2>/dev/null
fi
[ "$code" = 0 ] || fail "the session ended with exit code $code"
say "namespace and files are removed; the same by hand: docs/live.md"

#!/bin/sh
# live-demo-lagg.sh KTLS-SIM [options of ktls-sim live]: curl downloads from a
# server whose two ports are in a lagg; in the middle of it the port that has the
# connection is taken away. With ConnectX-6 Dx cards, then with Chelsio T6.
set -u
sim=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
. "$here/live-demo.inc"

# NAME PORT [options]: one card's turn.
demo() {
	name=$1 port=$2
	shift 2
	say "a server on a lagg of two $name ports, and the simulator in a namespace"
	start live-lagg.ktls.yaml "$@"
	say "curl begins a download of 64 MiB; the card encrypts it"
	url=https://10.77.0.1:$port/data.bin
	printf '$ curl -sSk -f %s\n' "$url"
	: >"$tmp/data.bin"
	in_ns curl -sSk -f -o "$tmp/data.bin" -w \
	    '%{http_code}, %{size_download} bytes in %{time_total} s\n' "$url" \
	    >"$tmp/curl" 2>&1 &
	curl=$!
	# Some of it has to be there.
	until [ "$(wc -c <"$tmp/data.bin" 2>/dev/null || echo 0)" -gt 4000000 ]; do
		kill -0 "$curl" 2>/dev/null || break
		sleep 0.02
	done
	say "in the middle of it the first port's cable is pulled"
	order link down mce0
	order ifconfig server.lagg0
	wait "$curl" || fail "the download did not survive: $(cat "$tmp/curl")"
	cat "$tmp/curl"
	say "the connection took a new send tag, and went on"
	order sysctl server kern.ipc.tls.ifnet.reset
	"$sim" ctl "$tmp/out/control.sock" sysctl server kern.ipc.tls.ifnet.reset |
	    grep -q 'reset: 1$' || fail "it is not one reset"
	stop
	sed -n '/^Send tags/,/^$/p' "$tmp/out/report.txt"
	[ "$code" = 0 ] || fail "the session ended with exit code $code"
	sum=$(sha256sum "$tmp/data.bin" | cut -d' ' -f1)
	printf '$ sha256sum data.bin\n%s\n' "$sum"
	if [ -n "$first" ]; then
		[ "$sum" = "$first" ] || fail "the two downloads differ"
		echo "the same as by the other cards"
	fi
	first=$sum
	ip netns del "$ns"
	made=
	rm -rf "$tmp/out" "$tmp/data.bin"
}

first=
demo "ConnectX-6 Dx" 443 "$@"
demo "Chelsio T6" 8443 --set hosts.server.nics.mce0.model=t6 \
    --set hosts.server.nics.mce1.model=t6 \
    --set hosts.server.coarse_timestamps=true "$@"
say "namespaces and files are removed; the same by hand: docs/live.md"

#!/bin/sh
# live-demo.sh KTLS-SIM [options of ktls-sim live]: a live session in a network
# namespace of its own. curl fetches a file over TLS 1.3 and sends it back; the
# checksums are compared; then everything is removed, however it ends.
set -u
sim=$1
shift
here=$(cd "$(dirname "$0")" && pwd)

. "$here/live-demo.inc"

say "a network namespace, and the simulator in it"
start live.ktls.yaml "$@"

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
for line in "sysctl server kern.ipc.tls.stats.offload_total" "link down mce0" \
    "link up mce0" "status"; do
	# shellcheck disable=SC2086
	order $line
done

say "Ctrl-C: an orderly end, and what the session came to"
stop
sed -n '/^live: /,/^Links/p' "$tmp/out/report.txt" | sed '$d'
grep -E '^  (held|unseen|BROKEN)' "$tmp/out/report.txt"
if command -v tshark >/dev/null 2>&1; then
	say "stock tshark reads the capture, decrypted"
	printf '$ tshark -r wire.pcapng -Y http\n'
	tshark -r "$tmp/out/wire.pcapng" -Y http 2>/dev/null
fi
[ "$code" = 0 ] || fail "the session ended with exit code $code"
say "namespace and files are removed; the same by hand: docs/live.md"

#!/bin/sh
# The Wireshark gate: does stock tshark, with an empty profile, see in this
# capture what the simulator says is in it?
#
#   gate.sh [options] capture.pcapng
#     --http DIR FILE...    HTTP objects are exported to DIR; each FILE must
#                           be among them, byte for byte
#     --bytes N FROM FILE   what FROM (address:port, [address]:port) sent in
#                           TLS stream N, decrypted, is FILE
#     --warnings-ok FILTER  expert warnings that match are expected
#     --receiver            a receiver-side capture: reordering and holes are
#                           no fault (needs tcp.reassemble_out_of_order)
#     --overlaps            old bytes in front of new ones in one segment (needs
#                           tcp.reassemble_out_of_order)
#     --full                the slow decryption check on captures of any size
#
# One line per check, "ok" or "FAIL". Exit 0, 1; 2 usage; 77 no tshark.
# Every check and its exceptions were tried on tshark 4.0.17.

usage()
{
	sed -n '2,19s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

HTTPDIR= HTTPFILES= BYTES= WARN_OK= RECEIVER= OVERLAPS= FULL=
NL='
'
while [ $# -gt 1 ]; do
	case $1 in
	--http)
		[ $# -ge 4 ] || usage
		HTTPDIR=$2
		shift 2
		while [ $# -gt 1 ]; do
			case $1 in --*) break ;; esac
			HTTPFILES="$HTTPFILES$1$NL"
			shift
		done
		;;
	--bytes)
		[ $# -ge 5 ] || usage
		BYTES="$BYTES$2 $3 $4$NL"
		shift 4
		;;
	--warnings-ok)
		WARN_OK=$2
		shift 2
		;;
	--receiver) RECEIVER=1; shift ;;
	--overlaps) OVERLAPS=1; shift ;;
	--full) FULL=1; shift ;;
	*) usage ;;
	esac
done
[ $# -eq 1 ] || usage
F=$1
case $F in --*) usage ;; esac
[ -r "$F" ] || { echo "gate: cannot read $F" >&2; exit 2; }
command -v tshark >/dev/null 2>&1 && command -v capinfos >/dev/null 2>&1 || {
	echo "gate: no tshark here, skipped" >&2
	exit 77
}

# An empty profile: a developer's own preferences must not decide.
TMP=$(mktemp -d "${TMPDIR:-/tmp}/ktls-gate.XXXXXX") || exit 2
trap 'rm -rf "$TMP"' EXIT
trap 'exit 130' INT TERM
export HOME="$TMP" WIRESHARK_CONFIG_DIR="$TMP/c" LC_ALL=C.UTF-8 TZ=UTC
unset SSLKEYLOGFILE
OOO=
[ -z "$RECEIVER$OVERLAPS" ] || OOO="-o tcp.reassemble_out_of_order:TRUE"
CK="-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE"

T()	# a tshark over the capture; a crash or a bad file is a failure too
{
	tshark -n -r "$F" $OOO "$@" 2>>"$TMP/stderr" || echo "tshark: exit $?"
}

# Filters are counted together, in one pass; only one that matches has a pass of
# its own, for the numbers of its frames.
NAMES= FILTERS=
count()	# name filter: frame numbers that match, into a file, by counted
{
	NAMES="$NAMES $1"
	FILTERS="$FILTERS,$2"
	eval "FILTER_$1=\$2"
}

counted()
{
	T -q -z "io,stat,0$FILTERS" >"$TMP/stat"
	awk -F'|' '/<>/ { for (i = 3; i < NF; i += 2) print $i + 0; exit }' \
	    "$TMP/stat" >"$TMP/numbers"
	for n in $NAMES; do
		read -r k <&3 || k=
		: >"$TMP/$n"
		[ "$k" != 0 ] || continue
		eval "y=\$FILTER_$n"
		T -Y "$y" -T fields -e frame.number >"$TMP/$n"
	done 3<"$TMP/numbers"
	# A crash, or a bad file.
	grep '^tshark: exit' "$TMP/stat" >>"$TMP/malformed"
}

# A frame that repeats bytes may complete a record a second time, which
# Wireshark calls malformed in a perfectly good capture.
AGAIN='(tcp.analysis.retransmission || frame.comment contains "rexmit")'
# A receiver says that bytes came twice (RFC 2883); Wireshark warns of it.
DSACK='tcp.options.sack.dsack'
# Opinions of Wireshark's that depend on timing; exact arithmetic below.
ORDER='tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || tcp.analysis.out_of_order'

T -Y '(ip && !(ip.checksum.status==1)) || (tcp && !(tcp.checksum.status==1))' $CK \
    -T fields -e frame.number >"$TMP/sums" &
count malformed "(_ws.malformed && !(_ws.malformed.reassembly && $AGAIN)) || _ws.short || _ws.unreassembled"
count errors "_ws.expert.severity == error && !$AGAIN"
count warnings "_ws.expert.severity == warning && !($ORDER) && !$DSACK${WARN_OK:+ && !($WARN_OK)}"
count opinion "$ORDER"
# Behind a segment that is half old Wireshark takes new bytes for old ones; that
# they are new is counted exactly below ("bytes again").
count unsaid "tcp.analysis.retransmission && !(frame.comment contains \"rexmit\")${OVERLAPS:+ && !(frame.comment contains \"refused before\")}"
count said 'frame.comment contains "rexmit"'
count alerts 'tls.alert_message && !(tls.alert_message.desc == 0)'
counted
wait
capinfos -o -r -T "$F" >"$TMP/order" 2>>"$TMP/stderr" || echo BAD >"$TMP/order"
FRAMES=$(capinfos -c -r -T -M "$F" 2>/dev/null | awk -F'\t' '{ print $NF }')

FAILED=0
ok()	{ echo "ok    $*"; }
fail()	{ echo "FAIL  $*"; FAILED=1; }
none()	# name text: the file must be empty
{
	n=$(wc -l <"$TMP/$1")
	if [ "$n" -eq 0 ]; then
		ok "$2: 0"
	else
		fail "$2: $n (frames $(head -5 "$TMP/$1" | tr '\n' ' '))"
	fi
}

case $FRAMES in
''|*[!0-9]*) fail "frames: the file cannot be read to its end" ;;
0) fail "frames: 0" ;;
*) ok "frames: $FRAMES" ;;
esac
case $(tail -1 "$TMP/order") in
*True) ok "time order" ;;
*) fail "time order: time goes backwards, or the file is damaged" ;;
esac
none sums "checksums bad or not checked"
none malformed "malformed"
none errors "expert errors"
none warnings "expert warnings"

# Sequence numbers, counted exactly: nothing is skipped, no acknowledgement is
# ahead of the data, and bytes go backwards where the comment says "rexmit"
# and nowhere else. (Wireshark guesses: it takes the second hole of one
# recovery for reordering, and an ACK of a segment that is half old for the
# ACK of an unseen one.)
order()
{
	T -Y tcp -T fields -e frame.number -e tcp.stream -e ip.src \
	    -e ipv6.src -e tcp.srcport -e ip.dst -e ipv6.dst -e tcp.dstport \
	    -e tcp.seq -e tcp.len -e tcp.ack -e tcp.flags.syn \
	    -e tcp.flags.fin -e tcp.flags.ack -e frame.comment |
	awk -F'\t' -v dir="$TMP" '
	function on(x) { return (x == "1" || x == "True") }
	{
		me = $2 " " $3 $4 " " $5; peer = $2 " " $6 $7 " " $8
		n = $10 + on($12) + on($13); said = ($15 ~ /rexmit/)
		if (n > 0) {
			if (!(me in max)) max[me] = $9 + 0
			if ($9 > max[me]) print $1 > (dir "/holes")
			else if ($9 < max[me] && !said) print $1 > (dir "/back")
			else if ($9 == max[me] && said) print $1 > (dir "/wrong")
			if ($9 + n > max[me]) max[me] = $9 + n
		} else if (said) print $1 > (dir "/wrong")
		if (on($14) && (peer in max) && $11 > max[peer])
			print $1 > (dir "/holes")
	}'
}
: >"$TMP/holes"; : >"$TMP/back"; : >"$TMP/wrong"
if [ -z "$RECEIVER" ]; then
	order
	none holes "holes in the sequence numbers"
	none back "bytes again without \"rexmit\" in the comment"
	none wrong "\"rexmit\" in the comment of new bytes"
	none unsaid "retransmissions that Wireshark sees and comments do not"
	echo "note  retransmissions: $(wc -l <"$TMP/said"); frames whose" \
	    "order Wireshark doubts: $(wc -l <"$TMP/opinion")"
fi
none alerts "fatal or undecrypted alerts"

# A segment that repeats bytes in another cut makes Wireshark try a record once
# more, with the number of the next one; that fails and moves nothing, so the
# records behind it still tell. Failures in such frames are excused.
# TLS 1.3 shows a record's true type only when it was decrypted.
T -Y "tls.record.opaque_type && !$AGAIN" -T fields -e frame.number \
    -e tls.record.opaque_type -e tls.record.content_type |
awk -F'\t' '{ o = split($2, a, ","); c = 0; k = split($3, b, ",")
	for (i = 1; i <= k; i++) if (b[i] != "" && b[i] != 20) c++
	if (c < o) print $1 }' >"$TMP/opaque"
none opaque "TLS 1.3 records not decrypted"

# Wireshark gives no other sign of a failed decryption than its debug file.
if [ -n "$FULL" ] || [ "${FRAMES:-0}" -le 20000 ] 2>/dev/null; then
	T -V -o "tls.debug_file:$TMP/debug" >/dev/null
	[ -f "$TMP/debug" ] || : >"$TMP/debug"
	T -Y "$AGAIN" -T fields -e frame.number >"$TMP/again"
	awk -v again="$TMP/again" '
		BEGIN { while ((getline f < again) > 0) excused["#" f] = 1 }
		/enter frame #/ { f = $4 }
		/auth tag mismatch|mac failed/ && !(f in excused) { print f }
		/Cannot find (master secret|[A-Z_]*SECRET)/ { print f }' \
	    "$TMP/debug" | uniq >"$TMP/crypt"
	none crypt "decryption failures"
else
	echo "skip  decryption failures: $FRAMES frames, use --full"
fi

if [ -n "$HTTPDIR" ]; then
	mkdir -p "$HTTPDIR"
	T -q --export-objects "http,$HTTPDIR" >/dev/null
	(cd "$HTTPDIR" && sha256sum -- * 2>/dev/null) | awk '{ print $1 }' \
	    >"$TMP/objects"
	oldifs=$IFS
	IFS=$NL
	for want in $HTTPFILES; do
		sum=$(sha256sum <"$want" | awk '{ print $1 }')
		if grep -q "$sum" "$TMP/objects"; then
			ok "HTTP object equals ${want##*/}"
		else
			fail "HTTP object: none of $(wc -l <"$TMP/objects") equals ${want##*/}"
		fi
	done
	IFS=$oldifs
fi

# tshark names only Node 0, the one whose data it decrypted first; so that FROM
# is an end of the stream at all is asked apart.
is_end()	# stream from
{
	T -Y "tcp.stream==$1" -T fields -e ip.src -e ipv6.src -e tcp.srcport |
	awk -F'\t' -v from="$2" '
		($1 != "" ? $1 : "[" $2 "]") ":" $3 == from { found = 1 }
		END { exit !found }'
}

follow()	# stream from
{
	T -q -z "follow,tls,raw,$1" | tr -d '\r' | awk -v from="$2" '
		/^Node 0: / { swap = ($3 != from); next }
		/^(Node|=|Follow|Filter)/ { next }
		{ tab = ($0 ~ /^\t/); sub(/^\t/, "")
		if (tab == swap) print }' | xxd -r -p | sha256sum
}
printf '%s' "$BYTES" | while read -r stream from file; do
	if is_end "$stream" "$from" && [ "$(follow "$stream" "$from")" = "$(sha256sum <"$file")" ]; then
		ok "stream $stream from $from equals ${file##*/}"
	else
		fail "stream $stream from $from is not ${file##*/}"
		: >"$TMP/bytes-failed"
	fi
done
[ ! -e "$TMP/bytes-failed" ] || FAILED=1
exit $FAILED

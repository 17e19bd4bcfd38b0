#!/bin/bash
# Sends a line to an echo server, waits for it, and so on: ping.sh TIMES
LC_ALL=C
times=$1 n=0 longest=0
send() {
	n=$((n + 1)) since=$now line=$(printf 'ping %06d' "$n")
	printf 'write %d\n%s\n' $((${#line} + 1)) "$line"
}
while read -r event now length rest; do
	case $event in
	connected)
		send
		;;
	data)
		IFS= read -r -N "$length" bytes
		if [ "$bytes" != "$line"$'\n' ]; then
			echo "log got $length bytes that are not mine"
		fi
		((now - since > longest)) && longest=$((now - since))
		if ((n < times)); then
			send
		else
			printf 'report pings %d\nreport longest_ns %d\nclose\n' "$n" "$longest"
		fi
		;;
	esac
	echo wait
done

#!/bin/sh
# run-atf.sh PROGRAM LEAST [VAR=VALUE...]: run every case of an ATF program in
# its own process, as kyua would. Fails when one does not pass, or when there
# are fewer than LEAST. What known.txt excuses is told, and is no failure.
set -u
prog=$1 least=$2
shift 2
vars=
for v; do vars="$vars -v $v"; done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
pass=0 fail=0 skip=0 known=0
excuses=$dir/excuses
grep -v '^#' "$(dirname "$0")/known.txt" >"$excuses"
export __RUNNING_INSIDE_ATF_RUN=internal-yes-value
# libatf leaks; what the simulation leaks makes the program exit with 4.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
for tc in $("$prog" -l | sed -n 's/^ident: //p'); do
	# shellcheck disable=SC2086
	"$prog" $vars -s "$(dirname "$prog")" -r "$dir/res" "$tc" \
		>"$dir/out" 2>&1
	rc=$?
	case $(cat "$dir/res" 2>/dev/null) in
	passed*) if [ $rc = 0 ]; then pass=$((pass + 1)); else
		fail=$((fail + 1)) && echo "$tc: passed, but exit code $rc" &&
			tail -5 "$dir/out"
	fi ;;
	skipped*) skip=$((skip + 1)) && echo "$tc: $(cat "$dir/res")" ;;
	*) if echo "$tc: $(cat "$dir/res" 2>/dev/null)" |
		grep -qE -f "$excuses"; then
		known=$((known + 1)) && echo "$tc: known difference"
	else
		fail=$((fail + 1)) && echo "$tc: $(cat "$dir/res" 2>/dev/null)" &&
			tail -5 "$dir/out"
	fi ;;
	esac
	rm -f "$dir/res"
done
echo "$pass passed, $fail failed, $skip skipped, $known known differences"
[ $fail = 0 ] && [ $pass -ge "$least" ]

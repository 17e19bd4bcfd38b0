#!/bin/sh
# The house rules that a script can check.
cd "$(dirname "$0")/../.." || exit 2
rc=0
python3 tests/lint/layers.py . || rc=1
python3 tests/lint/law_test.py || rc=1
sh tests/lint/headers.sh . || rc=1
# A card's two halves share descriptors, doorbells and completions only: neither
# sees the other's state.
if grep -nE '#include "(nic_drv|[a-z0-9]+(_rx)?_drv)\.h"' nicmodel/*_hw*.c nicmodel/*_hw.h ||
    grep -nE '#include "(cx6dx|t6|ideal|gen)_hw\.h"' \
	$(ls nicmodel/*.c nicmodel/*_drv.h | grep -v _hw); then
	echo "driver and hardware of a card must not see each other's state"
	rc=1
fi
if grep -rnE '\b(TODO|FIXME|XXX)\b' src nicmodel sim include; then
	echo "unfinished business: finish it, or refuse it with an error"
	rc=1
fi
if command -v clang-format >/dev/null; then
	git ls-files '*.[ch]' | xargs clang-format --dry-run --Werror || {
		echo "style(9): ./dev format mends it"
		rc=1
	}
else
	echo "no clang-format here: apt-get install clang-format" >&2
	rc=1
fi
long=$(git ls-files '*.c' 2>/dev/null | grep -v '^tests/' | xargs -r wc -l |
    awk '$2 != "total" && $1 > 700 { print "  " $2 ": " $1 " lines" }')
if [ -n "$long" ]; then
	echo "files over 700 lines have more than one subject:"
	echo "$long"
	rc=1
fi
exit $rc

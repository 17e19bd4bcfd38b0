#!/bin/sh
# Every public header compiles alone, with both compilers that are there.
cd "${1:-.}" || exit 2
bad=0
for cc in gcc clang; do
	command -v $cc >/dev/null 2>&1 || continue
	for h in $(find include -name '*.h' | sort); do
		echo "#include <${h#include/}>" |
		    $cc -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror \
		    -Iinclude -x c -fsyntax-only - || {
			echo "$h does not stand alone ($cc)"
			bad=1
		}
	done
done
[ $bad = 0 ] && echo "headers: ok"
exit $bad

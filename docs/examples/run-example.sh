#!/bin/sh
# run-example.sh SOURCE BUILD SANITIZERS LINE...: compile the program with
# pkg-config against the library of a build folder, run it twice, and look for
# the lines. The program must exit with 0 and say the same both times.
set -eu
src=$1 build=$2 san=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PKG_CONFIG_PATH="$build/meson-uninstalled"
export LD_LIBRARY_PATH="$build/sim/lib"
pc=ktlssim flags=
case $src in
*/freebsd-*) pc=ktlssim-freebsd flags='-include ktlssim/freebsd.h' ;;
esac
[ "$san" = none ] || flags="$flags -fsanitize=$san"
# shellcheck disable=SC2046,SC2086
${CC:-cc} -Wall -Werror $flags "$src" $(pkg-config --cflags --libs $pc) \
	-o "$dir/prog"
"$dir/prog" >"$dir/out"
"$dir/prog" >"$dir/again"
cmp "$dir/out" "$dir/again"
for line; do
	if ! grep -qF -- "$line" "$dir/out"; then
		echo "no line \`$line' in:"
		cat "$dir/out"
		exit 1
	fi
done

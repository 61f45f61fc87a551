#!/bin/sh
# house.sh: rules that the tree keeps: includes point one way, the libraries
# export plancl_* alone, public headers stand alone once installed, each command
# has its page, each source is built.
test_name=house
. "$top_srcdir/tests/expect.sh"
CC=${CC:-cc}

# Includes, and that the check would see a wrong one.
cd "$top_srcdir" || exit 99
expect 0 scripts/sources
files=$(cat "$work/out")
test "$(echo "$files" | wc -l)" -gt 50 || wrong "few sources were found"
# shellcheck disable=SC2086 # one word per file
expect 0 awk -f scripts/includes.awk $files || cat "$work/out" >&2
mkdir -p "$work/kernels"
echo '#include "runtime/base.h"' >"$work/kernels/wrong.c"
cd "$work" || exit 99
expect 1 awk -f "$top_srcdir/scripts/includes.awk" kernels/wrong.c
says out "kernels/wrong.c:1: kernels/ may not use runtime/base.h"

# What no local.mk names would never be built, nor run.
cd "$top_srcdir" || exit 99
for file in $(echo "$files" | grep '\.c$') tests/*.sh; do
    cat -- */local.mk |
        grep -qE "(^|[[:space:]])${file%.c}(\.c)?([[:space:]]|\$)" ||
        wrong "no local.mk names $file"
done

# Exported symbols: ours by name, and all that the header declares.
exported() {
    nm -D --defined-only "$1" | awk '$2 ~ /[A-Z]/ && $3 !~ /^__/ { print $3 }' |
        grep -Ev '^_(init|fini|edata|end)$' | LC_ALL=C sort
}
declared() {
    sed 's,/\*.*\*/,,; /^ \*/d' "$1" | grep -o 'plancl_[a-z_]*(' |
        tr -d '(' | LC_ALL=C sort -u
}
for pair in libplancl:runtime/plancl.h \
    libplancl-compiler:compiler/plancl_compile.h \
    libplancl-data:data/plancl_data.h; do
    library=${pair%%:*}
    so=$(find "$top_builddir/.libs" -name "$library.so" | head -n 1)
    if test -z "$so"; then
        echo "no shared $library here"
        continue
    fi
    exported "$so" | sed 's/@.*//' >"$work/exported"
    declared "$top_srcdir/${pair#*:}" >"$work/declared"
    diff "$work/declared" "$work/exported" >&2 ||
        wrong "$library exports (>) not what its header declares (<)"
done

# Public headers, in C and, where there is a compiler, in C++; as installed.
cd "$top_srcdir" || exit 99
for header in plancl plancl_compile plancl_data; do
    echo "#include <$header.h>" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cc"
    # shellcheck disable=SC2086 # CC may hold options
    expect 0 $CC -std=c11 -pedantic-errors -Wall -Wextra -Werror \
        -fsyntax-only -I "$top_builddir/include" "$work/alone.c"
    if command -v g++ >/dev/null 2>&1; then
        expect 0 g++ -pedantic-errors -Wall -Werror -fsyntax-only \
            -I "$top_builddir/include" "$work/alone.cc"
    fi
done

# Every header of ours compiles when it is the only one.
for header in $(echo "$files" | grep '\.h$'); do
    echo "#include \"$header\"" >"$work/alone.c"
    # shellcheck disable=SC2086
    expect 0 $CC -std=c11 -D_POSIX_C_SOURCE=200809L -fsyntax-only \
        -I . "$work/alone.c"
done

# Commands, their pages, and the options in both.
for command in $("$plancl" --help | awk '/^  [a-z]/ && !/plancl/ { print $1 }')
do
    page=cli/man/plancl-$command.1
    test -f "$page" || wrong "$page is missing"
    expect 0 "$plancl" "$command" --help
    says out "Example:"
    sed -n 's/^  [ -][ a-zA-Z][ ,] \(--[a-z][a-z-]*\).*/\1/p' "$work/out" |
        sort -u >"$work/help"
    sed 's/\\-/-/g' "$page" | grep -A1 '^\.TP' |
        grep -o -- '--[a-z][a-z-]*' | sort -u >"$work/page"
    diff "$work/help" "$work/page" >&2 ||
        wrong "options of $command: --help (<) and its page (>) differ"
done
finish

#!/bin/sh
# fuzz.sh: the parsers of files under libFuzzer, with the address and undefined
# behaviour sanitizers.
#
# Usage: bench/fuzz.sh BUILD [SECONDS [PARSER...]]
# As in
#   bench/fuzz.sh build-fuzz 600 npy safetensors
#
# Builds in BUILD with clang, then runs each parser (all, unless some are named)
# for SECONDS (600) from tests/corpus/PARSER and from files that are there for
# other reasons.  Findings lie in BUILD/fuzz/PARSER/findings, and $? is 1 when
# there are any.  What grew lies in BUILD/fuzz/PARSER/new; the least part of it
# that reaches what the kept corpus does not, in BUILD/fuzz/PARSER/keep: the
# small ones of these belong into tests/corpus/PARSER.
set -eu

test $# -ge 1 || {
    sed -n '5,7s/^# //p' "$0" >&2
    exit 2
}
top=$(cd "$(dirname "$0")/.." && pwd)
CC=${CC:-clang} CFLAGS='-g -O1 -fsanitize=fuzzer-no-link' \
    "$top/scripts/build" "$1" --enable-sanitize
make -s -C "$1" bench/fuzz
build=$(cd "$1" && pwd)
shift
seconds=${1:-600}
test $# -eq 0 || shift
test $# -gt 0 || set -- idx model npy onnx plan safetensors

# Folders of a parser, beside its corpus.
seeds() {
    case $1 in
    model) echo "$top"/tests/mistakes "$top"/models "$top"/tests/models \
        "$top"/tests/data/passes ;;
    onnx) echo "$top"/tests/data/onnx suite ;;
    safetensors) echo "$top"/tests/data/safetensors ;;
    esac
}

# Words that a parser knows, as libFuzzer's dictionary: in quotes, one a line.
words() {
    case $1 in
    idx | npy) set -- "$top"/data/npy.c ;;
    model) set -- "$top"/doc/plancl.schema.json ;;
    onnx) set -- "$top"/onnx/*.c ;;
    plan) set -- "$top"/runtime/plan*.c ;;
    safetensors) set -- "$top"/runtime/safetensors*.c ;;
    esac
    grep -oh '"[A-Za-z_][A-Za-z_0-9]*"' "$@" | sort -u
}

# ONNX's own cases, where they are installed, into one folder.
copy_suite() {
    mkdir -p suite
    for file in /usr/share/libonnx-testdata/data/node/*/model.onnx; do
        case=${file%/model.onnx}
        test ! -f "$file" || cp "$file" "suite/${case##*/}"
    done
}

# The longest input that is worth trying.
longest() {
    case $1 in
    plan) echo 16384 ;;
    model | onnx) echo 4096 ;;
    *) echo 1024 ;;
    esac
}

# libFuzzer in a folder of the parser's own, where an ONNX file may find data.
fuzz() {
    "$build/bench/fuzz" -max_len="$(longest "$PLANCL_FUZZ")" -timeout=30 \
        -rss_limit_mb=2048 -artifact_prefix=findings/ "$@"
}

found=0
for PLANCL_FUZZ in "$@"; do
    export PLANCL_FUZZ
    work=$build/fuzz/$PLANCL_FUZZ
    mkdir -p "$work/new" "$work/keep" "$work/findings"
    cd "$work"
    printf 'twenty bytes of data' >data
    test "$PLANCL_FUZZ" != onnx || copy_suite
    echo "== $PLANCL_FUZZ, $seconds seconds"
    words "$PLANCL_FUZZ" >dictionary
    # shellcheck disable=SC2046 # one word per folder
    fuzz -dict=dictionary -max_total_time="$seconds" -print_final_stats=1 new \
        "$top/tests/corpus/$PLANCL_FUZZ" $(seeds "$PLANCL_FUZZ") \
        >log 2>&1 || found=1
    grep -E '^(fuzz: |SUMMARY|stat::|[^ ]*: runtime error)' log || tail -n 3 log
    ls findings
    # The kept corpus goes first, so only what it does not reach is taken.
    rm -rf all keep
    cp -R "$top/tests/corpus/$PLANCL_FUZZ" all
    fuzz -merge=1 all new >log.merge 2>&1 || found=1
    mkdir keep
    for file in all/*; do
        test -f "$top/tests/corpus/$PLANCL_FUZZ/${file#all/}" ||
            mv "$file" keep
    done
    rm -rf all
    echo "$(find new -type f | wc -l) files grew, to keep:" \
        "$(find keep -type f | wc -l)"
done
exit $found

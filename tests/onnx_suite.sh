#!/bin/sh
# onnx_suite.sh: ONNX's own conformance cases, where Debian's libonnx-testdata has
# put them: imported, compiled and run.
#
# tests/onnx-suite/cases.txt names them, with the operator that each is about.
# None may be wrong, and only those of refused.txt, which gives the reasons, may
# be refused; one that passes must not stand there any more.  So the lists are the
# outcome, and doc/onnx-operators.md is made of them:
#     cd tests/onnx-suite; awk -f table.awk refused.txt cases.txt
#
# PLANCL_SUITE_PART=n takes one case in n: nearly each has kernels of its own, and
# building them all takes minutes where they are not in the cache.
test_name=onnx_suite
. "$top_srcdir/tests/expect.sh"
lists=$top_srcdir/tests/onnx-suite
table() {
    LC_ALL=C awk -f "$lists/table.awk" "$lists/refused.txt" "$lists/cases.txt"
}
data=${ONNX_TESTDATA:-/usr/share/libonnx-testdata/data}
if test ! -d "$data/node"; then
    echo "no folder $data: libonnx-testdata is not installed"
    exit 77
fi
need_device

awk -v n="${PLANCL_SUITE_PART:-1}" 'NR % n == 0' "$lists/cases.txt" \
    >"$work/cases"

# A part of the cases by each of two processes.
part() {
    cd "$data" || exit 99
    # shellcheck disable=SC2046 # one word per case
    "$top_builddir/tests/onnx_suite" \
        $(awk -v p="$1" 'NR % 2 == p { print $1 }' "$work/cases")
}
part 0 >"$work/part0" 2>"$work/err0" &
first=$!
part 1 >"$work/part1" 2>"$work/err1" || wrong "the second part failed"
wait $first || wrong "the first part failed"
grep -h '^\(pass\|wrong\|refused\) ' "$work/part0" "$work/part1" |
    sort -k 2 >"$work/all"

# Refused ones by the list: "# " begins a reason, names follow.
awk '{ print $1 }' "$work/cases" | sort >"$work/names"
sed '/^#/d; /^$/d' "$lists/refused.txt" | sort | comm -12 - "$work/names" \
    >"$work/expected"
awk '$1 == "refused" { sub(":$", "", $2); print $2 }' "$work/all" |
    sort >"$work/refused"
comm -13 "$work/expected" "$work/refused" >"$work/more"
comm -23 "$work/expected" "$work/refused" >"$work/fewer"

if test "$(wc -l <"$work/all")" != "$(wc -l <"$work/cases")"; then
    wrong "not every case has an outcome"
    tail -n 2 "$work/part0" "$work/part1" "$work/err0" "$work/err1" >&2
fi
if grep '^wrong' "$work/all" >&2; then
    wrong "the cases above compute something else"
fi
if test -s "$work/more"; then
    wrong "refused, but not in tests/onnx-suite/refused.txt:"
    grep -F -f "$work/more" "$work/all" >&2
fi
if test -s "$work/fewer"; then
    wrong "in tests/onnx-suite/refused.txt, but not refused:"
    cat "$work/fewer" >&2
fi

table >"$work/table"
if ! cmp "$work/table" "$top_srcdir/doc/onnx-operators.md" >&2; then
    wrong "doc/onnx-operators.md is not what tests/onnx-suite/table.awk prints"
fi
awk '{ n[$1]++ } END { printf "%d pass, %d wrong, %d refused\n", n["pass"],
    n["wrong"], n["refused"] }' "$work/all"
finish

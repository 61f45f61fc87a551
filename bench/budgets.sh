#!/bin/sh
# budgets.sh: a model under falling budgets of memory.
#
# Usage: bench/budgets.sh [-ms] [-t TURNS] BUILD MODEL [COMPILE_OPTION]...
# As in
#   bench/budgets.sh build models/unet.json --dim N=8 --device t4
#   bench/budgets.sh -m build models/unet.json --dim N=8 --device this.json
#
# The first row is what a plan takes without a budget; then 95, 90, 80 ... 20 % of
# it.  Seconds are predicted ones of a step.  A budget that is refused is tried
# again with the bytes that the refusal names.  With -s no slab is larger than a
# quarter of the budget, or than the largest buffer where that is more (in the first
# row, than that buffer); the last columns are that limit and how many slabs there are,
# with a mark where one is larger.  With -m each plan also trains 3 updates, or more
# where they are quick, on made-up data, by turns with the first row's plan, twice (-t:
# so many turns): the least seconds of a step, predicted by measured, by how much a step
# is longer than the first row's, predicted and measured, and whether the weights are
# the same.
set -eu
export LC_ALL=C

usage() {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}

measure=
small=
kept_slab=
turns=2
while getopts mst: option; do
    case $option in
    m) measure=1 ;;
    s) small=1 ;;
    t) turns=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
test $# -ge 2 || usage
test "$turns" -ge 1 2>/dev/null || usage
plancl=$1/cli/plancl
make_npy=$1/tests/make_npy # for made_up.sh
model=$2
shift 2
. "$(dirname "$0")/made_up.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

number() {
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\).*/\1/p" "$work/plan.json" | head -n 1
}

# compiled BUDGET COMPILE_OPTION...: the plan; $said is what compile printed.  In small
# slabs a refusal names the first buffer that is too large, and the next is tried.
compiled() {
    budget=$1
    shift
    slab=${kept_slab:-$((${budget:-0} / 4))}
    while :; do
        "$plancl" compile "$model" -o "$work/plan" "$@" ${budget:+--memory "$budget"} \
            ${small:+--max-allocation $((slab > 256 ? slab : 256))} \
            >/dev/null 2>"$work/said" && return
        larger=$(sed -n 's/.*needs a buffer of \([0-9]*\) bytes.*/\1/p' "$work/said")
        test -n "$small" && test -n "$larger" && test "$larger" -gt "$slab" || return 1
        slab=$larger
    done
}

# row NAME BUDGET COMPILE_OPTION...: compile, and print what came of it.
row() {
    name=$1
    budget=$2
    shift 2
    compiled "$budget" "$@" || return 1
    "$plancl" inspect --json "$work/plan" >"$work/plan.json"
    bytes=$(number device_bytes)
    seconds=$(number predicted_step_s)
    again=$(sed -n 's/.*sequence step computes \([0-9]*\) .*/\1/p' "$work/said")
    pieces=$(sed -n 's/.*taken in pieces of \([0-9]*\).*/\1/p' "$work/said")
    printf '%-10s %13s %13s %10.6g %6s %7s' "$name" "${budget:--}" "$bytes" \
        "$seconds" "${again:-0}" "${pieces:--}"
    test -z "$measure" || trained
    test -z "$small" || printf ' %13s %6s' "$slab" "$(slabs)"
    echo
}

# slabs: how many there are, marked where one is larger than it may be.
slabs() {
    sed -n '/"slabs"/,/"sequences"/s/.*"bytes": \([0-9]*\).*/\1/p' "$work/plan.json" |
        awk -v limit="$slab" '$1 > limit { wrong = "!" } END { print NR wrong }'
}

# least_of A B: the smaller number of both, or B where A is empty.
least_of() {
    awk -v a="${1:-$2}" -v b="$2" 'BEGIN { print (a + 0 < b + 0) ? a : b }'
}

# Machines with other tenants swing by more than what is measured, so a row is timed
# by turns with the first.
by_turns() {
    here=
    first=
    for _ in $(seq "$turns"); do
        train "$work/plan_first" "$work" "$updates" || return 1
        first=$(least_of "$first" "$measured")
        mv "$work/w.safetensors" "$work/w_first.safetensors"
        train "$work/plan" "$work" "$updates" || return 1
        here=$(least_of "$here" "$measured")
    done
}

# Data is made once, of the whole batch.
trained() {
    if test -z "${data-}"; then
        made_up "$work/plan" "$work"
        updates=$(updates_in "$seconds")
        cp "$work/plan" "$work/plan_first"
        first_seconds=$seconds
    fi
    if ! by_turns 2>/dev/null; then
        printf ' %10s' failed
        return
    fi
    awk -v m="$here" -v f="$first" -v p="$seconds" -v q="$first_seconds" \
        'BEGIN { printf " %10.4g %6.2f %+8.1f %% %+8.1f %%", m, p / m,
                        100 * (p / q - 1), 100 * (m / f - 1) }'
    if cmp -s "$work/w.safetensors" "$work/w_first.safetensors"; then
        printf '  same weights'
    else
        printf '  OTHER WEIGHTS'
    fi
}

printf '%-10s %13s %13s %10s %6s %7s' percent budget bytes 'step, s' again \
    pieces
test -z "$measure" ||
    printf ' %10s %6s %10s %10s              ' measured ratio predicted measured
test -z "$small" || printf ' %13s %6s' 'a slab' slabs
echo
row all '' "$@" || {
    cat "$work/said" >&2
    exit 1
}
all=$bytes
for percent in 95 90 80 70 60 50 40 30 20; do
    row "$percent" $((all * percent / 100)) "$@" && continue
    least=$(sed -n 's/.*too few: \([0-9]*\) would do.*/\1/p' "$work/said")
    printf '%-10s %13s refused: %s bytes would do\n' "$percent" \
        $((all * percent / 100)) "$least"
    kept_slab=$slab
    test "$least" = "${tried-}" || row least "$least" "$@" ||
        echo 'BUT THEY DO NOT'
    kept_slab=
    tried=$least
done

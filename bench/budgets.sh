#!/bin/sh
# budgets.sh: a model under falling budgets of memory.
#
# Usage: bench/budgets.sh BUILD MODEL [COMPILE_OPTION]... [-- TRAIN_OPTION]...
# As in
#   bench/budgets.sh build models/unet.json --dim N=8 --device t4
#   bench/budgets.sh build models/fashion_cnn.json -- --data image=... --data ...
#
# The first row is what a plan takes without a budget; then 95, 90, 80 ... 20 % of
# it.  Seconds are predicted ones of a step.  A budget that is refused is tried
# again with the bytes that the refusal names.  With options for training, each
# plan trains 3 updates from the same weights: seconds of the last two, measured,
# a step, and whether the weights are those of the first row.
set -eu
export LC_ALL=C

test $# -ge 2 || {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}
plancl=$1/cli/plancl
model=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

options=
while test $# -gt 0 && test "$1" != --; do
    options="$options $1"
    shift
done
test $# = 0 || shift

number() {
    sed -n "s/^ *\"$1\": \([0-9.e+-]*\).*/\1/p" "$work/plan.json" | head -n 1
}

# row NAME BUDGET TRAIN_OPTION...: compile, and print what came of it.
row() {
    name=$1
    budget=$2
    shift 2
    # shellcheck disable=SC2086 # several words
    "$plancl" compile "$model" -o "$work/plan" $options \
        ${budget:+--memory "$budget"} >/dev/null 2>"$work/said" || return 1
    "$plancl" inspect --json "$work/plan" >"$work/plan.json"
    bytes=$(number device_bytes)
    seconds=$(number predicted_step_s)
    again=$(sed -n 's/.*sequence step computes \([0-9]*\) .*/\1/p' "$work/said")
    pieces=$(sed -n 's/.*taken in pieces of \([0-9]*\).*/\1/p' "$work/said")
    printf '%-10s %13s %13s %10.6g %6s %7s' "$name" "${budget:--}" "$bytes" \
        "$seconds" "${again:-0}" "${pieces:--}"
    test $# = 0 || trained "$@"
    echo
}

# trained TRAIN_OPTION...: three updates; the first warms up.
trained() {
    for updates in 1 3; do
        rm -f "$work/log"
        "$plancl" train "$work/plan" "$@" --updates $updates --quiet \
            --seed 1 --save "$work/w.safetensors" --log "$work/log" \
            >/dev/null 2>&1 || {
            printf ' %10s' failed
            return
        }
        sed -n 's/.*"seconds": *\([0-9.]*\).*/\1/p' "$work/log" |
            tail -n 1 >"$work/time$updates"
    done
    test -f "$work/first" || cp "$work/w.safetensors" "$work/first"
    awk 'NR == 1 { one = $1 } NR == 2 { printf " %10.4g", ($1 - one) / 2 }' \
        "$work/time1" "$work/time3"
    if cmp -s "$work/w.safetensors" "$work/first"; then
        printf '  same weights'
    else
        printf '  OTHER WEIGHTS'
    fi
}

printf '%-10s %13s %13s %10s %6s %7s\n' percent budget bytes 'step, s' again \
    pieces
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
    row least "$least" "$@" || echo 'BUT THEY DO NOT'
done

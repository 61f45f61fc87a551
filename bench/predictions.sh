#!/bin/sh
# predictions.sh: how long a step of the models takes, predicted and measured.
#
# Usage: bench/predictions.sh BUILD PROFILE [MODEL:DIM=SIZE,...]...
# As in
#   build/cli/plancl calibrate -o this.json
#   bench/predictions.sh build this.json
#   bench/predictions.sh build this.json unet:N=1,H=128,W=128 har:N=32
#
# Data is made up.  Of the updates behind the first the least time counts, as the
# trace has them.  Needs BUILD/tests/make_npy, which `make check` builds.
set -eu
export LC_ALL=C

test $# -ge 2 || {
    sed -n '4,8s/^# //p' "$0" >&2
    exit 2
}
build=$1
profile=$2
shift 2
test $# -gt 0 || set -- bioacoustic:N=32 har:N=128 jetx:N=1 unet:N=1 pose:N=4
models=$(dirname "$0")/../models
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

printf '%-32s %12s %12s %6s\n' model 'predicted ms' 'measured ms' ratio
for case in "$@"; do
    model=${case%%:*}
    dims=$(echo "${case#*:}" | sed 's/,/ -D /g; s/^/-D /')
    # shellcheck disable=SC2086 # several words
    "$build/cli/plancl" compile "$models/$model.json" -o "$work/plan" $dims \
        --device "$profile" --quiet >/dev/null
    "$build/cli/plancl" inspect --json "$work/plan" >"$work/plan.json"
    sed -n 's/.*"name": "\([^"]*\)", "kind": "input", "dtype": "\([^"]*\)", "shape": \[\([^]]*\)\].*/\1 \2 \3/p' \
        "$work/plan.json" | tr -d , >"$work/inputs"
    data=
    while read -r input dtype shape; do
        # shellcheck disable=SC2086 # several numbers
        "$build/tests/make_npy" "$work/$input.npy" "$dtype" 0 1 1 $shape
        data="$data --data $input=$work/$input.npy"
    done <"$work/inputs"
    # shellcheck disable=SC2086 # several words
    "$build/cli/plancl" train "$work/plan" $data --updates 6 --quiet \
        --log "$work/log" --save "$work/w.safetensors" --epochs 6 >/dev/null
    predicted=$(sed -n 's/^ *"predicted_step_s": \([0-9.e+-]*\).*/\1/p' \
        "$work/plan.json")
    measured=$(sed -n 's/.*"seconds": *\([^,}]*\).*/\1/p' "$work/log" |
        sed 1d | sort -g | head -n 1)
    awk -v p="$predicted" -v m="$measured" -v n="$case" 'BEGIN {
        printf "%-32s %12.3f %12.3f %6.2f\n", n, 1e3 * p, 1e3 * m, p / m }'
done

#!/bin/sh
# one_step.sh: every model trains one update at its full size, on made-up data.
#
# Usage: bench/one_step.sh BUILD [COMPILE_OPTION]...
# As in
#   bench/one_step.sh build
#   bench/one_step.sh build --dim N=1 --memory 8GiB
#
# Needs BUILD/tests/make_npy, which `make check` builds.  Seconds are of the
# whole run, with the kernels' compilation where their cache is cold.
set -eu
export LC_ALL=C

test $# -ge 1 || {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}
plancl=$1/cli/plancl
make_npy=$1/tests/make_npy # for made_up.sh
shift
models=$(dirname "$0")/../models
. "$(dirname "$0")/made_up.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

printf '%-16s %6s %15s %9s  %s\n' model batch bytes seconds loss
for model in "$models"/*.json; do
    name=$(basename "$model" .json)
    "$plancl" compile "$model" -o "$work/plan" --quiet "$@" >"$work/said" 2>&1 || {
        printf '%-16s %s\n' "$name" "$(head -n 1 "$work/said")"
        continue
    }
    grep -q '"training"' "$model" || continue
    bytes=$(sed -n 's/.*: \([0-9]*\) bytes of device.*/\1/p' "$work/said")
    made_up "$work/plan" "$work"
    batch=$(sed -n 's/^ *"batch": \([0-9]*\),.*/\1/p' "$work/plan.json")
    begin=$(date +%s)
    # shellcheck disable=SC2086 # several words
    "$plancl" train "$work/plan" $data --updates 1 --quiet \
        --save "$work/w.safetensors" --log "$work/log" >"$work/said" 2>&1 ||
        true
    end=$(date +%s)
    loss=$(sed -n 's/.*"loss": *\([^,}]*\).*/\1/p' "$work/log" 2>/dev/null || true)
    printf '%-16s %6s %15s %9s  %s\n' "$name" "$batch" "$bytes" \
        $((end - begin)) "${loss:-$(tail -n 1 "$work/said")}"
    rm -f "$work/log"
done

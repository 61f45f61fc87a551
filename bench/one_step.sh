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
make_npy=$1/tests/make_npy
shift
models=$(dirname "$0")/../models
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Inputs of the plan: name, type and dimensions, a line each.
inputs() {
    "$plancl" inspect --json "$work/plan" |
        sed -n 's/.*"name": "\([^"]*\)", "kind": "input", "dtype": "\([^"]*\)", "shape": \[\([^]]*\)\].*/\1 \2 \3/p' |
        tr -d ,
}

printf '%-16s %6s %15s %9s  %s\n' model batch bytes seconds loss
for model in "$models"/*.json; do
    name=$(basename "$model" .json)
    "$plancl" compile "$model" -o "$work/plan" --quiet "$@" >"$work/said" 2>&1 || {
        printf '%-16s %s\n' "$name" "$(head -n 1 "$work/said")"
        continue
    }
    grep -q '"training"' "$model" || continue
    bytes=$(sed -n 's/.*: \([0-9]*\) bytes of device.*/\1/p' "$work/said")
    batch=$("$plancl" inspect --json "$work/plan" |
        sed -n 's/^ *"batch": \([0-9]*\),.*/\1/p')
    data=
    inputs >"$work/inputs"
    while read -r input dtype shape; do
        # shellcheck disable=SC2086 # several numbers
        "$make_npy" "$work/$input.npy" "$dtype" 0 1 1 $shape
        data="$data --data $input=$work/$input.npy"
    done <"$work/inputs"
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

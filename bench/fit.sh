#!/bin/sh
# fit.sh: the largest batch that fits into some bytes, and that it is the largest.
#
# Usage: bench/fit.sh BUILD PROFILE MEMORY [MODEL]...
# As in
#   bench/fit.sh build t4 4GiB
#   bench/fit.sh build t4 14GiB resnet50 unet
#
# Of each model (all nine, unless some are named): the answer of `plancl fit`, its
# bytes and predicted samples/s, whether `plancl compile` takes that batch and
# refuses the next, and how long `fit` took.  $? is 1 where one does not hold.
set -eu
export LC_ALL=C

test $# -ge 3 || {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}
plancl=$1/cli/plancl
profile=$2
memory=$3
shift 3
test $# -gt 0 || set -- bioacoustic har jetx mobilenet_v2 pose resnet50 \
    transformer_lm unet vgg16
models=$(dirname "$0")/../models
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# holds MODEL BATCH: the batch in one piece fits.
holds() {
    "$plancl" compile "$models/$1.json" -o "$work/plan" --device "$profile" \
        --dim N="$2" --micro-batch "$2" --memory "$memory" --quiet \
        >/dev/null 2>&1
}

wrong=0
printf '%-16s %8s %14s %12s %8s  %s\n' model batch bytes samples/s 'fit, s' \
    verdict
for model in "$@"; do
    begin=$(date +%s)
    "$plancl" fit "$models/$model.json" --device "$profile" \
        --memory "$memory" --json --quiet >"$work/fit.json" 2>"$work/said" || {
        test $? = 2 || wrong=1 # 2: not even one sample fits
        printf '%-16s %s\n' "$model" "$(tail -n 1 "$work/said")"
        continue
    }
    took=$(($(date +%s) - begin))
    batch=$(sed -n 's/^"batch": \([0-9]*\).*/\1/p' "$work/fit.json")
    row=$(grep "{\"batch\": $batch, " "$work/fit.json")
    bytes=$(echo "$row" | sed 's/.*"device_bytes": \([0-9]*\).*/\1/')
    rate=$(echo "$row" | sed 's/.*"samples_per_s": \([0-9.e+]*\).*/\1/')
    verdict=holds
    holds "$model" "$batch" || verdict='DOES NOT COMPILE'
    ! holds "$model" $((batch + 1)) || verdict='ONE MORE FITS'
    test "$verdict" = holds || wrong=1
    printf '%-16s %8s %14s %12.4g %8s  %s\n' "$model" "$batch" "$bytes" \
        "$rate" "$took" "$verdict"
done
exit $wrong

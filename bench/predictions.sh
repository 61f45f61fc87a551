#!/bin/sh
# predictions.sh: how long a step of the models takes, predicted and measured.
#
# Usage: bench/predictions.sh BUILD PROFILE [MODEL:DIM=SIZE,...]...
# As in
#   build/cli/plancl calibrate -o this.json
#   bench/predictions.sh build this.json
#   bench/predictions.sh build this.json unet:N=1,S=128 har:N=32
#
# Data is made up.  Of the updates behind the first the least time counts.
set -eu
export LC_ALL=C

test $# -ge 2 || {
    sed -n '4,8s/^# //p' "$0" >&2
    exit 2
}
here=$(dirname "$0")
plancl=$1/cli/plancl
make_npy=$1/tests/make_npy # for made_up.sh
profile=$2
shift 2
test $# -gt 0 || set -- bioacoustic:N=32 har:N=128 jetx:N=1 unet:N=1 pose:N=4
. "$here/made_up.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

printf '%-32s %12s %12s %6s\n' model 'predicted ms' 'measured ms' ratio
for case in "$@"; do
    model=${case%%:*}
    dims=$(echo "${case#*:}" | sed 's/,/ -D /g; s/^/-D /')
    # shellcheck disable=SC2086 # several words
    "$plancl" compile "$here/../models/$model.json" -o "$work/plan" $dims \
        --device "$profile" --quiet >/dev/null
    made_up "$work/plan" "$work"
    predicted=$(sed -n 's/^ *"predicted_step_s": \([0-9.e+-]*\).*/\1/p' \
        "$work/plan.json")
    train "$work/plan" "$work" "$(updates_in "$predicted")"
    awk -v p="$predicted" -v m="$measured" -v n="$case" 'BEGIN {
        printf "%-32s %12.3f %12.3f %6.2f\n", n, 1e3 * p, 1e3 * m, p / m }'
done

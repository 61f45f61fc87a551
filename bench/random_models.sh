#!/bin/sh
# random_models.sh: random models within falling budgets of memory, many of them.
#
# Usage: bench/random_models.sh BUILD [MODELS [FIRST_SEED]]
# As in
#   bench/random_models.sh build 2000 70000
#
# What tests/random_budgets does with a hundred in each check, from other seeds, in
# as many processes as there are cores: 2,000 models have about 7,500 plans, and
# take a quarter of an hour of one core.
set -eu

test $# -ge 1 || {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
top_builddir=$(cd "$1" && pwd)
. "$top_srcdir/scripts/test-env"
models=${2:-2000}
seed=${3:-70000}
cores=$(nproc)
make -s -C "$top_builddir" tests/random_budgets
cd "$top_builddir"

# part K: every core's share, and for the last one what is left.
part() {
    share=$((models / cores))
    PLANCL_RANDOM_SEED=$((seed + $1 * share))
    test "$1" -lt $((cores - 1)) || share=$((models - $1 * share))
    test $share -gt 0 || return 0
    PLANCL_RANDOM=$share
    export PLANCL_RANDOM PLANCL_RANDOM_SEED
    tests/random_budgets
}

running=
k=0
while test $k -lt "$cores"; do
    part $k &
    running="$running $!"
    k=$((k + 1))
done
status=0
for process in $running; do
    wait "$process" || status=1
done
exit $status

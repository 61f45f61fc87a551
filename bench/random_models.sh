#!/bin/sh
# random_models.sh: random models within falling budgets of memory, many of them.
#
# Usage: bench/random_models.sh BUILD [MODELS [FIRST_SEED]]
# As in
#   bench/random_models.sh build 2000 70000
#
# What tests/random_budgets does with a hundred in each check, from other seeds:
# 2,000 models have about 7,500 plans, and take four to five minutes of one core.
# With more cores, start several from seeds that are far enough apart.
set -eu

test $# -ge 1 || {
    sed -n '4,7s/^# //p' "$0" >&2
    exit 2
}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
top_builddir=$(cd "$1" && pwd)
. "$top_srcdir/scripts/test-env"
PLANCL_RANDOM=${2:-2000}
PLANCL_RANDOM_SEED=${3:-70000}
export PLANCL_RANDOM PLANCL_RANDOM_SEED
make -s -C "$top_builddir" tests/random_budgets
cd "$top_builddir"
exec tests/random_budgets

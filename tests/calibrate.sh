#!/bin/sh
# calibrate.sh: a device is measured; its profile predicts, and changes no result.
# What numbers come out is the machine's business.
test_name=calibrate
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
cd "$work" || exit 99

need_device
model=$top_srcdir/models/fashion_cnn.json
small="--model $model --dim N=4"

expect 2 "$plancl" calibrate
says err "--out=FILE"
# shellcheck disable=SC2086 # several words
expect 1 "$plancl" calibrate -o nowhere/x.json $small
expect 1 "$plancl" calibrate -o x.json --model "$top_srcdir/models/none.json"
test ! -e x.json || wrong "a profile was written for a model that is not there"

# shellcheck disable=SC2086
expect 0 "$plancl" calibrate --quiet -o this.json $small || finish
says out "$model"
says this.json '"kernels"'
test ! -e this.json.part || wrong "this.json.part was left behind"

# numerics PLAN.json, predicted PLAN.json
numerics() {
    sed -n 's/.*"numerics": "\([0-9a-f]*\)".*/\1/p' "$1"
}
predicted() {
    sed -n 's/.*"predicted_step_s": \([0-9.e+-]*\).*/\1/p' "$1"
}

# The same kernels, whatever was measured.
compile "$model" plain.plan --dim N=4 --device 0 --skip recompute
compile "$model" this.plan --dim N=4 --device this.json --skip recompute
equal "numerics" "$(numerics this.plan.json)" "$(numerics plain.plan.json)"

# Kernels that take longer make a step that takes longer.
sed 's/\("compute":[[:space:]]*\)\([0-9]\)/\19\2/; s/\("traffic":[[:space:]]*\)\([0-9]\)/\19\2/' \
    this.json >slow.json
compile "$model" slow.plan --dim N=4 --device slow.json --skip recompute
awk -v a="$(predicted this.plan.json)" \
    -v b="$(predicted slow.plan.json)" \
    'BEGIN { exit !(a > 0 && b > a) }' ||
    wrong "slower kernels do not make a slower step"
finish

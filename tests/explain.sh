#!/bin/sh
# explain.sh: what compile --explain says of a plan is what the plan has, and
# what it says of other budgets is what compiling with them gives.
test_name=explain
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
cd "$work" || exit 99

# seconds PLAN.json: of a step, as --explain prints them.
seconds() {
    awk '/"predicted_step_s"/ { sub(",", ""); printf "%.4g s", $2 }' "$1"
}

# explained MODEL BUDGET [OPTION]...: into the file "text".
explained() {
    model_file=$1
    memory=$2
    shift 2
    expect 0 "$plancl" compile "$model_file" -o explained.plan --explain \
        --device t4 --memory "$memory" --quiet "$@" || finish
    cp out text
    compile "$model_file" same.plan --device t4 --memory "$memory" "$@"
    same_files explained.plan same.plan "the plan with --explain"
    grep -qxF "predicted step: $(seconds same.plan.json)" text ||
        wrong "not the plan's prediction: $(grep predicted text)"
    peak=$(sed -n 's/.*"peak":.*"bytes": \([0-9]*\).*/\1/p' same.plan.json)
    echo "$memory bytes: $peak at the peak"
    test "$(sed -n 's/^  *\([0-9]*\)  [a-z].*/\1/p' text |
        awk '{ s += $1 } END { printf "%d", s }')" -le "$peak" ||
        wrong "the largest are more than the peak"
    for change in more less; do
        grep "^with [0-9]* bytes, [0-9]* $change: " text >$change ||
            wrong "nothing of $change memory"
    done
}

# Room, with a little more there and a little less.
explained "$model_heads" 240000 --dim N=16 --micro-batch 16
grep -q '^computed again: [1-9]' text || wrong "nothing is computed again"
grep -qx 'batch: 16 samples in one piece' text || wrong "the batch is cut"
equal "more" "$(sed 's/ bytes, .*: / /' more | cut -d' ' -f2)" 270000
compile "$model_heads" more.plan --device t4 --dim N=16 --micro-batch 16 \
    --memory 270000
grep -qF ": $(seconds more.plan.json), " more ||
    wrong "$(cat more): wanted $(seconds more.plan.json)"
if grep -q 'too few' less; then
    would_do=$(sed 's/.*, \([0-9]*\) would do/\1/' less)
    compile "$model_heads" less.plan --device t4 --dim N=16 --micro-batch 16 \
        --memory "$would_do"
fi

# So little that the batch is cut.
explained "$model_cnn" 2MiB
grep -q '^batch: 64 samples in pieces of [1-9]' text || wrong "it is not cut"

# Without a budget, and where there is nothing to train.
expect 0 "$plancl" compile "$model_cnn" -o x.plan --explain --device t4
says out 'largest of'
expect 0 "$plancl" compile "$model_cnn" --stop=fuse --explain --device t4
test ! -s out || wrong "an explanation without a plan"
finish

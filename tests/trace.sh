#!/bin/sh
# trace.sh: --trace writes a Chrome trace with every launch, by the names in the
# model file; --profile prints the same names, and both agree with the plan.
test_name=trace
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
need_device
cd "$work" || exit 99

# entries SEQUENCE: of the plan.
entries() {
    sed -n "s/.*\"$1\": {\"entries\": \([0-9]*\).*/\1/p" heads.plan.json
}

# events SEQUENCE: in the trace that was read last.
events() {
    awk -F '\t' -v s="$1" '$1 == s { n++ } END { print n + 0 }' events
}

# traced FILE: read it; the names of its events.
traced() {
    "$tools/read_trace" "$1" >events || wrong "$1 is no Chrome trace"
    cut -f 2 events | sort -u >names
}

make_heads 30
compile "$model_heads" heads.plan

# 20 updates of 12, 12 and 6 samples: 6 epochs of 3 and 2 more.
# shellcheck disable=SC2086 # the data is several words
expect 0 "$plancl" train heads.plan $heads_data --epochs 7 --updates 20 \
    --save w.safetensors --trace train.json --profile --quiet
cp out profile
traced train.json
equal "events of init" "$(events init)" "$(entries init)"
equal "events of step" "$(events step)" "$((20 * $(entries step)))"
for layer in stem mix trunk again segment pool regress "mix gradient" \
    "segment gradient"; do
    grep -qx "$layer" names || wrong "no event of \"$layer\" in the trace"
done
grep -q '^optimizer mix.weight' names || wrong "no update of mix.weight"

# The profile shows the same: each line's layer and kernel is in the trace.
says profile 'in all launches'
sed -n 's/^.* step  *\(.*\)$/\1/p' profile >lines
test "$(wc -l <lines)" -ge 10 || wrong "the profile has few lines"
cut -f 2- events | sed 's/\t/: /' | sort -u >launches
while IFS= read -r line; do
    grep -qxF "$line" launches || wrong "\"$line\" is not in the trace"
done <lines
echo "$(wc -l <lines) lines of the profile, all in the trace"

# Evaluation and prediction, 3 batches each.
# shellcheck disable=SC2086
expect 0 "$plancl" evaluate heads.plan $heads_data --trace evaluate.json
traced evaluate.json
equal "events of evaluate" "$(events evaluate)" "$((3 * $(entries evaluate)))"
# shellcheck disable=SC2086
expect 0 "$plancl" predict heads.plan $heads_inputs -o p.safetensors \
    --trace predict.json
traced predict.json
equal "events of predict" "$(events predict)" "$((3 * $(entries predict)))"

# A trace that cannot be written.
# shellcheck disable=SC2086
expect 1 "$plancl" evaluate heads.plan $heads_data --trace none/t.json
says err 'none/t.json'
finish

#!/bin/sh
# fit.sh: the batch that fit names compiles within the budget, the next one does
# not; on a profile, so without a device.
test_name=fit
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
cd "$work" || exit 99

# fits MODEL SIZE: by a whole search, in numbers and as a table.
fits() {
    name=${1##*/}
    expect 0 "$plancl" fit "$1" --device t4 --memory "$2" --json --quiet ||
        finish
    cp out fit.json
    batch=$(json fit.json batch)
    echo "$name: $batch in $2"
    grep "{\"batch\": $batch, \"fits\": true" fit.json >answer ||
        wrong "$name: the answer is not among the candidates that fit"
    next=$((batch + 1))
    grep "{\"batch\": $next, \"fits\": false" fit.json >larger ||
        wrong "$name: $next was not tried"

    compile "$1" answer.plan --device t4 --dim N="$batch" \
        --micro-batch "$batch" --memory "$2"
    equal "$name, N=$batch: bytes" "$(json answer device_bytes)" \
        "$(json answer.plan.json device_bytes)"
    for plan in answer answer.plan.json; do
        sed -n 's/.*"predicted_step_s": \([0-9.e-]*\).*/\1/p' $plan
    done | uniq >seconds
    equal "$name: predictions" "$(wc -l <seconds)" 1
    awk -v n="$batch" -v s="$(cat seconds)" \
        -v r="$(sed 's/.*"samples_per_s": \([0-9.e+]*\).*/\1/' answer)" \
        'BEGIN { d = n / s / r - 1; exit !(d < 1e-6 && d > -1e-6) }' ||
        wrong "$name: samples a second are not $batch in $(cat seconds) s"

    expect 2 "$plancl" compile "$1" -o x.plan --device t4 --dim N=$next \
        --micro-batch $next --memory "$2"
    would_do=$(json larger would_do)
    if test "$would_do" != 0; then
        says err "$would_do would do"
        compile "$1" next.plan --device t4 --dim N=$next --micro-batch $next \
            --memory "$would_do"
    fi
    expect 0 "$plancl" fit "$1" --device t4 --memory "$2" --quiet
    says out "$batch is the largest batch that fits into $2"
    says out "computed again, +"
    test "$(awk 'length > 80' out | wc -l)" = 0 || wrong "$name: a wide table"
}

fits "$model_heads" 500kB
fits "$model_cnn" 2000kB

# A part of the device's memory is bytes; without any, all of it.
bytes=$((16 * 1024 * 1024))
sed "s/\"memory\": *[0-9]*/\"memory\": $bytes/" \
    "$top_srcdir/runtime/profiles/generic.json" >small.json
expect 0 "$plancl" fit "$model_heads" --device small.json --json
equal "all memory" "$(json out memory)" $bytes
expect 0 "$plancl" fit "$model_heads" --device small.json --memory 25%
says out 'fits into 25% of the device'

# A slab, not the budget, may be what is too small.
expect 0 "$plancl" fit "$model_cnn" --device t4 --memory 1GiB \
    --max-allocation 2MiB
says out 'is refused: '
says out "more than the device's largest allocation"

# Where one sample is too much: why.
expect 2 "$plancl" fit "$model_cnn" --device t4 --memory 1MiB
says err 'fashion_cnn.json:'
says err 'bytes of memory are too few'
test ! -s out || wrong "a table of what does not fit"
expect 1 "$plancl" fit none.json --memory 1MiB --device t4
expect 2 "$plancl" fit "$model_cnn" --dim N=8 --device t4
says err 'N is the batch'
expect 2 "$plancl" fit "$model_cnn" --memory 14XB --device t4
says err '--memory=14XB'

# A model that does not train is measured by its predictions.
awk '/"training":/ { exit } { print }' "$model_cnn" |
    sed 's/\("logits": "fc2"}\),/\1}/; /"label"/d; s/28, 28\]},/28, 28]}/' \
        >predict.json
expect 0 "$plancl" fit predict.json --device t4 --memory 1MiB --json
says out '"training": false'
test "$(json out batch)" -gt 1 || wrong "no batch for prediction"
finish

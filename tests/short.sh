#!/bin/sh
# short.sh: evaluate gives what counting over the results of predict gives, for
# any number of samples: less than a batch, one, one more, several.
test_name=short
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
need_device
cd "$work" || exit 99

# said FILE NAME: the number behind a name.
said() {
    awk -v name="$2" '$1 == name { print $2 }' "$1"
}

# near NAME FOUND WANTED: within 1e-6 of the wanted number.
near() {
    echo "$1: $2, wanted $3"
    awk -v a="$2" -v b="$3" 'BEGIN {
        d = a - b; d = d < 0 ? -d : d; m = b < 0 ? -b : b
        exit !(a != "" && b != "" && d <= 1e-6 * m) }' ||
        wrong "$1: \"$2\", wanted \"$3\""
}

# run NAME COMMAND [OPTION]...: what it prints goes to the file NAME.
run() {
    into=$1
    shift
    expect 0 "$plancl" "$@" --quiet && cp out "$into"
}

# Two heads, whose losses have different counts; 12 samples a batch.
make_heads 30
compile "$model_heads" heads.plan
# shellcheck disable=SC2086 # the data is several words
run train train heads.plan $heads_data --epochs 3 --save heads.safetensors
for n in 1 11 12 13 30; do
    # shellcheck disable=SC2086
    {
        run evaluated evaluate heads.plan --weights heads.safetensors \
            --first $n $heads_data
        for head in segment regress; do
            run predicted predict heads.plan --weights heads.safetensors \
                --first $n $heads_inputs --output $head -o $head.npy
        done
    }
    "$tools/score" class segment.npy pixel.npy -1 >segment || wrong "no score"
    "$tools/score" mse regress.npy target.npy >regress || wrong "no score"
    equal "two_heads, samples" "$(said segment samples)" $n
    equal "two_heads, samples" "$(said evaluated samples)" $n
    equal "two_heads, $n samples, pixel_accuracy" \
        "$(said evaluated pixel_accuracy)" "$(said segment accuracy)"
    for head in segment regress; do
        near "two_heads, $n samples, $head" "$(said evaluated $head)" \
            "$(said $head loss)"
    done
done

# One head, on real images; 64 a batch.
need_fashion
compile "$model_cnn" cnn.plan
# shellcheck disable=SC2086
run train train cnn.plan $train_data --updates 100 --save cnn.safetensors
for n in 1 63 64 65 10000; do
    # shellcheck disable=SC2086
    {
        run evaluated evaluate cnn.plan --weights cnn.safetensors --first $n \
            $test_data
        run predicted predict cnn.plan --weights cnn.safetensors --first $n \
            $test_images -o logits.npy
    }
    "$tools/score" class logits.npy "$test_labels" >counted || wrong "no score"
    equal "fashion_cnn, samples" "$(said counted samples)" $n
    equal "fashion_cnn, $n samples, accuracy" "$(said evaluated accuracy)" \
        "$(said counted accuracy)"
    near "fashion_cnn, $n samples, loss" "$(said evaluated class)" \
        "$(said counted loss)"
done
awk -v a="$(said evaluated accuracy)" 'BEGIN { exit !(a > 0.6) }' ||
    wrong "100 updates taught nothing"
finish

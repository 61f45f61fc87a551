# samples.sh: sourced after expect.sh by the tests of the whole line: data for
# two models, and numbers out of what the program prints.

model_cnn=$top_srcdir/models/fashion_cnn.json
model_heads=$top_srcdir/tests/models/two_heads.json
tools=$top_builddir/tests

# need_fashion: the files of Debian's dataset-fashion-mnist, as --data options
# in $train_data and $test_data; skip what follows where they are not installed.
need_fashion() {
    folder=/usr/share/datasets/fashion-mnist
    if test ! -f $folder/train-images-idx3-ubyte.gz; then
        test $failures = 0 || finish
        echo "no $folder: install dataset-fashion-mnist"
        exit 77
    fi
    train_data="--data image=$folder/train-images-idx3-ubyte.gz:scale=1/255
        --data label=$folder/train-labels-idx1-ubyte.gz"
    test_images="--data image=$folder/t10k-images-idx3-ubyte.gz:scale=1/255"
    test_labels=$folder/t10k-labels-idx1-ubyte.gz
    test_data="$test_images --data label=$test_labels"
}

# make_heads N: samples of the model two_heads in $work, as --data options in
# $heads_inputs and, with its targets, in $heads_data.  A fifth of the pixels
# has the label -1, which the model ignores.
make_heads() {
    "$tools/make_npy" "$work/image.npy" f32 -1 1 1 "$1" 3 9 9 &&
        "$tools/make_npy" "$work/feature.npy" f32 -1 1 2 "$1" 7 &&
        "$tools/make_npy" "$work/pixel.npy" i32 -1 3 3 "$1" 9 9 &&
        "$tools/make_npy" "$work/target.npy" f32 -1 1 4 "$1" 4 || exit 99
    heads_inputs="--data image=image.npy --data feature=feature.npy"
    heads_data="$heads_inputs --data pixel=pixel.npy --data target=target.npy"
}

# compile MODEL PLAN [OPTION]...: and what is in the plan, in PLAN.json.
compile() {
    model_file=$1
    plan_file=$2
    shift 2
    expect 0 "$plancl" compile "$model_file" -o "$plan_file" --quiet "$@" &&
        expect 0 "$plancl" inspect "$plan_file" --json &&
        cp "$work/out" "$plan_file.json" && return 0
    finish
}

# slabs PLAN.json: how many.
slabs() {
    sed -n '/"slabs": \[/,/\]/p' "$1" | grep -c '"kind"'
}

# compile_slabs MODEL PLAN [OPTION]...: the arena in pieces as small as its
# largest buffer allows, three slabs or more in all.
compile_slabs() {
    compile "$@"
    made=$2.json
    whole=$(json "$made" arena_bytes)
    for tenth in 2 3 4 5 6 7 8 9; do
        compile_quietly "$@" --max-allocation $((whole * tenth / 10)) || continue
        compile "$@" --max-allocation $((whole * tenth / 10))
        break
    done
    test "$(slabs "$made")" -ge 3 ||
        wrong "$made has $(slabs "$made") slabs: $(cat "$work/err")"
}

# compile_quietly MODEL PLAN [OPTION]...: a refusal is no mistake.
compile_quietly() {
    model_file=$1
    plan_file=$2
    shift 2
    "$plancl" compile "$model_file" -o "$plan_file" "$@" 2>"$work/err"
}

# json FILE KEY: the first whole number under that key, on a line of its own or
# among others.
json() {
    sed -n "s/.*\"$2\": *\([0-9][0-9]*\).*/\1/p" "$1" | head -n 1
}

# equal NAME FOUND WANTED: say both; empty is never right.
equal() {
    echo "$1: $2, wanted $3"
    test -n "$2" && test "$2" = "$3" || wrong "$1: \"$2\", wanted \"$3\""
}

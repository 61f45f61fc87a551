#!/bin/sh
# threads.sh: the same weights, byte for byte, from any number of threads and
# from memory in one piece or in several; the same plan from the same model.
test_name=threads
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
cd "$work" || exit 99

# Without an OpenCL platform: compile works, twice the same; train says what is
# missing.
make_heads 30
for model in "$model_cnn" "$model_heads"; do
    for plan in first second; do
        OCL_ICD_VENDORS=$work/none expect 0 "$plancl" compile "$model" \
            -o $plan.plan --device cpu
    done
    same_files first.plan second.plan "the same model twice"
done
# shellcheck disable=SC2086 # the data is several words
OCL_ICD_VENDORS=$work/none expect 3 "$plancl" train first.plan $heads_data \
    --save w.safetensors
says err "error: no OpenCL platform"
says err "install"
test ! -f w.safetensors || wrong "weights were saved without a device"
need_device

# That the variable does what the rest believes.
if "$plancl" devices | grep -q "Portable Computing"; then
    for threads in 1 2; do
        POCL_MAX_PTHREAD_COUNT=$threads expect 0 "$plancl" devices
        says out " $threads units"
    done
fi

# trained THREADS PLAN FILE [OPTION]...
trained() {
    threads=$1
    plan=$2
    file=$3
    shift 3
    POCL_MAX_PTHREAD_COUNT=$threads expect 0 "$plancl" train "$plan" "$@" \
        --save "$file" --quiet
    echo "$(sha256sum <"$file") $plan, threads: $threads"
}

# all NAME MODEL [OPTION]...: in one piece on 2 threads and on 1, compiled for 1
# thread, and in three slabs or more on 2 threads and on 1.
all() {
    name=$1
    compile "$2" "$name.plan"
    POCL_MAX_PTHREAD_COUNT=1 compile "$2" "$name-one.plan"
    compile_slabs "$2" "$name-slabs.plan"
    shift 2
    trained 2 "$name.plan" "$name-2" "$@"
    trained 1 "$name.plan" "$name-1" "$@"
    trained 1 "$name-one.plan" "$name-one" "$@"
    trained 2 "$name-slabs.plan" "$name-slabs-2" "$@"
    trained 1 "$name-slabs.plan" "$name-slabs-1" "$@"
    for file in "$name-1" "$name-one" "$name-slabs-2" "$name-slabs-1"; do
        same_files "$name-2" "$file" "weights $name-2 and $file"
    done
}

# shellcheck disable=SC2086
all heads "$model_heads" $heads_data --epochs 3
need_fashion
# shellcheck disable=SC2086
all cnn "$model_cnn" $train_data --updates 50
finish

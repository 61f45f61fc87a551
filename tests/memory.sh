#!/bin/sh
# memory.sh: the memory that a plan names is the memory that a run takes, to the
# byte, from load to exit, as an OpenCL layer counts it; and reuse is real.
test_name=memory
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
layer=$top_builddir/tests/layer/.libs/liblayer.so
need_device
cd "$work" || exit 99
test -f "$layer" || wrong "$layer is not built"

# measured NAME PLAN COMMAND [OPTION]...: the command under the layer, and what
# the layer saw.
measured() {
    name=$1
    plan=$2
    command=$3
    shift 3
    rm -f log
    OPENCL_LAYERS=$layer PLANCL_LAYER_LOG=$work/log \
        expect 0 "$plancl" "$command" "$plan" "$@" --quiet || return
    test -s log || wrong "$name: the layer was not loaded"
    test "$(json log launches)" -gt 0 || wrong "$name launched nothing"
    equal "$name: bytes of buffers" "$(json log buffer_bytes)" \
        "$(json "$plan.json" device_bytes)"
    equal "$name: buffers, one per slab" "$(json log buffer_created)" \
        "$(slabs "$plan.json")"
    equal "$name: buffers made after load" \
        "$(json log buffers_created_after_first_launch)" 0
    equal "$name: buffers released before the end" \
        "$(json log buffers_released_before_last_launch)" 0
    for object in buffer context queue program kernel event; do
        equal "$name: ${object}s released" \
            "$(json log ${object}_released)" "$(json log ${object}_created)"
    done
}

# Two inputs, a skip, shared parameters, two losses: 30 samples, 12 a batch.
make_heads 30
compile "$model_heads" heads.plan
compile_slabs "$model_heads" pieces.plan --micro-batch 4
for heads in heads pieces; do
    # shellcheck disable=SC2086 # the data is several words
    {
        measured "$heads, train" $heads.plan train $heads_data \
            --validate image=image.npy --validate feature=feature.npy \
            --validate pixel=pixel.npy --validate target=target.npy \
            --epochs 2 --save $heads.safetensors --profile
        measured "$heads, evaluate" $heads.plan evaluate $heads_data \
            --weights $heads.safetensors
        measured "$heads, predict" $heads.plan predict $heads_inputs \
            --weights $heads.safetensors -o out.safetensors
    }
done

# A budget: the number that a refusal names, and half the way to it from what is
# kept without one.
compile "$model_heads" kept.plan --skip recompute --micro-batch 12
kept=$(json kept.plan.json device_bytes)
expect 2 "$plancl" compile "$model_heads" -o no.plan --micro-batch 12 \
    --memory 100kB
says err '100000 bytes of memory are too few'
least=$(sed -n 's/.*too few: \([0-9]*\) would do.*/\1/p' "$work/err")
compile "$model_heads" least.plan --micro-batch 12 --memory "$least"
budget=$(((kept + least) / 2))
compile "$model_heads" tight.plan --micro-batch 12 --memory $budget
equal "the least number" "$(json least.plan.json device_bytes)" "$least"
test "$(json tight.plan.json device_bytes)" -le "$budget" ||
    wrong "the budget of $budget bytes is not kept"
echo "two_heads: $kept bytes, $budget wanted, $least at the least"
# shellcheck disable=SC2086
for heads in tight least; do
    measured "$heads, train" $heads.plan train $heads_data --epochs 2 \
        --save $heads.safetensors
    same_files heads.safetensors $heads.safetensors "$heads: weights"
done

# Slabs of nearly two of the largest buffers hold one each, and take no more than
# slabs of one.
for slab in 4194304 8388352; do
    compile "$top_srcdir/models/har.json" $slab.plan --device t4 --dim N=128 \
        --max-allocation $slab
done
test "$(json 8388352.plan.json device_bytes)" -le \
    "$(json 4194304.plan.json device_bytes)" ||
    wrong "har takes more memory where slabs may be larger"

# An error at the end of a run leaks nothing either.
rm -f log
# shellcheck disable=SC2086
OPENCL_LAYERS=$layer PLANCL_LAYER_LOG=$work/log expect 1 "$plancl" train \
    heads.plan $heads_data --save /dev/full --quiet
says err "cannot write /dev/full"
equal "buffers released after an error" "$(json log buffer_released)" \
    "$(json log buffer_created)"

# The arena: near the largest load of live bytes, and far from no reuse.
compile "$model_cnn" cnn.plan
compile "$model_cnn" apart.plan --skip reuse
arena=$(json cnn.plan.json arena_bytes)
bound=$(json cnn.plan.json live_lower_bound)
apart=$(json apart.plan.json arena_bytes)
echo "fashion_cnn: arena $arena, bound $bound, arena without reuse $apart"
test "$((arena * 100))" -le "$((bound * 110))" ||
    wrong "the arena is more than 1.10 of its bound"
test "$arena" -ge "$bound" || wrong "the arena is below its bound"
test "$apart" -ge "$((arena * 2))" ||
    wrong "without reuse the arena is not twice as large"

need_fashion
# shellcheck disable=SC2086
{
    measured "cnn, train" cnn.plan train $train_data --updates 10 \
        --save cnn.safetensors
    measured "cnn, evaluate" cnn.plan evaluate $test_data --first 65 \
        --weights cnn.safetensors
    measured "cnn, predict" cnn.plan predict $test_images --first 65 \
        --weights cnn.safetensors -o out.npy
    measured "no reuse, train" apart.plan train $train_data --updates 2 \
        --save cnn.safetensors
}
finish

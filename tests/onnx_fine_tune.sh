#!/bin/sh
# onnx_fine_tune.sh: doc/fine-tuning.md on a small network: imported, its head
# replaced, trained from the file's weights, exported and imported again.
test_name=onnx_fine_tune
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
need_device
cd "$work" || exit 99
make_idx 40
data="--data Input3=images-idx3-ubyte --data label=labels-idx1-ubyte"

expect 0 "$plancl" import "$top_srcdir/tests/data/onnx/mnist8.onnx" \
    -o digits.json --weights digits.safetensors
# The old head is a product and a sum.  The new one has as many units, so its name
# alone keeps the old weights out of it; the layers before it stay as they are.
sed '/"name": "Times212",/c\
    {"name": "head", "op": "Linear", "units": 10}
    /"name": "Parameter194"/d; /"name": "Plus214"/d
    s/"Plus214_Output_0": "Plus214"/"scores": "head"/
    s/"op": "Conv",/& "trainable": false,/
    s/^  "inputs": {$/&"label": {"shape": ["N"], "dtype": "i32"},/
    s/^  "outputs": {$/  "training": {\
    "loss": {"op": "CrossEntropy", "inputs": ["head", "label"]},\
    "optimizer": {"op": "Adam", "learning_rate": 1e-3}},\
&/' digits.json >rows.json
compile rows.json rows.plan --dim N=10

# shellcheck disable=SC2086 # the data is several words
{
    expect 2 "$plancl" train rows.plan $data --weights digits.safetensors \
        --save rows.safetensors
    says err "2 missing, 0 of another shape or type; 1 not in the plan"
    expect 0 "$plancl" train rows.plan $data --weights digits.safetensors \
        --allow-missing --epochs 8 --save rows.safetensors --log log
    says err "2 parameters of the plan are missing"
    says err "1 not in the plan, so not used: Times212.weight"
}
sed -n 's/.*"loss":\([0-9.e+-]*\),.*/\1/p' log | awk '
    NR == 1 { first = $1 }
    END { print "loss", first, "at first,", $1 " at last"
          exit !(NR == 8 && $1 < first / 2) }' ||
    wrong "the head learns nothing: $(cat log)"

# Out as ONNX, and in again: the same weights and the same scores.
expect 0 "$plancl" export rows.json --weights rows.safetensors -o rows.onnx
expect 0 "$plancl" import rows.onnx -o again.json --weights again.safetensors
compile again.json again.plan --dim N=10
for name in rows again; do
    expect 0 "$plancl" predict $name.plan --weights $name.safetensors \
        --data Input3=images-idx3-ubyte -o $name.npy
done
same_files rows.npy again.npy "scores after export and import"

# What did not train is to the bit what the first file had.
sed '/"name": "Times212_reshape0"/s/,$//; /"name": "Times212",/d
    /"name": "Parameter194"/d; /"name": "Plus214"/d
    s/"Plus214"/"Times212_reshape0"/' digits.json >body.json
compile body.json body.plan --dim N=10
for name in digits again; do
    expect 0 "$plancl" predict body.plan --weights $name.safetensors \
        --data Input3=images-idx3-ubyte -o body.$name.npy
done
same_files body.digits.npy body.again.npy "what the frozen layers compute"
finish

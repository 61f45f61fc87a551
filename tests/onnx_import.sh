#!/bin/sh
# onnx_import.sh: ONNX files by the program: imported, compiled straight, refused.
test_name=onnx_import
. "$top_srcdir/tests/expect.sh"
cd "$work" || exit 99
digits=$top_srcdir/tests/data/onnx/mnist8.onnx

# An imported file, and the same file compiled straight, are one plan.
expect 0 "$plancl" import "$digits" -o digits.json --weights digits.safetensors
expect 0 "$plancl" compile digits.json -o one.plan --device cpu
expect 0 "$plancl" compile "$digits" -o two.plan --device cpu
same_files one.plan two.plan "a plan of an ONNX file"
expect 0 "$plancl" import "$digits" -o again.json --quiet
same_files digits.json again.json "one file imported twice"

# A batch, and one bound anew.
expect 0 "$plancl" import "$digits" -o ten.json --shape Input3=10,1,28,28 \
    --weights ten.safetensors
grep -q '"dims": {"N": 10}' ten.json || wrong "no batch of 10"
same_files digits.safetensors ten.safetensors "weights of another batch"
expect 0 "$plancl" compile ten.json -o one.plan --device cpu
expect 0 "$plancl" compile digits.json -o two.plan --device cpu --dim N=10
same_files one.plan two.plan "a batch of 10"

# It trains once it says how.
sed 's/^  "outputs": {$/  "training": {"loss": {"op": "CrossEntropy",\
    "inputs": ["Plus214", "label"]},\
    "optimizer": {"op": "SGD", "learning_rate": 0.1}},\
&/; s/^  "inputs": {$/&"label": {"shape": ["N"], "dtype": "i32"},/' \
    ten.json >train.json
expect 0 "$plancl" compile train.json -o train.plan --device cpu

# And back: what is exported is imported as the same plan, weights and all.
expect 0 "$plancl" export digits.json --weights digits.safetensors -o back.onnx
expect 0 "$plancl" import back.onnx -o back.json --weights back.safetensors
same_files digits.safetensors back.safetensors "weights that went out and back"
expect 0 "$plancl" export train.json --weights digits.safetensors -o half.onnx
same_files back.onnx half.onnx "a training section"
expect 0 "$plancl" export digits.json --weights digits.safetensors \
    --dim N=5 -o half.onnx
same_files back.onnx half.onnx "a batch, which stays open"
rm half.onnx

# Not exported.
expect 2 "$plancl" export digits.json -o half.onnx
says err "no --weights FILE"
expect 2 "$plancl" export digits.json --weights digits.safetensors
says err "no -o FILE"
expect 2 "$plancl" export digits.safetensors --weights digits.safetensors \
    -o half.onnx
expect 1 "$plancl" export digits.json --weights none.safetensors -o half.onnx
cat >net.json <<'END'
{"plancl": 1, "name": "net", "dims": {"N": 1},
 "inputs": {"x": {"shape": ["N", 4, 4, 4]}},
 "layers": [
    {"name": "a", "op": "Conv", "filters": 4, "kernel_shape": [1, 1]},
    {"name": "b", "op": "Linear", "units": 4}],
 "outputs": {"y": "b"}}
END
expect 2 "$plancl" export net.json --weights digits.safetensors -o half.onnx
says err "digits.safetensors lacks 4 of its weights: a.weight, a.bias, b.bias, b.weight"
sed 's/"op": "Conv".*}/"op": "AveragePool", "kernel_shape": [2, 2],\
    "dilations": [2, 2]}/' net.json >pool.json
expect 2 "$plancl" export pool.json --weights digits.safetensors -o half.onnx
says err "pool.json: a: opset 17 has no dilations of averages"
test ! -e half.onnx || wrong "half an ONNX file is written"

# Refused.
head -c 20000 "$digits" >half.onnx
expect 2 "$plancl" import half.onnx -o half.json
says err "half.onnx: no ONNX model"
test ! -e half.json || wrong "half a model is written"
expect 1 "$plancl" import none.onnx -o none.json
expect 1 "$plancl" import . -o none.json
expect 2 "$plancl" import "$digits"
says err "no -o FILE"
for shape in Input3 Input3= =1 Input3=1,0 Input3=1,,2 Input3=1,1,1,1,1,1,1,1,1; do
    expect 2 "$plancl" import "$digits" -o none.json --shape "$shape"
    says err "wanted INPUT=SIZE,SIZE"
done
for value in Input3 =1 Input3=x Input3=1, Input3=1,,2; do
    expect 2 "$plancl" import "$digits" -o none.json --value "$value"
    says err "wanted INPUT=NUMBER,NUMBER"
done
finish

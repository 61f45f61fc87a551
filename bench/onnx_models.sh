#!/bin/sh
# onnx_models.sh: networks from ONNX files against the outputs that came with them.
#
# Usage: bench/onnx_models.sh BUILD FOLDER
# As in
#   bench/onnx_models.sh build ~/models
#
# Each folder in FOLDER with a model.onnx is a row.  Its inputs and outputs are
# input_0.npy, output_0.npy and so on, or .pb files; beside the model, or in
# test_data_set_0 and so on, as in ONNX's model zoo.  The row says the largest
# difference, as a part of the output's largest value; the bytes that the plan
# names, and those of all buffers, as an OpenCL layer counts them; whether the model
# computes the same bits once it was exported and imported again; and the seconds
# of both runs with import, compilation and building of kernels.
set -eu

test $# -eq 2 || {
    sed -n '4,6s/^# //p' "$0" >&2
    exit 2
}
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
top_builddir=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
. "$top_srcdir/scripts/test-env"
make -s -C "$top_builddir" cli/plancl bench/onnx_models tests/layer/liblayer.la
plancl=$top_builddir/cli/plancl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# measured MODEL.onnx DATA_FOLDER...: sets off, planned, bits and counted.
measured() {
    rm -f "$work/log"
    OPENCL_LAYERS=$top_builddir/tests/layer/.libs/liblayer.so \
        PLANCL_LAYER_LOG=$work/log \
        "$top_builddir/bench/onnx_models" "$@" >"$work/row" 2>"$work/said" ||
        return 1
    read -r off planned bits <"$work/row"
    counted=$(sed -n 's/.*"buffer_bytes": \([0-9]*\).*/\1/p' "$work/log")
}

# again MODEL.onnx: exported, as a file of ours.
again() {
    "$plancl" import "$1" -o "$work/m.json" --weights "$work/m.safetensors" \
        --quiet 2>"$work/said" &&
        "$plancl" export "$work/m.json" --weights "$work/m.safetensors" \
            -o "$work/m.onnx" --quiet 2>"$work/said"
}

# row NAME MODEL.onnx DATA_FOLDER...
row() {
    name=$1
    model=$2
    shift 2
    begin=$(date +%s)
    measured "$model" "$@" || return 1
    printf '%-28s %9s %11s %11s' "$name" "$off" "$planned" "$counted"
    first=$bits
    if again "$model" && measured "$work/m.onnx" "$@"; then
        same=same
        test "$bits" = "$first" || same=OTHER
    else
        same=$(head -n 1 "$work/said")
    fi
    printf ' %6s  %s\n' $(($(date +%s) - begin)) "$same"
}

printf '%-28s %9s %11s %11s %6s  %s\n' model difference planned counted \
    seconds 'exported'
for model in "$folder"/*/model.onnx; do
    here=$(dirname "$model")
    set -- "$here"/test_data_set_*
    test -d "$1" || set -- "$here"
    row "$(basename "$here")" "$model" "$@" ||
        printf '%-28s %s\n' "$(basename "$here")" "$(head -n 1 "$work/said")"
done

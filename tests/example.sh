#!/bin/sh
# example.sh: the C example of the manual learns, through the installed
# libraries' symbols alone.
test_name=example
. "$top_srcdir/tests/expect.sh"
need_device
make_idx 320

example=$top_builddir/doc/examples/train
model=$top_srcdir/models/fashion_cnn.json
images=$work/images-idx3-ubyte
labels=$work/labels-idx1-ubyte

expect 2 "$example"
expect 0 "$example" "$model" "$images" "$labels" 40
accuracy=$(awk '$1 == "accuracy" { print $2 }' "$work/out")
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.3 && a <= 1) }' ||
    wrong "accuracy over 40 updates is \"$accuracy\""
expect 1 "$example" "$work/none.json" "$images" "$labels" 1
says err "none.json"
finish

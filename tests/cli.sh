#!/bin/sh
# cli.sh: the program where no device is needed: arguments, plans, errors, exit
# codes, output that cannot be written.
test_name=cli
. "$top_srcdir/tests/expect.sh"
cd "$work" || exit 99
model=$top_srcdir/models/fashion_cnn.json

# No OpenCL platform anywhere: all of this must work all the same.
OCL_ICD_VENDORS=$work/none
export OCL_ICD_VENDORS
unset PLANCL_DEVICE

# Arguments.
expect 0 "$plancl" --version
says out "plancl "
expect 0 "$plancl" --help
expect 2 "$plancl"
expect 2 "$plancl" fly
says err 'no command "fly"'
expect 2 "$plancl" inspect --fly x.plan
says err 'unknown option --fly'
expect 2 "$plancl" inspect --json=yes x.plan
says err 'no value belongs to --json=yes'
expect 2 "$plancl" compile "$model" -o
says err 'a value is missing after -o'
expect 2 "$plancl" compile
says err 'compile wants MODEL'
expect 2 "$plancl" verify a b
says err 'unexpected "b"'
expect 2 "$plancl" compile "$model" -o x.plan --micro-batch=-1
says err 'wanted a whole number'
expect 2 "$plancl" compile "$model" -o x.plan --max-allocation=1Gib
says err 'wanted a size'
expect 2 "$plancl" compile "$model" -o x.plan --max-allocation=99999999TiB
for option in --micro-batch=0 --max-allocation=0 --micro-batch=0x10 \
    --effective-batch=0; do
    expect 2 "$plancl" compile "$model" -o x.plan $option
    says err 'wanted a'
done
expect 2 "$plancl" compile "$model" -o x.plan --dim N=8 --dim N=9
says err '--dim N is given twice: 8 and 9'
expect 2 "$plancl" compile "$model" -o x.plan --dim N=8 --effective-batch 64
says err '--effective-batch=64 and --dim N=8 both give the samples of an update'
expect 0 "$plancl" compile "$model" -o b.plan --effective-batch 9 --quiet
expect 0 "$plancl" compile "$model" -o a.plan --dim N=9 --quiet
same_files a.plan b.plan "--effective-batch and --dim N"
expect 2 "$plancl" compile "$model"
says err 'no -o FILE'
expect 2 "$plancl" compile "$model" -o x.plan --skip=simplify,speed
says err '--skip=speed'
expect 2 "$plancl" compile "$model" -o x.plan --dim N
says err 'wanted NAME=SIZE'
expect 2 "$plancl" compile "$model" -o x.plan --dump=soup
says err 'the stages are model'
expect 2 "$plancl" compile "$model" -o x.plan --device=toaster

# A plan without a device; the same one twice.
expect 0 "$plancl" compile "$model" -o a.plan
says err 'compiling for the profile "cpu"'
says out 'bytes of device memory'
bytes=$(sed 's/^a.plan: \([0-9]*\) bytes.*/\1/' out)
expect 0 "$plancl" compile "$model" -o b.plan --device cpu --quiet
test ! -s err || wrong "--quiet says something: $(cat err)"
same_files a.plan b.plan "the same model twice"
expect 0 "$plancl" verify a.plan
expect 0 "$plancl" inspect a.plan
expect 0 "$plancl" inspect a.plan --json
for key in device_bytes host_bytes arena_bytes live_lower_bound categories \
    slabs sequences; do
    says out "\"$key\":"
done
says out "\"device_bytes\": $bytes"

# Other profiles, other dimensions, stages.
expect 0 "$plancl" compile "$model" -o t4.plan --device t4 --dim N=16
expect 0 "$plancl" verify t4.plan
expect 0 "$plancl" compile "$model" -o ten.plan --dim N=010
expect 0 "$plancl" inspect ten.plan
says out 'batch 10,'
for skip in simplify layout fuse early inplace reuse recompute in-place \
    early-updates; do
    expect 0 "$plancl" compile "$model" -o skip.plan --skip=$skip
    expect 0 "$plancl" verify skip.plan
done
for stage in model grad simplify layout fuse lower schedule; do
    expect 0 "$plancl" compile "$model" --dump=$stage --stop=$stage
    says out "== $stage"
done
for memory in 0 -1 14XB 120% % ''; do
    expect 2 "$plancl" compile "$model" -o x.plan --memory="$memory"
    says err '--memory='
done
expect 2 "$plancl" compile "$model" -o x.plan --device t4 --memory 0.001%
says err 'bytes of memory are too few'
expect 0 "$plancl" compile "$model" -o half.plan --device t4 --memory 50%
expect 2 "$plancl" compile "$model" -o x.plan --dim K=3
says err "K"
test ! -f x.plan || wrong "a refused model left a plan"

# What a step computes on the way, for programs; in memory of its own.
expect 0 "$plancl" compile "$model" -o observed.plan --observe
expect 0 "$plancl" verify observed.plan
for name in gradient.conv1.weight training.logits; do
    grep -aq "$name" observed.plan || wrong "--observe keeps no $name"
    grep -aq "$name" a.plan && wrong "$name without --observe"
done
expect 0 "$plancl" inspect observed.plan --json
says out '"observed"'

# Slabs are bounded.
expect 0 "$plancl" compile "$model" -o small.plan --max-allocation=4MiB
expect 0 "$plancl" inspect small.plan --json
expect 2 "$plancl" compile "$model" -o small.plan --max-allocation=1MiB
says err 'conv1 needs a buffer of'

# A wrong model: file, line and column.
sed 's/"Relu"/"Rely"/' "$model" >wrong.json
line=$(grep -n Rely wrong.json | head -n 1 | cut -d: -f1)
expect 2 "$plancl" compile wrong.json -o x.plan
says err "wrong.json:$line:"
says err ": error: "
expect 1 "$plancl" compile none.json -o x.plan
mkdir folder
for command in "compile -o x.plan" verify inspect; do
    # shellcheck disable=SC2086 # words
    expect 1 "$plancl" $command folder
    says err 'folder'
    says err 'Is a directory'
done
expect 1 "$plancl" compile "$model" -o folder

# A damaged plan: no byte may change.
sed 's/fashion_cnn/fashion_cnm/' a.plan >damaged.plan
expect 2 "$plancl" verify damaged.plan
head -c 5000 a.plan >short.plan
expect 2 "$plancl" verify short.plan
: >empty.plan
expect 2 "$plancl" verify empty.plan
expect 2 "$plancl" inspect "$model"

# No device: what to install.
expect 3 "$plancl" devices
says err 'error:'

# Output that nobody takes, or that does not fit.
"$plancl" ops 2>err | head -n 1 >out
test ! -s err || wrong "a closed pipe gives a message: $(cat err)"
if test -c /dev/full; then
    "$plancl" ops >/dev/full 2>err
    test $? = 1 || wrong "ops to a full disk"
    says err 'standard output'
    expect 1 "$plancl" compile "$model" -o /dev/full/x.plan
fi
"$plancl" ops >&- 2>err
test $? = 1 || wrong "ops with standard output closed"
finish

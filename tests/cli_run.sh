#!/bin/sh
# cli_run.sh: train, evaluate and predict on a device: short batches, saving,
# logging, interruption, losses that are not finite.
test_name=cli_run
. "$top_srcdir/tests/expect.sh"
need_device
cd "$work" || exit 99
make_idx 150
model=$top_srcdir/models/fashion_cnn.json

expect 0 "$plancl" compile "$model" -o f.plan --dim N=64
expect 0 "$plancl" devices
says out "0: "

# pocl has no device for who has no home; the message must say so.
if "$plancl" devices | grep -q "Portable Computing"; then
    : >file
    POCL_CACHE_DIR=$work/file/cache expect 3 "$plancl" devices
    says err 'POCL_CACHE_DIR'
fi

train() {
    "$plancl" train f.plan --data "$images" --data "$labels" "$@"
}

# Arguments.
expect 2 train
says err 'no --save'
expect 2 "$plancl" train f.plan --save w.safetensors --data "$images"
says err 'input "label" has no data'
expect 2 train --save w.safetensors --data colour=labels-idx1-ubyte
says err 'no input "colour"'
expect 2 "$plancl" predict f.plan --top 1 \
    --data image=labels-idx1-ubyte
says err 'a sample is []'
expect 2 train --save w.safetensors --weights f.plan
expect 3 train --save w.safetensors --device 99
for option in --epochs=0 --updates=0 --epochs=4294967296 --learning-rate=-1 \
    --seed=4294967296; do
    expect 2 train --save w.safetensors $option
done
expect 2 "$plancl" evaluate f.plan --data "$images" --data "$labels" --first 0
expect 2 "$plancl" predict f.plan --data "$images" --top 0
expect 1 "$plancl" predict f.plan --data "$images:scal=1" --top 1
says err 'options are :scale=A/B'

# What cannot be written is known before the training.
mkdir folder
for file in folder none/w.safetensors; do
    for option in "--save $file" "--save w --trace $file" "--save w --log $file"
    do
        # shellcheck disable=SC2086 # words
        expect 1 train $option
        test "$(wc -l <err)" = 1 || wrong "$option: $(cat err)"
    done
done

# A rate of 0 is a rate, not the model's.
expect 0 train --updates 1 --save w.safetensors
expect 0 train --updates 1 --save stays.safetensors --weights w.safetensors \
    --learning-rate 0
for weights in w stays; do
    expect 0 "$plancl" predict f.plan --weights $weights.safetensors \
        --data "$images" -o $weights.npy
done
same_files w.npy stays.npy "weights after an update with rate 0"

# Training learns, saves, logs; the same again gives the same bits.
expect 0 train --epochs 12 --save w.safetensors --log log.jsonl --seed 7 \
    --validate "$images" --validate "$labels"
test "$(wc -l <log.jsonl)" = 12 || wrong "the log has not 12 lines"
grep -q '"epoch":12,"updates":36,"loss":' log.jsonl ||
    wrong "the log: $(tail -n 1 log.jsonl)"
grep -q '"validation":{' log.jsonl || wrong "no validation in the log"
expect 0 train --epochs 12 --save again.safetensors --seed 7 --quiet
test ! -s err || wrong "--quiet says: $(cat err)"
same_files w.safetensors again.safetensors "the same training twice"

# Weights of a model with another head: all that does not fit is named, once.
sed 's/"units": 10/"units": 12/' "$model" >wide.json
expect 0 "$plancl" compile wide.json -o wide.plan --dim N=64
wide() {
    "$plancl" evaluate wide.plan --weights w.safetensors \
        --data "$images" --data "$labels" "$@"
}
expect 2 wide
says err '0 missing, 6 of another shape or type; 0 not in the plan'
test "$(wc -l <err)" = 1 || wrong "not one message: $(cat err)"
expect 0 wide --allow-missing
says err 'warning: w.safetensors: 6 tensors have another shape or type'
sed 's/fc\([12]\)/g\1/g' "$model" >wide.json
expect 0 "$plancl" compile wide.json -o wide.plan --dim N=64
expect 2 wide
says err '4 missing, 0 of another shape or type; 12 not in the plan'
test "$(grep -o 'adam[.][mv][.]fc' err | wc -l)" = 8 || wrong "not all are named"
expect 0 wide --allow-missing
says err 'note: w.safetensors: 4 parameters of the plan are missing'
says err ' and 2 more'
expect 2 "$plancl" evaluate f.plan --allow-missing \
    --data "$images" --data "$labels"
says err '--allow-missing wants --weights'

# Evaluation counts what prediction says, whatever the last batch has.
for n in 1 63 64 65 150; do
    expect 0 "$plancl" evaluate f.plan --weights w.safetensors --first $n \
        --data "$images" --data "$labels"
    says out "samples $n"
    accuracy=$(awk '$1 == "accuracy" { print $2 }' out)
    expect 0 "$plancl" predict f.plan --weights w.safetensors --first $n \
        --data "$images" --top 1
    awk -v n=$n -v a="$accuracy" -F '[: ]+' '
        { right += $1 % 10 == $2 }
        END { d = right / n - a; exit !(NR == n && d * d < 1e-18) }' out ||
        wrong "accuracy of the first $n: $accuracy, predict says otherwise"
done
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.5) }' ||
    wrong "accuracy after training is $accuracy"
expect 0 "$plancl" evaluate f.plan --weights w.safetensors --json \
    --data "$images" --data "$labels"
says out '"samples":150}'

# Predictions in files: 150 rows of 10 floats, names for classes.
expect 0 "$plancl" predict f.plan --weights w.safetensors --data "$images" \
    -o p.npy
head -c 128 p.npy | grep -aq "'shape': (150, 10)" || wrong "shape of p.npy"
expect 0 "$plancl" predict f.plan --weights w.safetensors --data "$images" \
    -o p.safetensors
head -c 200 p.safetensors | grep -aq '\[150,10\]' ||
    wrong "shape in p.safetensors"
tail -c 6000 p.npy >p1
tail -c 6000 p.safetensors >p2
same_files p1 p2 "outputs as .npy and as .safetensors"
expect 2 "$plancl" predict f.plan --data "$images" -o p.txt
expect 2 "$plancl" predict f.plan --data "$images" --top 1 --classes a,b
says err '--classes has 2 names'
expect 0 "$plancl" predict f.plan --data "$images" --first 2 --top 2 \
    --classes a,b,c,d,e,f,g,h,i,j
test "$(wc -l <out)" = 2 || wrong "predict --first 2 prints $(wc -l <out) lines"

# Words for a stream that is closed must not end in the next file opened.
for streams in ">&-" ">&- 2>&-" ">&- 2>&- <&-"; do
    sh -c '"$@" '"$streams" sh "$plancl" predict f.plan --data "$images" \
        --weights w.safetensors --top 3 -o closed.npy 2>err
    test $? = 1 || wrong "predict with $streams"
    same_files p.npy closed.npy "outputs with $streams"
done

# Profile and trace.
expect 0 train --updates 2 --save t.safetensors --profile --trace t.json
says out 'in all launches'
grep -q '"ph"' t.json || wrong "the trace has no events"

# Each buffer apart, with no numbers in it while it is dead: the same bits.
expect 0 train --updates 2 --save apart.safetensors --debug-memory
same_files t.safetensors apart.safetensors "weights with --debug-memory"
for debug in "" --debug-memory; do
    expect 0 "$plancl" predict f.plan --data "$images" $debug \
        --weights w.safetensors -o "p$debug.npy"
    expect 0 "$plancl" evaluate f.plan --data "$images" --data "$labels" \
        $debug --weights w.safetensors
    cp out "evaluated$debug"
done
same_files p.npy p--debug-memory.npy "outputs with --debug-memory"
same_files evaluated evaluated--debug-memory "losses with --debug-memory"

# A loss that is not finite ends the run; the weights before it stay.
cp w.safetensors keep.safetensors
expect 1 train --epochs 50 --save keep.safetensors --learning-rate 1e30
says err 'the loss is not finite at update'
same_files w.safetensors keep.safetensors "weights after a loss of nan"

# Ctrl-C: the update ends, the weights are saved, 130.
for signal in INT TERM; do
    rm -f i.safetensors i.jsonl
    "$plancl" train f.plan --data "$images" --data "$labels" \
        --epochs 100000 --save i.safetensors --log i.jsonl 2>err &
    child=$!
    while kill -0 $child 2>/dev/null && test ! -s i.jsonl; do
        sleep 0.1
    done
    kill -s $signal $child
    wait $child
    status=$?
    test $status = 130 || wrong "exit status $status after SIG$signal"
    says err 'stopped after update'
    expect 0 "$plancl" evaluate f.plan --weights i.safetensors \
        --data "$images" --data "$labels"
done
finish

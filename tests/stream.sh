#!/bin/sh
# stream.sh: data is not taken into memory.  200 updates and more from all over
# a file of 8 GB that is one hole, shuffled, while the anonymous memory of the
# process is looked at from update 50 on.  The run ends when it was looked at
# often enough, however long that takes on a machine that does other things too.
test_name=stream
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
if ! grep -q '^RssAnon' /proc/self/status; then
    echo "no RssAnon in /proc/self/status"
    exit 77
fi
need_device
cd "$work" || exit 99

# What would look like growth: the address sanitizer holds back what was freed,
# and its search for leaks, at the end, takes memory.
ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0:quarantine_size_mb=1
ASAN_OPTIONS=$ASAN_OPTIONS:thread_local_quarantine_size_kb=64
export ASAN_OPTIONS

samples=2000000
for file in "image.npy f32 $samples 1024" "label.npy i32 $samples"; do
    # shellcheck disable=SC2086 # words of a command
    "$tools/make_sparse" $file
    status=$?
    test $status = 0 || exit $status
done
cat >wide.json <<'MODEL'
{
  "plancl": 1,
  "name": "wide",
  "dims": {"N": 1024},
  "inputs": {"image": {"shape": ["N", 1024]},
             "label": {"shape": ["N"], "dtype": "i32"}},
  "layers": [
    {"name": "hidden", "op": "Linear", "inputs": ["image"], "units": 32},
    {"op": "Relu"},
    {"name": "scores", "op": "Linear", "units": 3}
  ],
  "outputs": {"scores": "scores"},
  "training": {
    "loss": {"op": "CrossEntropy", "inputs": ["scores", "label"]},
    "optimizer": {"op": "SGD", "learning_rate": 0.01}
  }
}
MODEL
compile wide.json wide.plan
data="--data image=image.npy --data label=label.npy"

# Once before, so that the kernels are built: the driver's compiler takes memory
# of its own.
# shellcheck disable=SC2086
expect 0 "$plancl" train wide.plan $data --updates 1 --save w.safetensors

# anonymous PID: its anonymous memory in KiB; fails when that cannot be read.
anonymous() {
    anonymous=
    while read -r key value _; do
        test "$key" = RssAnon: && anonymous=$value && break
    done 2>/dev/null <"/proc/$1/status"
    test -n "$anonymous"
}

# 50 updates an epoch: 512 samples here and there.
spread=$(awk -v samples=$samples 'BEGIN {
    for (i = 0; i < samples; i += 20000)
        printf "%s%d-%d", i ? "," : "", i, i + 511 }')
# shellcheck disable=SC2086
"$plancl" train wide.plan $data --samples "$spread" \
    --epochs 1000000 --save w.safetensors \
    --log log.jsonl >out 2>err &
child=$!
# The first epoch has the load and all that is taken once.
while kill -0 $child 2>/dev/null && test ! -s log.jsonl; do
    sleep 0.02
done
looks=0
misses=0
epochs=0
while test $looks -lt 100 || test "$epochs" -lt 4; do
    sleep 0.02
    # One miss says nothing; many, that the process has ended.
    if ! anonymous $child; then
        misses=$((misses + 1))
        test $misses -lt 200 && continue
        break
    fi
    echo "$anonymous"
    looks=$((looks + 1))
    epochs=$(wc -l <log.jsonl)
done >seen
kill -s INT $child
wait $child
status=$?
test $status = 130 || wrong "exit status $status: $(cat err)"

device=$(json wide.plan.json device_bytes)
host=$(json wide.plan.json host_bytes)
echo "$samples samples of 4096 bytes; $epochs epochs, $looks looks," \
    "$misses misses"
test "$looks" -ge 100 || wrong "too few looks to say anything"
awk -v device="$device" -v host="$host" '
    { bytes = $1 * 1024; if (bytes > most) most = bytes }
    NR <= 10 && bytes > early { early = bytes }
    END {
        mb = 1000000
        printf "most %.1f MB, of it device %.1f MB; host_bytes %.1f MB\n",
            most / mb, device / mb, host / mb
        printf "in the first looks at most %.1f MB\n", early / mb
        if (most - device > host + 150 * mb) { print "too much"; wrong = 1 }
        if (most - early >= 4 * mb) { print "it grows"; wrong = 1 }
        exit wrong
    }' seen || wrong "the data is taken into memory"
finish

#!/bin/sh
# inspect.sh: what inspect says of the peak adds up, and its maps have all slabs.
test_name=inspect
. "$top_srcdir/tests/expect.sh"
. "$top_srcdir/tests/samples.sh"
cd "$work" || exit 99

# The largest twenty and the rest, where more are alive.
compile "$top_srcdir/models/unet.json" unet.plan --device t4 --dim N=1 \
    --skip recompute
peak=$(sed -n 's/.*"peak":.*"bytes": \([0-9]*\).*/\1/p' unet.plan.json)

# adds_up FILE: lines "BYTES #BUFFER NAME" and the rest.
adds_up() {
    equal "$1: buffers shown" "$(grep -c ' #[0-9]* .*, entries' "$1")" 20
    grep 'and [0-9]* more, [0-9]* bytes' "$1" >rest ||
        wrong "$1: nothing of the rest"
    equal "$1: bytes" "$(sed -n 's/^ *[a-t]* *\([0-9]*\)  #.*/\1/p
        s/.*more, \([0-9]*\) bytes/\1/p' "$1" |
        awk '{ s += $1 } END { printf "%d", s }')" "$peak"
}
expect 0 "$plancl" inspect unet.plan
sed -n '/the arena is fullest/,/^$/p' out >largest
adds_up largest
expect 0 "$plancl" inspect unet.plan --memory
sed -n '/^the largest of/,$p' out >largest
adds_up largest
sed -n '/^alive at the peak/,/^$/p' out >layers
equal "bytes by layer" "$(awk '/layers, / { s += $5 }
    $1 ~ /^[0-9]+$/ { s += $1 + $2 + $3 } END { printf "%d", s }' layers)" \
    "$peak"

# A map for each slab of the arena.
compile_slabs "$model_heads" pieces.plan --device t4
expect 0 "$plancl" inspect pieces.plan --memory
equal "rows of maps" "$(grep -c '^ .* |.*|$' out)" \
    $((16 * $(grep -c '"kind": "transient", "bytes"' pieces.plan.json)))
awk 'length > 80' out >wide
test ! -s wide || wrong "a wide map: $(head -n 1 wide)"

# The same as SVG; alone, and with a text.
expect 0 "$plancl" inspect pieces.plan --svg map.svg
test ! -s out || wrong "--svg prints"
head -n 1 map.svg | grep -q '^<svg ' || wrong "no SVG"
tail -n 1 map.svg | grep -qx '</svg>' || wrong "half an SVG"
equal "slabs drawn" "$(grep -c '<title>slab ' map.svg)" "$(slabs pieces.plan.json)"
expect 0 "$plancl" inspect pieces.plan --svg again.svg --json
cmp -s out pieces.plan.json || wrong "--json is another beside --svg"
same_files map.svg again.svg "the same map twice"
expect 1 "$plancl" inspect pieces.plan --svg no/such/folder.svg
expect 2 "$plancl" inspect pieces.plan --json --memory
says err 'wanted one of them'
finish

#!/bin/sh
# op_coverage.sh: every op that a model may name has a table of cases, and stands
# in the manual.  A table is listed in some tests/op_*.c by the op's name.
plancl=$top_builddir/cli/plancl
missing=0
total=0

ops=$("$plancl" ops | sed -n 's/^\([A-Za-z0-9]*\)  (.*/\1/p')
for op in $ops; do
    total=$((total + 1))
    if ! grep -q "\"$op\"" "$top_srcdir"/tests/op_*.c; then
        echo "$op has no cases in tests/op_*.c" >&2
        missing=$((missing + 1))
    fi
done
if test "$total" -lt 20; then
    echo "plancl ops listed $total ops" >&2
    exit 1
fi
if ! "$plancl" ops | cmp - "$top_srcdir/doc/ops.txt" >&2; then
    echo "doc/ops.txt is not what plancl ops prints: plancl ops >doc/ops.txt" >&2
    missing=$((missing + 1))
fi
if ! "$plancl" ops --schema | cmp - "$top_srcdir/doc/plancl.schema.json" >&2
then
    echo "run plancl ops --schema >doc/plancl.schema.json" >&2
    missing=$((missing + 1))
fi
echo "$total ops, $missing without cases"
test "$missing" -eq 0

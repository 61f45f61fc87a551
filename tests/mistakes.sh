#!/bin/sh
# mistakes.sh: each wrong model of tests/mistakes is refused by the program with
# exit code 2 and one message that starts as expected.txt says; no plan is left.
test_name=mistakes
. "$top_srcdir/tests/expect.sh"
cd "$top_srcdir/tests/mistakes" || exit 99

# No device is asked for, so none need be there.
OCL_ICD_VENDORS=$work/none
export OCL_ICD_VENDORS

# mistake EXPECTED: FILE:LINE:COLUMN: start of the message.
mistake() {
    file=${1%%:*}
    place=$(echo "$1" | cut -d : -f 1-3)
    expect 2 "$plancl" compile "$file" -o "$work/$file.plan" --device cpu ||
        return
    says err "$place: error: ${1#"$place: "}"
    test "$(head -c "${#place}" "$work/err")" = "$place" ||
        wrong "$file: the message does not come first: $(cat "$work/err")"
    errors=$(grep -c ': error: ' "$work/err")
    test "$errors" = 1 || wrong "$file: $errors errors"
    test ! -s "$work/out" || wrong "$file: output: $(cat "$work/out")"
    test -z "$(find "$work" -name '*.plan*')" || wrong "$file left a plan"
}

tried=0
while IFS= read -r line; do
    mistake "$line"
    tried=$((tried + 1))
done <expected.txt
files=$(find . -name '*.json' | wc -l)
echo "$tried mistakes tried, in $files files"
test $tried -ge 100 || wrong "only $tried mistakes were tried"
cut -d : -f 1 expected.txt | sort -u >"$work/named"
find . -name '*.json' | sed 's,^\./,,' | sort >"$work/there"
diff "$work/named" "$work/there" >&2 ||
    wrong "expected.txt (<) and the folder (>) name different models"
finish

# expect.sh: sourced by the tests in shell; a folder of their own to work in,
# and checks that say what went wrong.  test_name is set before.

plancl=$top_builddir/cli/plancl
work=$(mktemp -d "$top_builddir/tests/$test_name.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failures=0

wrong() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# expect STATUS COMMAND...: its output is in $work/out and $work/err.
expect() {
    wanted=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    found=$?
    test $found = "$wanted" && return 0
    wrong "exit status $found, not $wanted: $*"
    sed 's/^/    /' "$work/out" "$work/err" | head -n 20 >&2
    return 1
}

# says FILE TEXT: the output of the last command has it, literally.
says() {
    grep -qF -- "$2" "$work/$1" && return 0
    wrong "\"$2\" is missing:"
    head -n 5 "$work/$1" >&2
}

same_files() {
    cmp -s "$1" "$2" || wrong "$3: the files differ"
}

# Skip the test where there is no OpenCL device.
need_device() {
    "$plancl" devices >/dev/null 2>"$work/err" && return 0
    echo "no OpenCL device:" "$(cat "$work/err")"
    exit 77
}

# make_idx N: images and labels of N samples, class i % 10: a bright row at 2 *
# class, on a pattern that differs from sample to sample.
make_idx() {
    # shellcheck disable=SC2059 # the text is escapes
    printf "$(awk -v n="$1" 'BEGIN {
        printf "\\000\\000\\010\\003%s%s%s", u32(n), u32(28), u32(28)
        for (i = 0; i < n; i++)
            for (r = 0; r < 28; r++)
                for (c = 0; c < 28; c++)
                    printf "\\%03o", int(r / 2) == i % 10 ? 255 : \
                        (i * 7 + r * 5 + c * 3) % 64
        }
        function u32(x) {
            return sprintf("\\%03o\\%03o\\%03o\\%03o", 0, 0,
                           int(x / 256) % 256, x % 256)
        }')" >"$work/images-idx3-ubyte"
    # shellcheck disable=SC2059
    printf "$(awk -v n="$1" 'BEGIN {
        printf "\\000\\000\\010\\001\\000\\000\\%03o\\%03o", int(n / 256), \
            n % 256
        for (i = 0; i < n; i++)
            printf "\\%03o", i % 10
        }')" >"$work/labels-idx1-ubyte"
    images=image=$work/images-idx3-ubyte:scale=1/255
    labels=label=$work/labels-idx1-ubyte
}

finish() {
    test $failures = 0 && exit 0
    echo "$failures checks failed"
    exit 1
}

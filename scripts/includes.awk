# includes.awk: the direction of includes, for C files named from the root.
# Prints each line that breaks the rule; the last line counts.

function folder(path) {
    sub(/\/.*/, "", path)
    return path
}

# What a folder may use beside itself; compiler/ is held to single headers.
BEGIN {
    may["kernels"] = ""
    may["runtime"] = " kernels "
    may["data"] = " runtime "
    may["compiler"] = " kernels "
    may["onnx"] = " compiler runtime kernels "
    compiler_may = " runtime/base.h runtime/plan.h runtime/plan_io.h " \
                   "runtime/plan_live.h " \
                   "runtime/plancl.h runtime/profile.h runtime/session.h "
}

function allowed(from, header, target) {
    target = folder(header)
    if (!(from in may) || target == from)
        return 1
    if (from == "compiler" && target == "runtime")
        return index(compiler_may, " " header " ") > 0
    return index(may[from], " " target " ") > 0
}

function bad(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    count++
}

/^#[ ]*include/ {
    from = folder(FILENAME)
    header = $0
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*/, "", header)
    if (header ~ /^CL\// && FILENAME != "runtime/cl.h" && from != "tests")
        bad("only runtime/cl.h includes OpenCL")
    if ($0 !~ /"/)
        next
    if (header !~ /\//)
        bad("\"" header "\" is not written from the root")
    else if (!allowed(from, header))
        bad(from "/ may not use " header)
}

END {
    printf "includes: %d against the direction\n", count
    exit count > 0
}

# metrics.awk: reads the exceptions, then C files in the layout of clang-format:
# a function's braces stand alone in the first column.

BEGIN {
    # Limits, as the style names them.
    median_function = 12
    ninetieth_function = 35
    longest_function = 60
    longest_file = 500
    # Lines with a comment by lines of code: roughly one in six.  Tests are
    # tables to a good part, which speak for themselves.
    least_comments = 1 / 7
    least_in_tests = 1 / 12
    most_comments = 1 / 3
}

FNR == 1 {
    files++
    if (files > 1)
        file[files] = FILENAME
    in_comment = 0
    body = 0
}

# ---- the exceptions: "function PATH:NAME why", "file PATH why" ----

files == 1 {
    if ($1 == "function" || $1 == "file") {
        if (NF < 3)
            complain("exception without a reason: " $0)
        exempt[$1, $2] = 1
    }
    next
}

# ---- C ----

{
    lines[files]++
    if ($0 ~ /[^ \t]/) {
        test = FILENAME ~ /^(tests|bench)\//
        if (in_comment || $0 ~ /\/\*/)
            comments[test]++
        else
            code[test]++
    }
    rest = $0
    gsub(/"([^"\\]|\\.)*"/, "", rest)
    while (1) {
        mark = in_comment ? "*/" : "/*"
        at = index(rest, mark)
        if (!at)
            break
        in_comment = !in_comment
        rest = substr(rest, at + 2)
    }
}

# The last name before a parenthesis in the first column's text.
/^[a-z].*\(/ && !body {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}

/^\{/ {
    body = FNR
}

/^\}/ && body {
    functions++
    length_of[functions] = FNR - body - 1
    where[functions] = FILENAME ":" name
    body = 0
}

function complain(text) {
    print "metrics: " text
    wrong++
}

function range(what, value, low, high) {
    if (value < low || value > high)
        complain(sprintf("%s is %.2f, the range is %.2f to %.2f", what, value,
                         low, high))
}

# Shell sort; the array is small and awk has none of its own.
function sort(a, n,    gap, i, j, x) {
    for (gap = int(n / 2); gap; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            x = a[i]
            for (j = i; j > gap && a[j - gap] > x; j -= gap)
                a[j] = a[j - gap]
            a[j] = x
        }
}

END {
    for (i = 1; i <= functions; i++)
        if (length_of[i] > longest_function) {
            if (("function", where[i]) in exempt)
                used_exempt["function", where[i]] = 1
            else
                complain(where[i] " has " length_of[i] " lines, at most " \
                         longest_function)
        }
    for (i = 2; i <= files; i++) {
        total += lines[i]
        if (lines[i] > most)
            most = lines[i]
        if (lines[i] > longest_file) {
            if (("file", file[i]) in exempt)
                used_exempt["file", file[i]] = 1
            else
                complain(file[i] " has " lines[i] " lines, at most " \
                         longest_file)
        }
        file_length[i - 1] = lines[i]
    }
    for (e in exempt)
        if (!(e in used_exempt)) {
            split(e, part, SUBSEP)
            complain("exception not needed: " part[1] " " part[2])
        }
    sort(length_of, functions)
    sort(file_length, files - 1)
    median = length_of[int((functions + 1) / 2)]
    ninetieth = length_of[int(functions * 0.9)]
    for (test = 0; test < 2; test++)
        share[test] = code[test] ? comments[test] / code[test] : 0
    printf "files: %d, lines: %d, median %d, longest %d\n", files - 1, total,
           file_length[int(files / 2)], most
    printf "functions: %d, median %d, 90th percentile %d, longest %d lines\n",
           functions, median, ninetieth, length_of[functions]
    printf "comments: %.1f lines on 100 of code, %.1f in tests\n",
           100 * share[0], 100 * share[1]
    range("the median function", median, 1, median_function)
    range("the 90th percentile of functions", ninetieth, 1, ninetieth_function)
    range("the share of comments", share[0], least_comments, most_comments)
    range("the share of comments in tests", share[1], least_in_tests,
          most_comments)
    exit wrong > 0
}

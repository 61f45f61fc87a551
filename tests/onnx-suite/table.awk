# table.awk: from refused.txt and cases.txt to the table of the manual.  In the
# first file "# " begins a reason, and names follow; the second has a name and its
# operators in each line.
FILENAME ~ /refused.txt$/ {
    if (sub(/^# /, ""))
        reason = $0
    else if (NF)
        why[$1] = reason
    next
}

{
    all++
    total += !($1 in why)
    k = split($2, op, "+")
    for (i = 1; i <= k; i++)
        add(op[i])
}

function add(op)
{
    if (!(op in passed)) {
        passed[op] = 0
        order[++n] = op
    }
    if (!($1 in why))
        passed[op]++
    else if (!count[op, why[$1]]++)
        reasons[op] = reasons[op] "|" why[$1]
}

function refused(op,    k, part, j, text)
{
    k = split(substr(reasons[op], 2), part, "|")
    for (j = 1; j <= k; j++)
        text = text (j > 1 ? "; " : "") count[op, part[j]] ": " part[j]
    return text
}

END {
    print "# Operators of ONNX\n"
    print "The cases of ONNX 1.12 (opset 17) that are about tensors, as `make check` runs"
    print "them: " total " of " all " pass, and the others are refused with a message."
    print "A case counts for each operator that its graph is of."
    print "\n| operator | passed | refused |"
    print "|----------|--------|---------|"
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && order[j] < order[j - 1]; j--) {
            swap = order[j]
            order[j] = order[j - 1]
            order[j - 1] = swap
        }
    for (i = 1; i <= n; i++)
        print "| " order[i] " | " passed[order[i]] " | " refused(order[i]) " |"
}

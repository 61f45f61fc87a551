# embed.awk: .cl files into a C file that defines kernel_source().
#
#   awk -f embed.awk kernels/preamble.cl kernels/conv.cl ... > sources.c
#
# One literal per line of the source, so that no line of C grows long.

function base_name(path) {
    sub(/^.*\//, "", path)
    return path
}

BEGIN {
    print "/* Made by embed.awk from the .cl files; do not edit. */"
    print "#include <string.h>\n"
    print "#include \"kernels/kernel.h\"\n"
    print "static const struct {"
    print "    const char *file, *text;"
    print "} sources[] = {"
}

FNR == 1 {
    if (NR > 1)
        print "    },"
    printf "    {\"%s\",\n", base_name(FILENAME)
}

{
    gsub(/[\\"]/, "\\\\&")
    gsub(/\t/, "\\t")
    printf "     \"%s\\n\"\n", $0
}

END {
    if (NR > 0)
        print "    },"
    print "};\n"
    print "const char *kernel_source(const char *file)"
    print "{"
    print "    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {"
    print "        if (strcmp(sources[i].file, file) == 0)"
    print "            return sources[i].text;"
    print "    }"
    print "    return NULL;"
    print "}"
}

# made_up.sh: trains a plan on made-up data, for scripts that measure; sourced.
#
# Needs $plancl, $make_npy (BUILD/tests/make_npy, which `make check` builds).

# made_up PLAN FOLDER: PLAN's inputs, one batch, become files; $data names them.
made_up() {
    "$plancl" inspect --json "$1" >"$2/plan.json"
    sed -n 's/.*"name": "\([^"]*\)", "kind": "input", "dtype": "\([^"]*\)", "shape": \[\([^]]*\)\].*/\1 \2 \3/p' \
        "$2/plan.json" | tr -d , >"$2/inputs"
    data=
    while read -r input dtype shape; do
        # shellcheck disable=SC2086 # several numbers
        "$make_npy" "$2/$input.npy" "$dtype" 0 1 1 $shape
        data="$data --data $input=$2/$input.npy"
    done <"$2/inputs"
}

# updates_in STEP: as many updates as take 3 s, from 3 to 50, where one takes STEP.
updates_in() {
    awk -v s="$1" 'BEGIN {
        n = int(3 / s)
        print (n < 3 ? 3 : (n > 50 ? 50 : n))
    }'
}

# train PLAN FOLDER UPDATES: an update is an epoch; the weights go to
# FOLDER/w.safetensors, and $measured is the least of all updates' seconds but the
# first's, which builds kernels.
train() {
    # shellcheck disable=SC2086 # several words
    "$plancl" train "$1" $data --updates "$3" --epochs "$3" --quiet \
        --seed 1 --log "$2/log" --save "$2/w.safetensors" >/dev/null
    measured=$(sed -n 's/.*"seconds": *\([^,}]*\).*/\1/p' "$2/log" |
        sed 1d | sort -g | head -n 1)
}

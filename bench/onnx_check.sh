#!/bin/sh
# onnx_check.sh: ONNX's own checker, with shape inference, on files that were
# exported.
#
#     bench/onnx_check.sh FILE.onnx...
#
# Needs Debian's python3-onnx.
python3 -I -c 'import onnx.checker' 2>/dev/null || {
    echo "python3-onnx is not installed"
    exit 77
}
bad=0
for file; do
    if python3 -I - "$file" <<'END'
import sys
import onnx

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
END
    then
        echo "good $file"
    else
        echo "bad  $file"
        bad=1
    fi
done
exit $bad

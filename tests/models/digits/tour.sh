#!/usr/bin/env bash
# tour.sh QPREP OUT: quantises the digits model with samples into the folder OUT, which it makes anew, and shows what was
# written and how close it is to float. Fails if a model loses more than one point. What scripts/quickstart shows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
readonly qprep=$1 out=$2
readonly model=testdata/models/digits.onnx digits=tests/models/digits python=.deps/venv/bin/python

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

rm -rf "$out"
mkdir -p "$out"
"$python" "$digits/samples.py" "$out/samples"
cat >"$out/qprep.yaml" <<'CONFIG'
version: 1
march: bayes
output:
  prefix: digits
  dialect: qdq            # QuantizeLinear and DequantizeLinear; or function: FakeQuantize
  form: both              # for training (qat) and for inference (fixed_point)
calibration:
  data: samples           # index.json and .npy files, beside this file
  method: min_max
weights: {dtype: qint8}
activations: {dtype: qint8}
CONFIG

show cat "$out/qprep.yaml"
show "$qprep" inspect "$model"
show "$qprep" prepare "$model" -c "$out/qprep.yaml" -o "$out"
show "$python" "$digits/compare.py" --within 1 "$model" "$out"/digits_{qat,calibrated,fixed}.onnx
printf '\nWhat was decided for each node, and why: %s\n' "$out/model_check_result.txt"

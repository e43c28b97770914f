#!/usr/bin/env bash
# Statistics of many samples on all cores of one machine, or of several (GNU parallel's --sshlogin), as one file:
#
#     parallel.sh MODEL CONFIG OUT.qcal SHARDS [OPTION OF PARALLEL...]
#
# The result has the bytes that one run of `qprep calibrate` would have written. Shards that are there from an earlier
# run that was interrupted are not computed again (--resume). Where qprep is not in the path:
#
#     QPREP=/opt/qprep/bin/qprep parallel.sh ...
set -euo pipefail
if [ $# -lt 4 ]; then
  printf 'usage: %s MODEL CONFIG OUT.qcal SHARDS [OPTION OF PARALLEL...]\n' "$0" >&2
  exit 2
fi
model=$1 config=$2 out=$3 shards=$4
shift 4
qprep=${QPREP:-qprep}
if ! command -v "$qprep" > /dev/null; then
  printf '%s: there is no program %s; set QPREP to the path of qprep\n' "$0" "$qprep" >&2
  exit 2
fi
parts=$out.parts
mkdir -p "$parts"

parallel --halt now,fail=1 --resume --joblog "$parts/log" "$@" \
  "$qprep" calibrate "$model" -c "$config" -q --threads 1 --shard "{}/$shards" -o "$parts/{}.qcal" ::: $(seq "$shards")
"$qprep" stats merge $(seq -f "$parts/%.0f.qcal" "$shards") -o "$out"
rm -r "$parts"

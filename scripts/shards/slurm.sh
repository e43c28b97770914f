#!/usr/bin/env bash
# Statistics of many samples on a Slurm cluster, one array task a shard, as one file:
#
#     slurm.sh MODEL CONFIG OUT.qcal SHARDS [OPTION OF SBATCH...]
#
# Submits the array and a job that merges when all of it is done, and waits for that one. Model, samples and OUT are in
# a file system that all nodes see. The result has the bytes that one run of `qprep calibrate` would have written.
# Where qprep is not in the path: QPREP=/opt/qprep/bin/qprep slurm.sh ...
set -euo pipefail
if [ $# -lt 4 ]; then
  printf 'usage: %s MODEL CONFIG OUT.qcal SHARDS [OPTION OF SBATCH...]\n' "$0" >&2
  exit 2
fi
model=$(realpath "$1") config=$(realpath "$2") out=$(realpath -m "$3") shards=$4
shift 4
qprep=${QPREP:-qprep}
if ! command -v "$qprep" > /dev/null; then
  printf '%s: there is no program %s; set QPREP to the path of qprep\n' "$0" "$qprep" >&2
  exit 2
fi
parts=$out.parts
mkdir -p "$parts"

array=$(sbatch --parsable --job-name=qprep-calibrate --array="1-$shards" --cpus-per-task=1 --output="$parts/%a.log" "$@" \
  --wrap "$(printf '%q ' "$qprep" calibrate "$model" -c "$config" -q --threads 1) --shard \$SLURM_ARRAY_TASK_ID/$shards -o $(printf %q "$parts")/\$SLURM_ARRAY_TASK_ID.qcal")
files=()
for ((i = 1; i <= shards; ++i)); do files+=("$parts/$i.qcal"); done
# A job whose dependency fails is cancelled, which sbatch does not tell from an end: what counts is the file.
sbatch --wait --job-name=qprep-merge --dependency="afterok:${array%%;*}" --kill-on-invalid-dep=yes \
  --output="$parts/merge.log" "$@" --wrap "$(printf '%q ' "$qprep" stats merge "${files[@]}" -o "$parts/all.qcal")" >&2 || true
if [ ! -e "$parts/all.qcal" ]; then
  printf 'the shards or their merging failed; the logs are in %s\n' "$parts" >&2
  exit 1
fi
mv "$parts/all.qcal" "$out"
rm -r "$parts"

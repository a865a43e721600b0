#!/usr/bin/env bash
# usage: circumstances.sh TEMPERA FOLDER: starts the program with closed and full streams, under limits and with configs
# that are well formed and wrong, and looks at its exit status, its message and what it leaves behind.
set -uo pipefail
tempera=$1 folder=$2
smoke=$PWD/configs/smoke.json
rm -rf "$folder/work" && mkdir -p "$folder/work" && cd "$folder/work" || exit 1
failures=0

fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
has_status() { [[ $2 -eq $1 ]] || fail "$3: exit status $2, expected $1"; }
is_finished() { grep -q '"status": "completed"' "$1/summary.json" || fail "$1 is no finished run"; }

# refused WHAT STATUS MESSAGE ARGUMENTS…: the run says MESSAGE and makes no folder.
refused() {
  local what=$1 status=$2 message=$3
  shift 3
  "$tempera" run "$smoke" --out refused "$@" >out 2>err
  has_status "$status" $? "$what"
  grep -qF -- "$message" err || fail "$what: the message is $(cat err)"
  [[ ! -e refused ]] || fail "$what: a folder was made"
  rm -rf refused
}

# A run whose messages nobody can read is a run all the same, and writes them into none of its files.
"$tempera" run "$smoke" --out closed <&- >&- 2>&-
has_status 0 $? "all streams closed"
is_finished closed
grep -lq "writing to" -r closed && fail "messages went into a file of the run"
if [[ -w /dev/full ]]; then
  "$tempera" run "$smoke" --out mute 2>/dev/full >/dev/null
  has_status 0 $? "stderr full"
  is_finished mute
  "$tempera" explain --json >/dev/full 2>err
  has_status 1 $? "stdout full"
  "$tempera" --version >/dev/full 2>err
  has_status 1 $? "stdout full for --version"
fi
"$tempera" run "$smoke" --out piped 2>&1 >/dev/null | true
has_status 0 "${PIPESTATUS[0]}" "stderr is a pipe that nobody reads"
is_finished piped
(ulimit -f 8 && "$tempera" run "$smoke" --out limited 2>err >/dev/null)
has_status 1 $? "file size limit"
grep -q "File too large" err || fail "file size limit: the message is $(cat err)"

# Signals, however many, interrupt with status 130; the run then goes on, unless they are ignored as under nohup.
long=(--set train.epochs=100000 --set train.checkpoint_seconds=1)
for signals in TERM "TERM TERM TERM TERM" HUP INT; do
  rm -f err  # what the run before wrote there would be taken for this one's
  set -m     # or the shell starts background programs with INT ignored
  "$tempera" run "$smoke" --out storm --resume "${long[@]}" >out 2>err &
  until grep -qs "epoch" err; do sleep 0.01; done
  for signal in $signals; do kill -s "$signal" $! 2>>kills; sleep 0.001; done
  wait $! 2>>kills
  has_status 130 $? "signals $signals"
  set +m
done

# What the config's fields say each by itself, and together cannot be, is found before a folder is made.
refused "a layer that does not fit" 2 'smoke.json:8: /model/layers/1: linear "fc1"' --set 'model.layers.0.type=relu'
refused "outputs that are not the classes" 2 "/model/layers: the model's output has shape [9]" --set model.layers.fc2.out=9
refused "a model for no machine" 2 "/model/layers: model: " --set model.layers.fc1.out=1000000000000
refused "a schedule without a number" 2 "/schedule/target: target" --set 'schedule={"type":"cosine","target":"train.epochs"}'
refused "an epoch without a step" 2 "/train/drop_last" --set train.drop_last=true --set train.batch=100000
refused "a test sample that is not there" 2 "/temperature/index" --set temperature.index=100000
refused "a class that is not there" 2 "/temperature/label" --set temperature.label=77
TEMPERA_ISA=abacus refused "an unknown instruction level" 2 "TEMPERA_ISA=abacus" --set seed=2
refused "a study whose last run is wrong" 2 "the model's output has shape [9]" \
  --set 'study={"vary":{"model.layers.fc2.out":[10,9]}}'
refused "the same, only checked" 2 "the model's output has shape [9]" --dry-run \
  --set 'study={"vary":{"model.layers.fc2.out":[10,9]}}'

# A class that the network never gets right costs the study its choice of sample, not the training its result.
"$tempera" run "$smoke" --out unlearnt --set train.epochs=0 --set temperature.label=3 >out 2>err
has_status 0 $? "a class never right"
is_finished unlearnt

# Logits so large that σ(z) is exactly 0 or 1 are written as null and read again.
"$tempera" run "$smoke" --out large --set train.epochs=0 >out 2>err \
  --set 'model.layers=[{"type":"flatten"},{"type":"linear","out":10,"init":{"type":"normal","deviation":30}}]'
has_status 0 $? "large logits"
"$tempera" report large >out 2>err
has_status 0 $? "a report of large logits: $(cat err)"

# Summaries that say less than they should are named, not tripped over.
sed 's/"completed"/7/' closed/summary.json >piped/summary.json
"$tempera" run "$smoke" --out piped >out 2>err
grep -q "continue it with --resume" err || fail "a status that is a number: $(cat err)"
echo '{"format": 1, "name": "smoke", "status": "completed", "results": {}}' >closed/summary.json
"$tempera" run "$smoke" --out closed >out 2>err
has_status 1 $? "a summary without results"
grep -q "closed/summary.json" err || fail "a summary without results: $(cat err)"

[[ $failures -eq 0 ]] && echo "all as expected"
exit $((failures > 0))

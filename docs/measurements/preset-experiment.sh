#!/usr/bin/env bash
# Trains 784-800-10 on MNIST for 100 epochs with three seeds, once for each reading of the paper's settings, and prints the table of
# preset-experiment.md from the runs' metrics.csv. Some fifteen minutes a configuration on two quiet cores; what is interrupted goes on,
# what is finished is only read. FG-W with a perturbation per sample is left out: a step takes 154 ms here, a configuration half a day.
# Usage: docs/measurements/preset-experiment.sh FOLDER [name of a configuration …]; FDFA_DATA says where MNIST is.
set -euo pipefail
folder=$1
shift
cd "$(dirname "$0")/../.."
fdfa() { dotnet run -c Release --project Fdfa.Experiments -- "$@"; }

configurations=(
  "bp                    --rule BP"
  "fdfa                  --rule FDFA"
  "dkp                   --rule DKP"
  "dfa-zeros-open        --rule DFA --weight-init zeros --bias-init zeros --activation relu-open"
  "dfa-zeros-pybias      --rule DFA --weight-init zeros --bias-init pytorch --activation relu"
  "dfa-pytorch           --rule DFA --weight-init pytorch --activation relu"
  "fga-perturbed         --rule FG-A"
  "fga-exact             --rule FG-A --output-gradient exact"
  "fga-exact-preact      --rule FG-A --output-gradient exact --perturb-at pre-activation"
  "fgw-batch-1e-4        --rule FG-W --weight-noise batch --lr 1e-4"
  "fgw-batch-1e-3        --rule FG-W --weight-noise batch --lr 1e-3"
)

for configuration in "${configurations[@]}"; do
  read -r name options <<<"$configuration"
  run="$folder/$name"
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  if [ -e "$run/config.json" ]; then
    fdfa train --resume "$run" --quiet >&2
  else
    # shellcheck disable=SC2086
    fdfa train --preset paper --network 784-800-10 --data mnist --epochs 100 --seeds 3 $options --quiet --output "$run" >&2
  fi
  # The last epoch, and of each seed the epoch with the highest test accuracy, which flatters.
  awk -F, -v name="$name" '
    NR > 1 { last[$1] = 100 * $6; if (100 * $6 > best[$1]) best[$1] = 100 * $6 }
    function told(a,   s, m, k, v) {
      for (s in a) { m += a[s]; k++ }
      m /= k
      for (s in a) v += (a[s] - m) ^ 2
      return sprintf("%.2f ± %.2f", m, sqrt(v / (k - 1)))
    }
    END { printf "| %s | %s | %s |\n", name, told(last), told(best) }' "$run/metrics.csv"
done

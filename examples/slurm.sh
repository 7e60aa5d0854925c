#!/bin/bash
# A search on the nodes of a SLURM job. What follows the script goes to `autopeft search`:
#
#   sbatch examples/slurm.sh --model MODEL --data train.csv --text text --label label --budget 1% -o mine
#
# The same line again goes on with it. Nodes need autopeft in the same virtual environment, and nothing else of yours.
#SBATCH --job-name=autopeft
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
# Where nodes have GPUs, one trial at a time for each of these:
##SBATCH --gpus-per-task=1
set -euo pipefail

# Other users of these machines are not let in; srun hands the token on in the environment.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
on() {
    srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --nodelist="$1" "${@:2}"
}

# The batch script runs on the first node: that has the search, and the head of the cluster.
read -r host _ < <(on "${nodes[0]}" hostname --ip-address)
# Jobs that share a node have ports of their own.
head=$host:$((20000 + SLURM_JOB_ID % 10000))
gpus=${SLURM_GPUS_PER_TASK:-0}
has=(--num-cpus "$SLURM_CPUS_PER_TASK" --num-gpus "${gpus##*:}" --disable-usage-stats --block)
log=ray-$SLURM_JOB_ID.log

on "${nodes[0]}" ray start --head --node-ip-address "$host" --port "${head##*:}" --include-dashboard false "${has[@]}" \
    &>> "$log" &
for ((tries = 60; tries; tries--)); do
    ray status --address "$head" 2>/dev/null | grep node_ > /dev/null && break
    sleep 5
done
for node in "${nodes[@]:1}"; do
    on "$node" ray start --address "$head" "${has[@]}" &>> "$log" &
done

# Nodes that are late join in. SLURM ends Ray with this script.
autopeft search --ray-address "$head" "$@"

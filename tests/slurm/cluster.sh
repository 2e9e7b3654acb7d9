#!/usr/bin/env bash
# A whole Slurm on this host, for as long as one command runs: a controller and two machines with two cores each.
#
#   cluster.sh run COMMAND…          exit code of COMMAND; 77 where such a cluster cannot be had, with the reason
#
# COMMAND finds SLURM_CONF, CLUSTER (the folder) and CLUSTER_SH (this script) in its environment, and may call:
#
#   cluster.sh kill-machine N | start-machine N       as by a power cut: slurmd, its steps and their tasks at once
#   cluster.sh pull-cable N | plug-cable N            the machine runs on and reaches nobody but the shared folder
#   cluster.sh kill-controller | start-controller
#
# Everything lives in namespaces of its own: processes, network, mounts, host name.  When COMMAND ends, the kernel ends
# the rest with it; nothing is left behind, nothing of the host's own Slurm or munge is touched, ports cannot clash.
set -euo pipefail

network=10.77.0
controller_port=16817
machine_port=17001
# A machine that is silent for so long is given up; twice that passes until its tasks are queued again.
silent_seconds=${CLUSTER_SILENT_SECONDS:-5}

skip() {
    echo "cluster.sh: skipped: $*" >&2
    exit 77
}

need() {
    local program
    for program in unshare nsenter ip munged slurmctld slurmd sbatch squeue scontrol; do
        command -v "$program" >/dev/null ||
            skip "$program is missing; install slurm-wlm slurmctld slurmd slurm-client munge util-linux iproute2"
    done
    [ "$(id -u)" -eq 0 ] || skip "not root, which namespaces and slurmd ask for"
    unshare --pid --fork --mount-proc --mount --net --uts true 2>/dev/null ||
        skip "namespaces cannot be made here (a container needs CAP_SYS_ADMIN)"
}

write_config() {
    cat >"$CLUSTER/etc/slurm.conf" <<END
ClusterName=rehearsal
SlurmctldHost=controller($network.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$CLUSTER/run/munge.socket
CredType=cred/munge
SlurmctldPort=$controller_port
StateSaveLocation=$CLUSTER/state
SlurmdSpoolDir=$CLUSTER/spool/%n
SlurmctldPidFile=$CLUSTER/run/slurmctld.pid
SlurmdPidFile=$CLUSTER/run/slurmd-%n.pid
SlurmctldLogFile=$CLUSTER/log/slurmctld.log
SlurmdLogFile=$CLUSTER/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=$silent_seconds
MessageTimeout=5
TCPTimeout=1
KillWait=3
JobRequeue=1
SchedulerParameters=bf_interval=1,sched_min_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$CLUSTER/log/jobcomp.txt
NodeName=n1 NodeHostname=controller NodeAddr=$network.1 Port=$machine_port CPUs=2 RealMemory=1000 Gres=gpu:fake:2
NodeName=n2 NodeHostname=controller NodeAddr=$network.2 Port=$machine_port CPUs=2 RealMemory=1000 Gres=gpu:fake:2
PartitionName=crack Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
    # Character devices that every host has stand in for GPUs.
    printf 'NodeName=n%d Name=gpu Type=fake File=/dev/zero,/dev/null\n' 1 2 >"$CLUSTER/etc/gres.conf"
}

lay_network() {
    # The machines' networks are names under /run/netns: on a /run of our own.
    mount -t tmpfs tmpfs /run
    ip link set lo up
    ip link add bridge type bridge
    ip addr add "$network.254/24" dev bridge
    ip link set bridge up
    local n
    for n in 1 2; do
        ip netns add "n$n"
        ip link add "cable$n" type veth peer name eth0 netns "n$n"
        ip link set "cable$n" master bridge up
        ip -n "n$n" addr add "$network.$n/24" dev eth0
        ip -n "n$n" link set eth0 up
        ip -n "n$n" link set lo up
    done
}

start_munge() {
    head -c 64 /dev/urandom >"$CLUSTER/etc/munge.key"
    chmod 400 "$CLUSTER/etc/munge.key"
    chmod 711 "$CLUSTER" "$CLUSTER/run"
    munged --force --origin=127.0.0.1 --socket="$CLUSTER/run/munge.socket" --key-file="$CLUSTER/etc/munge.key" \
        --pid-file="$CLUSTER/run/munged.pid" --seed-file="$CLUSTER/run/munge.seed" --log-file="$CLUSTER/log/munged.log"
}

start_controller() {
    setsid slurmctld -D >"$CLUSTER/log/slurmctld.out" 2>&1 &
    echo $! >"$CLUSTER/run/controller"
}

kill_controller() {
    kill -KILL "$(cat "$CLUSTER/run/controller")"
}

start_machine() { # 1 or 2
    # A process namespace of its own: one kill takes slurmd, its steps and their tasks, as a power cut does.  Entered
    # by nsenter, as `ip netns exec` mounts a new /sys, in which slurmd misses its cgroups.
    setsid nsenter --net="/run/netns/n$1" \
        unshare --pid --fork --mount-proc --kill-child=KILL slurmd -D -N "n$1" >"$CLUSTER/log/n$1.out" 2>&1 &
    echo $! >"$CLUSTER/run/machine$1"
}

kill_machine() {
    kill -KILL "$(cat "$CLUSTER/run/machine$1")"
}

wait_until_idle() {
    local tries
    for tries in $(seq 150); do
        if [ "$(sinfo --noheader --Node --format=%T 2>/dev/null | grep -cx idle)" = 2 ]; then
            return
        fi
        sleep 0.2
    done
    echo "cluster.sh: the cluster did not come up" >&2
    tail -n 20 "$CLUSTER"/log/*.out "$CLUSTER"/log/*.log >&2
    exit 1
}

inside() { # COMMAND…: process 1 of the namespaces; whatever it leaves running ends with it
    hostname controller
    mkdir -p "$CLUSTER"/{etc,state,spool,run,log}
    write_config
    lay_network || skip "network namespaces cannot be laid here"
    start_munge
    start_controller
    start_machine 1
    start_machine 2
    wait_until_idle
    "$@"
}

case ${1:-} in
run)
    shift
    need
    CLUSTER=$(mktemp -d "${TMPDIR:-/tmp}/salvage-slurm.XXXXXX")
    export CLUSTER SLURM_CONF="$CLUSTER/etc/slurm.conf"
    CLUSTER_SH=$(realpath "${BASH_SOURCE[0]}")
    export CLUSTER_SH
    trap 'rm -rf "$CLUSTER"' EXIT
    unshare --pid --fork --mount-proc --kill-child=KILL --mount --net --uts "$CLUSTER_SH" inside "$@"
    ;;
inside)
    shift
    inside "$@"
    ;;
kill-machine) kill_machine "$2" ;;
start-machine) start_machine "$2" ;;
pull-cable) ip link set "cable$2" down ;;
plug-cable) ip link set "cable$2" up ;;
kill-controller) kill_controller ;;
start-controller) start_controller ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

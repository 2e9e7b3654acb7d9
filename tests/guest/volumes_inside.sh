#!/usr/bin/env bash
# Inside the guest: loads what the disks and volumes need, then volumes_inside.py.
#
#   volumes_inside.sh JOB.json      its name says what to do: make.json or compare.json, beside the guest's kernel
set -euo pipefail
job=$1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
guest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["guest"])' "$job")
for module in loop virtio_scsi sd_mod ext4 f2fs dm-crypt essiv xts cbc adiantum chacha_generic nhpoly1305 aesni-intel quota_v2 lz4; do
    modprobe -d "$guest/lin" -S "$(uname -r)" "$module" || echo "guest: no $module"
done
sleep 1
exec python3 -B "$(dirname "$0")/volumes_inside.py" "$(basename "$job" .json)" "$job"

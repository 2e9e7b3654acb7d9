#!/usr/bin/env bash
# What we find of the files that the kernel deleted, against what it said of them before.
#
#   ext4_compare.sh GUEST_FOLDER OUTPUT_FOLDER TOOL
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(realpath "$2")
tool=$(realpath "$3")
"$here/ext4_guest.sh" "$1" "$out"
cd "$out"
failed=0
fail() {
    echo "guest: FAILED: $*"
    failed=1
}
# name, how many must come back whole, with their names, and be called certain
check() {
    local name=$1 least=$2
    sha256sum $name.img >$name.hash
    "$tool" deleted $name.img >$name.ours || fail "$name.img: no list of deleted files"
    sha256sum --quiet -c $name.hash || fail "$name.img was written to"
    # Of what is gone: type, size, mode, owner, seconds, content, target, path.  Two were only renamed.
    awk -F'\t' -v OFS='\t' '
        FILENAME ~ /after$/ { there[$0] = 1; next }
        FILENAME ~ /sums$/ { path = $0; sub(/^[0-9a-f]*  \.\//, "", path); sum[path] = substr($0, 1, 64); next }
        !($8 in there) && $8 !~ /IMG_[12]\.jpg$/ {
            split($5, time, "."); print $1, $2, $3, $4, time[1], ($1 == "f" ? sum[$8] : "-"), $7, "/" $8 }
    ' $name.after $name.sums $name.before | sort >$name.expected
    case $name in reused | orphans)
        # Deleted while open; their times were not recorded.
        grep '/held_' $name.sums | awk -v OFS='\t' '{ sub(/^\.\//, "", $2); print "f", ($2 == "held_1" ? 70000 : 90), "644", 0, "-", $1, "", "/" $2 }' |
            sort - $name.expected >$name.expected.all && mv $name.expected.all $name.expected ;;
    esac
    awk -F'\t' -v OFS='\t' '$7 == 0 && $8 == "high" { split($5, time, "."); print $1, ($1 == "d" ? "-" : $2), $3, $4, ($1 == "d" || $10 ~ /\/held_/ ? "-" : time[1]), $6, $9, $10 }' $name.ours |
        sort >$name.found
    # A folder's size and time change when it is emptied.
    awk -F'\t' -v OFS='\t' '$1 == "d" { $2 = $5 = "-" } { print }' $name.expected | sort >$name.wanted
    local whole wrong
    whole=$(comm -12 $name.wanted $name.found | wc -l)
    wrong=$(comm -13 $name.wanted $name.found)
    [ "$whole" -ge "$least" ] || { fail "$name: $whole of $(wc -l <$name.wanted) came back whole, expected $least"; comm -23 $name.wanted $name.found | head; }
    [ -z "$wrong" ] || { fail "$name: called certain and wrong:"; echo "$wrong"; }
    awk -F'\t' 'FILENAME ~ /after$/ { there["/" $0] = 1; next } $10 in there { print }' $name.after $name.ours >$name.alive
    [ ! -s $name.alive ] || { fail "$name: files that live are called deleted:"; cat $name.alive; }
    echo "guest: $name: $whole of $(wc -l <$name.wanted) deleted entries whole, $(awk -F'\t' '$7 != 0' $name.ours | wc -l) in part, $(wc -l <$name.ours) listed"
}
check clean 25
check dirty 25
check phone 25
check ext3 25
check orphans 23 # the other four lost blocks to the two that were written last
check reused 7

# What is left of files whose blocks others have taken: the originals are made again as ext4_inside.sh made them.
noise() { openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0f -iv $(printf %032x "$2") -in /dev/zero 2>/dev/null | head -c "$1" || true; }
pieces=0
part() { # path size number
    noise "$2" "$3" >original
    left=$("$tool" compare reused.img "$1" original) || fail "reused: $1 has bytes of another file"
    pieces=$((pieces + left))
}
for i in 3 7 11 19; do part /media/0/DCIM/Camera/IMG_$i.jpg $((30000 + i * 1777)) $i; done
for i in $(seq 6); do part /gone/file_$i $((i * 4096 + 1)) $((300 + i)); done
for i in $(seq 6); do part /gone/within/deep_$i $((i * 5000)) $((400 + i)); done
part /data/com.example/databases/store_5.db 40960 205
[ "$pieces" -gt 50000 ] || fail "reused: only $pieces bytes are left"
echo "guest: reused: $pieces bytes of files in part are right, none is wrong"
exit $failed

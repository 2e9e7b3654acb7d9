#!/usr/bin/env bash
# Our listing of the volumes of f2fs_guest.sh against the kernel's own.
#
#   f2fs_compare.sh GUEST_FOLDER OUTPUT_FOLDER TOOL
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(realpath "$2")
tool=$(realpath "$3")
"$here/f2fs_guest.sh" "$1" "$out" "$tool"
cd "$out"
failed=0
check() { # what kernel's ours
    if ! diff <(sort "$2") <(sort "$3") >"$1.difference"; then
        echo "guest: FAILED: $1 differs (<: the kernel, >: we)"
        head -n 20 "$1.difference"
        failed=1
    fi
}
# Encrypted names are shown as what they are in both, but not in the same way: they are only counted.
plain() { grep -v -e $'\tsecret/' "$1" || true; }

for name in clean dirty small_clean small_dirty; do
    "$tool" list $name.img >$name.ours || { echo "guest: FAILED: $name.img is not read without errors"; failed=1; }
    # The recovery writes the time of day into folders, and makes them larger: those of the dirty volume are not compared.
    case $name in *clean) sizeless=0 ;; *) sizeless=1 ;; esac
    of_folders() { awk -F'\t' -v OFS='\t' -v sizeless=$sizeless '$1 == "d" && sizeless { $2 = $6 = $7 = "-" } { print }'; }
    plain $name.entries | of_folders >$name.entries.kernel
    sed -n 's/^entry\t//p' $name.ours | grep -v -e $'\tsecret/' | of_folders >$name.entries.ours
    check $name.entries $name.entries.kernel $name.entries.ours
    { sed 's/^\([0-9a-f]*\)  \.\//\1\t/; s/^\\\([0-9a-f]*\)  \.\//\1\t/; s/\\\\/\\/g' $name.sums; [ ! -f $name.deep ] || sed 's/ .*/\tdeep/' $name.deep; } >$name.sums.kernel
    sed -n 's/^sum\t//p' $name.ours >$name.sums.ours
    check $name.sums $name.sums.kernel $name.sums.ours
    # getfattr writes odd bytes of names in octal.
    awk -F': ' '/^# file: /{path=$2; next} /=/{print path "\t" $0} ' $name.attributes |
        perl -pe 's/\\(\d{3})/chr(oct($1))/ge; s/\\\\/\\/g' | { grep -v -e '^secret' || true; } >$name.attributes.kernel
    sed -n 's/^attribute\t//p' $name.ours | grep -v -e '^secret' >$name.attributes.ours || true
    check $name.attributes $name.attributes.kernel $name.attributes.ours
    sed 's/^\.\/\(.*\) \([0-9a-f]*\) \([0-9a-f]*\)$/\1\t\2\t\3/' $name.devices >$name.devices.kernel
    sed -n 's/^device\t//p' $name.ours >$name.devices.ours
    check $name.devices $name.devices.kernel $name.devices.ours
done
hidden=$(grep -c -e $'\tsecret/' clean.entries)
shown=$(grep -c -e $'^encrypted\tsecret/' clean.ours)
[ "$hidden" = "$shown" ] && [ "$hidden" = 3 ] || { echo "guest: FAILED: $hidden encrypted entries, $shown are shown as such"; failed=1; }
grep -q $'^finding\tf2fs-rolled-forward' dirty.ours || { echo "guest: FAILED: the dirty volume is not said to be rolled forward"; failed=1; }
grep '^finding' clean.ours && { echo "guest: FAILED: the clean volume has findings"; failed=1; }
echo "guest: compared $(wc -l <clean.entries) and $(wc -l <dirty.entries) entries, $(wc -l <clean.sums) and $(wc -l <dirty.sums) contents"
exit $failed

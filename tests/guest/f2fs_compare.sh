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

# What was deleted: all that was there before and is not there after, and a file whose name another took.  Of hard2 the
# file has another name left.
for name in deleted deleted_open small_deleted; do
    case $name in small_*) prefix=small_ replaced=kept/settings.xml secrets=0 ;; *) prefix='' replaced=docs/settings.xml secrets=1 ;; esac
    "$tool" deleted $name.img >$name.ours || { echo "guest: FAILED: $name.img"; failed=1; }
    listed() { awk -F'\t' -v OFS='\t' '{ print $1, $2, $3, $4, $5, $6, $9, $10 }' $1.entries | grep -v -e $'\tsecret/' | sort; }
    comm -23 <(listed ${prefix}before) <(listed ${prefix}after) | awk -F'\t' 'NR == FNR { kept[$10]; next } !($8 in kept)' ${prefix}after.entries - |
        grep -v -e $'\tdocs/hard2$' >$name.entries.kernel
    sed -n 's/^deleted\t//p' $name.ours | cut -f1,3- | grep -v -e $'\tsecret/' >$name.entries.ours
    grep -v -x -F -f $name.entries.kernel $name.entries.ours >$name.replaced || true
    [ "$(cut -f8 $name.replaced)" = $replaced ] || { echo "guest: FAILED: $name: beyond what was deleted: $(cat $name.replaced)"; failed=1; }
    check $name.entries $name.entries.kernel <(grep -x -F -f $name.entries.kernel $name.entries.ours)
    awk -F'\t' 'NR == FNR { gone[$8] = 1; next } { path = substr($0, 69) } path in gone { print substr($0, 1, 64) "\t" path }' \
        $name.entries.kernel ${prefix}before.sums >$name.sums.kernel
    sed -n 's/^sum\t//p' $name.ours | grep -v -e $'\tsecret/' | cut -f1,3 >$name.sums.ours
    # The file that was replaced stands there twice, once with its content before.
    check $name.sums $name.sums.kernel <(grep -v -x -F -f <(grep -v -x -F -f $name.sums.kernel $name.sums.ours | grep $'\t'$replaced'$') $name.sums.ours)
    [ "$(wc -l <$name.sums.ours)" = $(($(wc -l <$name.sums.kernel) + 1)) ] || { echo "guest: FAILED: $name: contents"; failed=1; }
    [ "$(grep -c -e $'^deleted\tf\t.*\tsecret/' $name.ours)" = $secrets ] || { echo "guest: FAILED: $name: the encrypted file"; failed=1; }
done
grep -q $'^proof\tmedia/0/DCIM/Camera/IMG_12.jpg\tdeleted while it was open' deleted_open.ours || { echo "guest: FAILED: the orphan is not said to be one"; failed=1; }
! grep '^deleted' deleted.ours | grep -v -e $'^deleted\t.\thigh' || { echo "guest: FAILED: all of it is certain on a volume that was put away cleanly"; failed=1; }
# Where room was given again, what is called certain is right, and what was written over is said to be lost.
"$tool" deleted churned.img >churned.ours
records() { awk -F'\t' -v kind="$1" -v field="$2" '$1 == "records" && $2 == kind { sum += $field } END { print sum + 0 }' churned.ours; }
echo "guest: of emptied rooms, 64 bytes each: certain $(records high 3) right, $(records high 4) wrong; partly lost $(records medium 3) right," \
    "$(records medium 4) wrong, $(records medium 5) lost; uncertain $(records low 3) right, $(records low 4) wrong, $(records low 5) lost"
[ "$(records high 4)" = 0 ] && [ "$(records medium 4)" = 0 ] && [ "$(records high 3)" -gt 1000 ] || { echo "guest: FAILED: deleted content that is not right"; failed=1; }
echo "guest: compared $(grep -c ^deleted deleted.ours) and $(grep -c ^deleted deleted_open.ours) deleted files, $(wc -l <deleted.sums.kernel) contents"
echo "guest: compared $(wc -l <clean.entries) and $(wc -l <dirty.entries) entries, $(wc -l <clean.sums) and $(wc -l <dirty.sums) contents"
exit $failed

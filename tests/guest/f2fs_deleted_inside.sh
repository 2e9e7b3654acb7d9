# Sourced by f2fs_inside.sh: volumes from which much was deleted, and what it was.
#
# /dev/vdj  files of all kinds, 34 of them deleted, put away cleanly; /dev/vdk  the same before, copied while it was mounted and one
# of the deleted files was still open; /dev/vdl  a small volume that was filled and emptied again and again; /dev/vdn  a copy of the
# small volume /dev/vdm, of which the seed small_deleted was packed.

# Each 64 bytes say of which file they are, and where in it.
self_describing() { awk -v file="$1" -v count="$2" 'BEGIN { for (i = 0; i < count; i++) printf "%031d %031d\n", file, i }'; }

fill_for_deletion() {
    mkdir -p volume/media/0/DCIM/Camera volume/docs/of/years volume/album/inner volume/packed volume/secret
    chattr +c volume/packed
    "$tool" encrypt volume/secret
    for i in $(seq 12); do noise $((20000 + i * 7777)) $((100 + i)) >volume/media/0/DCIM/Camera/IMG_$i.jpg; done
    for i in $(seq 8); do echo "note $i" >volume/docs/of/years/note-"$i".txt; done
    for i in $(seq 60); do echo "kept $i" >"volume/docs/a name that is long enough to fill a few slots $i"; done
    noise 3000000 7 >volume/media/0/one-node.mp4
    noise 6000000 8 >volume/media/0/direct.mp4
    noise 13000000 9 >volume/media/0/indirect.mp4
    prose 500000 11 >volume/packed/prose
    noise 5000 12 >volume/album/1.jpg
    noise 70000 13 >volume/album/inner/2.jpg
    ln -s media/0 volume/link
    echo renamed >volume/before
    echo "settings 1" >volume/docs/settings.xml
    echo linked >volume/hard
    ln volume/hard volume/docs/hard2
    noise 4096 20 | dd of=volume/holes bs=4096 seek=3 conv=notrunc 2>/dev/null
    truncate -s 200000 volume/holes
    chown 10123:9997 volume/media/0/DCIM/Camera/*.jpg
    chmod 600 volume/media/0/DCIM/Camera/IMG_2.jpg
    echo "a secret" >volume/secret/"a name that nobody may read"
    sync
    mv volume/before volume/docs/after
    echo "settings 2" >volume/docs/settings.new
    sync
    mv volume/docs/settings.new volume/docs/settings.xml
    sync
}

delete_of_filled() {
    exec 7<volume/media/0/DCIM/Camera/IMG_12.jpg
    rm volume/media/0/DCIM/Camera/IMG_{1,2,3,4,5,12}.jpg volume/media/0/*.mp4
    for i in $(seq 1 5 60); do rm "volume/docs/a name that is long enough to fill a few slots $i"; done
    rm volume/docs/of/years/note-{1,2,3}.txt volume/packed/prose volume/link volume/docs/after volume/docs/settings.xml volume/docs/hard2 \
        volume/holes volume/secret/*
    rm -r volume/album
    sync
}

step "a volume with deleted files"
mkfs.f2fs -q -f -l deleted -O encrypt,extra_attr,inode_checksum,inode_crtime,flexible_inline_xattr,compression,lost_found,sb_checksum /dev/vdj >/dev/null
mount -t f2fs -o compress_algorithm=lz4 /dev/vdj volume
fill_for_deletion
list volume before
delete_of_filled
dd if=/dev/vdj of=/dev/vdk bs=1M iflag=direct oflag=direct 2>/dev/null
exec 7<&-
sync
list volume after
umount volume

step "a volume that was filled and emptied often"
mkfs.f2fs -q -f -l churned -O extra_attr,inode_checksum /dev/vdl >/dev/null
mount -t f2fs /dev/vdl volume
mkdir volume/selves
number=0
for round in 1 2 3 4 5 6; do
    for i in $(seq 24); do
        number=$((number + 1))
        self_describing $number $((64 * (1 + (number * 37 + round) % 90) + number % 64)) >volume/selves/self-$number
    done
    sync
    for i in $(seq $((1 + round % 2)) 2 $number); do rm -f volume/selves/self-"$i"; done
    [ $((round % 3)) != 0 ] || for i in $(seq $((number - 20)) $number); do rm -f volume/selves/self-"$i"; done
    sync
done
umount volume

step "a small volume with deleted files"
mkfs.f2fs -q -f -l deleted -O extra_attr,inode_checksum,inode_crtime,compression /dev/vdm >/dev/null
mount -t f2fs -o compress_algorithm=lz4 /dev/vdm volume
mkdir -p volume/album/inner volume/packed volume/kept
chattr +c volume/packed
noise 9000 1 >volume/album/1.jpg
noise 5001 2 >volume/album/inner/2.jpg
noise 6000 3 >volume/kept/open.jpg
noise 4096 4 >volume/kept/stays.jpg
echo "a note" >volume/kept/note.txt
prose 70000 5 >volume/packed/prose
for block in 0 900 2000; do noise 4096 $block | dd of=volume/deep bs=4096 seek=$block conv=notrunc 2>/dev/null; done
ln -s kept/note.txt volume/link
echo 1 >volume/kept/settings.xml
sync
echo 2 >volume/kept/settings.new
sync
mv volume/kept/settings.new volume/kept/settings.xml
sync
list volume small_before
exec 7<volume/kept/open.jpg
rm -r volume/album volume/packed/prose volume/deep volume/link volume/kept/{open.jpg,note.txt,settings.xml}
sync
dd if=/dev/vdm of=/dev/vdn bs=1M iflag=direct oflag=direct 2>/dev/null
exec 7<&-
list volume small_after
umount volume

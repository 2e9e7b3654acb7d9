#!/usr/bin/env bash
# Inside the guest: volumes written by a real kernel's dm-crypt, Adiantum's among them, and read by Salvage.
#
#   dm_crypt_inside.sh BUILD_FOLDER
set -euo pipefail
build=$1
work=/run/dm-crypt
mkdir -p $work
cd $work
for module in loop dm-crypt essiv xts adiantum chacha_generic nhpoly1305; do
    modprobe -d "$build/guest/lin" -S "$(uname -r)" "$module"
done

head -c 512K /dev/urandom >plain
# volume CIPHER KEY_BYTES SECTOR_BYTES large|small IV_OFFSET
volume() {
    local key options=""
    key=$(head -c "$2" /dev/urandom | xxd -p -c 256)
    [ "$3" = 512 ] || options="1 sector_size:$3"
    [ "$4" = small ] || options="2 sector_size:$3 iv_large_sectors"
    truncate -s 0 ciphered && truncate -s 512K ciphered
    losetup /dev/loop0 ciphered
    dmsetup create --noudevsync volume --table "0 1024 crypt $1 $key $5 /dev/loop0 0 $options"
    dmsetup mknodes volume
    dd if=plain of=/dev/mapper/volume bs=64k oflag=direct status=none
    dmsetup remove --noudevsync volume
    losetup -d /dev/loop0
    "$build/tests/guest/dm_crypt_volume" "$1" "$key" "$3" "$4" "$5" ciphered plain
}
for rounds in 12 20; do
    volume xchacha$rounds,aes-adiantum-plain64 32 512 small 0
    volume xchacha$rounds,aes-adiantum-plain64 32 4096 large 0
done
volume xchacha12,aes-adiantum-plain64 32 4096 small 1048576
for key_bytes in 16 32; do
    volume aes-cbc-essiv:sha256 $key_bytes 512 small 0
    volume aes-cbc-essiv:sha256 $key_bytes 4096 large 0
    volume aes-cbc-plain64 $key_bytes 512 small 4294967290
    volume aes-cbc-plain $key_bytes 512 small 4294967290
    volume aes-xts-plain64 $((2 * key_bytes)) 512 small 0
    volume aes-xts-plain64 $((2 * key_bytes)) 4096 large 8
done

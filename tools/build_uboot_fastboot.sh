#!/usr/bin/env bash
# Builds U-Boot's sandbox with fastboot over UDP from Debian's source package: a bootloader that is not ours, to judge
# our client by (tests/judges/uboot_fastboot.py).  Two and a half minutes on two cores.
#
#   tools/build_uboot_fastboot.sh [FOLDER]      FOLDER is build/u-boot unless given; an earlier build there is kept.
#
# Leaves FOLDER/u-boot and FOLDER/fastboot.dtb (an eMMC over the file emmc.img of the working folder).
# Ends with 77 where it cannot be built here: packages missing, or no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-build/u-boot}
jobs=${SALVAGE_JOBS:-$(nproc)}

cannot() { echo "build_uboot_fastboot: $*" >&2; exit 77; }

if [ -x "$folder/u-boot" ] && [ -f "$folder/fastboot.dtb" ]; then
    echo "$folder/u-boot is there"
    exit 0
fi

packages=(gcc make bison flex libssl-dev bc swig python3-dev libgnutls28-dev uuid-dev dpkg-dev xz-utils)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || cannot "these packages are missing: ${missing[*]}"

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$folder/work
rm -rf "$work"
mkdir -p "$work/lists/partial"

# Source packages by a list of our own, so that the system's lists stay as they are.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(CODENAME)' 2>/dev/null |
    awk '$2 == "main" && $3 !~ /-/ && /debian/ {print $1, $3; exit}')
[ -n "$mirror" ] || cannot "apt knows no Debian mirror"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror main" >"$work/sources.list"
apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/lists"
    -o APT::Sandbox::User=root)
"${apt[@]}" update || cannot "the mirror cannot be reached"
(cd "$work" && "${apt[@]}" source --download-only u-boot) || cannot "the source package cannot be had"
(cd "$work" && dpkg-source --no-check -x u-boot_*.dsc source >/dev/null)

cd "$work/source"
{
    make sandbox_defconfig NO_SDL=1
    # The default buffer address is taken for a pointer of the host; the address is given at run time instead.
    # UDP_CHECKSUM off: 2023.01 adds the last byte of an odd packet twice, and refuses every one.
    ./scripts/config -e UDP_FUNCTION_FASTBOOT -e FASTBOOT_FLASH -e FASTBOOT_FLASH_MMC \
        --set-val FASTBOOT_FLASH_MMC_DEV 0 --set-val FASTBOOT_BUF_ADDR 0x1000000 --set-val FASTBOOT_BUF_SIZE 0x4000000 \
        -e FASTBOOT_CMD_OEM_FORMAT -d UDP_CHECKSUM
    make olddefconfig NO_SDL=1
    make -j"$jobs" NO_SDL=1
} >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log" >&2; exit 1; }

# The sandbox's own device tree, with an eMMC over a file.
dtc=./scripts/dtc/dtc
"$dtc" -q -I dtb -O dts u-boot.dtb >sandbox.dts
awk '
    /^\taliases \{/ {print; print "\t\tmmc0 = \"/mmc0\";"; in_aliases = 1; next}
    in_aliases && /mmc[0-9] =/ {next}
    /^\t\};/ {in_aliases = 0}
    /^\tmmc[0-9] \{/ {skipping = 1}
    skipping {if (/^\t\};/) skipping = 0; next}
    /^\};/ {print "\tmmc0 {\n\t\tcompatible = \"sandbox,mmc\";\n\t\tfilename = \"emmc.img\";\n\t\tnon-removable;\n\t};"}
    {print}' sandbox.dts >fastboot.dts
"$dtc" -q -I dts -O dtb fastboot.dts -o "$folder/fastboot.dtb"
cp u-boot "$folder/u-boot"
cd /
rm -rf "$work"
echo "built $folder/u-boot"

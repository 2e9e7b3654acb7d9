// The table of a dm-crypt mapping, in the words of dmsetup.
#include "salvage/rescue/dm_mapping.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "rescue/judge.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

constexpr std::uint64_t unit = 512; // what the device mapper counts in, whatever the cipher's sector is

/// What follows the device and its offset: nothing for sectors of 512 bytes.
std::string optional_arguments(const crypto::SectorCipherSpec& cipher)
{
    if (cipher.sector == sector_512()) {
        return {};
    }
    return fmt::format(" {} sector_size:{}{}", cipher.iv_counts_large_sectors ? 2 : 1, cipher.sector.bytes(),
                       cipher.iv_counts_large_sectors ? " iv_large_sectors" : "");
}

/// Where the crypt target ends and a plain one begins, in units.
struct Lengths {
    std::uint64_t ciphered{};
    std::uint64_t plain{};
};

/// What lies past a cut dump cannot be mapped, and both targets end at a whole sector of the cipher.
Lengths lengths_of(const fde::VolumeSpec& volume, std::uint64_t present)
{
    const std::uint64_t sector = volume.cipher.sector.bytes();
    const auto whole = std::min(volume.length.value, present) / sector * sector;
    const auto upto = volume.encrypted_upto.value_or(volume.length).value;
    const auto rounded = upto / sector * sector + (upto % sector != 0 ? sector : 0);
    const auto ciphered = std::min(whole, rounded);
    return {.ciphered = ciphered / unit, .plain = (whole - ciphered) / unit};
}

constexpr std::string_view script = R"(#!/bin/sh
# As root.  Maps userdata of {dump} read-only; the key is read from {key}.
set -e
device=$(losetup --find --show --read-only --offset {start} --sizelimit {size} {dump})
dmsetup create --readonly salvage-userdata <<TABLE
0 {ciphered} crypt {cipher} $(od -An -v -tx1 {key} | tr -d ' \n') {iv_base} $device 0{optional}{plain}
TABLE
# mount -o ro,noload /dev/mapper/salvage-userdata /mnt
# To undo: umount /mnt; dmsetup remove salvage-userdata; losetup -d "$device"
echo "/dev/mapper/salvage-userdata over $device"
)";

} // namespace

Result<std::string> dmsetup_script(const OpenedDump& opened, const std::filesystem::path& key_file)
{
    const auto& volume = *opened.outcome.volume;
    if (!volume.was_encrypted) {
        return unsupported("userdata was never encrypted, so dm-crypt has nothing to do", volume.how,
                           "losetup --read-only alone makes a device of it");
    }
    const auto& container = opened.dump.container;
    if (container != "raw" && container != "device") {
        return unsupported("the kernel reads no dump of this kind", container,
                           "write a raw image with salvage decrypt, or serve it: nbdkit salvage file=DUMP");
    }
    const auto userdata = userdata_of(opened.dump);
    const auto start = userdata ? userdata->start.value : 0;
    const auto end = opened.dump.source->size().value;
    const auto lengths = lengths_of(volume.proof.volume, end - std::min(start, end));
    const auto plain = lengths.plain == 0 ? std::string{}
                                          : fmt::format("\n{} {} linear $device {}", lengths.ciphered, lengths.plain,
                                                        lengths.ciphered);
    const auto& cipher = volume.proof.volume.cipher;
    return fmt::format(fmt::runtime(script), fmt::arg("dump", shell_quoted(opened.dump.path)),
                       fmt::arg("key", shell_quoted(key_file.string())), fmt::arg("start", start),
                       fmt::arg("size", (lengths.ciphered + lengths.plain) * unit),
                       fmt::arg("ciphered", lengths.ciphered), fmt::arg("cipher", crypto::dm_crypt_name(cipher)),
                       fmt::arg("iv_base", cipher.iv_base.value), fmt::arg("optional", optional_arguments(cipher)),
                       fmt::arg("plain", plain));
}

} // namespace salvage::rescue

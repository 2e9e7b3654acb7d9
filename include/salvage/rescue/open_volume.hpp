// What other programs are given of a dump: secrets that come from files, and the devices that lie in it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/rescue/dump.hpp"
#include "salvage/rescue/open.hpp"

namespace salvage::rescue {

/// Secrets as a program is told of them: by files, never by value, for its arguments can be read by others.
struct SecretFiles {
    std::vector<std::filesystem::path> secrets; ///< PIN, pattern digits or password; one newline at the end is dropped
    std::optional<std::filesystem::path> master_key; ///< 16, 32 or 64 bytes, raw or as hex
    std::string cipher{"aes-cbc-essiv:sha256"};      ///< of the master key
    std::optional<SectorSize> sector;                ///< of the master key; nothing: probed
    bool is_iv_counted_from_disk{false};
    std::optional<std::filesystem::path> phone_enc_key;
    std::optional<std::filesystem::path> phone_hmac_key;
};

/// Reads all of them.  Errors: io; unsupported (over 1 MiB); invalid_argument (no key in a key file, one of the phone's
/// two keys alone).
[[nodiscard]] Result<OpenRequest> read_secret_files(const SecretFiles& files);

/// Something of a dump that can be read like a disk.
struct Device {
    std::string name; ///< "userdata", "dump", or "part:" and the partition's name as its table has it
    std::string description;
    io::SourcePtr source;
};

/// Userdata in the clear, the name under which it is served.
inline constexpr std::string_view userdata_device = "userdata";

/// Every partition of the user area as it is in the dump, in order of start; what lies past a cut dump is unreadable.
/// Partitions whose place is not known, or which are in another region, are left out.
[[nodiscard]] std::vector<Device> partition_devices(const Dump& dump);

/// What is served of a dump: userdata where `opened` is given, the whole dump unpacked from its container, and its
/// partitions.  Of partitions with one name the first is served.
[[nodiscard]] std::vector<Device> devices_of(const Dump& dump, const OpenedVolume* opened);

/// Errors: not_found (names what there is).
[[nodiscard]] Result<Device> find_device(const std::vector<Device>& devices, std::string_view name);

} // namespace salvage::rescue

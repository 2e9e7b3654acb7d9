// Putting a volume into the dump: encrypted as the phone would have, with holes where nothing was ever written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/rescue/sample_phone.hpp"
#include "sample_phone_tools.hpp"
#include "sample_phone_volume.hpp"

namespace salvage::rescue::sample {

/// Copies what is not zero.
Result<> copy_plain(const std::filesystem::path& image, ImageFile& dump, ByteOffset at);

struct EncryptionJob {
    SampleCipher cipher;
    ByteView key;
    std::vector<ByteRange> ranges;           ///< of the volume, to be encrypted: 4096-byte blocks
    std::optional<ByteCount> encrypted_upto; ///< plain from here on
    ByteOffset at;                           ///< of the volume in the dump
};
/// Copies the ranges through the cipher, and what is not zero behind encrypted_upto as it is.
Result<> copy_encrypted(const std::filesystem::path& image, ImageFile& dump, const EncryptionJob& job,
                        const RunContext& context);

/// Where half of the used blocks lie before and half behind: how far an interrupted encryption came.
[[nodiscard]] ByteCount middle_of(const std::vector<ByteRange>& used);

/// Small contents of the partitions that are neither tables nor filesystems.
Result<> write_firmware(ImageFile& dump, const SamplePhoneSpec& spec, const std::filesystem::path& boot1);

} // namespace salvage::rescue::sample

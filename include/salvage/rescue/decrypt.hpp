// Writing the decrypted volume to a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/rescue/hashing.hpp"

namespace salvage::rescue {

enum class ImageFormat : std::uint8_t { raw, android_sparse };

struct DecryptOptions {
    ImageFormat format{ImageFormat::raw};
    std::string source_identity; ///< footer and dump: an unfinished file of another source is not gone on with
    unsigned workers{0};         ///< 0: one a core
    Hashing hashing{Hashing::yes};
};

struct DecryptReport {
    std::string path;
    ByteCount size;
    std::string sha256;          ///< of the plain image; empty where bytes were lost or no hash was wanted
    std::vector<ByteRange> lost; ///< unreadable, left as holes
    ByteCount resumed;           ///< bytes an earlier run had written
    Hashing hashing{Hashing::yes};
};

/// Progress: step "decrypt", unit "bytes".  Errors: already_exists, no_space, io, cancelled.
[[nodiscard]] Result<DecryptReport> decrypt_to_file(const io::SourcePtr& plain, const std::filesystem::path& out,
                                                    const DecryptOptions& options, const RunContext& context);

} // namespace salvage::rescue

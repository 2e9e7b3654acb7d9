// Opening what lies beneath a folder, and nothing else: no '..', no absolute path, no symbolic link on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// Whether `path` names something beneath a folder: parts between '/', none of them empty, '.' or '..'; no NUL.
[[nodiscard]] bool is_beneath(std::string_view path) noexcept;

/// The folder of a case, which everything else is opened beneath.  Errors: io.
[[nodiscard]] Result<OwnedDescriptor> open_case_folder(const std::filesystem::path& path);

/// A folder and the name of something in it.
struct NameBeneath {
    OwnedDescriptor folder;
    std::string name;
};
/// Errors: refused (it leads out of the folder), not_found, io.
[[nodiscard]] Result<NameBeneath> walk_beneath(int folder, std::string_view path);

/// The same, and the folders on the way are made, and on the medium, where they are missing.
/// Errors: refused, already_exists (something that is no folder stands in its way), io, no_space.
[[nodiscard]] Result<NameBeneath> make_way_beneath(int folder, std::string_view path);
/// Names in the folder are on the medium when this returns.  Errors: io.
Result<> flush_names(int folder, std::string_view path);

/// A plain file, open for reading.  Errors: as above; mismatch (it is there, and no plain file).
[[nodiscard]] Result<OwnedDescriptor> open_beneath(int folder, std::string_view path);

struct Measured {
    ByteCount size;
    std::string sha256; ///< hex
};
/// Reads all of an open file; tells `bytes_done` as it goes.  Errors: io, cancelled.
[[nodiscard]] Result<Measured> measure(int descriptor, std::uint64_t& bytes_done, const RunContext& context);

} // namespace salvage::rescue

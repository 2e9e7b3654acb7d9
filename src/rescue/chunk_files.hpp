// Inside rescue: files of a folder that many machines write to at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::rescue {

/// Names that are looked through in one folder; a million is more than any job leaves.
inline constexpr std::size_t max_folder_names = 1'000'000;

/// 32 random hex digits.
[[nodiscard]] Result<std::string> make_token(Entropy& entropy);

/// Puts `bytes` under `name` in `folder` if nothing stands there, mode 0600; true where this call did it, or what
/// stands there is the same.  A kill at any moment leaves nothing under `name`, or all of it.  `token` makes the
/// temporary name ours alone. On a network file system the answer to link(2) may be lost and its repetition be told
/// "exists": what stands there is then compared with what should.  Errors: io, no_space.
Result<bool> put_first(const std::filesystem::path& folder, const std::string& name, ByteView bytes,
                       const std::string& token);

/// The bytes of a small file, or nothing where there is none.  Errors: io, unsupported (over `limit`).
[[nodiscard]] Result<std::optional<Bytes>> read_small_file(const std::filesystem::path& path, ByteCount limit);

/// Names in a folder, sorted; those of temporary files (a leading dot) are left out.  A missing folder has none.
/// Errors: io, unsupported (over max_folder_names).
[[nodiscard]] Result<std::vector<std::string>> names_in(const std::filesystem::path& folder);

/// A number as a file's name spells it: decimal, no leading zero.
[[nodiscard]] std::optional<std::uint64_t> number_named(std::string_view name) noexcept;

/// Makes folders, those above as well.  Errors: io.
Result<> make_folder(const std::filesystem::path& path);

} // namespace salvage::rescue

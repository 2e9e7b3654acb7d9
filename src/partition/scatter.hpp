// What the four forms of scatter files have in common: blocks of keys become partitions with places.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input.hpp"
#include "note.hpp"

namespace salvage::partition {

/// The largest real scatter file has 160 partitions (MT6893, eMMC and UFS).
constexpr std::size_t max_scatter_blocks = 1024;

/// One partition block in the file's own words.
struct ScatterBlock {
    std::vector<std::pair<std::string, std::string>> keys; ///< all of them, in order; duplicates too
    std::string section; ///< "EMMC" or "UFS" where the file has a section for each storage
    ByteOffset at;       ///< in the file
    std::size_t line{};

    /// The first value of `key`, or nothing.
    [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const noexcept;
};

struct ScatterFile {
    std::string kind;    ///< of the Table
    std::string dialect; ///< may be empty: config_version is taken
    std::vector<std::pair<std::string, std::string>> general;
    std::vector<ScatterBlock> blocks;

    [[nodiscard]] std::string_view general_value(std::string_view key) const noexcept;
};

/// Starts and sizes from the keys; every doubt becomes a finding in `notes`.
[[nodiscard]] Table make_scatter_table(const ScatterFile& file, std::string_view path, Notes& notes);

/// The answer of a probe that read a scatter file line by line; `foreign` lines were none of it.
[[nodiscard]] ProbeResults scatter_of_lines(const Input& input, const ScatterFile& file, std::size_t foreign);

/// "EMMC_USER" is "user", "UFS_LU2" is "lu2"; an unknown name is kept in lower case.
[[nodiscard]] std::string region_of(std::string_view text);

/// 0xFFFF0000 to 0xFFFFFFFF: counted from the end of the flash in units of block_size.
[[nodiscard]] bool is_address_from_end(std::uint64_t address) noexcept;

} // namespace salvage::partition

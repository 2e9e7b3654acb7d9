// What blocks of an ext volume were once, as far as its journal still tells.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/jbd2.hpp"
#include "volume.hpp"

namespace salvage::filesystem::ext {

/// The age of what lies on the volume now.
constexpr std::int32_t now_on_volume = std::numeric_limits<std::int32_t>::max();

class History {
public:
    /// A volume without a journal, or with one that cannot be read, has no history.  Errors: io, cancelled.
    [[nodiscard]] static Result<History> read(const Volume& volume, const RunContext& context);

    /// By block, the oldest first.
    [[nodiscard]] std::span<const LoggedCopy> copies() const noexcept { return copies_; }
    [[nodiscard]] std::span<const LoggedCopy> copies_of(std::uint64_t block) const;
    [[nodiscard]] Result<Bytes> read(const LoggedCopy& copy) const;

private:
    io::SourcePtr journal_;
    JournaledVolume volume_;
    std::vector<LoggedCopy> copies_;
};

} // namespace salvage::filesystem::ext

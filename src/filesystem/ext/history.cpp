// What blocks of an ext volume were once, as far as its journal still tells.
#include "history.hpp"

#include <algorithm>

namespace salvage::filesystem::ext {

Result<History> History::read(const Volume& volume, const RunContext& context)
{
    History out;
    out.volume_ = {.block_bytes = volume.superblock.block_bytes, .blocks = volume.superblock.blocks};
    auto journal = volume.journal();
    if (!journal.has_value()) {
        return journal.error().code == ErrorCode::io ? Result<History>{journal.error()}
                                                     : Result<History>{std::move(out)};
    }
    out.journal_ = std::move(*journal);
    auto copies = find_logged_copies(*out.journal_, out.volume_, context);
    if (copies.has_value()) {
        out.copies_ = std::move(*copies);
    } else if (copies.error().code == ErrorCode::io || copies.error().code == ErrorCode::cancelled) {
        return copies.error();
    }
    return out;
}

std::span<const LoggedCopy> History::copies_of(std::uint64_t block) const
{
    const auto found = std::ranges::equal_range(copies_, block, {}, &LoggedCopy::on_volume);
    return {found.begin(), found.end()};
}

Result<Bytes> History::read(const LoggedCopy& copy) const
{
    return read_logged_copy(*journal_, volume_, copy);
}

} // namespace salvage::filesystem::ext

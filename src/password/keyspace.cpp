// Defaults of keyspaces and targets: one candidate after another.
#include "password/keyspace.hpp"

#include <fmt/format.h>

#include "salvage/password/search.hpp"

namespace salvage::password {

Error beyond_end(std::uint64_t index, std::uint64_t size)
{
    return Error{ErrorCode::internal,
                 fmt::format("candidate {} does not exist", index),
                 fmt::format("the keyspace has {}, counted from 0", size),
                 std::nullopt,
                 {},
                 {}};
}

Result<> Keyspace::candidates(std::uint64_t first, std::span<std::string> into) const
{
    for (auto& text : into) {
        SALVAGE_TRY(candidate(first, text));
        ++first;
    }
    return {};
}

std::string Keyspace::encoding(std::uint64_t /*index*/) const
{
    return "text";
}

Result<std::optional<std::size_t>> Target::first_accepted(std::span<const ByteView> batch) const
{
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (SALVAGE_TRY(accepts(batch[i]))) {
            return std::optional{i};
        }
    }
    return std::optional<std::size_t>{};
}

} // namespace salvage::password

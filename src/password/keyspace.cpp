// Defaults of keyspaces, and several targets as one.
#include "password/keyspace.hpp"

#include <fmt/format.h>

#include "password/target_set.hpp"
#include "salvage/password/keyspace.hpp"

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

Result<> check_range(std::uint64_t first, std::size_t count, std::uint64_t size)
{
    if (count > 0 && (first >= size || count > size - first)) {
        return beyond_end(first + count - 1, size);
    }
    return {};
}

std::string Keyspace::encoding(std::uint64_t /*index*/) const
{
    return "text";
}

Result<std::size_t> ComputedKeyspace::candidates(std::uint64_t first, std::span<Candidate> into) const
{
    SALVAGE_TRY(check_range(first, into.size(), size().value));
    for (auto& candidate : into) {
        candidate.bytes.clear();
        candidate.is_rejected = false;
        compute(first, candidate);
        ++first;
    }
    return into.size();
}

Result<Candidate> candidate_at(const Keyspace& keyspace, std::uint64_t index)
{
    Candidate out;
    const auto filled = SALVAGE_TRY(keyspace.candidates(index, std::span{&out, 1}));
    if (filled != 1) {
        return beyond_end(index, index);
    }
    return out;
}

std::string identity_of(std::span<const Target* const> targets)
{
    std::string out;
    for (const auto* const target : targets) {
        out += out.empty() ? "" : "+";
        out += target->identity();
    }
    return out;
}

} // namespace salvage::password

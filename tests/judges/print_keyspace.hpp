// Prints candidates as `hashcat --stdout` does, for a judge to compare.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "salvage/password/keyspace.hpp"

namespace salvage::judges {

/// Every candidate that is not rejected, a line each.
inline Result<> print_all(const password::Keyspace& keyspace)
{
    constexpr std::uint64_t at_once = 4096;
    const auto size = keyspace.size().value;
    std::vector<password::Candidate> block;
    for (std::uint64_t at = 0; at < size; at += block.size()) {
        block.resize(static_cast<std::size_t>(std::min(at_once, size - at)));
        SALVAGE_TRY(keyspace.candidates(at, block));
        for (const auto& each : block) {
            if (!each.is_rejected) {
                std::fwrite(each.bytes.data(), 1, each.bytes.size(), stdout);
                std::fputc('\n', stdout);
            }
        }
    }
    return {};
}

} // namespace salvage::judges

// Partitions for tests of layouts.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "salvage/partition/layout.hpp"

namespace salvage::test {

/// As a GPT would have it; bytes.
inline partition::Partition partition_at(std::string name, std::uint64_t start, std::uint64_t size)
{
    partition::Partition out;
    out.name = std::move(name);
    out.start = ByteOffset{start};
    out.size = ByteCount{size};
    out.source = "gpt";
    return out;
}

} // namespace salvage::test

// What every fuzz target asks with.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace salvage::fuzz {

/// A failed requirement is a finding of the fuzzer.
inline void require(bool holds, std::source_location where = std::source_location::current())
{
    if (!holds) {
        std::fprintf(stderr, "requirement in line %u does not hold\n", where.line());
        std::abort();
    }
}

} // namespace salvage::fuzz

// Which blocks of a source are one word over and over; private to the box.
#pragma once

#include <cstdint>
#include <functional>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::io {

/// Neighbouring blocks that one chunk can hold.
struct BlockRun {
    enum class Kind : std::uint8_t { raw, fill };
    std::uint64_t first{};
    std::uint64_t blocks{};
    std::uint32_t word{}; ///< of a fill
    Kind kind{Kind::raw};
};

/// Hands over the runs of the whole source in order; neighbours differ.
/// Requires: the source's size is a multiple of block_bytes, block_bytes a power of two from 512 to 4096.
/// Errors: those of the source, cancelled.
Result<> scan_block_runs(const ByteSource& source, std::uint32_t block_bytes,
                         const std::function<void(const BlockRun&)>& sink, const RunContext& context);

} // namespace salvage::io

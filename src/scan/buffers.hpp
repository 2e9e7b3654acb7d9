// Memory for one chunk of a dump, with room before it for the bytes that are carried over.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "salvage/core/bytes.hpp"

namespace salvage::scan {

/// Read at once.  Small enough to stay in a core's second-level cache until all have looked at it, large enough that
/// the system call does not count.
constexpr std::size_t chunk_bytes = std::size_t{256} << 10U;
/// A pattern has at most 4096 bytes.
constexpr std::size_t carry_room = 4096;

/// Page-aligned, so that neither the kernel's copy nor the search crosses more cache lines than it must.
class ChunkBuffer {
public:
    ChunkBuffer() : memory_{static_cast<std::byte*>(std::aligned_alloc(alignment, carry_room + chunk_bytes))}
    {
        if (!memory_) {
            throw std::bad_alloc{};
        }
    }
    [[nodiscard]] std::span<std::byte> chunk() noexcept { return {memory_.get() + carry_room, chunk_bytes}; }
    /// The first `size` bytes of the chunk with `carry` put before them.
    [[nodiscard]] ByteView with_carry(ByteView carry, std::size_t size) noexcept
    {
        auto* const start = memory_.get() + carry_room - carry.size();
        std::copy(carry.begin(), carry.end(), start);
        return {start, carry.size() + size};
    }

private:
    static constexpr std::size_t alignment = 4096;
    struct Free {
        void operator()(std::byte* memory) const noexcept
        {
            std::free(memory); // NOLINT(cppcoreguidelines-no-malloc): new cannot align to a page on its own
        }
    };
    std::unique_ptr<std::byte, Free> memory_;
};

} // namespace salvage::scan

// What the tests of searching share: random bytes, the naive search, and buffers that end where memory ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "salvage/core/bytes.hpp"
#include "salvage/scan/isa.hpp"
#include "salvage/scan/scan.hpp"

namespace salvage::test {

inline Bytes random_bytes(std::size_t size, std::uint64_t seed, unsigned values = 256)
{
    std::mt19937_64 random{seed};
    Bytes out(size);
    std::ranges::generate(out, [&] { return static_cast<std::byte>(random() % values); });
    return out;
}

inline Bytes bytes_of(std::string_view text)
{
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

inline void plant(Bytes& into, std::size_t at, ByteView what)
{
    std::ranges::copy(what, into.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Every place where every pattern stands, by trying all of them; by place, then pattern.
inline std::vector<scan::Hit> naive_hits(ByteView bytes, std::span<const scan::Pattern> patterns,
                                         std::uint64_t base = 0, std::size_t known = 0)
{
    std::vector<scan::Hit> out;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (std::uint32_t index = 0; index < patterns.size(); ++index) {
            const auto& pattern = patterns[index];
            const auto end = at + pattern.bytes.size();
            const bool is_placed = (base + at) % pattern.alignment == pattern.offset_in_unit;
            if (is_placed && end <= bytes.size() && end > known &&
                std::equal(pattern.bytes.begin(), pattern.bytes.end(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(at))) {
                out.push_back({.at = ByteOffset{base + at}, .pattern = index});
            }
        }
    }
    return out;
}

inline std::vector<scan::Isa> available_isas()
{
    std::vector<scan::Isa> out;
    for (const auto isa : {scan::Isa::portable, scan::Isa::avx2, scan::Isa::avx512}) {
        if (scan::is_available(isa)) {
            out.push_back(isa);
        }
    }
    return out;
}

/// Memory between two pages that may not be touched: a read of one byte too much ends the program.
class GuardedPages {
public:
    explicit GuardedPages(std::size_t size)
        : page_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))}, size_{(size + page_ - 1) / page_ * page_}
    {
        memory_ = ::mmap(nullptr, size_ + (2 * page_), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED || ::mprotect(memory_, page_, PROT_NONE) != 0 ||
            ::mprotect(static_cast<std::byte*>(memory_) + page_ + size_, page_, PROT_NONE) != 0) {
            throw std::runtime_error{"no guarded memory"};
        }
    }
    GuardedPages(const GuardedPages&) = delete;
    GuardedPages& operator=(const GuardedPages&) = delete;
    ~GuardedPages() { ::munmap(memory_, size_ + (2 * page_)); }

    /// `bytes` copied to the very end, or to the very start.
    ByteView at_end(ByteView bytes) { return put(size_ - bytes.size(), bytes); }
    ByteView at_start(ByteView bytes) { return put(0, bytes); }

private:
    ByteView put(std::size_t offset, ByteView bytes)
    {
        auto* const at = static_cast<std::byte*>(memory_) + page_ + offset;
        std::ranges::copy(bytes, at);
        return {at, bytes.size()};
    }
    std::size_t page_;
    std::size_t size_;
    void* memory_{nullptr};
};

} // namespace salvage::test

namespace salvage::scan {

/// For failure messages.
inline void PrintTo(const Hit& hit, std::ostream* out) // NOLINT(readability-identifier-naming): gtest's name
{
    *out << "pattern " << hit.pattern << " at " << hit.at.value;
}

} // namespace salvage::scan

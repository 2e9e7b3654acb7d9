// A source with holes and bad sectors, and what is asked of a pass over it, for tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "salvage/scan/scan.hpp"
#include "scan_support.hpp"

namespace salvage::test {

/// What one read asks for; hits may lie across its edges.
inline constexpr std::size_t read_bytes = std::size_t{256} << 10U;

inline scan::ScanOptions looking_for(std::vector<scan::Pattern> patterns)
{
    return {.patterns = std::move(patterns)};
}

inline scan::Pattern pattern_of(std::string_view text)
{
    return {.name = std::string{text}, .bytes = bytes_of(text)};
}

inline ByteRange range_of(std::uint64_t start, std::uint64_t end)
{
    return ByteRange::between(ByteOffset{start}, ByteOffset{end});
}

/// Memory with holes, and sectors that fail to be read; counts reads.
class Awkward final : public io::ByteSource {
public:
    explicit Awkward(Bytes bytes) : memory_{io::make_memory(std::move(bytes), "awkward")} {}

    std::vector<ByteRange> holes;       ///< sorted
    std::vector<ByteRange> unknown_bad; ///< not told by extents()
    mutable std::atomic<std::uint64_t> reads{0};
    mutable std::atomic<std::uint64_t> failed{0};
    std::function<void()> at_read{};

    [[nodiscard]] ByteCount size() const noexcept override { return memory_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        ++reads;
        if (at_read) {
            at_read();
        }
        const auto wanted = ByteRange::between(at, at + ByteCount{into.size()});
        for (const auto& bad : unknown_bad) {
            if (bad.overlaps(wanted)) {
                ++failed;
                std::ranges::fill(into, std::byte{0xEE}); // what a failed read leaves is unspecified
                return io::unreadable_at(*this, std::max(at, bad.start()));
            }
        }
        return memory_->read_at(at, into);
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        std::vector<io::Extent> out;
        auto at = range.start();
        for (const auto& hole : holes) {
            const auto cut = hole.intersection(range);
            if (!cut.is_empty()) {
                out.push_back({.range = ByteRange::between(at, cut.start()), .kind = io::ExtentKind::data});
                out.push_back({.range = cut, .kind = io::ExtentKind::hole});
                at = cut.end();
            }
        }
        out.push_back({.range = ByteRange::between(at, range.end()), .kind = io::ExtentKind::data});
        return io::merged(std::move(out));
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return memory_->locate(at); }

private:
    io::SourcePtr memory_;
};

} // namespace salvage::test

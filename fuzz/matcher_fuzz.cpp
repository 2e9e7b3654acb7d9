// Searching: every instruction set finds what trying each place finds, cut in two pieces or whole.
//
// The input is a list of patterns and the bytes to search: a count, for each pattern its size, alignment and bytes, the
// place of the cut, then the rest.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "require.hpp"
#include "salvage/scan/matcher.hpp"

namespace {

using namespace salvage;
using fuzz::require;
using scan::Hit;

/// Bytes of the input one by one; zeros behind its end.
class Taker {
public:
    explicit Taker(ByteView bytes) : bytes_{bytes} {}
    std::uint8_t number()
    {
        const auto front = take(1);
        return front.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(front.front());
    }
    ByteView take(std::size_t size)
    {
        const auto out = bytes_.first(std::min(size, bytes_.size()));
        bytes_ = bytes_.subspan(out.size());
        return out;
    }
    [[nodiscard]] ByteView rest() const { return bytes_; }

private:
    ByteView bytes_;
};

std::vector<scan::Pattern> take_patterns(Taker& taker)
{
    std::vector<scan::Pattern> out;
    const auto count = taker.number() % 20;
    for (int i = 0; i < count; ++i) {
        const auto alignment = 1U << (taker.number() % 10U);
        const auto at = taker.number() % alignment;
        const auto bytes = taker.take(1U + (taker.number() % 40U));
        out.push_back(
            {.name = "p", .bytes = {bytes.begin(), bytes.end()}, .alignment = alignment, .offset_in_unit = at});
    }
    return out;
}

std::vector<Hit> naive(ByteView bytes, const std::vector<scan::Pattern>& patterns)
{
    std::vector<Hit> out;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (std::uint32_t i = 0; i < patterns.size(); ++i) {
            const auto& pattern = patterns[i];
            if (at % pattern.alignment == pattern.offset_in_unit && bytes.size() - at >= pattern.bytes.size() &&
                std::ranges::equal(bytes.subspan(at, pattern.bytes.size()), pattern.bytes)) {
                out.push_back({.at = ByteOffset{at}, .pattern = i});
            }
        }
    }
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Taker taker{std::as_bytes(std::span{data, std::min<std::size_t>(size, 1U << 16U)})};
    const auto patterns = take_patterns(taker);
    const auto cut_at = static_cast<std::size_t>(taker.number()) * 8;
    const auto bytes = taker.rest();
    const auto cut = std::min(cut_at, bytes.size());
    const bool is_sound = std::ranges::none_of(patterns, [](const auto& pattern) { return pattern.bytes.empty(); });
    const auto expected = naive(bytes, patterns);
    for (const auto isa : {scan::Isa::portable, scan::Isa::avx2, scan::Isa::avx512}) {
        if (!scan::is_available(isa)) {
            continue;
        }
        const auto matcher = scan::Matcher::make(patterns, isa);
        require(matcher.has_value() == is_sound);
        if (!is_sound) {
            continue;
        }
        std::vector<Hit> found;
        const auto keep = [&](const Hit& hit) { found.push_back(hit); };
        matcher->find(bytes, 0, ByteOffset{0}, keep);
        std::ranges::sort(found);
        require(found == expected);
        found.clear();
        const auto known = std::min(cut, std::max<std::size_t>(matcher->longest(), 1) - 1);
        matcher->find(bytes.first(cut), 0, ByteOffset{0}, keep);
        matcher->find(bytes.subspan(cut - known), known, ByteOffset{cut - known}, keep);
        std::ranges::sort(found);
        require(found == expected);
    }
    return 0;
}

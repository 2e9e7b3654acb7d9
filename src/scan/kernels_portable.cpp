// The kernels in plain C++: the twins that the others are measured against, and what other processors run.
#include <algorithm>
#include <cstring>

#include "scan/kernels.hpp"

namespace salvage::scan {

Places pair_portable(const PairFilter& filter, ByteView bytes, std::size_t from)
{
    const auto end = bytes.size() > filter.distance ? bytes.size() - filter.distance : 0; // places before it have both
    while (from < end) {
        const auto* const found = std::memchr(bytes.data() + from, std::to_integer<int>(filter.first), end - from);
        if (found == nullptr) {
            break;
        }
        const auto at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
        if (bytes[at + filter.distance] == filter.second) {
            return {.at = at, .mask = 1, .next = at + 1};
        }
        from = at + 1;
    }
    return {.at = from, .mask = 0, .next = std::max(from, end)};
}

Places window_portable(const WindowFilter& filter, ByteView bytes, std::size_t from)
{
    constexpr auto reach = WindowFilter::window - 1;
    const auto end = bytes.size() > reach ? bytes.size() - reach : 0;
    const auto& [first, second, third] = filter.whole;
    for (; from < end; ++from) {
        const auto left = first[std::to_integer<std::size_t>(bytes[from])] &
                          second[std::to_integer<std::size_t>(bytes[from + 1])] &
                          third[std::to_integer<std::size_t>(bytes[from + 2])];
        if (left != 0) {
            return {.at = from, .mask = 1, .next = from + 1};
        }
    }
    return {.at = from, .mask = 0, .next = from};
}

PairKernel pair_kernel(Isa isa) noexcept
{
#if defined(__x86_64__)
    switch (isa) {
    case Isa::avx512: return pair_avx512;
    case Isa::avx2: return pair_avx2;
    case Isa::portable: break;
    }
#endif
    static_cast<void>(isa);
    return pair_portable;
}

WindowKernel window_kernel(Isa isa) noexcept
{
#if defined(__x86_64__)
    switch (isa) {
    case Isa::avx512: return window_avx512;
    case Isa::avx2: return window_avx2;
    case Isa::portable: break;
    }
#endif
    static_cast<void>(isa);
    return window_portable;
}

} // namespace salvage::scan

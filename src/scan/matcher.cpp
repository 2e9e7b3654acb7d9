// Finding many patterns at once: a filter that looks at every byte for those at any alignment, a look at their places
// alone for those that are aligned, and a comparison of all bytes behind both.
#include "salvage/scan/matcher.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "scan/kernels.hpp"

namespace salvage::scan {
namespace {

constexpr std::size_t max_pattern_bytes = 4096;
constexpr std::size_t max_patterns = 4096;
/// From this alignment on a look at the places costs less than the filter.
constexpr std::uint32_t places_from_alignment = 64;
constexpr std::size_t cache_line = 64;

/// How common a byte is in phones' dumps, roughly: a filter made of rare bytes seldom stops for nothing.
constexpr unsigned commonness(std::byte value) noexcept
{
    const auto number = std::to_integer<unsigned>(value);
    if (number == 0) {
        return 64;
    }
    if (number == 0xFF) {
        return 24;
    }
    constexpr std::string_view commonest_letters{" aeinorst"};
    if (number < 0x80 && commonest_letters.contains(static_cast<char>(number))) {
        return 12;
    }
    const bool is_letter_or_digit = (number >= 'a' && number <= 'z') || (number >= '0' && number <= '9');
    if (is_letter_or_digit) {
        return 7;
    }
    return number < 0x10 ? 6 : 3;
}

/// One pattern of the caller's, ready to be compared.
struct Entry {
    Bytes bytes;
    std::uint32_t index{};
    std::uint32_t alignment{1};
    std::uint32_t offset_in_unit{};
    std::size_t window_at{}; ///< of the filter's window, in `bytes`

    [[nodiscard]] ByteView window() const noexcept
    {
        return ByteView{bytes}.subspan(window_at, std::min(bytes.size() - window_at, WindowFilter::window));
    }
};

/// What one call of find() looks at.
struct Search {
    ByteView bytes;
    std::size_t known{};
    ByteOffset base;
    const HitSink* sink{};

    /// First place at which a pattern of `size` bytes may begin and end behind the known bytes.
    [[nodiscard]] std::size_t first_start(std::size_t size) const noexcept
    {
        return known + 1 > size ? known + 1 - size : 0;
    }
    /// Reports the pattern at `start` if all of it is there, new, and where its alignment wants it.
    void confirm(const Entry& entry, std::size_t start) const
    {
        const auto size = entry.bytes.size();
        if (start > bytes.size() || bytes.size() - start < size || start + size <= known ||
            std::memcmp(bytes.data() + start, entry.bytes.data(), size) != 0) {
            return;
        }
        const auto at = base + ByteCount{start};
        if (entry.alignment == 1 || at.value % entry.alignment == entry.offset_in_unit) {
            (*sink)({.at = at, .pattern = entry.index});
        }
    }
};

/// `from`, or a little before it, so that a kernel's loads do not cross cache lines.
std::size_t aligned_down(ByteView bytes, std::size_t from) noexcept
{
    const auto over = std::bit_cast<std::uintptr_t>(bytes.data() + from) % cache_line;
    return from >= over ? from - over : from;
}

/// Shows `look` every place that `kernel`, and behind its last whole step `rest`, cannot rule out.
template <typename Filter, typename Kernel, typename Look>
std::size_t walk(const Filter& filter, Kernel kernel, ByteView bytes, std::size_t from, Look look)
{
    while (true) {
        const auto places = kernel(filter, bytes, from);
        if (places.mask == 0) {
            return places.next;
        }
        for (auto mask = places.mask; mask != 0; mask &= mask - 1) {
            look(places.at + static_cast<std::size_t>(std::countr_zero(mask)));
        }
        from = places.next;
    }
}

/// A single pattern, by two of its bytes.
class PairSearch {
public:
    PairSearch(Entry entry, Isa isa) : kernel_{pair_kernel(isa)}, entry_{std::move(entry)}
    {
        const ByteView bytes{entry_.bytes};
        // A second byte in reach of the first keeps both loads close; the last byte of ties tells repeats apart best.
        constexpr std::size_t reach = 256;
        auto best = std::numeric_limits<unsigned>::max();
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            for (auto k = std::min(i + 1, bytes.size() - 1); k < std::min(bytes.size(), i + reach); ++k) {
                // Two equal bytes say less than two different ones.
                const auto weight = commonness(bytes[i]) * commonness(bytes[k]) * (bytes[i] == bytes[k] ? 4U : 1U);
                if (weight < best) {
                    best = weight;
                    first_at_ = i;
                    filter_ = {.first = bytes[i], .second = bytes[k], .distance = k - i};
                }
            }
        }
    }

    void find(const Search& search) const
    {
        const auto look = [&](std::size_t place) {
            if (place >= first_at_) {
                search.confirm(entry_, place - first_at_);
            }
        };
        const auto from = std::min(search.first_start(entry_.bytes.size()) + first_at_, search.bytes.size());
        const auto rest = walk(filter_, kernel_, search.bytes, aligned_down(search.bytes, from), look);
        walk(filter_, pair_portable, search.bytes, std::min(rest, search.bytes.size()), look);
    }

private:
    PairFilter filter_;
    PairKernel kernel_;
    std::size_t first_at_{};
    Entry entry_;
};

/// Many patterns, by a window of three bytes of each.
class WindowSearch {
public:
    WindowSearch(std::vector<Entry> entries, Isa isa) : kernel_{window_kernel(isa)}, entries_{std::move(entries)}
    {
        for (auto& entry : entries_) {
            entry.window_at = rarest_window(entry.bytes);
            longest_ = std::max(longest_, entry.bytes.size());
        }
        // Like windows share a bucket, which keeps what a bucket lets through small.
        const auto is_short = [](const Entry& entry) { return entry.bytes.size() < WindowFilter::window; };
        std::ranges::sort(entries_, {}, [&](const Entry& entry) {
            return std::tuple{is_short(entry), key_of(entry.window()), entry.index};
        });
        whole_windows_ = entries_.size() - static_cast<std::size_t>(std::ranges::count_if(entries_, is_short));
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            add(entries_[i].window(), i * WindowFilter::buckets / entries_.size());
        }
    }

    void find(const Search& search) const
    {
        const auto look = [&](std::size_t place) { confirm_window(search, place); };
        const auto from = std::min(search.first_start(longest_), search.bytes.size());
        auto rest = walk(filter_, kernel_, search.bytes, aligned_down(search.bytes, from), look);
        rest = walk(filter_, window_portable, search.bytes, std::min(rest, search.bytes.size()), look);
        // Patterns shorter than a window may still fit behind the last whole window.
        for (; rest < search.bytes.size(); ++rest) {
            look(rest);
        }
    }

private:
    static std::size_t rarest_window(ByteView bytes) noexcept
    {
        std::size_t best_at = 0;
        auto best = std::numeric_limits<unsigned>::max();
        for (std::size_t at = 0; at + WindowFilter::window <= bytes.size(); ++at) {
            auto weight = 1U;
            for (const auto value : bytes.subspan(at, WindowFilter::window)) {
                weight *= commonness(value);
            }
            if (weight < best) {
                best = weight;
                best_at = at;
            }
        }
        return best_at;
    }

    static std::uint32_t key_of(ByteView window) noexcept
    {
        std::uint32_t key = 0;
        for (std::size_t i = 0; i < WindowFilter::window; ++i) {
            key = (key << 8U) | (i < window.size() ? std::to_integer<std::uint32_t>(window[i]) : 0U);
        }
        return key;
    }

    void add(ByteView window, std::size_t bucket)
    {
        for (std::size_t position = 0; position < WindowFilter::window; ++position) {
            if (position < window.size()) {
                filter_.allow(position, window[position], bucket);
                continue;
            }
            for (unsigned any = 0; any < 256; ++any) {
                filter_.allow(position, static_cast<std::byte>(any), bucket);
            }
        }
    }

    void confirm_window(const Search& search, std::size_t place) const
    {
        const std::span entries{entries_};
        if (search.bytes.size() - place >= WindowFilter::window) {
            const auto key = key_of(search.bytes.subspan(place, WindowFilter::window));
            const auto same = std::ranges::equal_range(entries.first(whole_windows_), key, {},
                                                       [](const Entry& entry) { return key_of(entry.window()); });
            for (const auto& entry : same) {
                confirm(search, entry, place);
            }
        }
        for (const auto& entry : entries.subspan(whole_windows_)) {
            confirm(search, entry, place);
        }
    }

    static void confirm(const Search& search, const Entry& entry, std::size_t place)
    {
        if (place >= entry.window_at) {
            search.confirm(entry, place - entry.window_at);
        }
    }

    WindowFilter filter_;
    WindowKernel kernel_;
    std::vector<Entry> entries_;   ///< those of a whole window first, by its key; then the shorter ones
    std::size_t whole_windows_{0}; ///< how many have a whole window
    std::size_t longest_{0};
};

/// Patterns that all stand at one offset of units of one size.
class AlignedSearch {
public:
    AlignedSearch(std::uint32_t alignment, std::uint32_t offset) : alignment_{alignment}, offset_{offset} {}

    [[nodiscard]] bool is_for(const Entry& entry) const noexcept
    {
        return entry.alignment == alignment_ && entry.offset_in_unit == offset_;
    }

    void add(Entry entry)
    {
        const auto bit = static_cast<std::uint8_t>(1U << (entries_.size() % 8));
        for (std::size_t position = 0; position < looked_at; ++position) {
            auto& table = first_bytes_.at(position);
            if (position < entry.bytes.size()) {
                table.at(std::to_integer<std::size_t>(entry.bytes[position])) |= bit;
                continue;
            }
            for (auto& any : table) {
                any |= bit;
            }
        }
        longest_ = std::max(longest_, entry.bytes.size());
        shortest_ = std::min(shortest_, entry.bytes.size());
        entries_.push_back(std::move(entry));
    }

    void find(const Search& search) const
    {
        const auto bytes = search.bytes;
        const auto from = search.first_start(longest_);
        const auto remainder = (search.base.value + from) % alignment_;
        auto at = from + static_cast<std::size_t>((offset_ + alignment_ - remainder) % alignment_);
        for (; at + looked_at <= bytes.size(); at += alignment_) {
            const auto left = first_bytes_[0][std::to_integer<std::size_t>(bytes[at])] &
                              first_bytes_[1][std::to_integer<std::size_t>(bytes[at + 1])] &
                              first_bytes_[2][std::to_integer<std::size_t>(bytes[at + 2])];
            if (left != 0) {
                confirm_all(search, at);
            }
        }
        for (; at + shortest_ <= bytes.size(); at += alignment_) { // patterns of one and two bytes at the very end
            confirm_all(search, at);
        }
    }

private:
    static constexpr std::size_t looked_at = 3;

    void confirm_all(const Search& search, std::size_t at) const
    {
        for (const auto& entry : entries_) {
            search.confirm(entry, at);
        }
    }

    std::uint32_t alignment_;
    std::uint32_t offset_;
    std::size_t longest_{0};
    std::size_t shortest_{max_pattern_bytes};
    std::array<std::array<std::uint8_t, 256>, looked_at> first_bytes_{}; ///< a bit each, modulo 8, for the entries
    std::vector<Entry> entries_;
};

Result<> check(const Pattern& pattern)
{
    if (pattern.bytes.empty() || pattern.bytes.size() > max_pattern_bytes) {
        return invalid_argument(
            fmt::format("the pattern \"{}\" has no usable size", pattern.name),
            fmt::format("it has {} bytes, 1 to {} are possible", pattern.bytes.size(), max_pattern_bytes));
    }
    if (pattern.alignment == 0 || pattern.offset_in_unit >= pattern.alignment) {
        return invalid_argument(
            fmt::format("the pattern \"{}\" has an impossible place", pattern.name),
            fmt::format("offset {} in units of {} bytes", pattern.offset_in_unit, pattern.alignment));
    }
    return {};
}

} // namespace

struct Matcher::Compiled {
    std::optional<WindowSearch> many;
    std::size_t longest{0};
    std::vector<AlignedSearch> aligned;
    std::optional<PairSearch> single;

    void add_aligned(Entry entry)
    {
        const auto group = std::ranges::find_if(aligned, [&](const auto& known) { return known.is_for(entry); });
        auto& into = group != aligned.end() ? *group : aligned.emplace_back(entry.alignment, entry.offset_in_unit);
        into.add(std::move(entry));
    }
};

Matcher::Matcher(std::unique_ptr<const Compiled> compiled) noexcept : compiled_{std::move(compiled)} {}
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

Result<Matcher> Matcher::make(std::span<const Pattern> patterns, Isa isa)
{
    if (patterns.size() > max_patterns) {
        return invalid_argument("there are too many patterns to look for",
                                fmt::format("{}, {} are possible", patterns.size(), max_patterns));
    }
    auto compiled = std::make_unique<Compiled>();
    std::vector<Entry> anywhere;
    for (std::uint32_t index = 0; index < patterns.size(); ++index) {
        const auto& pattern = patterns[index];
        SALVAGE_TRY(check(pattern));
        compiled->longest = std::max(compiled->longest, pattern.bytes.size());
        Entry entry{.bytes = pattern.bytes,
                    .index = index,
                    .alignment = pattern.alignment,
                    .offset_in_unit = pattern.offset_in_unit};
        if (pattern.alignment >= places_from_alignment) {
            compiled->add_aligned(std::move(entry));
        } else {
            anywhere.push_back(std::move(entry));
        }
    }
    if (anywhere.size() == 1) {
        compiled->single.emplace(std::move(anywhere.front()), isa);
    } else if (!anywhere.empty()) {
        compiled->many.emplace(std::move(anywhere), isa);
    }
    return Matcher{std::move(compiled)};
}

std::size_t Matcher::longest() const noexcept
{
    return compiled_->longest;
}

void Matcher::find(ByteView bytes, std::size_t known, ByteOffset base, const HitSink& sink) const
{
    const Search search{.bytes = bytes, .known = known, .base = base, .sink = &sink};
    if (compiled_->single) {
        compiled_->single->find(search);
    }
    if (compiled_->many) {
        compiled_->many->find(search);
    }
    for (const auto& group : compiled_->aligned) {
        group.find(search);
    }
}

} // namespace salvage::scan

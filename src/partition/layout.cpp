// Asking a layout: by name, by offset, and by `metadata+0x24`.
#include "salvage/partition/layout.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "names.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

constexpr std::string_view user_region{"user"};

bool holds(const Partition& partition, ByteOffset at) noexcept
{
    if (partition.region != user_region || !partition.is_start_known || !partition.is_size_known ||
        at < partition.start) {
        return false;
    }
    return at.value - partition.start.value < partition.size.value;
}

/// Edits that turn one name into the other (Levenshtein); names are short, and longer ones are not compared.
std::size_t distance(std::string_view left, std::string_view right)
{
    constexpr std::size_t max_length = 64;
    if (left.size() > max_length || right.size() > max_length) {
        return max_length;
    }
    std::array<std::size_t, max_length + 1> row{};
    for (std::size_t j = 0; j <= right.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const auto above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (left[i - 1] == right[j - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row[right.size()];
}

std::vector<std::string> near_misses(const Layout& layout, std::string_view name)
{
    constexpr std::size_t max_named = 5;
    const auto wanted = canonical_name(name);
    std::vector<std::string> out;
    for (const auto& partition : layout.partitions) {
        const auto known = canonical_name(partition.name);
        const bool is_near = distance(wanted, known) <= 2 ||
                             (wanted.size() >= 3 && (known.starts_with(wanted) || wanted.starts_with(known)));
        if (is_near && out.size() < max_named) {
            out.push_back(printable(partition.name));
        }
    }
    return out;
}

Error unknown_partition(const Layout& layout, std::string_view name)
{
    const auto near = near_misses(layout, name);
    const auto why = layout.partitions.empty()
                         ? std::string{"this dump has no partition table"}
                         : fmt::format("none of the {} partitions has that name", layout.partitions.size());
    const auto hint = near.empty() ? std::string{"accepted: 62685220, 0x3bc8024, 512s, 32MiB, metadata, metadata+0x24"}
                                   : fmt::format("near it: {}", fmt::join(near, ", "));
    return invalid_argument(fmt::format("there is no partition '{}'", printable(name)), why, hint);
}

bool begins_with_digit(std::string_view text) noexcept
{
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

Result<ByteOffset> start_of(const Layout& layout, std::string_view name)
{
    const auto* const partition = layout.find(name);
    if (partition == nullptr) {
        return unknown_partition(layout, name);
    }
    if (partition->region != user_region) {
        return invalid_argument(
            fmt::format("'{}' is not in the user area", printable(name)),
            fmt::format("it lies in the region '{}', which has offsets of its own", printable(partition->region)));
    }
    if (!partition->is_start_known) {
        return invalid_argument(fmt::format("where '{}' starts is not known", printable(name)),
                                "its table counts it from the end of the flash", "give the GPT or the whole dump");
    }
    return partition->start;
}

} // namespace

const Partition* Layout::find(std::string_view name) const noexcept
{
    const auto lower = lowered(name);
    const auto canonical = canonical_name(name);
    const Partition* best = nullptr;
    int best_rank = 0;
    for (const auto& partition : partitions) {
        const bool is_exact = lowered(partition.name) == lower;
        const bool is_same = is_exact || canonical_name(partition.name) == canonical;
        const int rank = is_same ? 1 + (is_exact ? 1 : 0) + (partition.region == user_region ? 2 : 0) : 0;
        if (rank > best_rank) {
            best_rank = rank;
            best = &partition;
        }
    }
    return best;
}

const Partition* Layout::containing(ByteOffset at) const noexcept
{
    const Partition* best = nullptr;
    for (const auto& partition : partitions) {
        if (holds(partition, at) && (best == nullptr || partition.size < best->size)) {
            best = &partition;
        }
    }
    return best;
}

std::string describe_offset(const Layout& layout, ByteOffset at)
{
    const auto* const partition = layout.containing(at);
    return partition == nullptr
               ? fmt::format("{:#x}", at.value)
               : fmt::format("{}+{:#x}", printable(partition->name), at.value - partition->start.value);
}

Result<ByteOffset> resolve_offset(const Layout& layout, std::string_view text)
{
    if (layout.find(text) != nullptr) {
        return start_of(layout, text); // a name may hold a plus, and may begin with a digit
    }
    const auto plus = text.rfind('+');
    if (plus == std::string_view::npos) {
        if (begins_with_digit(text)) {
            return ByteOffset{SALVAGE_TRY(parse_quantity(text))};
        }
        return start_of(layout, text);
    }
    const auto start = SALVAGE_TRY(start_of(layout, text.substr(0, plus)));
    const auto distance_in = SALVAGE_TRY(parse_quantity(text.substr(plus + 1)));
    const auto at = checked_add(start.value, distance_in);
    if (!at) {
        return invalid_argument(fmt::format("'{}' is past 2^64", printable(text)));
    }
    return ByteOffset{*at};
}

} // namespace salvage::partition

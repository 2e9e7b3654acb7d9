// What a split will write.
#include "rescue/split_plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// Files open at a time; a healthy table overlaps two or three deep (an extended partition, a whole-disk entry).
constexpr std::size_t max_overlap = 64;
// No filesystem we write to takes a larger file (ext4 with 4096-byte blocks).
constexpr ByteCount max_part{16ULL << 40U};
// Leaves room for "-2.img.partial" in the 255 bytes of a name.
constexpr std::size_t max_name_bytes = 120;

bool is_safe(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string text)
{
    std::ranges::transform(text, text.begin(), to_lower);
    return text;
}

/// Hands out each name once, on filesystems without case too.
class Names {
public:
    std::string take(const std::string& stem, std::string_view extension)
    {
        auto name = fmt::format("{}{}", stem, extension);
        for (unsigned number = 2; !taken_.insert(lower(name)).second; ++number) {
            name = fmt::format("{}-{}{}", stem, number, extension);
        }
        return name;
    }

private:
    std::set<std::string> taken_;
};

/// Why a partition cannot be cut out of this dump, or "".
std::string why_not(const partition::Partition& partition, ByteCount dump_size)
{
    if (partition.region != "user") {
        return fmt::format("it lies in the region {}, which is not in this dump", partition.region);
    }
    if (!partition.is_start_known) {
        return fmt::format("{} does not say where it starts", partition.source);
    }
    if (!partition.is_size_known || partition.size.value == 0) {
        return fmt::format("{} does not say how large it is", partition.source);
    }
    if (!ByteRange::make(partition.start, partition.size) || partition.size > max_part) {
        return fmt::format("its size cannot be: {} bytes", partition.size.value);
    }
    if (partition.start.value >= dump_size.value) {
        return fmt::format("it starts at {}, and the dump ends at {}", format_offset(partition.start),
                           format_offset(ByteOffset{dump_size.value}));
    }
    return {};
}

bool is_wanted(const std::vector<const partition::Partition*>& only, const partition::Partition& partition)
{
    return only.empty() || std::ranges::find(only, &partition) != only.end();
}

Result<std::vector<const partition::Partition*>> find_wanted(const partition::Layout& layout,
                                                             const std::vector<std::string>& names)
{
    std::vector<const partition::Partition*> out;
    for (const auto& name : names) {
        const auto* const found = layout.find(name);
        if (found == nullptr) {
            std::string known;
            for (const auto& partition : layout.partitions) {
                known += (known.empty() ? "" : ", ") + printable(partition.name);
            }
            return not_found(fmt::format("there is no partition '{}'", printable(name)),
                             known.empty() ? "the layout is empty" : "there are: " + known);
        }
        out.push_back(found);
    }
    return out;
}

/// Takes out the parts that would lie on too many others.
void bound_overlaps(SplitPlan& plan)
{
    std::vector<ByteOffset> ends;
    std::erase_if(plan.parts, [&](const PlannedPart& part) {
        std::erase_if(ends, [&](ByteOffset end) { return end <= part.range.start(); });
        if (ends.size() < max_overlap) {
            ends.push_back(part.range.end());
            return false;
        }
        plan.not_written.push_back(
            fmt::format("{}: it overlaps more than {} other partitions", part.name, max_overlap));
        return true;
    });
}

std::vector<ByteRange> gaps_between(const std::vector<ByteRange>& sorted, ByteCount dump_size)
{
    std::vector<ByteRange> out;
    ByteOffset at{0};
    const ByteOffset end{dump_size.value};
    for (const auto& range : sorted) {
        if (range.start() > at) {
            out.push_back(ByteRange::between(at, std::min(range.start(), end)));
        }
        at = std::max(at, range.end());
    }
    if (at < end) {
        out.push_back(ByteRange::between(at, end));
    }
    return out;
}

} // namespace

std::string file_safe(std::string_view name)
{
    std::string out{name.substr(0, max_name_bytes)};
    std::ranges::replace_if(out, [](char c) { return !is_safe(c); }, '_');
    if (out.empty()) {
        return "unnamed";
    }
    if (out.front() == '.' || out.front() == '-') {
        out.front() = '_';
    }
    return out;
}

Result<SplitPlan> plan_split(const partition::Layout& layout, ByteCount dump_size, const SplitOptions& options)
{
    const auto only = SALVAGE_TRY(find_wanted(layout, options.only));
    SplitPlan plan;
    plan.is_whole = only.empty();
    Names names;
    std::vector<ByteRange> covered;
    for (const auto& partition : layout.partitions) {
        // Names are given to all, so that a part is called the same whether or not others are asked for.
        auto file = names.take(file_safe(partition.name), ".img");
        const auto reason = why_not(partition, dump_size);
        if (!reason.empty()) {
            if (is_wanted(only, partition)) {
                plan.not_written.push_back(fmt::format("{}: {}", partition.name, reason));
            }
            continue;
        }
        const auto range = *ByteRange::make(partition.start, partition.size);
        covered.push_back(range);
        plan.parts.push_back({.name = partition.name,
                              .file = std::move(file),
                              .table = partition.source,
                              .range = range,
                              .is_gap = false,
                              .is_wanted = is_wanted(only, partition)});
    }
    std::ranges::sort(covered);
    if (plan.is_whole) {
        plan.gaps = gaps_between(covered, dump_size);
    }
    if (options.write_gaps) {
        for (const auto& gap : plan.gaps) {
            auto name = fmt::format("gap-{:#x}", gap.start().value);
            auto file = names.take(name, ".bin");
            plan.parts.push_back({.name = std::move(name),
                                  .file = std::move(file),
                                  .table = {},
                                  .range = gap,
                                  .is_gap = true,
                                  .is_wanted = true});
        }
    }
    std::ranges::sort(plan.parts, {}, [](const PlannedPart& part) {
        return std::pair<ByteOffset, std::string_view>{part.range.start(), part.file};
    });
    bound_overlaps(plan);
    return plan;
}

} // namespace salvage::rescue

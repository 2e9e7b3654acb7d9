// The file allocation table: entries of 12, 16, 28 and 32 bits, and the chains they make.
#include "table.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace salvage::filesystem::fat {
namespace {

// A file of 4 GiB in clusters of 4 KiB, each for itself.  Memory: 8 bytes a run, and a node of the map.
constexpr std::size_t max_runs = 1U << 20U;
constexpr std::uint32_t clusters_between_looks = 1U << 16U;

/// Entries at and above the first are no numbers of clusters.  Spec: FAT specification, "FAT Data Structure".
struct Limits {
    std::uint32_t mask;
    std::uint32_t bad;
    std::uint32_t end;
};

constexpr Limits limits_of(Variant variant) noexcept
{
    switch (variant) {
    case Variant::fat12: return {.mask = 0xFFF, .bad = 0xFF7, .end = 0xFF8};
    case Variant::fat16: return {.mask = 0xFFFF, .bad = 0xFFF7, .end = 0xFFF8};
    case Variant::fat32: return {.mask = 0x0FFFFFFF, .bad = 0x0FFFFFF7, .end = 0x0FFFFFF8};
    case Variant::exfat: break;
    }
    return {.mask = 0xFFFFFFFF, .bad = 0xFFFFFFF7, .end = 0xFFFFFFF8};
}

/// Clusters that a chain has been through, as runs: whether the next one is new.
class Visited {
public:
    [[nodiscard]] bool contains(std::uint32_t cluster) const
    {
        auto after = ends_by_start_.upper_bound(cluster);
        return after != ends_by_start_.begin() && cluster < std::prev(after)->second;
    }
    void add(const ClusterRun& run) { ends_by_start_[run.first] = run.first + run.count; }

private:
    std::map<std::uint32_t, std::uint32_t> ends_by_start_;
};

} // namespace

void Chain::append(std::uint32_t cluster)
{
    ++clusters;
    if (!runs.empty() && runs.back().first + runs.back().count == cluster) {
        ++runs.back().count;
        return;
    }
    runs.push_back({.first = cluster, .count = 1});
}

ByteOffset TableReader::entry_at(std::uint32_t cluster, std::uint32_t copy) const noexcept
{
    std::uint64_t at = std::uint64_t{cluster} * 4;
    if (geometry_.variant == Variant::fat12) {
        at = std::uint64_t{cluster} * 3 / 2;
    } else if (geometry_.variant == Variant::fat16) {
        at = std::uint64_t{cluster} * 2;
    }
    return geometry_.table + ByteCount{copy * geometry_.table_size.value + at};
}

Result<std::uint32_t> TableReader::number_at(ByteOffset at, std::uint32_t copy, std::size_t bytes)
{
    auto& page = pages_[copy % pages_.size()];
    const auto number = at.value / page_bytes;
    const auto within = at.value % page_bytes;
    if (within + bytes > page_bytes) { // of FAT12, where a page ends within an entry
        const auto pair = SALVAGE_TRY(io::read_bytes(volume_, at, ByteCount{bytes}));
        return load_le<std::uint16_t>(pair);
    }
    if (page.number != number && page.failed != number) {
        page.number.reset();
        auto whole = io::read_up_to(volume_, ByteOffset{number * page_bytes}, ByteCount{page_bytes});
        if (whole.has_value()) {
            page.bytes = std::move(*whole);
            page.number = number;
        } else {
            page.failed = number;
        }
    }
    if (page.failed == number) { // a bad sector in the page takes no more with it than itself
        const auto alone = SALVAGE_TRY(io::read_bytes(volume_, at, ByteCount{bytes}));
        return bytes == 2 ? load_le<std::uint16_t>(alone) : load_le<std::uint32_t>(alone);
    }
    if (page.bytes.size() < within + bytes) {
        return io::unreadable_at(volume_, at);
    }
    const auto field = ByteView{page.bytes}.subspan(static_cast<std::size_t>(within), bytes);
    return bytes == 2 ? load_le<std::uint16_t>(field) : load_le<std::uint32_t>(field);
}

Result<std::uint32_t> TableReader::raw(std::uint32_t cluster, std::uint32_t copy)
{
    const auto is_wide = geometry_.variant == Variant::fat32 || geometry_.variant == Variant::exfat;
    auto number = SALVAGE_TRY(number_at(entry_at(cluster, copy), copy, is_wide ? 4 : 2));
    if (geometry_.variant == Variant::fat12 && cluster % 2 == 1) {
        number >>= 4U;
    }
    return number & limits_of(geometry_.variant).mask;
}

Result<Link> TableReader::link_in(std::uint32_t cluster, std::uint32_t copy)
{
    const auto number = SALVAGE_TRY(raw(cluster, copy));
    const auto limits = limits_of(geometry_.variant);
    if (number == 0) {
        return Link{.kind = Link::Kind::free};
    }
    if (number >= limits.end) {
        return Link{.kind = Link::Kind::end};
    }
    if (number == limits.bad) {
        return Link{.kind = Link::Kind::bad};
    }
    if (!geometry_.has_cluster(number)) {
        auto error = malformed({}, "the table of a FAT leads outside the volume",
                               fmt::format("cluster {} is followed by {} of {}", cluster, number, geometry_.clusters));
        error.where = volume_.locate(entry_at(cluster, copy));
        return error;
    }
    return Link{.kind = Link::Kind::next, .next = number};
}

Result<Link> TableReader::link(std::uint32_t cluster)
{
    auto found = link_in(cluster, geometry_.active_table);
    if (found.has_value() || geometry_.tables < 2) {
        return found;
    }
    auto other = link_in(cluster, 1 - geometry_.active_table);
    return other.has_value() ? other : found;
}

/// As link(); of a cluster that a file has, a copy that says so is believed before one that says that it is free.
Result<Link> TableReader::link_of_member(std::uint32_t cluster)
{
    auto found = link(cluster);
    const bool is_taken = found.has_value() && (found->kind == Link::Kind::next || found->kind == Link::Kind::end);
    if (is_taken || !found.has_value() || geometry_.tables < 2) {
        return found;
    }
    auto other = link_in(cluster, 1 - geometry_.active_table);
    const bool says_more = other.has_value() && (other->kind == Link::Kind::next || other->kind == Link::Kind::end);
    return says_more ? other : found;
}

/// Appends `cluster` and answers what follows it; nothing at an end, or where the chain is broken.
std::optional<std::uint32_t> TableReader::step(std::uint32_t cluster, Chain& into)
{
    const auto link = link_of_member(cluster);
    if (!link.has_value()) {
        into.append(cluster);
        into.damage = link.error();
        return std::nullopt;
    }
    if (link->kind == Link::Kind::free || link->kind == Link::Kind::bad) {
        into.damage = broken(cluster, link->kind == Link::Kind::free ? "is marked as free" : "is marked as bad");
        return std::nullopt;
    }
    into.append(cluster);
    return link->kind == Link::Kind::next ? std::optional{link->next} : std::nullopt;
}

Error TableReader::broken(std::uint32_t cluster, std::string_view why) const
{
    auto out = malformed({}, "a chain of clusters is broken", fmt::format("cluster {} {}", cluster, why));
    out.where = volume_.locate(entry_at(cluster, geometry_.active_table));
    return out;
}

Chain TableReader::chain(std::uint32_t first, std::uint64_t wanted)
{
    Chain out;
    Visited visited;
    for (std::optional<std::uint32_t> cluster = first; cluster && out.clusters < wanted;) {
        const bool is_new_run = out.runs.empty() || out.runs.back().first + out.runs.back().count != *cluster;
        if (is_new_run && !out.runs.empty()) {
            visited.add(out.runs.back());
        }
        if (visited.contains(*cluster) || out.runs.size() == max_runs) {
            out.damage =
                broken(*cluster, out.runs.size() == max_runs ? "is in more pieces than are read" : "is there twice");
            return out;
        }
        cluster = step(*cluster, out);
    }
    return out;
}

Result<Allocation> allocation_of_table(const Geometry& geometry, const io::ByteSource& volume, std::uint32_t clusters,
                                       const RunContext& context)
{
    Allocation out{clusters};
    TableReader table{geometry, volume};
    for (std::uint32_t i = 0; i < clusters; ++i) {
        if (i % clusters_between_looks == 0 && context.is_stopped()) {
            return cancelled("counting the free clusters was stopped");
        }
        const auto link = table.link(i + 2);
        if (!link.has_value() && link.error().code == ErrorCode::io) {
            return link.error();
        }
        if (link.has_value() && link->kind == Link::Kind::free) {
            out.set_free(i + 2);
        }
    }
    return out;
}

} // namespace salvage::filesystem::fat

// Directories and files of an open FAT or exFAT.
#include "volume.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/missing.hpp"

namespace salvage::filesystem::fat {
namespace {

// FAT specification: 65536 entries; exFAT specification, 7.1.2: 256 MiB.
constexpr std::uint64_t max_fat_directory_bytes = 2U << 20U;
constexpr std::uint64_t max_exfat_directory_bytes = 256U << 20U;
// Read at once; a multiple of every sector size.
constexpr std::uint64_t piece_bytes = 1U << 20U;

Error no_first_cluster(const Record& file)
{
    return malformed({}, "where a file begins is not on the volume",
                     fmt::format("the entry at byte {} names cluster {}", file.at, file.first_cluster));
}

// Numbers of damages in a map, from 1.
constexpr std::uint32_t chain_damage = 1;
constexpr std::uint32_t taken_damage = 2;
constexpr std::uint32_t pieces_damage = 3;

/// Clusters one behind the other as runs of bytes, cut at `end`.
class MapMaker {
public:
    MapMaker(const Geometry& geometry, std::uint64_t end) : geometry_{geometry}, end_{end} {}

    void add(const ClusterRun& run, std::uint32_t damage)
    {
        const auto bytes = std::min(std::uint64_t{run.count} * geometry_.cluster_bytes, end_ - at_);
        if (bytes == 0 || map_.runs.size() + 1 >= ext::max_runs) { // the last stands for all that is lost
            return;
        }
        map_.runs.push_back({.first = at_,
                             .blocks = bytes,
                             .on_volume = damage == 0 ? geometry_.at(run.first).value : 0,
                             .damage = damage});
        at_ += bytes;
    }

    ext::ContentMap take(Chain chain) &&
    {
        if (at_ < end_) {
            const bool is_full = map_.runs.size() + 1 >= ext::max_runs;
            map_.runs.push_back(
                {.first = at_, .blocks = end_ - at_, .on_volume = 0, .damage = is_full ? pieces_damage : chain_damage});
        }
        map_.damages.push_back(chain.damage.value_or(malformed({}, "a chain of clusters ends before its file does",
                                                               fmt::format("after {} clusters", chain.clusters))));
        Error taken{ErrorCode::unreadable, "the clusters of a deleted file were taken by a live one", {}, {}, {}, {}};
        map_.damages.push_back(std::move(taken));
        map_.damages.push_back(unsupported("a file is in more pieces than are read"));
        return std::move(map_);
    }

private:
    const Geometry& geometry_;
    std::uint64_t end_;
    std::uint64_t at_{0};
    ext::ContentMap map_;
};

} // namespace

Result<std::unique_ptr<const Volume>> Volume::open(const io::SourcePtr& source, Geometry geometry)
{
    auto whole = SALVAGE_TRY(io::make_subrange_or_missing(source, ByteRange::first(geometry.volume),
                                                          std::string{to_string(geometry.variant)}));
    const auto present = std::min(source->size(), geometry.volume);
    std::unique_ptr<Volume> out{new Volume{std::move(whole), std::move(geometry), present}};
    out->root_.attributes = attribute::directory;
    out->root_.first_cluster = out->geometry_.root_cluster;
    auto root = out->list(out->root_);
    out->label_ = root.label.value_or(out->geometry_.label);
    out->bitmap_ = std::move(root.bitmap);
    if (root.damage && root.damage->code == ErrorCode::io) {
        return *root.damage;
    }
    return out;
}

std::uint32_t Volume::present_clusters() const noexcept
{
    if (present_.value <= geometry_.heap.value) {
        return 0;
    }
    const auto heap = present_.value - geometry_.heap.value;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(geometry_.clusters, heap / geometry_.cluster_bytes));
}

std::uint32_t Volume::present_in(const ClusterRun& run) const noexcept
{
    const auto end = std::uint64_t{present_clusters()} + 2;
    return run.first >= end ? 0 : static_cast<std::uint32_t>(std::min<std::uint64_t>(run.count, end - run.first));
}

Chain Volume::chain(const Record& file, std::uint64_t wanted) const
{
    Chain out;
    if (wanted == 0) {
        return out;
    }
    if (!geometry_.has_cluster(file.first_cluster)) {
        out.damage = no_first_cluster(file);
        return out;
    }
    if (!file.is_contiguous) {
        return TableReader{geometry_, *source_}.chain(file.first_cluster, wanted);
    }
    const auto present = std::min<std::uint64_t>(wanted, geometry_.clusters - (file.first_cluster - 2));
    out.runs.push_back({.first = file.first_cluster, .count = static_cast<std::uint32_t>(present)});
    out.clusters = present;
    if (present < wanted) {
        out.damage = malformed({}, "a file reaches beyond the volume",
                               fmt::format("{} clusters from cluster {} on", wanted, file.first_cluster));
    }
    return out;
}

Result<> Volume::add_part(std::uint64_t at, std::uint64_t bytes, DirectoryBytes& into) const
{
    const auto count = static_cast<std::size_t>(bytes);
    const auto start = into.bytes.size();
    const auto whole = io::read_bytes(*source_, ByteOffset{at}, ByteCount{bytes});
    if (whole.has_value()) {
        into.bytes.insert(into.bytes.end(), whole->begin(), whole->end());
    } else {
        into.bytes.resize(start + count);
    }
    for (std::size_t within = 0; within < count; within += into.part_bytes) {
        into.parts_at.push_back(at + within);
        into.is_lost.push_back(false);
        if (whole.has_value()) {
            continue;
        }
        const auto part = std::span{into.bytes}.subspan(start + within, into.part_bytes);
        auto read = source_->read_at(ByteOffset{at + within}, part);
        if (!read.has_value()) {
            if (read.error().code != ErrorCode::unreadable) {
                return read.error();
            }
            std::ranges::fill(part, std::byte{0});
            into.is_lost.back() = true;
            into.damage = into.damage.value_or(read.error());
        }
    }
    return {};
}

/// `bytes` at `at`, as far as the dump has them.  What it has not is one lost part, however long it is.
Result<> Volume::add_area(std::uint64_t at, std::uint64_t bytes, DirectoryBytes& into) const
{
    const auto here = at < present_.value ? std::min(bytes, present_.value - at) : 0;
    const auto readable = here / into.part_bytes * into.part_bytes;
    for (std::uint64_t done = 0; done < readable; done += piece_bytes) {
        SALVAGE_TRY(add_part(at + done, std::min(piece_bytes, readable - done), into));
    }
    if (readable == bytes) {
        return {};
    }
    into.damage = into.damage.value_or(io::unreadable_at(*source_, ByteOffset{at + readable}));
    if (into.is_lost.empty() || !into.is_lost.back()) {
        into.bytes.resize(into.bytes.size() + into.part_bytes);
        into.parts_at.push_back(at + readable);
        into.is_lost.push_back(true);
    }
    return {};
}

DirectoryBytes Volume::no_bytes() const
{
    DirectoryBytes out;
    out.variant = geometry_.variant;
    out.part_bytes = geometry_.sector_bytes;
    return out;
}

DirectoryBytes Volume::read_chain(Chain chain) const
{
    auto out = no_bytes();
    const auto most = is_exfat() ? max_exfat_directory_bytes : max_fat_directory_bytes;
    for (const auto& run : chain.runs) {
        const auto left = most - std::min<std::uint64_t>(most, out.bytes.size());
        const auto bytes = std::min(std::uint64_t{run.count} * geometry_.cluster_bytes, left);
        const auto added = add_area(geometry_.at(run.first).value, bytes, out);
        if (!added.has_value()) {
            out.damage = added.error();
            return out;
        }
    }
    if (!out.damage) {
        out.damage = std::move(chain.damage);
    }
    return out;
}

Listing Volume::list_chain(Chain chain) const
{
    constexpr std::uint64_t table_bytes_a_cluster = 4;
    const auto of_table = chain.runs.size() == 1 ? 0 : chain.clusters * table_bytes_a_cluster;
    const auto bytes = read_chain(std::move(chain));
    auto out = is_exfat() ? parse_exfat_directory(bytes) : parse_fat_directory(bytes);
    out.bytes_read = bytes.bytes.size() + of_table;
    return out;
}

Listing Volume::list(const Record& directory) const
{
    if (directory.at == 0 && geometry_.has_root_area()) {
        auto bytes = no_bytes();
        const auto added = add_area(geometry_.root_area.value, geometry_.root_area_size.value, bytes);
        if (!added.has_value()) {
            bytes.damage = added.error();
        }
        auto out = parse_fat_directory(bytes);
        out.bytes_read = bytes.bytes.size();
        return out;
    }
    const auto most = clusters_for(is_exfat() ? max_exfat_directory_bytes : max_fat_directory_bytes);
    const bool has_size = is_exfat() && directory.at != 0;
    return list_chain(chain(directory, has_size ? std::min(most, clusters_for(directory.size)) : most));
}

Result<Record> Volume::record(std::uint64_t number) const
{
    if (number == root_number) {
        return root_;
    }
    const auto at = checked_multiply<std::uint64_t>(number, slot_bytes);
    const auto heap_size = std::uint64_t{geometry_.clusters} * geometry_.cluster_bytes;
    const auto start = geometry_.has_root_area() ? geometry_.root_area : geometry_.heap;
    if (!at || *at < start.value || *at >= geometry_.heap.value + heap_size) {
        return not_found("there is no such file", fmt::format("number {} is no place of an entry", number));
    }
    if (is_exfat()) {
        return exfat_record(*at);
    }
    const auto slot = SALVAGE_TRY(io::read_bytes(*source_, ByteOffset{*at}, ByteCount{slot_bytes}));
    return io::lifted(parse_fat_slot(slot, *at, geometry_.variant), *source_, ByteOffset{*at});
}

/// `bytes` of entries at `at`; where the cluster ends before them, they go on in cluster `next`.
Result<Bytes> Volume::set_bytes(std::uint64_t at, std::size_t bytes, std::optional<std::uint32_t> next) const
{
    const auto within = (at - geometry_.heap.value) % geometry_.cluster_bytes;
    const auto here = std::min<std::uint64_t>(bytes, geometry_.cluster_bytes - within);
    auto out = SALVAGE_TRY(io::read_bytes(*source_, ByteOffset{at}, ByteCount{here}));
    if (here == bytes) {
        return out;
    }
    if (!next) {
        return malformed({}, "the rest of a file's entry is not on the volume",
                         fmt::format("it begins at byte {}", at));
    }
    const auto rest = SALVAGE_TRY(io::read_bytes(*source_, geometry_.at(*next), ByteCount{bytes - here}));
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
}

/// A set may begin in one cluster and end in the next of its directory: the one that the table names, or where the
/// directory has no chain, the one behind.  The checksum tells which.
Result<Record> Volume::exfat_record(std::uint64_t at) const
{
    const auto first = SALVAGE_TRY(io::read_bytes(*source_, ByteOffset{at}, ByteCount{slot_bytes}));
    const auto slots = exfat_set_slots(first, false);
    if (slots == 0) {
        return io::lifted(parse_exfat_set(first, at, false), *source_, ByteOffset{at});
    }
    const auto cluster = static_cast<std::uint32_t>((at - geometry_.heap.value) / geometry_.cluster_bytes + 2);
    const auto link = TableReader{geometry_, *source_}.link(cluster);
    std::optional<std::uint32_t> by_table;
    if (link.has_value() && link->kind == Link::Kind::next) {
        by_table = link->next;
    }
    std::optional<std::uint32_t> behind;
    if (geometry_.has_cluster(std::uint64_t{cluster} + 1)) {
        behind = cluster + 1;
    }
    auto set = set_bytes(at, slots * slot_bytes, by_table);
    if (!set.has_value() || !has_right_set_checksum(*set, false)) {
        auto other = set_bytes(at, slots * slot_bytes, behind);
        if (other.has_value() && (!set.has_value() || has_right_set_checksum(*other, false))) {
            set = std::move(other);
        }
    }
    const auto bytes = SALVAGE_TRY(std::move(set));
    return io::lifted(parse_exfat_set(bytes, at, false), *source_, ByteOffset{at});
}

io::SourcePtr Volume::content_of(Chain chain, std::uint64_t size, std::uint64_t valid, const Allocation* free_only,
                                 const std::string& name) const
{
    MapMaker maker{geometry_, std::min(size, valid)};
    for (const auto& run : chain.runs) {
        const auto present = free_only == nullptr ? 0 : present_in(run);
        for (std::uint32_t done = 0; done < present;) {
            const bool is_free = free_only->is_free(run.first + done);
            std::uint32_t count = 1;
            while (done + count < present && free_only->is_free(run.first + done + count) == is_free) {
                ++count;
            }
            maker.add({.first = run.first + done, .count = count}, is_free ? 0 : taken_damage);
            done += count;
        }
        maker.add({.first = run.first + present, .count = run.count - present}, 0);
    }
    return ext::make_content(source_, {.block_bytes = 1, .blocks = source_->size().value},
                             std::move(maker).take(std::move(chain)), ByteCount{size}, name);
}

io::SourcePtr Volume::content(const Record& file) const
{
    const auto wanted = clusters_for(std::min(file.size, file.valid_size));
    return content_of(chain(file, wanted), file.size, file.valid_size, nullptr,
                      fmt::format("file at {}", format_offset(ByteOffset{file.at})));
}

Result<Allocation> Volume::allocation(const RunContext& context) const
{
    if (!is_exfat()) {
        return allocation_of_table(geometry_, *source_, present_clusters(), context);
    }
    const std::uint64_t needed = (std::uint64_t{geometry_.clusters} + 7) / 8;
    if (!bitmap_ || bitmap_->size < needed) {
        return malformed({}, "an exFAT has no bitmap of its clusters, or one that is too short",
                         fmt::format("{} of {} bytes", bitmap_ ? bitmap_->size : 0, needed));
    }
    const auto clusters = present_clusters();
    const ByteCount of_present{(std::uint64_t{clusters} + 7) / 8};
    const auto bytes =
        SALVAGE_TRY(io::read_bytes(*content(*bitmap_), ByteOffset{0}, of_present).in("reading the bitmap of clusters"));
    Allocation out{clusters};
    for (std::uint32_t i = 0; i < clusters; ++i) {
        if ((std::to_integer<unsigned>(bytes[i / 8]) & (1U << i % 8)) == 0) {
            out.set_free(i + 2);
        }
    }
    return out;
}

} // namespace salvage::filesystem::fat

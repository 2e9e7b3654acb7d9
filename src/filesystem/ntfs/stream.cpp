// The content of an attribute as a byte source.
#include "stream.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem::ntfs {
namespace {

constexpr std::uint32_t no_run_damage = 1;
constexpr std::uint32_t taken_damage = 2;
constexpr std::uint32_t pieces_damage = 3;

/// Runs of clusters as runs of bytes, cut at `end`.
class Mapper {
public:
    Mapper(const Geometry& geometry, const FreeClusters* free_only, std::uint64_t end)
        : geometry_{geometry}, free_only_{free_only}, end_{end}
    {
        map_.damages.resize(3);
    }

    ext::ContentMap map(const Attribute& attribute)
    {
        map_.damages[0] = attribute.damage.value_or(malformed({}, "no run of clusters holds this part of a file",
                                                              "the list of runs ends before the file does"));
        map_.damages[1] =
            Error{ErrorCode::unreadable, "the clusters of a deleted file were taken by a live one", {}, {}, {}, {}};
        map_.damages[2] = unsupported("a file is in more pieces than are read");
        for (const auto& run : attribute.runs) {
            const auto start = run.first * geometry_.cluster_bytes;
            if (start >= end_ || is_full()) {
                break;
            }
            if (at_ < start) {
                lose(start - at_, no_run_damage);
            }
            add(run);
        }
        if (at_ < end_) {
            lose(end_ - at_, is_full() ? pieces_damage : no_run_damage);
        }
        return std::move(map_);
    }

private:
    /// The last two are kept for what is lost.
    [[nodiscard]] bool is_full() const noexcept { return map_.runs.size() + 2 >= ext::max_runs; }

    void lose(std::uint64_t bytes, std::uint32_t damage)
    {
        push({.first = at_, .blocks = bytes, .on_volume = 0, .damage = damage});
    }

    void push(const ext::Run& run)
    {
        map_.runs.push_back(run);
        map_.runs.back().blocks = std::min(run.blocks, end_ - run.first);
        at_ = map_.runs.back().end();
    }

    void add(const ClusterRun& run)
    {
        const auto start = run.first * geometry_.cluster_bytes;
        if (start != at_) {
            return; // it overlaps what came before
        }
        const auto bytes = std::min(run.count * geometry_.cluster_bytes, end_ - at_);
        if (!run.on_volume) {
            at_ += bytes; // a hole
            return;
        }
        const bool fits = *run.on_volume < geometry_.clusters && run.count <= geometry_.clusters - *run.on_volume;
        if (!fits) {
            lose(bytes, no_run_damage);
        } else if (free_only_ == nullptr) {
            push({.first = at_, .blocks = bytes, .on_volume = *run.on_volume * geometry_.cluster_bytes});
        } else {
            add_free(*run.on_volume, bytes);
        }
    }

    void add_free(std::uint64_t cluster, std::uint64_t bytes)
    {
        const auto end = at_ + bytes;
        while (at_ < end && !is_full()) {
            // What the dump does not have is unreadable as it is.
            const bool is_beyond = cluster >= free_only_->clusters();
            const bool is_free = is_beyond || free_only_->is_free(cluster);
            std::uint64_t count = is_beyond ? (end - at_) / geometry_.cluster_bytes + 1 : 1;
            while (at_ + count * geometry_.cluster_bytes < end && cluster + count < free_only_->clusters() &&
                   free_only_->is_free(cluster + count) == is_free) {
                ++count;
            }
            const auto part = std::min(count * geometry_.cluster_bytes, end - at_);
            push({.first = at_,
                  .blocks = part,
                  .on_volume = is_free ? cluster * geometry_.cluster_bytes : 0,
                  .damage = is_free ? 0U : taken_damage});
            cluster += count;
        }
    }

    const Geometry& geometry_;
    const FreeClusters* free_only_;
    std::uint64_t end_;
    std::uint64_t at_{0};
    ext::ContentMap map_;
};

/// Units of compression over the clusters as they are stored.
class Compressed final : public io::ByteSource {
public:
    /// `stored`: the clusters, holes where the unit needs none.
    Compressed(io::SourcePtr stored, const Attribute& attribute, std::uint64_t cluster_bytes, std::string name)
        : stored_{std::move(stored)}, runs_{attribute.runs}, cluster_bytes_{cluster_bytes},
          unit_clusters_{1ULL << attribute.unit_shift}, size_{attribute.size},
          initialised_{std::min(attribute.size, attribute.initialised)}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{size_}; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        while (!into.empty()) {
            const auto within = at.value % unit_bytes();
            const auto part =
                into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), unit_bytes() - within)));
            SALVAGE_TRY(read_in_unit(at, within, part));
            into = into.subspan(part.size());
            at = at + ByteCount{part.size()};
        }
        return {};
    }

    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        std::vector<io::Extent> out;
        for (auto at = range.start(); at < range.end();) {
            const auto end = ByteOffset{std::min((at.value / unit_bytes() + 1) * unit_bytes(), range.end().value)};
            const auto unit = at.value / unit_bytes();
            const auto kind = SALVAGE_TRY(kind_of(unit));
            const auto stop = kind == io::ExtentKind::hole ? std::max(end, std::min(hole_end(unit), range.end())) : end;
            out.push_back({.range = ByteRange::between(at, stop), .kind = kind});
            at = stop;
        }
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        // Of a packed unit, its first byte: which of them makes the one asked for cannot be said.
        const auto unit = at.value / unit_bytes();
        auto out = stored_->locate(stored_clusters(unit) == unit_clusters_ ? at : ByteOffset{unit * unit_bytes()});
        out.chain.back() = {.source = name_, .at = at};
        return out;
    }

private:
    [[nodiscard]] std::uint64_t unit_bytes() const noexcept { return unit_clusters_ * cluster_bytes_; }

    /// Clusters at the front of the unit that are stored.  A unit that is packed stores fewer than it has; what is in
    /// no run counts as stored and cannot be read.
    [[nodiscard]] std::uint64_t stored_clusters(std::uint64_t unit) const
    {
        const auto start = unit * unit_clusters_;
        const auto end = start + unit_clusters_;
        const auto end_of = [](const ClusterRun& run) { return run.first + run.count; };
        for (auto run = std::ranges::upper_bound(runs_, start, {}, end_of); run != runs_.end() && run->first < end;
             ++run) {
            if (!run->on_volume) {
                return std::max(run->first, start) - start;
            }
        }
        return unit_clusters_;
    }

    /// Where the hole ends that `unit` lies in: at a border of units, so that a large one is one step.
    [[nodiscard]] ByteOffset hole_end(std::uint64_t unit) const
    {
        if (unit * unit_bytes() >= initialised_) {
            return ByteOffset{size_};
        }
        const auto start = unit * unit_clusters_;
        const auto run =
            std::ranges::upper_bound(runs_, start, {}, [](const ClusterRun& one) { return one.first + one.count; });
        const auto units = run == runs_.end() ? unit + 1 : (run->first + run->count) / unit_clusters_;
        return ByteOffset{std::min(units * unit_bytes(), size_)};
    }

    Result<> read_in_unit(ByteOffset at, std::uint64_t within, std::span<std::byte> into) const
    {
        const auto unit = at.value / unit_bytes();
        const auto stored = stored_clusters(unit);
        if (at.value >= initialised_ || stored == 0) {
            std::ranges::fill(into, std::byte{0});
            return {};
        }
        if (stored == unit_clusters_) {
            SALVAGE_TRY(stored_->read_at(at, into));
        } else {
            const auto bytes = SALVAGE_TRY(unpacked(unit, stored));
            std::ranges::copy(ByteView{bytes}.subspan(static_cast<std::size_t>(within), into.size()), into.begin());
        }
        if (at.value + into.size() > initialised_) {
            std::ranges::fill(into.subspan(static_cast<std::size_t>(initialised_ - at.value)), std::byte{0});
        }
        return {};
    }

    [[nodiscard]] Result<Bytes> unpacked(std::uint64_t unit, std::uint64_t stored) const
    {
        const ByteOffset start{unit * unit_bytes()};
        const auto packed = SALVAGE_TRY(io::read_bytes(*stored_, start, ByteCount{stored * cluster_bytes_}));
        auto bytes = unpack_lznt1(packed, static_cast<std::size_t>(unit_bytes()));
        if (!bytes.has_value()) {
            auto error = std::move(bytes).error();
            error.code = ErrorCode::unreadable;
            error.where = stored_->locate(start);
            return std::move(error).in("unpacking a unit of a compressed file");
        }
        return bytes;
    }

    [[nodiscard]] Result<io::ExtentKind> kind_of(std::uint64_t unit) const
    {
        const auto stored = stored_clusters(unit);
        if (stored == 0 || unit * unit_bytes() >= initialised_) {
            return io::ExtentKind::hole;
        }
        const auto bytes = stored == unit_clusters_
                               ? io::read_up_to(*stored_, ByteOffset{unit * unit_bytes()}, ByteCount{unit_bytes()})
                               : unpacked(unit, stored);
        if (bytes.has_value()) {
            return io::ExtentKind::data;
        }
        if (bytes.error().code != ErrorCode::unreadable) {
            return bytes.error();
        }
        return io::ExtentKind::unreadable;
    }

    io::SourcePtr stored_;
    std::vector<ClusterRun> runs_;
    std::uint64_t cluster_bytes_;
    std::uint64_t unit_clusters_;
    std::uint64_t size_;
    std::uint64_t initialised_;
    std::string name_;
};

/// Units are whole or lost: a lost cluster takes its unit with it, so that extents and reads agree.
io::SourcePtr make_compressed(io::SourcePtr stored, const Attribute& attribute, const Geometry& geometry,
                              const std::string& name)
{
    const ByteCount unit{std::uint64_t{geometry.cluster_bytes} << attribute.unit_shift};
    constexpr std::size_t units_kept = 8;
    return io::make_cached(std::make_shared<Compressed>(std::move(stored), attribute, geometry.cluster_bytes, name),
                           unit, units_kept);
}

std::uint64_t clusters_for(std::uint64_t bytes, const Geometry& geometry) noexcept
{
    return bytes / geometry.cluster_bytes + (bytes % geometry.cluster_bytes != 0 ? 1 : 0);
}

constexpr std::size_t chunk_bytes = 4096;

/// One match: a distance back and a length in sixteen bits.  The further on in the chunk, the more bits has the
/// distance.
Result<> copy_match(unsigned match, std::size_t start, std::size_t end, Bytes& out)
{
    constexpr std::size_t least_match = 3;
    const auto there = out.size() - start;
    if (there == 0) {
        return malformed({}, "a packed chunk begins with a match");
    }
    unsigned length_bits = 12;
    while (length_bits > 4 && (there - 1) >> (16U - length_bits) != 0) {
        --length_bits;
    }
    const std::size_t length = (match & ((1U << length_bits) - 1U)) + least_match;
    const std::size_t distance = (match >> length_bits) + 1U;
    if (distance > there) {
        return malformed({}, "a match in a packed chunk leads before its start",
                         fmt::format("{} back, {} are there", distance, there));
    }
    for (std::size_t i = 0; i < length && out.size() < end; ++i) {
        out.push_back(out[out.size() - distance]);
    }
    return {};
}

/// Appends what `chunk` unpacks to, as far as `end`.
Result<> unpack_chunk(ByteView chunk, std::size_t end, Bytes& out)
{
    const auto start = out.size();
    unsigned flags = 1; // with a mark above the eighth
    for (std::size_t at = 0; at < chunk.size() && out.size() < end;) {
        if (flags == 1) {
            flags = std::to_integer<unsigned>(chunk[at++]) | 0x100U;
            continue;
        }
        const bool is_match = (flags & 1U) != 0;
        flags >>= 1U;
        if (!is_match) {
            out.push_back(chunk[at++]);
            continue;
        }
        if (chunk.size() - at < 2) {
            return malformed(ByteOffset{at}, "a match in a packed chunk is cut");
        }
        SALVAGE_TRY(copy_match(load_le<std::uint16_t>(chunk.subspan(at)), start, end, out));
        at += 2;
    }
    return {};
}

} // namespace

io::SourcePtr make_stream(const io::SourcePtr& volume, const Geometry& geometry, const Attribute& attribute,
                          const FreeClusters* free_only, const std::string& name)
{
    if (attribute.is_resident) {
        return io::make_memory(attribute.value, name);
    }
    const ext::VolumeShape bytes_for_blocks{.block_bytes = 1, .blocks = volume->size().value};
    if (!attribute.is_compressed()) {
        const auto stored = std::min(attribute.size, attribute.initialised);
        return ext::make_content(volume, bytes_for_blocks, Mapper{geometry, free_only, stored}.map(attribute),
                                 ByteCount{attribute.size}, name);
    }
    const auto unit = std::uint64_t{geometry.cluster_bytes} << attribute.unit_shift;
    const auto whole_units = (attribute.size + unit - 1) / unit * unit;
    auto stored = ext::make_content(volume, bytes_for_blocks, Mapper{geometry, free_only, whole_units}.map(attribute),
                                    ByteCount{whole_units}, name);
    return make_compressed(std::move(stored), attribute, geometry, name);
}

std::uint64_t clusters_of(const Attribute& attribute, std::uint64_t end) noexcept
{
    std::uint64_t out = 0;
    for (const auto& run : attribute.runs) {
        if (run.on_volume && *run.on_volume < end && out < max_clusters) {
            out += std::min(run.count, end - *run.on_volume);
        }
    }
    return out;
}

std::uint64_t clusters_without_place(const Attribute& attribute, const Geometry& geometry) noexcept
{
    const auto stored = std::min(attribute.size, attribute.initialised);
    const auto needed = attribute.is_resident ? 0 : clusters_for(stored, geometry);
    std::uint64_t at = 0;
    std::uint64_t out = 0;
    for (const auto& run : attribute.runs) {
        if (run.first >= needed) {
            break;
        }
        out += run.first - std::min(at, run.first);
        const auto end = std::min(needed, run.first + run.count);
        const bool fits =
            !run.on_volume || (*run.on_volume < geometry.clusters && run.count <= geometry.clusters - *run.on_volume);
        out += fits ? 0 : end - std::min(end, std::max(at, run.first));
        at = std::max(at, end);
    }
    return out + (needed - std::min(at, needed));
}

bool is_stored_whole(const Attribute& attribute, const Geometry& geometry) noexcept
{
    if (attribute.is_resident) {
        return true;
    }
    const bool has_hole = std::ranges::any_of(attribute.runs, [&](const ClusterRun& run) {
        return run.first < clusters_for(attribute.size, geometry) && !run.on_volume;
    });
    return !has_hole && attribute.initialised >= attribute.size && clusters_without_place(attribute, geometry) == 0;
}

std::uint64_t clusters_taken(const Attribute& attribute, const FreeClusters& free) noexcept
{
    std::uint64_t out = 0;
    for (const auto& run : attribute.runs) {
        if (!run.on_volume) {
            continue;
        }
        const auto start = *run.on_volume;
        const auto end = std::max(start, std::min(start + run.count, free.clusters()));
        for (auto cluster = start; cluster < end; ++cluster) {
            out += free.is_free(cluster) ? 0U : 1U;
        }
    }
    return out;
}

Result<Bytes> unpack_lznt1(ByteView packed, std::size_t most)
{
    Bytes out;
    out.reserve(most);
    for (std::size_t at = 0; packed.size() - at >= 2 && out.size() < most;) {
        const auto header = load_le<std::uint16_t>(packed.subspan(at));
        if (header == 0) {
            break;
        }
        const std::size_t bytes = (header & 0x0FFFU) + 1U;
        if (bytes > packed.size() - at - 2) {
            return malformed(ByteOffset{at}, "a packed chunk is cut", fmt::format("{} bytes", bytes));
        }
        // A chunk that is not full is followed by zeros.
        const auto end = std::min(most, out.size() + chunk_bytes);
        const auto chunk = packed.subspan(at + 2, bytes);
        if ((header & 0x8000U) == 0) {
            const auto plain = chunk.first(std::min(chunk.size(), end - out.size()));
            out.insert(out.end(), plain.begin(), plain.end());
        } else {
            SALVAGE_TRY(unpack_chunk(chunk, end, out).at("packed chunk", ByteOffset{at + 2}));
        }
        out.resize(end);
        at += 2 + bytes;
    }
    out.resize(most);
    return out;
}

} // namespace salvage::filesystem::ntfs

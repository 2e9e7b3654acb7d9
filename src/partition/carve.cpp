// When no table is left: recognisable images at 128 KiB steps, where MediaTek's partitions begin.
#include <algorithm>

#include <fmt/format.h>

#include "magics.hpp"
#include "note.hpp"
#include "probes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

// Partitions are laid out in units of 128 KiB, except the first ones behind a 32 KiB pgpt.
constexpr std::uint64_t step = 0x20000;
constexpr std::uint64_t pgpt_bytes = 0x8000;
// Two short reads a step: 8 * (64 + 352) bytes are 3328 a MiB.
constexpr std::uint64_t front_bytes = 64;
constexpr std::uint64_t superblock_bytes = 0x160;
// A step is a seek on a turning disk, so the search ends here; boot images, system and the start of userdata lie
// before.
constexpr std::uint64_t max_searched = 16ULL << 30U;
constexpr std::size_t max_hits = 512;

class Carver {
public:
    explicit Carver(const Input& input) : input_{&input}, notes_{input.path}, table_{make_table("carved", input.path)}
    {
    }

    Result<ProbeResults> carve()
    {
        const auto end = std::min(input_->size().value, max_searched);
        const auto extents = SALVAGE_TRY(input_->source->extents(ByteRange::first(ByteCount{end})));
        for (const auto& extent : extents) {
            if (extent.kind == io::ExtentKind::data) {
                SALVAGE_TRY(carve_extent(extent.range));
            }
        }
        if (table_.partitions.empty()) {
            return ProbeResults{};
        }
        notes_.warn("carved",
                    fmt::format("No partition table was found; {} place{} with something known. What lies elsewhere, "
                                "nothing names.",
                                table_.partitions.size(), table_.partitions.size() == 1 ? " begins" : "s begin"),
                    {.numbers = {{"places", table_.partitions.size()}, {"searched_bytes", end}}});
        table_.findings = notes_.take();
        return ProbeResults{found(std::move(table_))};
    }

private:
    Result<> carve_extent(ByteRange range)
    {
        // Superblocks stand 1 KiB in: a step that begins in a hole just before the data is asked too.
        auto at = range.start().value / step * step;
        SALVAGE_TRY(ask(pgpt_bytes, range));
        for (; at < range.end().value && table_.partitions.size() < max_hits; at += step) {
            if (at >= skip_until_) {
                SALVAGE_TRY(ask(at, range));
            }
        }
        return {};
    }

    Result<> ask(std::uint64_t at, ByteRange range)
    {
        const bool is_elsewhere = at + magic_window_bytes <= range.start().value || at >= range.end().value;
        if (is_elsewhere || at < skip_until_) {
            return {};
        }
        auto hit = std::optional<Recognised>{};
        if (const auto front = SALVAGE_TRY(read_if_readable(*input_, ByteOffset{at}, ByteCount{front_bytes}))) {
            hit = recognise_front(*front);
        }
        if (!hit) {
            const auto block =
                SALVAGE_TRY(read_if_readable(*input_, ByteOffset{at + superblock_at}, ByteCount{superblock_bytes}));
            hit = block ? recognise_superblock(*block) : std::nullopt;
        }
        if (hit) {
            add(*hit, at);
        }
        return {};
    }

    void add(const Recognised& hit, std::uint64_t at)
    {
        auto partition = make_partition(hit.name.empty() ? fmt::format("{}@{:#x}", hit.what, at) : hit.name, "carved");
        partition.start = ByteOffset{at};
        const bool is_inside = hit.size && checked_add(at, hit.size->value).value_or(0) <= input_->size().value;
        partition.is_size_known = hit.size.has_value() && hit.size->value > 0;
        partition.size = hit.size.value_or(ByteCount{0});
        const bool is_filesystem = hit.what.starts_with("ext") || hit.what == "f2fs" || hit.what == "erofs";
        partition.filesystem = is_filesystem ? hit.what : std::string{};
        partition.attributes = {{"recognised", hit.what}};
        // What lies inside a filesystem belongs to it: an image kept as a file is no partition.
        skip_until_ = is_filesystem && is_inside ? at + hit.size->value : at + 1;
        if (checked_add(at, partition.size.value)) {
            table_.partitions.push_back(std::move(partition));
        }
    }

    const Input* input_;
    Notes notes_;
    Table table_;
    std::uint64_t skip_until_{0};
};

} // namespace

Result<ProbeResults> probe_by_carving(const Input& input)
{
    return Carver{input}.carve();
}

} // namespace salvage::partition

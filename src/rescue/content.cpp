// Cells of a map: from the scan's blocks where they are coarse, from the bytes where they are fine.
#include "salvage/rescue/content.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "salvage/rescue/inspect.hpp"

namespace salvage::rescue {
namespace {

// Of a cell that is read, so much at most: enough to tell text from ciphertext, and 2000 cells stay below 64 MiB.
constexpr std::uint64_t sample_bytes = 16U << 10U;
// Fewer bytes say nothing about randomness: what lies around a smaller cell is measured with it.
constexpr std::uint64_t least_sample = 512;

/// What random bytes of that number measure on average (Miller and Madow's correction), less some slack.
double random_from(std::uint64_t bytes) noexcept
{
    constexpr double slack = 0.1;
    constexpr double symbols = 255;
    return 8 - (symbols / (2 * static_cast<double>(bytes) * std::numbers::ln2)) - slack;
}

double entropy_of(ByteView bytes)
{
    std::array<std::uint32_t, 256> counts{};
    for (const auto byte : bytes) {
        ++counts.at(std::to_integer<std::size_t>(byte));
    }
    double out = 0;
    const auto all = static_cast<double>(bytes.size());
    for (const auto count : counts) {
        if (count != 0) {
            const auto share = count / all;
            out -= share * std::log2(share);
        }
    }
    return out;
}

/// How much of a cell is of which kind.
class Tally {
public:
    explicit Tally(ByteRange range) : range_{range} {}

    void add_hole(ByteCount bytes) { hole_ += bytes.value; }
    void add_unreadable(ByteCount bytes) { unreadable_ += bytes.value; }
    void add_empty(std::uint64_t bytes) { empty_ += bytes; }
    void add_unknown(std::uint64_t bytes) { unknown_ += bytes; }
    void add_measured(std::uint64_t bytes, double entropy, double random)
    {
        if (entropy < looks_empty_below) {
            empty_ += bytes;
        } else if (entropy >= random) {
            random_ += bytes;
        } else {
            plain_ += bytes;
        }
        weighted_ += entropy * static_cast<double>(bytes);
        measured_ += bytes;
    }

    [[nodiscard]] ContentCell cell() const
    {
        return {.range = range_,
                .looks = looks(),
                .entropy = measured_ == 0 ? -1 : weighted_ / static_cast<double>(measured_),
                .unreadable = ByteCount{unreadable_}};
    }

private:
    /// The thresholds are those of PartitionFacts::looks.
    [[nodiscard]] Looks looks() const
    {
        const auto written = random_ + plain_;
        const auto most = std::max({written, hole_, unreadable_, empty_, unknown_});
        if (most == 0) {
            return Looks::unknown;
        }
        if (written == most) {
            if (random_ * 10 >= written * 9) {
                return Looks::encrypted;
            }
            return random_ * 4 >= written ? Looks::mixed : Looks::text;
        }
        if (unreadable_ == most) {
            return Looks::unreadable;
        }
        if (hole_ == most) {
            return Looks::hole;
        }
        return empty_ == most ? Looks::empty : Looks::unknown;
    }

    ByteRange range_;
    std::uint64_t hole_{0};
    std::uint64_t unreadable_{0};
    std::uint64_t empty_{0};
    std::uint64_t unknown_{0};
    std::uint64_t random_{0};
    std::uint64_t plain_{0};
    std::uint64_t measured_{0};
    double weighted_{0};
};

/// The scan's blocks over data.
void add_blocks(const scan::ScanResult& scan, ByteRange data, Tally& tally)
{
    const auto block = std::max<std::uint64_t>(scan.block.value, 1);
    for (auto at = data.start(); at < data.end();) {
        const auto index = (at - scan.range.start()).value / block;
        const auto end = std::min(data.end(), scan.range.start() + ByteCount{(index + 1) * block});
        const auto bytes = (end - at).value;
        const auto* const known = index < scan.blocks.size() ? &scan.blocks[static_cast<std::size_t>(index)] : nullptr;
        if (known != nullptr && known->is_zero) {
            tally.add_empty(bytes);
        } else if (known != nullptr && known->entropy >= 0) {
            tally.add_measured(bytes, static_cast<double>(known->entropy), looks_encrypted_from);
        } else {
            tally.add_unknown(bytes);
        }
        at = end;
    }
}

ContentCell from_scan(const scan::ScanResult& scan, ByteRange range)
{
    Tally tally{range};
    const auto ends_after = [](const io::Extent& extent) { return extent.range.end(); };
    auto extent = std::ranges::upper_bound(scan.extents, range.start(), {}, ends_after);
    auto at = range.start();
    for (; extent != scan.extents.end() && at < range.end(); ++extent) {
        const auto part = extent->range.intersection(ByteRange::between(at, range.end()));
        if (part.is_empty()) {
            break;
        }
        add_blocks(scan, ByteRange::between(at, part.start()), tally);
        switch (extent->kind) {
        case io::ExtentKind::data: add_blocks(scan, part, tally); break;
        case io::ExtentKind::hole: tally.add_hole(part.size()); break;
        case io::ExtentKind::unreadable: tally.add_unreadable(part.size()); break;
        }
        at = part.end();
    }
    add_blocks(scan, ByteRange::between(at, range.end()), tally);
    return tally.cell();
}

/// What is measured for a cell: its beginning, or for a small one its surroundings.
ByteRange sample_of(ByteRange cell, ByteCount size)
{
    if (cell.size().value >= least_sample) {
        return ByteRange::between(cell.start(), std::min(cell.end(), cell.start() + ByteCount{sample_bytes}));
    }
    const auto wanted = std::min(least_sample, size.value);
    const auto margin = (wanted - std::min(wanted, cell.size().value)) / 2;
    const auto start = std::min(cell.start().value - std::min(margin, cell.start().value), size.value - wanted);
    return ByteRange::between(ByteOffset{start}, ByteOffset{start + wanted});
}

Result<ContentCell> from_bytes(const io::ByteSource& source, ByteRange cell)
{
    Tally tally{cell};
    std::uint64_t data = 0;
    for (const auto& extent : SALVAGE_TRY(source.extents(cell))) {
        switch (extent.kind) {
        case io::ExtentKind::data: data += extent.range.size().value; break;
        case io::ExtentKind::hole: tally.add_hole(extent.range.size()); break;
        case io::ExtentKind::unreadable: tally.add_unreadable(extent.range.size()); break;
        }
    }
    if (data == 0) {
        return tally.cell();
    }
    const auto sample = sample_of(cell, source.size());
    const auto bytes = io::read_bytes(source, sample.start(), sample.size());
    if (bytes.has_value()) {
        tally.add_measured(data, entropy_of(*bytes), random_from(bytes->size()));
    } else if (bytes.error().code == ErrorCode::unreadable) {
        tally.add_unknown(data);
    } else {
        return Error{bytes.error()};
    }
    return tally.cell();
}

} // namespace

std::string_view to_string(Looks looks) noexcept
{
    switch (looks) {
    case Looks::encrypted: return "encrypted";
    case Looks::text: return "text";
    case Looks::mixed: return "mixed";
    case Looks::empty: return "empty";
    case Looks::hole: return "hole";
    case Looks::unreadable: return "unreadable";
    case Looks::unknown: return "unknown";
    }
    return "unknown";
}

Result<std::vector<ContentCell>> look_at_content(const io::ByteSource& source, const scan::ScanResult& scan,
                                                 ByteRange range, std::size_t cells, const RunContext& context)
{
    if (range.is_empty() || range.end().value > source.size().value || cells == 0) {
        return invalid_argument("there is no such range to look at",
                                fmt::format("bytes {} to {} of {}, in {} cells", range.start().value, range.end().value,
                                            source.size().value, cells));
    }
    const auto count = std::min<std::uint64_t>(cells, range.size().value);
    // Equal to a byte: the first `larger` cells have one more.
    const auto each = range.size().value / count;
    const auto larger = range.size().value % count;
    std::vector<ContentCell> out;
    out.reserve(static_cast<std::size_t>(count));
    auto at = range.start();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (context.is_stopped()) {
            return cancelled("looking at the content");
        }
        const auto cell = ByteRange::between(at, at + ByteCount{each + (i < larger ? 1U : 0U)});
        out.push_back(each >= scan.block.value ? from_scan(scan, cell) : SALVAGE_TRY(from_bytes(source, cell)));
        at = cell.end();
    }
    return out;
}

} // namespace salvage::rescue

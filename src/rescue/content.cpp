// Cells of a map: from the scan's blocks where they are coarse, from the bytes where they are fine.
#include "salvage/rescue/content.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include <fmt/format.h>

#include "salvage/rescue/content_map.hpp"
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

/// Of bytes that were written with anything.  The thresholds are those of PartitionFacts::looks.
Looks looks_of_written(std::uint64_t random, std::uint64_t written) noexcept
{
    if (random * 10 >= written * 9) {
        return Looks::encrypted;
    }
    return random * 4 >= written ? Looks::mixed : Looks::text;
}

/// What most of a cell's bytes are.
Looks looks_of(const Mixture& cell)
{
    if (cell.total().value == 0) {
        return Looks::unknown;
    }
    struct Share {
        std::uint64_t bytes;
        Looks looks;
    };
    const auto random = cell.of(Content::encrypted).value;
    const auto written = random + cell.of(Content::plain).value;
    const std::array shares{
        Share{written, looks_of_written(random, written)}, Share{cell.of(Content::unreadable).value, Looks::unreadable},
        Share{cell.of(Content::hole).value, Looks::hole}, Share{cell.of(Content::zero).value, Looks::empty},
        Share{cell.of(Content::unmeasured).value, Looks::unknown}};
    return std::ranges::max_element(shares, {}, &Share::bytes)->looks;
}

ContentCell cell_of(const Mixture& mixture)
{
    return {.range = mixture.range,
            .looks = looks_of(mixture),
            .entropy = mixture.entropy,
            .unreadable = mixture.of(Content::unreadable)};
}

/// What is measured for a cell: the beginning of its `data`, or for a small one its surroundings.
ByteRange sample_of(ByteRange cell, ByteRange data, ByteCount size)
{
    if (cell.size().value >= least_sample) {
        return ByteRange::between(data.start(), std::min(data.end(), data.start() + ByteCount{sample_bytes}));
    }
    const auto wanted = std::min(least_sample, size.value);
    const auto margin = (wanted - std::min(wanted, cell.size().value)) / 2;
    const auto start = std::min(cell.start().value - std::min(margin, cell.start().value), size.value - wanted);
    return ByteRange::between(ByteOffset{start}, ByteOffset{start + wanted});
}

Result<Mixture> from_bytes(const io::ByteSource& source, ByteRange cell)
{
    Mixture out{.range = cell};
    ByteCount data;
    ByteRange largest; // of the stored pieces
    for (const auto& extent : SALVAGE_TRY(source.extents(cell))) {
        switch (extent.kind) {
        case io::ExtentKind::data:
            data = data + extent.range.size();
            largest = extent.range.size() > largest.size() ? extent.range : largest;
            break;
        case io::ExtentKind::hole: out.add(Content::hole, extent.range.size()); break;
        case io::ExtentKind::unreadable: out.add(Content::unreadable, extent.range.size()); break;
        }
    }
    if (data.value == 0) {
        return out;
    }
    const auto sample = sample_of(cell, largest, source.size());
    const auto bytes = io::read_bytes(source, sample.start(), sample.size());
    if (!bytes.has_value()) {
        if (bytes.error().code != ErrorCode::unreadable) {
            return Error{bytes.error()};
        }
        out.add(Content::unmeasured, data);
        return out;
    }
    out.entropy = entropy_of(*bytes);
    const bool is_random = out.entropy >= random_from(bytes->size());
    out.add(out.entropy < looks_empty_below ? Content::zero : is_random ? Content::encrypted : Content::plain, data);
    return out;
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
    const auto scanned = each >= scan.block.value ? std::optional<ContentMap>{scan} : std::nullopt;
    std::vector<ContentCell> out;
    out.reserve(static_cast<std::size_t>(count));
    auto at = range.start();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (context.is_stopped()) {
            return cancelled("looking at the content");
        }
        const auto cell = ByteRange::between(at, at + ByteCount{each + (i < larger ? 1U : 0U)});
        out.push_back(cell_of(scanned ? scanned->mixture(cell) : SALVAGE_TRY(from_bytes(source, cell))));
        at = cell.end();
    }
    return out;
}

} // namespace salvage::rescue

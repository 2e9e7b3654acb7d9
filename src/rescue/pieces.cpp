// Reading through damage.
#include "rescue/pieces.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

// The smallest unit a disk fails in.
constexpr std::uint64_t sector = 512;

bool costs_all_of_it(ErrorCode code) noexcept
{
    return code == ErrorCode::malformed || code == ErrorCode::truncated || code == ErrorCode::unsupported;
}

/// One call of read_what_is_there.
class PieceReader {
public:
    PieceReader(const io::ByteSource& source, ByteRange range, std::span<std::byte> into, Tolerate tolerate,
                Absent absent)
        : source_{&source}, range_{range}, into_{into}, tolerate_{tolerate}, absent_{absent}
    {
    }

    Result<std::vector<io::Extent>> run()
    {
        for (const auto& extent : SALVAGE_TRY(extents())) {
            if (extent.kind == io::ExtentKind::data) {
                SALVAGE_TRY(read(extent.range));
            } else {
                leave_out(extent.range, extent.kind);
            }
        }
        return io::merged(std::move(out_));
    }

private:
    /// A map that is damaged does not say that the content is.
    Result<std::vector<io::Extent>> extents() const
    {
        auto found = source_->extents(range_);
        if (!found.has_value() && tolerate_ == Tolerate::damage && found.error().code != ErrorCode::io) {
            return std::vector{io::Extent{.range = range_, .kind = io::ExtentKind::data}};
        }
        return found;
    }

    [[nodiscard]] std::span<std::byte> place_of(ByteRange range) const
    {
        return into_.subspan(static_cast<std::size_t>((range.start() - range_.start()).value),
                             static_cast<std::size_t>(range.size().value));
    }

    void leave_out(ByteRange range, io::ExtentKind kind)
    {
        if (absent_ == Absent::zeros) {
            std::ranges::fill(place_of(range), std::byte{0});
        }
        out_.push_back({.range = range, .kind = kind});
    }

    /// Halves what fails until single sectors are left.
    Result<> read(ByteRange range)
    {
        auto done = source_->read_at(range.start(), place_of(range));
        if (done.has_value()) {
            out_.push_back({.range = range, .kind = io::ExtentKind::data});
            return {};
        }
        const auto code = done.error().code;
        if (code == ErrorCode::unreadable && range.size().value > sector) {
            // Cut at a sector of the source, so that a single bad one costs no more than itself.
            const auto half = range.start().value + (range.size().value / 2);
            const auto cut = ByteOffset{std::max(range.start().value + 1, (half + sector - 1) / sector * sector)};
            const auto middle = cut < range.end() ? cut : ByteOffset{half};
            SALVAGE_TRY(read(ByteRange::between(range.start(), middle)));
            return read(ByteRange::between(middle, range.end()));
        }
        if (code == ErrorCode::unreadable || (tolerate_ == Tolerate::damage && costs_all_of_it(code))) {
            leave_out(range, io::ExtentKind::unreadable);
            return {};
        }
        return std::move(done).error();
    }

    const io::ByteSource* source_;
    ByteRange range_;
    std::span<std::byte> into_;
    Tolerate tolerate_;
    Absent absent_;
    std::vector<io::Extent> out_;
};

} // namespace

Result<std::vector<io::Extent>> read_what_is_there(const io::ByteSource& source, ByteRange range,
                                                   std::span<std::byte> into, Tolerate tolerate, Absent absent)
{
    return PieceReader{source, range, into, tolerate, absent}.run();
}

void Losses::add(const std::vector<io::Extent>& extents)
{
    for (const auto& extent : extents) {
        if (extent.kind == io::ExtentKind::unreadable) {
            add(extent.range);
        }
    }
}

void Losses::add(ByteRange range)
{
    if (range.is_empty()) {
        return;
    }
    total_ = total_ + range.size();
    if (!ranges_.empty() && ranges_.back().end() == range.start()) {
        ranges_.back() = ByteRange::between(ranges_.back().start(), range.end());
    } else {
        ranges_.push_back(range);
    }
}

std::string describe_loss(ByteCount lost)
{
    if (lost.value % sector != 0) {
        return fmt::format("{} bytes of it could not be read", lost.value);
    }
    const auto sectors = lost.value / sector;
    return fmt::format("{} sector{} ({} bytes) of it could not be read", sectors, sectors == 1 ? "" : "s", lost.value);
}

bool is_hole(const std::vector<io::Extent>& extents) noexcept
{
    return std::ranges::all_of(extents, [](const io::Extent& extent) { return extent.kind == io::ExtentKind::hole; });
}

} // namespace salvage::rescue

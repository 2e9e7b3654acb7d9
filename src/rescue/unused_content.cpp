#include "rescue/unused_content.hpp"

#include <algorithm>

namespace salvage::rescue {
namespace {

// What a carver makes of zeros in between costs less than a list of every block.
constexpr std::uint64_t step = 64U << 10U;
constexpr std::uint64_t window = 4U << 20U;

class Collector {
public:
    Collector(const io::ByteSource& raw, const RunContext& context) : raw_{&raw}, context_{&context} {}

    Result<> add_area(ByteRange area)
    {
        for (auto at = area.start().value; at < area.end().value; at += window) {
            if (context_->is_stopped()) {
                return cancelled("looking for content in unused areas");
            }
            SALVAGE_TRY(
                add_window(ByteRange::between(ByteOffset{at}, ByteOffset{std::min(at + window, area.end().value)})));
        }
        return {};
    }

    [[nodiscard]] UnusedContent take() { return std::move(out_); }

private:
    Result<> add_window(ByteRange range)
    {
        for (const auto& extent : SALVAGE_TRY(raw_->extents(range))) {
            switch (extent.kind) {
            case io::ExtentKind::hole: count(out_.empty, extent.range); break;
            case io::ExtentKind::unreadable: count(out_.unreadable, extent.range); break;
            case io::ExtentKind::data: SALVAGE_TRY(add_data(extent.range)); break;
            }
        }
        return {};
    }

    Result<> add_data(ByteRange range)
    {
        buffer_.resize(static_cast<std::size_t>(range.size().value));
        SALVAGE_TRY(raw_->read_at(range.start(), buffer_));
        for (std::uint64_t at = 0; at < range.size().value; at += step) {
            const auto end = std::min(at + step, range.size().value);
            const auto piece = ByteRange::between(range.start() + ByteCount{at}, range.start() + ByteCount{end});
            if (is_all_zero(
                    ByteView{buffer_}.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at)))) {
                count(out_.empty, piece);
            } else {
                keep(piece);
            }
        }
        return {};
    }

    void keep(ByteRange piece)
    {
        count(out_.searched, piece);
        if (!out_.areas.empty() && out_.areas.back().end() == piece.start()) {
            out_.areas.back() = ByteRange::between(out_.areas.back().start(), piece.end());
        } else {
            out_.areas.push_back(piece);
        }
    }

    static void count(ByteCount& total, ByteRange range) { total = ByteCount{total.value + range.size().value}; }

    const io::ByteSource* raw_;
    const RunContext* context_;
    Bytes buffer_;
    UnusedContent out_;
};

} // namespace

Result<UnusedContent> find_unused_content(const io::ByteSource& raw, const std::vector<ByteRange>& areas,
                                          const RunContext& context)
{
    Collector collector{raw, context};
    for (const auto& area : areas) {
        SALVAGE_TRY(collector.add_area(area.intersection(io::whole(raw))));
    }
    return collector.take();
}

} // namespace salvage::rescue

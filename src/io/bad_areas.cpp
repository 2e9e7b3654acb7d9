// A source with known bad areas: a ddrescue map laid over a dump.
#include <algorithm>
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class WithBadAreas final : public ByteSource {
public:
    WithBadAreas(SourcePtr source, std::vector<ByteRange> bad) : source_{std::move(source)}, bad_{std::move(bad)} {}

    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        const auto wanted = ByteRange::between(at, at + ByteCount{into.size()});
        const auto bad = first_bad_ending_after(at);
        if (into.empty() || bad == bad_.end() || !bad->overlaps(wanted)) {
            return source_->read_at(at, into);
        }
        // What lies before the bad area may hold an earlier bad byte of its own; the first one is reported.
        const auto good = bad->start() > at ? bad->start() - at : ByteCount{0};
        SALVAGE_TRY(source_->read_at(at, into.first(static_cast<std::size_t>(good.value))));
        return unreadable_at(*this, at + good);
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        const auto below = SALVAGE_TRY(source_->extents(range));
        std::vector<Extent> out;
        for (const auto& extent : below) {
            auto at = extent.range.start();
            for (auto bad = first_bad_ending_after(at); bad != bad_.end() && bad->start() < extent.range.end(); ++bad) {
                const auto cut = bad->intersection(extent.range);
                out.push_back({.range = ByteRange::between(at, cut.start()), .kind = extent.kind});
                out.push_back({.range = cut, .kind = ExtentKind::unreadable});
                at = cut.end();
            }
            out.push_back({.range = ByteRange::between(at, extent.range.end()), .kind = extent.kind});
        }
        return merged(std::move(out));
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    [[nodiscard]] std::vector<ByteRange>::const_iterator first_bad_ending_after(ByteOffset at) const
    {
        return std::ranges::upper_bound(bad_, at, {}, &ByteRange::end);
    }

    SourcePtr source_;
    std::vector<ByteRange> bad_; ///< sorted, apart from each other
};

} // namespace

SourcePtr make_with_bad_areas(SourcePtr source, std::vector<ByteRange> bad)
{
    std::erase_if(bad, [](const ByteRange& range) { return range.is_empty(); });
    std::ranges::sort(bad);
    std::vector<ByteRange> apart;
    for (const auto& range : bad) {
        if (!apart.empty() && range.start() <= apart.back().end()) {
            apart.back() = ByteRange::between(apart.back().start(), std::max(apart.back().end(), range.end()));
        } else {
            apart.push_back(range);
        }
    }
    return std::make_shared<WithBadAreas>(std::move(source), std::move(apart));
}

} // namespace salvage::io

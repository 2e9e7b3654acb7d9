// A part of a source.
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class Subrange final : public ByteSource {
public:
    Subrange(SourcePtr source, ByteRange range, std::string name)
        : source_{std::move(source)}, range_{range}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return range_.size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        return source_->read_at(range_.start() + ByteCount{at.value}, into);
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        const auto start = range_.start() + ByteCount{range.start().value};
        auto out = SALVAGE_TRY(source_->extents(ByteRange::between(start, start + range.size())));
        for (auto& extent : out) {
            const auto at = ByteOffset{(extent.range.start() - range_.start()).value};
            extent.range = ByteRange::between(at, at + extent.range.size());
        }
        return out;
    }
    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        auto out = source_->locate(range_.start() + ByteCount{at.value});
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    SourcePtr source_;
    ByteRange range_;
    std::string name_;
};

} // namespace

Result<SourcePtr> make_subrange(SourcePtr source, ByteRange range, std::string name)
{
    SALVAGE_TRY(check_range(*source, range.start(), range.size()).in("cutting out " + name));
    return std::make_shared<Subrange>(std::move(source), range, std::move(name));
}

} // namespace salvage::io

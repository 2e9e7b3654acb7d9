// Bytes that were never read.
#include "salvage/io/missing.hpp"

#include <utility>
#include <vector>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class MissingSource final : public ByteSource {
public:
    MissingSource(ByteCount size, std::string name) : size_{size}, name_{std::move(name)} {}

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        if (into.empty()) {
            return {};
        }
        return unreadable_at(*this, at);
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        return merged({Extent{.range = range, .kind = ExtentKind::unreadable}});
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{.source = name_, .at = at}}}; }

private:
    ByteCount size_;
    std::string name_;
};

} // namespace

SourcePtr make_missing(ByteCount size, std::string name)
{
    return std::make_shared<MissingSource>(size, std::move(name));
}

Result<SourcePtr> make_subrange_or_missing(const SourcePtr& source, ByteRange range, const std::string& name)
{
    const auto present = range.intersection(whole(*source));
    if (present.size() == range.size()) {
        return make_subrange(source, range, name);
    }
    auto missing = make_missing(range.size() - present.size(), name + " (beyond the end of the dump)");
    if (present.is_empty()) {
        return missing;
    }
    auto head = SALVAGE_TRY(make_subrange(source, present, name));
    return make_concat({std::move(head), std::move(missing)}, name);
}

} // namespace salvage::io

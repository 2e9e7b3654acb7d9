// Sources one after another.
#include <algorithm>
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class Concat final : public ByteSource {
public:
    Concat(std::vector<SourcePtr> parts, std::vector<std::uint64_t> starts, ByteCount size, std::string name)
        : parts_{std::move(parts)}, starts_{std::move(starts)}, size_{size}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        for (auto i = part_of(at); !into.empty(); ++i) {
            const auto inner = at.value - starts_[i];
            const auto count = std::min<std::uint64_t>(into.size(), parts_[i]->size().value - inner);
            SALVAGE_TRY(parts_[i]->read_at(ByteOffset{inner}, into.first(static_cast<std::size_t>(count))));
            into = into.subspan(static_cast<std::size_t>(count));
            at = at + ByteCount{count};
        }
        return {};
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(check_range(*this, range.start(), range.size()));
        std::vector<Extent> out;
        auto at = range.start();
        for (auto i = part_of(at); at < range.end(); ++i) {
            const ByteOffset inner{at.value - starts_[i]};
            const ByteCount count{std::min((range.end() - at).value, parts_[i]->size().value - inner.value)};
            for (const auto& extent : SALVAGE_TRY(parts_[i]->extents(ByteRange::between(inner, inner + count)))) {
                const auto start = ByteOffset{starts_[i]} + ByteCount{extent.range.start().value};
                out.push_back({.range = ByteRange::between(start, start + extent.range.size()), .kind = extent.kind});
            }
            at = at + count;
        }
        return merged(std::move(out));
    }
    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        if (parts_.empty()) {
            return Location{{Place{.source = name_, .at = at}}};
        }
        const auto i = std::min(part_of(at), parts_.size() - 1);
        auto out = parts_[i]->locate(ByteOffset{at.value - starts_[i]});
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    /// The part that holds `at`; the last one where `at` is the end.
    [[nodiscard]] std::size_t part_of(ByteOffset at) const
    {
        const auto next = std::ranges::upper_bound(starts_, at.value);
        const auto index = static_cast<std::size_t>(next - starts_.begin());
        return index == 0 ? 0 : index - 1;
    }

    std::vector<SourcePtr> parts_;
    std::vector<std::uint64_t> starts_;
    ByteCount size_;
    std::string name_;
};

} // namespace

Result<SourcePtr> make_concat(std::vector<SourcePtr> parts, std::string name)
{
    std::erase_if(parts, [](const SourcePtr& part) { return part->size().value == 0; });
    std::vector<std::uint64_t> starts;
    std::uint64_t size = 0;
    for (const auto& part : parts) {
        starts.push_back(size);
        const auto next = checked_add(size, part->size().value);
        if (!next) {
            return invalid_argument("the parts are together longer than 2^64 bytes", name);
        }
        size = *next;
    }
    return std::make_shared<Concat>(std::move(parts), std::move(starts), ByteCount{size}, std::move(name));
}

} // namespace salvage::io

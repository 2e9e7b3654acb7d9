// Sources, or parts of one, one after another.
#include <algorithm>
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

/// Where a part stands in the view and in its source.
struct Part {
    std::uint64_t start{};
    std::uint64_t below{};
    std::uint32_t source{};
};

class Joined final : public ByteSource {
public:
    Joined(std::vector<SourcePtr> sources, std::vector<Part> parts, ByteCount size, std::string name)
        : sources_{std::move(sources)}, parts_{std::move(parts)}, size_{size}, name_{std::move(name)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        for (auto i = part_of(at); !into.empty(); ++i) {
            const auto count = std::min<std::uint64_t>(into.size(), end_of(i) - at.value);
            SALVAGE_TRY(source_of(i).read_at(below(i, at), into.first(static_cast<std::size_t>(count))));
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
            const ByteCount count{std::min(range.end().value, end_of(i)) - at.value};
            const auto start = below(i, at);
            for (const auto& extent : SALVAGE_TRY(source_of(i).extents(ByteRange::between(start, start + count)))) {
                const auto from = at + (extent.range.start() - start);
                out.push_back({.range = ByteRange::between(from, from + extent.range.size()), .kind = extent.kind});
            }
            at = at + count;
        }
        return merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        Location out;
        if (!parts_.empty()) {
            const auto i = part_of(at);
            out = source_of(i).locate(below(i, at));
        }
        out.chain.push_back({.source = name_, .at = at});
        return out;
    }

private:
    /// The part that holds `at`; the last one where `at` is the end.
    [[nodiscard]] std::size_t part_of(ByteOffset at) const
    {
        const auto next = std::ranges::upper_bound(parts_, at.value, {}, &Part::start);
        const auto index = static_cast<std::size_t>(next - parts_.begin());
        return index == 0 ? 0 : index - 1;
    }
    [[nodiscard]] std::uint64_t end_of(std::size_t part) const
    {
        return part + 1 < parts_.size() ? parts_[part + 1].start : size_.value;
    }
    [[nodiscard]] ByteOffset below(std::size_t part, ByteOffset at) const
    {
        return ByteOffset{parts_[part].below + (at.value - parts_[part].start)};
    }
    [[nodiscard]] const ByteSource& source_of(std::size_t part) const { return *sources_[parts_[part].source]; }

    std::vector<SourcePtr> sources_;
    std::vector<Part> parts_;
    ByteCount size_;
    std::string name_;
};

/// Puts parts behind one another.
class Joining {
public:
    explicit Joining(std::string name) : name_{std::move(name)} {}

    /// Of the source `number` of those that are given in the end.
    Result<> add(ByteRange range, std::size_t number)
    {
        if (range.is_empty()) {
            return {};
        }
        const auto next = checked_add(size_, range.size().value);
        if (!next) {
            return invalid_argument("the parts are together longer than 2^64 bytes", name_);
        }
        parts_.push_back({.start = size_, .below = range.start().value, .source = static_cast<std::uint32_t>(number)});
        size_ = *next;
        return {};
    }

    SourcePtr of(std::vector<SourcePtr> sources) &&
    {
        return std::make_shared<Joined>(std::move(sources), std::move(parts_), ByteCount{size_}, std::move(name_));
    }

private:
    std::string name_;
    std::vector<Part> parts_;
    std::uint64_t size_{0};
};

} // namespace

Result<SourcePtr> make_concat(std::vector<SourcePtr> parts, std::string name)
{
    Joining joining{std::move(name)};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        SALVAGE_TRY(joining.add(whole(*parts[i]), i));
    }
    return std::move(joining).of(std::move(parts));
}

Result<SourcePtr> make_gathered(SourcePtr source, const std::vector<ByteRange>& ranges, std::string name)
{
    Joining joining{std::move(name)};
    for (const auto& range : ranges) {
        SALVAGE_TRY(check_range(*source, range.start(), range.size()));
        SALVAGE_TRY(joining.add(range, 0));
    }
    return std::move(joining).of({std::move(source)});
}

} // namespace salvage::io

// Content that is looked for when it is first read.
#include "late_content.hpp"

#include <utility>

namespace salvage::filesystem::f2fs {
namespace {

class LateContent final : public io::ByteSource {
public:
    LateContent(std::shared_ptr<OpenedContents> opened, std::uint64_t key, ByteCount size, std::string name,
                OpenedContents::Make make)
        : opened_{std::move(opened)}, key_{key}, size_{size}, name_{std::move(name)}, make_{std::move(make)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return size_; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        const auto content = SALVAGE_TRY(opened_->get(key_, make_));
        return content->read_at(at, into);
    }
    [[nodiscard]] Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        const auto content = SALVAGE_TRY(opened_->get(key_, make_));
        return content->extents(range);
    }
    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        const auto content = opened_->get(key_, make_);
        return content.has_value() ? (*content)->locate(at) : Location{.chain = {{.source = name_, .at = at}}};
    }

private:
    std::shared_ptr<OpenedContents> opened_;
    std::uint64_t key_;
    ByteCount size_;
    std::string name_;
    OpenedContents::Make make_;
};

} // namespace

Result<io::SourcePtr> OpenedContents::get(std::uint64_t key, const Make& make)
{
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& slot : slots_) {
            if (slot.content != nullptr && slot.key == key) {
                return slot.content;
            }
        }
    }
    auto content = SALVAGE_TRY(make());
    const std::scoped_lock lock{mutex_};
    slots_[next_] = {.key = key, .content = content};
    next_ = (next_ + 1) % slots_.size();
    return content;
}

io::SourcePtr make_late(std::shared_ptr<OpenedContents> opened, std::uint64_t key, ByteCount size, std::string name,
                        OpenedContents::Make make)
{
    return std::make_shared<const LateContent>(std::move(opened), key, size, std::move(name), std::move(make));
}

} // namespace salvage::filesystem::f2fs

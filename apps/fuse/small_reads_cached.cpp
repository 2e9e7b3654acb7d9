// Small reads are kept, long ones are not.
#include <utility>

#include "salvage/io/views.hpp"
#include "tree.hpp"

namespace salvage::fuse {
namespace {

// The largest block of ext4 but on rare volumes, and four of the usual ones: what metadata is read in.
constexpr std::size_t longest_small_read = 16U << 10U;
constexpr ByteCount block{64U << 10U};
constexpr std::size_t blocks = 1024; // 64 MiB: the inode tables and folders of a phone's usual day

class SmallReadsCached final : public io::ByteSource {
public:
    explicit SmallReadsCached(io::SourcePtr source)
        : source_{std::move(source)}, cached_{io::make_cached(source_, block, blocks)}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        return into.size() <= longest_small_read ? cached_->read_at(at, into) : source_->read_at(at, into);
    }
    Result<std::vector<io::Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    io::SourcePtr source_;
    io::SourcePtr cached_;
};

} // namespace

io::SourcePtr make_small_reads_cached(io::SourcePtr source)
{
    return std::make_shared<const SmallReadsCached>(std::move(source));
}

} // namespace salvage::fuse

// A view for tests that fails on demand.
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class Faulty final : public ByteSource {
public:
    Faulty(SourcePtr source, std::uint64_t failing_read) : source_{std::move(source)}, failing_read_{failing_read} {}

    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        if (reads_.fetch_add(1, std::memory_order_relaxed) + 1 == failing_read_) {
            return Error{ErrorCode::io, "this read was made to fail", {}, locate(at), {}, {}};
        }
        return source_->read_at(at, into);
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    SourcePtr source_;
    std::uint64_t failing_read_;
    mutable std::atomic<std::uint64_t> reads_{0};
};

} // namespace

SourcePtr make_faulty(SourcePtr source, std::uint64_t failing_read)
{
    return std::make_shared<Faulty>(std::move(source), failing_read);
}

} // namespace salvage::io

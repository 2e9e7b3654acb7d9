// A view for benchmarks and tests that counts what goes through it.
#include <utility>

#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

class Counting final : public ByteSource {
public:
    Counting(SourcePtr source, ReadCounters& counters) : source_{std::move(source)}, counters_{&counters} {}

    [[nodiscard]] ByteCount size() const noexcept override { return source_->size(); }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        counters_->reads.fetch_add(1, std::memory_order_relaxed);
        counters_->bytes.fetch_add(into.size(), std::memory_order_relaxed);
        return source_->read_at(at, into);
    }
    Result<std::vector<Extent>> extents(ByteRange range) const override { return source_->extents(range); }
    [[nodiscard]] Location locate(ByteOffset at) const override { return source_->locate(at); }

private:
    SourcePtr source_;
    ReadCounters* counters_;
};

} // namespace

SourcePtr make_counting(SourcePtr source, ReadCounters& counters)
{
    return std::make_shared<Counting>(std::move(source), counters);
}

} // namespace salvage::io

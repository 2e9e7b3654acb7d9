// Bytes held in memory.
#include <algorithm>
#include <utility>

#include "salvage/io/sources.hpp"

namespace salvage::io {
namespace {

class MemorySource final : public ByteSource {
public:
    MemorySource(Bytes bytes, std::string name) : bytes_{std::move(bytes)}, name_{std::move(name)} {}

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{bytes_.size()}; }
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        std::ranges::copy(ByteView{bytes_}.subspan(static_cast<std::size_t>(at.value), into.size()), into.begin());
        return {};
    }
    [[nodiscard]] Location locate(ByteOffset at) const override { return Location{{Place{.source = name_, .at = at}}}; }

private:
    Bytes bytes_;
    std::string name_;
};

} // namespace

SourcePtr make_memory(Bytes bytes, std::string name)
{
    return std::make_shared<MemorySource>(std::move(bytes), std::move(name));
}

} // namespace salvage::io

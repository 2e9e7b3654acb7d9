// Android sparse images: whatever opens reads the same in one piece and in bits, and its extents cover it.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "require.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using fuzz::require;

void walk(const io::ByteSource& source)
{
    const auto extents = source.extents(io::whole(source));
    require(extents.has_value());
    ByteOffset at;
    for (const auto& extent : *extents) {
        require(extent.range.start() == at);
        at = extent.range.end();
    }
    require(at.value == source.size().value);
    const auto head = io::read_up_to(source, ByteOffset{0}, ByteCount{1U << 16U});
    require(head.has_value());
    for (std::size_t i = 0; i < head->size(); i += 997) {
        const auto one = io::read_bytes(source, ByteOffset{i}, ByteCount{1});
        require(one.has_value() && one->front() == head->at(i));
    }
    require(!source.locate(ByteOffset{source.size().value / 2}).chain.empty());
    require(!io::read_bytes(source, ByteOffset{source.size().value}, ByteCount{1}).has_value());
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto packed = io::make_memory(Bytes{bytes.begin(), bytes.end()}, "fuzz.simg");
    const auto verified = io::verify_sparse_checksums(packed);
    const auto source = io::make_sparse(packed);
    if (source.has_value()) {
        require(verified.has_value() || verified.error().code == ErrorCode::mismatch);
        walk(**source);
    } else {
        require(!verified.has_value() && !to_string(source.error()).empty() && source.error().where.has_value());
    }
    return 0;
}

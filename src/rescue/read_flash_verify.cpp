// Reading a device a second time and comparing.
#include "rescue/read_flash_verify.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

// A page or two of packets at a time; larger brings nothing.
constexpr std::size_t step_bytes = 1U << 20U;
constexpr std::uint64_t mebibyte = 1U << 20U;

} // namespace

Result<std::unique_ptr<Comparison>> Comparison::open(const std::filesystem::path& file)
{
    auto source = SALVAGE_TRY(io::open_file(file).in("opening what was read, to compare"));
    return std::unique_ptr<Comparison>{new Comparison{std::move(source), file}};
}

Result<> Comparison::put(ByteOffset at, ByteView bytes)
{
    buffer_.resize(std::min(bytes.size(), step_bytes));
    while (!bytes.empty()) {
        const auto part = bytes.first(std::min(bytes.size(), step_bytes));
        const auto there = std::span{buffer_}.first(part.size());
        SALVAGE_TRY(file_->read_at(at, there));
        const auto [in_file, on_device] = std::ranges::mismatch(there, part);
        if (on_device != part.end()) {
            const auto where = at + ByteCount{static_cast<std::uint64_t>(on_device - part.begin())};
            return Error{ErrorCode::mismatch,
                         fmt::format("the device gives other bytes than {} holds", path_.string()),
                         fmt::format("first in MiB {}: the file has {:02X}, the device {:02X}", where.value / mebibyte,
                                     std::to_integer<unsigned>(*in_file), std::to_integer<unsigned>(*on_device)),
                         Location{{Place{.source = path_.string(), .at = where}}},
                         "was the phone started in between? then its contents changed: read it again into a new file",
                         {}};
        }
        map_.set(ByteRange::between(at, at + ByteCount{part.size()}), io::BlockStatus::finished);
        at = at + ByteCount{part.size()};
        bytes = bytes.subspan(part.size());
    }
    return {};
}

} // namespace salvage::rescue

// Halving what fails.
#include "scan/reading.hpp"

namespace salvage::scan {
namespace {

constexpr std::uint64_t sector = 512;

/// The multiple of a sector nearest to the middle; one lies inside of every range longer than a sector.
ByteOffset middle_of(ByteRange range) noexcept
{
    const auto middle = range.start().value + (range.size().value / 2);
    const ByteOffset below{middle / sector * sector};
    return below > range.start() ? below : below + ByteCount{sector};
}

} // namespace

Result<std::vector<io::Extent>> PatientReader::read(ByteRange range, std::span<std::byte> into)
{
    std::vector<io::Extent> out;
    SALVAGE_TRY(read_into(range, into, out));
    return io::merged(std::move(out));
}

Result<> PatientReader::read_into(ByteRange range, std::span<std::byte> into, std::vector<io::Extent>& out)
{
    auto read = source_.read_at(range.start(), into);
    if (read.has_value()) {
        out.push_back({.range = range, .kind = io::ExtentKind::data});
        return {};
    }
    if (read.error().code != ErrorCode::unreadable) {
        return read;
    }
    if (context_.is_stopped()) {
        return cancelled("reading around bad sectors");
    }
    ++failed_reads_;
    if (range.size().value <= sector || failed_reads_ >= max_failed_reads) {
        out.push_back({.range = range, .kind = io::ExtentKind::unreadable});
        return {};
    }
    const auto middle = middle_of(range);
    const auto front = static_cast<std::size_t>((middle - range.start()).value);
    SALVAGE_TRY(read_into(ByteRange::between(range.start(), middle), into.first(front), out));
    return read_into(ByteRange::between(middle, range.end()), into.subspan(front), out);
}

} // namespace salvage::scan

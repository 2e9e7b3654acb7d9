// Reading around bad sectors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/io/byte_source.hpp"

namespace salvage::scan {

/// Reads what can be read.  A piece that fails as unreadable is halved until a sector of 512 bytes is left, so a bad
/// sector is asked for once more for each halving, and never again after that.
class PatientReader {
public:
    PatientReader(const io::ByteSource& source, const RunContext& context) : source_{source}, context_{context} {}

    /// Fills `into` with the bytes of `range` where they can be read, and tells where that is: data and unreadable,
    /// covering `range`.  Errors: those of the source other than unreadable; cancelled.
    Result<std::vector<io::Extent>> read(ByteRange range, std::span<std::byte> into);

    /// From so many failed reads on, a piece that fails counts as unreadable whole: a failed read of a dying disk
    /// takes seconds, and narrowing down all of it would take days.
    static constexpr std::uint64_t max_failed_reads = 65'536;

private:
    Result<> read_into(ByteRange range, std::span<std::byte> into, std::vector<io::Extent>& out);

    const io::ByteSource& source_;
    const RunContext& context_;
    std::uint64_t failed_reads_{0};
};

} // namespace salvage::scan

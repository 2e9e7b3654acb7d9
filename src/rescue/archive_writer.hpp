// Archives as they are written: pax tar or zip, through libarchive, to whatever takes bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/export_archive.hpp"

namespace salvage::rescue {

/// What stands before an entry's content.
struct ArchiveHeader {
    std::string path; ///< bytes, relative
    filesystem::Entry entry;
    std::string target;  ///< of a symbolic link
    std::string link_of; ///< path of an earlier entry that has the content
    ByteCount size;      ///< of the content that follows
    filesystem::ExtendedAttributes attributes;
    std::vector<ByteRange> data; ///< where the content is no hole, ascending; empty: everywhere
};

/// Which kinds of entries a format takes.
[[nodiscard]] bool takes(ArchiveFormat format, filesystem::EntryType type) noexcept;
/// Whether a second name can point to the first; else it gets the content again.
[[nodiscard]] constexpr bool has_hard_links(ArchiveFormat format) noexcept
{
    return format == ArchiveFormat::pax;
}

/// Not thread safe.  Memory: a block of 64 KiB.
class ArchiveWriter {
public:
    /// `sink` gets every byte, in order, and outlives the writer.  Errors: internal.
    [[nodiscard]] static Result<ArchiveWriter> open(ArchiveFormat format, const ByteSink& sink);

    /// Errors: unsupported (the format cannot hold it: nothing was written), those of the sink.
    Result<> begin(const ArchiveHeader& header);
    /// The content from front to back, holes as zeros: header.size bytes in all.  Errors: those of the sink.
    Result<> write(ByteView bytes);
    Result<> write_zeros(ByteCount count);
    /// The archive's end.  Errors: those of the sink.
    Result<> close();

    ArchiveWriter(ArchiveWriter&&) noexcept;
    ArchiveWriter& operator=(ArchiveWriter&&) noexcept;
    ~ArchiveWriter(); ///< without close() the archive has no end

private:
    struct State;
    explicit ArchiveWriter(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

} // namespace salvage::rescue

// Writing Android sparse images, block run by block run.
#pragma once

#include <cstdint>
#include <vector>

#include "salvage/io/byte_source.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {

/// Where an unfinished sparse image goes on.
struct SparsePosition {
    std::uint64_t file_end{28}; ///< bytes of the file so far; the header is 28 of them
    std::uint64_t chunks{0};
    std::uint64_t blocks{0};
};

/// Appends to an Android sparse image of 4096-byte blocks: blocks of one repeated word become fill chunks, blocks lost
/// as a whole "don't care", all others raw.  Bytes behind the last whole block are padded with zeros.
/// Spec: AOSP system/core, libsparse/sparse_format.h; docs/formats/android-sparse.md.
class SparseWriter {
public:
    static constexpr std::size_t block_bytes = 4096;

    /// Requires: `position` of an earlier writer of the same file, behind closed().
    explicit SparseWriter(io::OutputFile& file, SparsePosition position = {}) : file_{&file}, at_{position} {}

    /// The next bytes of the image.  `extents` cover them and say what of them is lost.
    /// Requires: `bytes` is a multiple of 4096 and at most 1 GiB, unless they are the image's last.
    Result<> append(ByteView bytes, const std::vector<io::Extent>& extents);
    /// Ends the chunk under way: what is written so far can be gone on with from the position returned.
    Result<SparsePosition> closed();
    /// Closes, and writes the file's header: the image is whole.
    Result<> finish();

private:
    enum class Kind : std::uint16_t { none = 0, raw = 0xCAC1, fill = 0xCAC2, dont_care = 0xCAC3 };
    struct Run {
        Kind kind{Kind::none};
        std::uint32_t word{0}; ///< of a fill
        std::uint64_t blocks{0};
    };

    /// `raw` are the run's bytes.
    Result<> append_run(Run run, ByteView raw);
    Result<> close_run();
    static Run classify(ByteView block, ByteRange place, const std::vector<io::Extent>& extents);

    io::OutputFile* file_;
    SparsePosition at_; ///< behind the last closed chunk
    Run open_;
    Bytes pad_;
};

} // namespace salvage::rescue

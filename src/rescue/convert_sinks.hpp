// Where converted images go: one sink a format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "rescue/chunk_pipeline.hpp"
#include "rescue/convert_hashes.hpp"
#include "salvage/rescue/convert.hpp"

namespace salvage::rescue {

/// An image on its way.  Chunks are those of chunk_bytes, numbered from the start of the content.
class ImageSink {
public:
    ImageSink() = default;
    ImageSink(const ImageSink&) = delete;
    ImageSink& operator=(const ImageSink&) = delete;
    virtual ~ImageSink() = default;

    /// What can be done with a chunk on its own: packing it, writing it where its place is fixed.  Called by many
    /// threads.
    virtual Result<> prepare(std::uint64_t number, const Chunk& chunk) = 0;
    /// In order, by one thread, each chunk behind its prepare().
    virtual Result<> append(std::uint64_t number, const Chunk& chunk) = 0;
    /// Makes the image whole; its files in order.  `lost` are the areas that were written as zeros.
    [[nodiscard]] virtual Result<std::vector<std::filesystem::path>> commit(const ContentDigests& digests,
                                                                            const std::vector<ByteRange>& lost) = 0;
};

/// The name of an image's first file: "dump" becomes "dump.001" as split, "dump.E01" as E01.
[[nodiscard]] std::filesystem::path first_file_of(const std::filesystem::path& out, ConvertFormat format);

/// Errors: as convert(), for what can be known beforehand.
[[nodiscard]] Result<std::unique_ptr<ImageSink>> make_sink(const std::filesystem::path& first, ByteCount size,
                                                           const ConvertOptions& options);
/// Takes everything and writes nothing.
[[nodiscard]] std::unique_ptr<ImageSink> make_no_sink();

} // namespace salvage::rescue

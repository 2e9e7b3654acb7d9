// Raw, split raw, Android sparse, E01 and seekable zstd as targets.
#include "rescue/convert_sinks.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "rescue/image_writer.hpp"
#include "rescue/pieces.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/zstd_seekable.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

// Each part is a file that is open until the end.
constexpr std::uint64_t max_parts = 500;
constexpr std::uint64_t part_unit = 4096;
constexpr ByteCount min_part{1ULL << 20U};

static_assert(chunk_bytes == io::zstd_frame_bytes && chunk_bytes % io::e01_chunk_bytes == 0);

ByteView view_of(const Chunk& chunk)
{
    return ByteView{*chunk.buffer}.first(chunk.count);
}

/// What workers made, until its turn comes.
template <typename Parcel>
class Waiting {
public:
    void put(std::uint64_t number, Parcel parcel)
    {
        const std::scoped_lock lock{mutex_};
        parcels_.emplace(number, std::move(parcel));
    }
    Parcel take(std::uint64_t number)
    {
        const std::scoped_lock lock{mutex_};
        return std::move(parcels_.extract(number).mapped());
    }

private:
    std::mutex mutex_;
    std::map<std::uint64_t, Parcel> parcels_;
};

class NoSink final : public ImageSink {
public:
    Result<> prepare(std::uint64_t /*number*/, const Chunk& /*chunk*/) override { return {}; }
    Result<> append(std::uint64_t /*number*/, const Chunk& /*chunk*/) override { return {}; }
    Result<Paths> commit(const ContentDigests& /*digests*/, const std::vector<ByteRange>& /*lost*/) override
    {
        return Paths{};
    }
};

/// Raw, in one file or several: places are fixed, so workers write.
class RawSink final : public ImageSink {
public:
    RawSink(std::vector<io::OutputFile> parts, ByteCount part) : parts_{std::move(parts)}, part_{part} {}

    Result<> prepare(std::uint64_t number, const Chunk& chunk) override
    {
        if (is_hole(chunk.extents)) {
            return {};
        }
        auto bytes = view_of(chunk);
        for (auto at = number * chunk_bytes; !bytes.empty();) {
            const auto within = at % part_.value;
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), part_.value - within));
            auto& part = parts_[static_cast<std::size_t>(at / part_.value)];
            SALVAGE_TRY(part.write_sparse_at(ByteOffset{within}, bytes.first(count)));
            bytes = bytes.subspan(count);
            at += count;
        }
        return {};
    }
    Result<> append(std::uint64_t /*number*/, const Chunk& /*chunk*/) override { return {}; }
    Result<Paths> commit(const ContentDigests& /*digests*/, const std::vector<ByteRange>& /*lost*/) override
    {
        // The first last: nobody takes a split image for whole before it is.
        for (auto i = parts_.size(); i-- > 0;) {
            SALVAGE_TRY(parts_[i].commit());
        }
        Paths out;
        for (const auto& part : parts_) {
            out.push_back(part.path());
        }
        return out;
    }

private:
    std::vector<io::OutputFile> parts_;
    ByteCount part_;
};

class SparseSink final : public ImageSink {
public:
    explicit SparseSink(io::OutputFile file) : file_{std::move(file)}, writer_{file_} {}

    Result<> prepare(std::uint64_t /*number*/, const Chunk& /*chunk*/) override { return {}; }
    Result<> append(std::uint64_t /*number*/, const Chunk& chunk) override
    {
        return writer_.append(view_of(chunk), chunk.extents);
    }
    Result<Paths> commit(const ContentDigests& /*digests*/, const std::vector<ByteRange>& /*lost*/) override
    {
        SALVAGE_TRY(writer_.finish());
        SALVAGE_TRY(file_.commit());
        return Paths{file_.path()};
    }

private:
    io::OutputFile file_;
    SparseWriter writer_;
};

class ZstdSink final : public ImageSink {
public:
    ZstdSink(io::OutputFile file, int level) : file_{std::move(file)}, level_{level} {}

    Result<> prepare(std::uint64_t number, const Chunk& chunk) override
    {
        frames_.put(number, SALVAGE_TRY(io::pack_zstd_frame(view_of(chunk), level_)));
        return {};
    }
    Result<> append(std::uint64_t number, const Chunk& chunk) override
    {
        const auto frame = frames_.take(number);
        SALVAGE_TRY(file_.write_at(end_, frame));
        end_ = end_ + ByteCount{frame.size()};
        return table_.add(frame.size(), chunk.count);
    }
    Result<Paths> commit(const ContentDigests& /*digests*/, const std::vector<ByteRange>& /*lost*/) override
    {
        SALVAGE_TRY(file_.write_at(end_, table_.encode()));
        SALVAGE_TRY(file_.commit());
        return Paths{file_.path()};
    }

private:
    io::OutputFile file_;
    int level_;
    Waiting<Bytes> frames_;
    io::ZstdSeekTable table_;
    ByteOffset end_;
};

class E01Sink final : public ImageSink {
public:
    E01Sink(io::E01Writer writer, io::E01Compression compression)
        : writer_{std::move(writer)}, compression_{compression}
    {
    }

    Result<> prepare(std::uint64_t number, const Chunk& chunk) override
    {
        packed_.put(number, io::pack_e01_chunks(view_of(chunk), compression_));
        return {};
    }
    Result<> append(std::uint64_t number, const Chunk& /*chunk*/) override
    {
        return writer_.append(packed_.take(number));
    }
    Result<Paths> commit(const ContentDigests& digests, const std::vector<ByteRange>& lost) override
    {
        for (const auto& range : lost) {
            SALVAGE_TRY(writer_.note_unread(range));
        }
        return writer_.commit(digests.md5.value(), digests.sha1);
    }

private:
    io::E01Writer writer_;
    io::E01Compression compression_;
    Waiting<io::PackedChunks> packed_;
};

std::string part_suffix(std::uint64_t number)
{
    return fmt::format(".{:03}", number);
}

Result<std::unique_ptr<ImageSink>> make_raw(const fs::path& first, ByteCount size, ByteCount part)
{
    std::vector<io::OutputFile> parts;
    const auto count = std::max<std::uint64_t>((size.value + part.value - 1) / part.value, 1);
    for (std::uint64_t i = 0; i < count; ++i) {
        auto path = first;
        if (i > 0) {
            path.replace_extension(part_suffix(i + 1));
        }
        auto file = SALVAGE_TRY(io::OutputFile::create(path));
        SALVAGE_TRY(file.set_size(ByteCount{std::min(part.value, size.value - (i * part.value))}));
        parts.push_back(std::move(file));
    }
    return std::make_unique<RawSink>(std::move(parts), part);
}

Result<std::unique_ptr<ImageSink>> make_split(const fs::path& first, ByteCount size, ByteCount part)
{
    if (part < min_part || part.value % part_unit != 0) {
        return invalid_argument(
            "a part of that size cannot be",
            fmt::format("{}; 1 MiB or more, in multiples of 4096 bytes, were expected", format_size_exact(part)));
    }
    const auto count = (size.value + part.value - 1) / part.value;
    if (count > max_parts) {
        return invalid_argument(fmt::format("that would be {} parts", count), fmt::format("the limit is {}", max_parts),
                                "give a larger --segment-size");
    }
    auto after = first;
    after.replace_extension(part_suffix(count + 1));
    std::error_code problem;
    if (fs::exists(fs::symlink_status(after, problem))) {
        return Error{ErrorCode::already_exists,
                     fmt::format("{} exists", printable(after.string())),
                     "it would be taken for one more part of the image",
                     std::nullopt,
                     "move it away, or name another file with -o",
                     {}};
    }
    return make_raw(first, size, part);
}

int zstd_level(io::E01Compression compression)
{
    return compression == io::E01Compression::best ? 9 : 1;
}

} // namespace

fs::path first_file_of(const fs::path& out, ConvertFormat format)
{
    auto first = out;
    if (format == ConvertFormat::split && out.extension() != ".001") {
        first += ".001";
    }
    if (format == ConvertFormat::e01 && out.extension() != ".E01") {
        first += ".E01";
    }
    return first;
}

Result<std::unique_ptr<ImageSink>> make_sink(const fs::path& first, ByteCount size, const ConvertOptions& options)
{
    switch (options.format) {
    case ConvertFormat::raw: return make_raw(first, size, ByteCount{std::max<std::uint64_t>(size.value, 1)});
    case ConvertFormat::split: return make_split(first, size, options.segment);
    case ConvertFormat::android_sparse: {
        if (size.value % SparseWriter::block_bytes != 0) {
            return unsupported("this image cannot become an Android sparse image",
                               fmt::format("it has {}, which is no multiple of 4096", format_size_exact(size)),
                               "write it as raw, split or zst");
        }
        return std::make_unique<SparseSink>(SALVAGE_TRY(io::OutputFile::create(first)));
    }
    case ConvertFormat::zstd_seekable:
        return std::make_unique<ZstdSink>(SALVAGE_TRY(io::OutputFile::create(first)), zstd_level(options.compression));
    case ConvertFormat::e01: {
        auto writer = SALVAGE_TRY(io::E01Writer::create(
            first, size,
            {.compression = options.compression, .segment = options.segment, .case_data = options.case_data}));
        return std::make_unique<E01Sink>(std::move(writer), options.compression);
    }
    }
    return make_no_sink();
}

std::unique_ptr<ImageSink> make_no_sink()
{
    return std::make_unique<NoSink>();
}

} // namespace salvage::rescue

// gzip (RFC 1952) and zip (PKWARE APPNOTE 6.3) by zlib.
#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "io/decompress_parts.hpp"
#include "salvage/core/text.hpp"

namespace salvage::io {
namespace {

constexpr int gzip_window_bits = 15 + 16; // zlib: 16 more asks for the gzip header
constexpr int raw_window_bits = -15;      // zlib: negative asks for no header

/// zlib's state.
class Inflater {
public:
    explicit Inflater(int window_bits) : is_ready_{::inflateInit2(&stream_, window_bits) == Z_OK} {}
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater()
    {
        if (is_ready_) {
            ::inflateEnd(&stream_);
        }
    }

    struct Done {
        std::size_t unpacked{};
        bool is_end{};
    };
    /// Uses some of the input's block.
    Result<Done> inflate(PackedInput& input, std::span<std::byte> into)
    {
        if (!is_ready_) {
            return Error{ErrorCode::internal, "zlib cannot be started", "there is no memory", std::nullopt, {}, {}};
        }
        const auto room = std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max());
        stream_.next_in = as_uchar(input.rest());
        stream_.avail_in = static_cast<uInt>(input.rest().size());
        stream_.next_out = as_uchar(into);
        stream_.avail_out = static_cast<uInt>(room);
        const auto status = ::inflate(&stream_, Z_NO_FLUSH);
        input.keep(stream_.avail_in);
        // Z_BUF_ERROR: nothing to do with what was given; more input or room comes next time.
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            return packed_malformed(
                input, "a packed file cannot be unpacked",
                fmt::format("zlib says: {}", stream_.msg != nullptr ? stream_.msg : ::zError(status)));
        }
        return Done{.unpacked = room - stream_.avail_out, .is_end = status == Z_STREAM_END};
    }
    void begin_anew() { ::inflateReset(&stream_); }

private:
    z_stream stream_{};
    bool is_ready_;
};

class Gzip final : public Decompressor {
public:
    Gzip(SourcePtr packed, RestartPoint from)
        : input_{std::move(packed), from.packed}, points_{from}, unpacked_{from.unpacked}, inflater_{gzip_window_bits}
    {
    }

    Result<Step> read(std::span<std::byte> into) override
    {
        if (!SALVAGE_TRY(input_.fill())) {
            if (is_in_member_) {
                return packed_truncated(input_, "a gzip file is cut off");
            }
            return Step{.is_end = true};
        }
        if (!is_in_member_) {
            return begin_member();
        }
        const auto done = SALVAGE_TRY(inflater_.inflate(input_, into));
        unpacked_ = unpacked_ + ByteCount{done.unpacked};
        if (done.is_end) {
            inflater_.begin_anew();
            is_in_member_ = false;
        }
        return Step{.bytes = done.unpacked, .is_end = done.is_end && input_.is_at_end()};
    }
    [[nodiscard]] ByteOffset packed_position() const noexcept override { return input_.position(); }
    [[nodiscard]] const std::vector<RestartPoint>& restart_points() const noexcept override { return points_.all(); }

private:
    /// Zeros after a member pad a file to whole blocks; anything else is the next member.
    Result<Step> begin_member()
    {
        const auto rest = input_.rest();
        const auto next = std::ranges::find_if(rest, [](std::byte b) { return b != std::byte{0}; });
        const auto zeros = static_cast<std::size_t>(next - rest.begin());
        if (zeros > 0) {
            is_padding_ = true;
            input_.keep(rest.size() - zeros);
            return Step{.is_end = input_.is_at_end()};
        }
        constexpr std::byte first_of_magic{0x1F};
        if (is_padding_ || rest.front() != first_of_magic) {
            return packed_malformed(input_, "something else follows in a gzip file",
                                    fmt::format("found {}, expected 1F 8B or the end of the file",
                                                to_spaced_hex(rest.first(std::min<std::size_t>(rest.size(), 4)))));
        }
        points_.add({.packed = input_.position(), .unpacked = unpacked_});
        is_in_member_ = true;
        return Step{};
    }

    PackedInput input_;
    RestartPoints points_;
    ByteOffset unpacked_;
    Inflater inflater_;
    bool is_in_member_{false};
    bool is_padding_{false};
};

/// The one file of a zip archive: what its central directory says of it.
struct ZipEntry {
    ByteOffset data;
    std::uint32_t crc{};
};

class Zip final : public Decompressor {
public:
    Zip(const SourcePtr& packed, ZipEntry entry)
        : input_{packed, entry.data}, entry_{entry}, inflater_{raw_window_bits}, points_{RestartPoint{}},
          crc_{::crc32(0, nullptr, 0)}
    {
    }

    Result<Step> read(std::span<std::byte> into) override
    {
        if (is_done_) {
            return Step{.is_end = true};
        }
        if (!SALVAGE_TRY(input_.fill())) {
            return packed_truncated(input_, "a zip archive is cut off");
        }
        const auto done = SALVAGE_TRY(inflater_.inflate(input_, into));
        crc_ = ::crc32_z(crc_, as_uchar(into), done.unpacked);
        is_done_ = done.is_end;
        if (is_done_ && crc_ != entry_.crc) {
            return packed_malformed(input_, "a file in a zip archive is damaged",
                                    fmt::format("its CRC-32 is {:08X}, expected {:08X}", crc_, entry_.crc));
        }
        return Step{.bytes = done.unpacked, .is_end = is_done_};
    }
    [[nodiscard]] ByteOffset packed_position() const noexcept override { return input_.position(); }
    [[nodiscard]] const std::vector<RestartPoint>& restart_points() const noexcept override { return points_.all(); }

private:
    PackedInput input_;
    ZipEntry entry_;
    Inflater inflater_;
    RestartPoints points_;
    uLong crc_;
    bool is_done_{false};
};

// PKWARE APPNOTE 4.3.16, 4.3.12, 4.3.7: sizes of the fixed parts.
constexpr std::size_t end_record_bytes = 22;
constexpr std::size_t directory_entry_bytes = 46;
constexpr std::size_t local_header_bytes = 30;
constexpr std::uint64_t max_comment_bytes = 65535;
constexpr std::uint32_t end_record_magic = 0x06054B50;
constexpr std::uint32_t directory_entry_magic = 0x02014B50;
constexpr std::uint32_t local_header_magic = 0x04034B50;
constexpr std::uint16_t method_deflate = 8;
constexpr std::uint16_t flag_encrypted = 1;

Error refused(std::string_view why)
{
    return unsupported("this zip archive is not unpacked on the way", why,
                       "unpack it with unzip and name what was in it");
}

/// The place of the one directory entry.  Errors: truncated (no end record), unsupported (not one file, zip64).
Result<ByteOffset> find_directory_entry(const ByteSource& packed)
{
    const auto size = packed.size().value;
    const auto tail_bytes = std::min<std::uint64_t>(size, end_record_bytes + max_comment_bytes);
    const ByteOffset tail_at{size - tail_bytes};
    const auto tail = SALVAGE_TRY(read_bytes(packed, tail_at, ByteCount{tail_bytes}));
    for (auto at = tail.size(); at-- > 0;) {
        const auto record = ByteView{tail}.subspan(at);
        if (record.size() < end_record_bytes || load_le<std::uint32_t>(record) != end_record_magic) {
            continue;
        }
        const auto entries = load_le<std::uint16_t>(record.subspan(10));
        const auto directory = load_le<std::uint32_t>(record.subspan(16));
        if (entries == std::numeric_limits<std::uint16_t>::max() ||
            directory == std::numeric_limits<std::uint32_t>::max()) {
            return refused("it is larger than 4 GiB");
        }
        if (entries != 1) {
            return refused(fmt::format("it holds {} files", entries));
        }
        return ByteOffset{directory};
    }
    return lifted(truncated(ByteOffset{0}, "a zip archive has no directory", "its end is missing"), packed,
                  ByteOffset{size});
}

Result<ZipEntry> find_zip_entry(const ByteSource& packed)
{
    const auto entry_at = SALVAGE_TRY(find_directory_entry(packed));
    const auto entry = SALVAGE_TRY(read_bytes(packed, entry_at, ByteCount{directory_entry_bytes}));
    ByteReader reader{entry};
    if (SALVAGE_TRY(reader.le<std::uint32_t>()) != directory_entry_magic) {
        return lifted(malformed(ByteOffset{0}, "a zip archive's directory is not where it should be",
                                fmt::format("found {}, expected 50 4B 01 02", to_spaced_hex(ByteView{entry}.first(4)))),
                      packed, entry_at);
    }
    const auto flags = load_le<std::uint16_t>(ByteView{entry}.subspan(8));
    const auto method = load_le<std::uint16_t>(ByteView{entry}.subspan(10));
    const auto crc = load_le<std::uint32_t>(ByteView{entry}.subspan(16));
    const ByteOffset header_at{load_le<std::uint32_t>(ByteView{entry}.subspan(42))};
    if ((flags & flag_encrypted) != 0) {
        return refused("its file is encrypted");
    }
    if (method != method_deflate) {
        return refused(fmt::format("its file is packed by method {}, not by deflate (8)", method));
    }
    const auto header = SALVAGE_TRY(read_bytes(packed, header_at, ByteCount{local_header_bytes}));
    if (load_le<std::uint32_t>(header) != local_header_magic) {
        return lifted(
            malformed(ByteOffset{0}, "a file of a zip archive is not where its directory says",
                      fmt::format("found {}, expected 50 4B 03 04", to_spaced_hex(ByteView{header}.first(4)))),
            packed, header_at);
    }
    // The header's own name and extra field: they may differ in length from the directory's.
    const std::uint64_t skipped = local_header_bytes +
                                  std::uint64_t{load_le<std::uint16_t>(ByteView{header}.subspan(26))} +
                                  load_le<std::uint16_t>(ByteView{header}.subspan(28));
    return ZipEntry{.data = header_at + ByteCount{skipped}, .crc = crc};
}

} // namespace

std::unique_ptr<Decompressor> make_gzip_decompressor(SourcePtr packed, RestartPoint from)
{
    return std::make_unique<Gzip>(std::move(packed), from);
}

Result<std::unique_ptr<Decompressor>> make_zip_decompressor(const SourcePtr& packed)
{
    const auto entry = SALVAGE_TRY(find_zip_entry(*packed).in("reading the directory of a zip archive"));
    return std::make_unique<Zip>(packed, entry);
}

} // namespace salvage::io

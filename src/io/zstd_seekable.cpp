// Seekable zstd: reading by the table, packing frames, writing the table.
#include "salvage/io/zstd_seekable.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "salvage/core/text.hpp"
#include "salvage/io/views.hpp"

namespace salvage::io {
namespace {

constexpr std::uint32_t frame_magic = 0xFD2F'B528;
constexpr std::uint32_t skippable_magic = 0x184D'2A50; ///< the lowest nibble is free
constexpr std::uint32_t table_magic = 0x184D'2A5E;
constexpr std::uint32_t footer_magic = 0x8F92'EAB1;
constexpr std::size_t footer_bytes = 9;
constexpr std::size_t skippable_header_bytes = 8;
constexpr std::uint64_t max_frames = 1ULL << 27U;
// 16 bytes each: 256 MiB.  A file of 1 MiB frames has as many at 16 TiB.
constexpr std::uint64_t max_frames_read = 1ULL << 24U;
// A frame is unpacked as a whole for the first byte of it; tools choose some MiB.
constexpr std::uint32_t max_frame_content = 64U << 20U;
constexpr std::uint64_t cache_bytes = 8ULL << 20U;
constexpr std::byte checksum_flag{0x80};
constexpr std::byte reserved_bits{0x7C};

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const noexcept { ::ZSTD_freeCCtx(context); }
};

/// Where frame i starts; one entry more than frames, for the end.
struct FrameStarts {
    std::vector<std::uint64_t> packed;
    std::vector<std::uint64_t> content;
};

class ZstdSeekable final : public ByteSource {
public:
    ZstdSeekable(SourcePtr packed, FrameStarts starts) : packed_{std::move(packed)}, starts_{std::move(starts)} {}

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{starts_.content.back()}; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(check_range(*this, at, ByteCount{into.size()}));
        Bytes frame;
        while (!into.empty()) {
            const auto index = frame_of(at);
            const auto start = starts_.content[index];
            const auto length = static_cast<std::size_t>(starts_.content[index + 1] - start);
            const auto within = static_cast<std::size_t>(at.value - start);
            const auto count = std::min(into.size(), length - within);
            if (count == length) {
                SALVAGE_TRY(unpack(index, at, into.first(count)));
            } else {
                frame.resize(length);
                SALVAGE_TRY(unpack(index, at, frame));
                std::ranges::copy(ByteView{frame}.subspan(within, count), into.begin());
            }
            into = into.subspan(count);
            at = at + ByteCount{count};
        }
        return {};
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        const auto index = size().value == 0 ? 0 : frame_of(std::min(at, ByteOffset{size().value - 1}));
        auto out = packed_->locate(ByteOffset{starts_.packed[index]});
        out.chain.push_back({.source = "zstd content", .at = at});
        return out;
    }

private:
    /// Requires: `at` is within the content.
    [[nodiscard]] std::size_t frame_of(ByteOffset at) const
    {
        const auto next = std::ranges::upper_bound(starts_.content, at.value);
        return static_cast<std::size_t>(next - starts_.content.begin()) - 1;
    }

    Result<> unpack(std::size_t index, ByteOffset at, std::span<std::byte> into) const
    {
        const auto start = starts_.packed[index];
        const auto bytes =
            SALVAGE_TRY(read_bytes(*packed_, ByteOffset{start}, ByteCount{starts_.packed[index + 1] - start}));
        const auto got = ::ZSTD_decompress(into.data(), into.size(), bytes.data(), bytes.size());
        if (::ZSTD_isError(got) == 0 && got == into.size()) {
            return {};
        }
        auto error = unreadable_at(*this, at);
        error.what = fmt::format("frame {} of the zstd file is damaged", index);
        error.why = ::ZSTD_isError(got) != 0 ? ::ZSTD_getErrorName(got)
                                             : fmt::format("it gave {} bytes, the table says {}", got, into.size());
        return error;
    }

    SourcePtr packed_;
    FrameStarts starts_;
};

Error no_table()
{
    return unsupported("this zstd file has no seek table, so it cannot be read from the middle",
                       "it does not end in B1 EA 92 8F",
                       "unpack it first: zstd -d FILE; salvage convert packs it so that it can be read");
}

Result<FrameStarts> read_table(const ByteSource& packed)
{
    const auto size = packed.size().value;
    const auto fail = [&](std::uint64_t at, std::string_view why) {
        return lifted(malformed(ByteOffset{at}, "the seek table of the zstd file is damaged", why)
                          .with_hint("zstd -d FILE unpacks it without the table"),
                      packed);
    };
    if (size < footer_bytes) {
        return no_table();
    }
    const auto footer_at = size - footer_bytes;
    const auto footer = SALVAGE_TRY(read_bytes(packed, ByteOffset{footer_at}, ByteCount{footer_bytes}));
    if (load_le<std::uint32_t>(ByteView{footer}.subspan(5)) != footer_magic) {
        return no_table();
    }
    const std::uint64_t frames = load_le<std::uint32_t>(footer);
    const auto descriptor = footer[4];
    if ((descriptor & reserved_bits) != std::byte{0}) {
        return fail(footer_at + 4, "reserved bits of its descriptor are set");
    }
    if (frames > max_frames_read) {
        return unsupported("the zstd file has more frames than are read here",
                           fmt::format("{}, the limit is {}", frames, max_frames_read),
                           "unpack it first: zstd -d FILE");
    }
    const std::uint64_t entry_bytes = (descriptor & checksum_flag) != std::byte{0} ? 12 : 8;
    const auto table_bytes = (frames * entry_bytes) + footer_bytes;
    if (table_bytes + skippable_header_bytes > size) {
        return fail(footer_at, fmt::format("it is said to have {} frames, the file is too short for that", frames));
    }
    const auto table_at = size - table_bytes - skippable_header_bytes;
    const auto table = SALVAGE_TRY(
        read_bytes(packed, ByteOffset{table_at}, ByteCount{skippable_header_bytes + (frames * entry_bytes)}));
    const auto view = ByteView{table};
    if (load_le<std::uint32_t>(view) != table_magic || load_le<std::uint32_t>(view.subspan(4)) != table_bytes) {
        return fail(table_at, "its skippable frame does not begin where the number of frames puts it");
    }
    FrameStarts out{.packed = {0}, .content = {0}};
    out.packed.reserve(frames + 1);
    out.content.reserve(frames + 1);
    for (std::uint64_t i = 0; i < frames; ++i) {
        const auto entry = view.subspan(skippable_header_bytes + (i * entry_bytes));
        const auto content = load_le<std::uint32_t>(entry.subspan(4));
        if (content > max_frame_content) {
            return unsupported("a frame of the zstd file is larger than is read here",
                               fmt::format("frame {} holds {} bytes, the limit is {}", i, content, max_frame_content),
                               "unpack it first: zstd -d FILE");
        }
        out.packed.push_back(out.packed.back() + load_le<std::uint32_t>(entry));
        out.content.push_back(out.content.back() + content);
    }
    if (out.packed.back() != table_at) {
        return fail(table_at, fmt::format("its frames take {} bytes together, the table begins at {}",
                                          out.packed.back(), table_at));
    }
    return out;
}

std::uint64_t largest_frame(const FrameStarts& starts)
{
    std::uint64_t largest = 1;
    for (std::size_t i = 1; i < starts.content.size(); ++i) {
        largest = std::max(largest, starts.content[i] - starts.content[i - 1]);
    }
    return largest;
}

} // namespace

bool is_zstd(ByteView first_bytes) noexcept
{
    if (first_bytes.size() < 4) {
        return false;
    }
    const auto magic = load_le<std::uint32_t>(first_bytes);
    return magic == frame_magic || (magic & 0xFFFF'FFF0U) == skippable_magic;
}

Result<SourcePtr> make_zstd_seekable(const SourcePtr& packed)
{
    auto starts = SALVAGE_TRY(read_table(*packed).in("opening the zstd file"));
    const auto block = largest_frame(starts);
    const auto blocks = std::max<std::uint64_t>(cache_bytes / block, 2);
    return make_cached(std::make_shared<ZstdSeekable>(packed, std::move(starts)), ByteCount{block},
                       static_cast<std::size_t>(std::min<std::uint64_t>(blocks, 1024)));
}

Result<Bytes> pack_zstd_frame(ByteView content, int level)
{
    const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context{::ZSTD_createCCtx()};
    Bytes out(::ZSTD_compressBound(content.size()));
    std::size_t got = 0;
    if (context != nullptr) {
        ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
        ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
        got = ::ZSTD_compress2(context.get(), out.data(), out.size(), content.data(), content.size());
    }
    if (context == nullptr || ::ZSTD_isError(got) != 0) {
        return Error{ErrorCode::internal,
                     "libzstd cannot pack a frame",
                     context == nullptr ? "there is no memory" : ::ZSTD_getErrorName(got),
                     std::nullopt,
                     {},
                     {}};
    }
    out.resize(got);
    return out;
}

Result<> ZstdSeekTable::add(std::size_t packed, std::size_t content)
{
    if (frames_.size() >= max_frames) {
        return unsupported("a seekable zstd file cannot hold that much", "it would have more than 2^27 frames");
    }
    frames_.push_back({.packed = static_cast<std::uint32_t>(packed), .content = static_cast<std::uint32_t>(content)});
    return {};
}

Bytes ZstdSeekTable::encode() const
{
    const auto body = (frames_.size() * 8) + footer_bytes;
    Bytes out(skippable_header_bytes + body);
    const auto view = std::span{out};
    store_le(view, table_magic);
    store_le(view.subspan(4), static_cast<std::uint32_t>(body));
    for (std::size_t i = 0; i < frames_.size(); ++i) {
        const auto entry = view.subspan(skippable_header_bytes + (i * 8));
        store_le(entry, frames_[i].packed);
        store_le(entry.subspan(4), frames_[i].content);
    }
    const auto footer = view.last(footer_bytes);
    store_le(footer, static_cast<std::uint32_t>(frames_.size()));
    store_le(footer.subspan(5), footer_magic);
    return out;
}

} // namespace salvage::io

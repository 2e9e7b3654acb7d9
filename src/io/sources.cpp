// What a user names, opened whatever its container.
#include "salvage/io/sources.hpp"

#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/io/e01.hpp"
#include "salvage/io/views.hpp"
#include "salvage/io/zstd_seekable.hpp"
#include "split_raw.hpp"

namespace salvage::io {
namespace {

/// Enough for the first lines of a hex dump below a screenful of prompt noise.
constexpr ByteCount probe_bytes{16384};
// 64 MiB of bytes at 5 characters each: the longest text that parse_hexdump could accept.
constexpr ByteCount max_text{320ULL << 20U};

enum class Container : std::uint8_t { raw, device, split_raw, android_sparse, e01, zstd_seekable, hexdump };

struct Opened {
    SourcePtr bytes; ///< what is in the container, still packed
    Container container{Container::raw};
};

Result<SourcePtr> open_split(const std::filesystem::path& first)
{
    std::vector<SourcePtr> parts;
    for (const auto& path : SALVAGE_TRY(find_split_parts(first))) {
        auto part = SALVAGE_TRY(open_file(path).in("opening a part of the split image"));
        parts.push_back(std::move(part));
    }
    return parts.size() == 1 ? parts.front() : make_concat(std::move(parts), first.stem().string());
}

/// The order of the questions: a device holds no container of ours; then names (split parts), since the first part of a
/// split sparse image begins like a whole one; then content, from the surest signature (four magic bytes) to the
/// vaguest (text that looks like a hex dump).  E01 joins its segments itself, by names of its own.  What answers to
/// none is raw.
Result<Opened> open_packed(const std::filesystem::path& path)
{
    std::error_code ignored;
    Opened opened;
    if (std::filesystem::is_block_file(path, ignored)) {
        opened.bytes = SALVAGE_TRY(open_file(path));
        opened.container = Container::device;
        return opened;
    }
    opened.bytes = SALVAGE_TRY(open_file(path));
    if (names_first_part(path) && SALVAGE_TRY(find_split_parts(path)).size() > 1) {
        opened.bytes = SALVAGE_TRY(open_split(path));
        opened.container = Container::split_raw;
    }
    const auto head = read_up_to(*opened.bytes, ByteOffset{0}, probe_bytes);
    if (!head.has_value()) {
        // A dump whose first bytes cannot be read is raw: everything else of it may still be good.
        return opened;
    }
    if (is_sparse_image(*head)) {
        opened.container = Container::android_sparse;
    } else if (is_e01(*head)) {
        opened.container = Container::e01;
    } else if (is_unread_ewf(*head)) {
        return unsupported(fmt::format("'{}' is an Ex01 or a logical evidence file", printable(path.string())),
                           "of the Expert Witness formats E01 images are read",
                           "write it as E01 or raw with the program that made it");
    } else if (is_zstd(*head)) {
        opened.container = Container::zstd_seekable;
    } else if (opened.container == Container::raw && looks_like_hexdump(as_text(*head))) {
        opened.container = Container::hexdump;
    }
    return opened;
}

Result<SourcePtr> open_hexdump(const SourcePtr& source, const std::string& name)
{
    const auto text = SALVAGE_TRY(read_all(*source, max_text).in("reading the hex dump"));
    auto bytes = SALVAGE_TRY(parse_hexdump(as_text(text)).at(name, ByteOffset{0}).in("reading the hex dump"));
    return make_memory(std::move(bytes), name + " (the bytes it shows)");
}

} // namespace

Result<SourcePtr> open_any(const std::filesystem::path& path)
{
    auto opened = SALVAGE_TRY(open_packed(path));
    switch (opened.container) {
    case Container::raw:
    case Container::device:
    case Container::split_raw: return std::move(opened.bytes);
    case Container::android_sparse: return make_sparse(std::move(opened.bytes));
    case Container::e01: return std::move(SALVAGE_TRY(open_e01(path))).content;
    case Container::zstd_seekable: return make_zstd_seekable(opened.bytes);
    case Container::hexdump: return open_hexdump(opened.bytes, path.string());
    }
    return std::move(opened.bytes);
}

Result<std::string> container_kind(const std::filesystem::path& path)
{
    switch (SALVAGE_TRY(open_packed(path)).container) {
    case Container::raw: return "raw";
    case Container::device: return "device";
    case Container::split_raw: return "split-raw";
    case Container::android_sparse: return "android-sparse";
    case Container::e01: return "e01";
    case Container::zstd_seekable: return "zstd-seekable";
    case Container::hexdump: return "hexdump";
    }
    return "raw";
}

} // namespace salvage::io

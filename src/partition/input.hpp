// What a format's probe is given, and how it reads: unreadable areas are an answer, not the end of the question.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/io/byte_source.hpp"
#include "salvage/partition/layout.hpp"

namespace salvage::partition {

/// One file under question.
struct Input {
    const io::ByteSource* source{};
    std::string path;
    /// The whole file where it is small enough to be a text or a dump of a table, otherwise empty.
    Bytes small_file;
    /// The file is UTF-16; `small_file` is its UTF-8 form, and places in it are not those in the file.
    bool is_utf16{false};

    [[nodiscard]] ByteCount size() const noexcept { return source->size(); }
    [[nodiscard]] bool is_small() const noexcept { return !small_file.empty(); }
    [[nodiscard]] std::string_view text() const noexcept { return as_text(small_file); }
};

/// Scatter files are below 100 KiB, dumps of a table below 1 MiB; nothing larger is held in memory or read as text.
constexpr ByteCount max_small_file{4ULL << 20U};

/// A table in a small file may stand anywhere; a flash is larger than this.
constexpr ByteCount smallest_flash{8ULL << 20U};

/// At most `count` bytes at `at`; nothing where that area is known to be unreadable.  Errors: io.
[[nodiscard]] Result<std::optional<Bytes>> read_if_readable(const Input& input, ByteOffset at, ByteCount count);

/// A probe's answer: tables it found, whole or in part; empty where the bytes are not of its format.
using ProbeResults = std::vector<ProbeResult>;

[[nodiscard]] ProbeResult found(Table table);
[[nodiscard]] ProbeResult found_damaged(Table table, Error damage);

[[nodiscard]] Table make_table(std::string_view kind, std::string_view path);
/// A partition of that name with its role; place unknown as yet: start and size are zero.
[[nodiscard]] Partition make_partition(std::string_view name, std::string_view source);

/// Stands in for a name that a table does not give.
[[nodiscard]] std::string unnamed(std::size_t number);

} // namespace salvage::partition

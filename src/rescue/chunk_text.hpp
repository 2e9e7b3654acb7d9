// Inside rescue: the `key=value` lines that records of a chunk folder are written in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "salvage/rescue/chunks.hpp"

namespace salvage::rescue {

/// Control characters, blanks and '%' as %XX, so that a value is one word.
[[nodiscard]] std::string escape_word(std::string_view value);
/// "$HEX[70617373]": any bytes as one word.
[[nodiscard]] std::string hex_word(std::string_view bytes);
/// The text with its last line, "check=<SHA-256 of all before>".
[[nodiscard]] std::string with_check(std::string text);

/// "host=…", "pid=…", "attempt=…", "token=…" lines.
[[nodiscard]] std::string writer_lines(const ChunkWriter& writer);
/// "hit=<number> <encoding> <target> <secret>" and a line feed.
[[nodiscard]] std::string hit_line(const ChunkHit& hit);
/// Errors: invalid_argument (a text is over max_chunk_text).
Result<> check_hit(const ChunkHit& hit);

/// Reads `key=value` lines in their fixed order.  Views into the text it was made with.
class ChunkLines {
public:
    explicit ChunkLines(std::string_view text) : text_{text} {}

    /// The next line's value.  Errors: malformed (another line, or none).
    Result<std::string_view> value(std::string_view key);
    Result<std::uint64_t> number(std::string_view key);
    Result<std::string> word(std::string_view key);
    Result<ChunkWriter> writer();
    Result<ChunkHit> hit();
    /// The last line has to be the right checksum, and nothing may follow.
    Result<> check();

private:
    [[nodiscard]] Error damaged(std::string_view key) const;

    std::string_view text_;
    std::size_t at_{0};
    std::size_t line_start_{0};
};

} // namespace salvage::rescue

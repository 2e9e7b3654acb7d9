// Inside rescue: the `key=value` lines that records of a chunk folder are written in.
#pragma once

#include <string>
#include <string_view>

#include "salvage/core/line_record.hpp"
#include "salvage/rescue/chunks.hpp"

namespace salvage::rescue {

/// Control characters, blanks and '%' as %XX, so that a value is one word.
[[nodiscard]] std::string escape_word(std::string_view value);
/// "$HEX[70617373]": any bytes as one word.
[[nodiscard]] std::string hex_word(std::string_view bytes);
/// The text with its last line, "check=<SHA-256 of all before>".
[[nodiscard]] std::string with_check(std::string text);

/// "attempt=…", "host=…", "pid=…", "token=…" lines.
[[nodiscard]] std::string writer_lines(const ChunkWriter& writer);
/// "hit=<number> <encoding> <target> <secret>" and a line feed.
[[nodiscard]] std::string hit_line(const ChunkHit& hit);
/// Errors: invalid_argument (a text is over max_chunk_text).
Result<> check_hit(const ChunkHit& hit);

/// Reads a record's or a hit's lines.  Views into `text`.
[[nodiscard]] LineRecordReader chunk_lines(std::string_view text);
/// What escape_word() and its likes wrote.  Errors: malformed (another line; damaged; over max_chunk_text).
[[nodiscard]] Result<std::string> read_word(LineRecordReader& lines, std::string_view key);
[[nodiscard]] Result<ChunkWriter> read_writer(LineRecordReader& lines);
[[nodiscard]] Result<ChunkHit> read_hit(LineRecordReader& lines);
/// The last line has to be the right checksum, and nothing may follow.
[[nodiscard]] Result<> read_check(LineRecordReader& lines);

} // namespace salvage::rescue

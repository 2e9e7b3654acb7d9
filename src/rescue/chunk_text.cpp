// Lines of a chunk folder's records, written and read.
#include "rescue/chunk_text.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view check_key = "check";
constexpr std::string_view hex_open = "$HEX[";
constexpr std::size_t token_digits = 32;

constexpr LineRecordForm form{.values = LineValue::word,
                              .record = "a chunk's record",
                              .damaged_number = "a damaged line",
                              .damaged_value = "a damaged line"};

std::string checksum(std::string_view text)
{
    return to_hex(crypto::sha256(as_bytes(text)));
}

std::optional<std::string> from_escaped(std::string_view word)
{
    auto out = unescape_line_value(word, form.values);
    return out && out->size() <= max_chunk_text ? std::move(out) : std::nullopt;
}

std::optional<std::string> from_hex_word(std::string_view word)
{
    constexpr auto longest = 2 * max_chunk_text + hex_open.size() + 1;
    if (!word.starts_with(hex_open) || !word.ends_with(']') || word.size() > longest) {
        return std::nullopt;
    }
    const auto bytes = from_hex(word.substr(hex_open.size(), word.size() - hex_open.size() - 1));
    return bytes.has_value() ? std::optional{std::string{as_text(*bytes)}} : std::nullopt;
}

std::string_view take_word(std::string_view& line)
{
    const auto end = line.find(' ');
    const auto word = line.substr(0, end);
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
    return word;
}

} // namespace

std::string escape_word(std::string_view value)
{
    return escape_line_value(value, form.values);
}

std::string hex_word(std::string_view bytes)
{
    return fmt::format("{}{}]", hex_open, to_hex(as_bytes(bytes)));
}

std::string with_check(std::string text)
{
    text += fmt::format("{}={}\n", check_key, checksum(text));
    return text;
}

std::string writer_lines(const ChunkWriter& writer)
{
    return fmt::format("attempt={}\nhost={}\npid={}\ntoken={}\n", writer.attempt, escape_word(writer.host), writer.pid,
                       writer.token);
}

std::string hit_line(const ChunkHit& hit)
{
    return fmt::format("hit={} {} {} {}\n", hit.number, escape_word(hit.encoding), hex_word(hit.target),
                       hex_word(hit.secret));
}

Result<> check_hit(const ChunkHit& hit)
{
    if (hit.encoding.size() > max_chunk_text || hit.target.size() > max_chunk_text ||
        hit.secret.size() > max_chunk_text) {
        return invalid_argument("a hit cannot be recorded",
                                fmt::format("its name or its secret is longer than {} bytes", max_chunk_text));
    }
    return {};
}

LineRecordReader chunk_lines(std::string_view text)
{
    return {text, form};
}

Result<std::string> read_word(LineRecordReader& lines, std::string_view key)
{
    auto out = from_escaped(SALVAGE_TRY(lines.value(key)));
    return out ? Result<std::string>{std::move(*out)} : lines.damaged(key);
}

Result<ChunkWriter> read_writer(LineRecordReader& lines)
{
    ChunkWriter out;
    const auto attempt = SALVAGE_TRY(lines.number("attempt"));
    if (attempt == 0 || attempt > max_chunk_attempts) {
        return lines.damaged("attempt");
    }
    out.attempt = static_cast<std::uint32_t>(attempt);
    out.host = SALVAGE_TRY(read_word(lines, "host"));
    out.pid = SALVAGE_TRY(lines.number("pid"));
    out.token = SALVAGE_TRY(read_word(lines, "token"));
    return out.token.size() == token_digits ? Result<ChunkWriter>{std::move(out)} : lines.damaged("token");
}

Result<ChunkHit> read_hit(LineRecordReader& lines)
{
    auto line = SALVAGE_TRY(lines.value("hit"));
    const auto number = whole_number(take_word(line));
    auto encoding = from_escaped(take_word(line));
    auto target = from_hex_word(take_word(line));
    auto secret = from_hex_word(line);
    if (!number || !encoding || !target || !secret) {
        return lines.damaged("hit");
    }
    return ChunkHit{.number = *number,
                    .target = std::move(*target),
                    .secret = std::move(*secret),
                    .encoding = std::move(*encoding)};
}

Result<> read_check(LineRecordReader& lines)
{
    return lines.end(check_key, checksum(lines.read_so_far()));
}

} // namespace salvage::rescue

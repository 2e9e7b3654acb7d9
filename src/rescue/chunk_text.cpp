// Lines of a chunk folder's records, written and read.
#include "rescue/chunk_text.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view hex_open = "$HEX[";
constexpr std::size_t token_digits = 32;

bool needs_escape(char c) noexcept
{
    return c == '%' || c == '\x7F' || (c >= '\0' && c <= ' ');
}

std::optional<std::uint64_t> to_number(std::string_view digits, int base = 10)
{
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
    const bool is_whole = !digits.empty() && problem == std::errc{} && end == digits.data() + digits.size();
    return is_whole ? std::optional{out} : std::nullopt;
}

std::optional<std::string> from_escaped(std::string_view word)
{
    std::string out;
    while (!word.empty()) {
        if (needs_escape(word.front()) && word.front() != '%') {
            return std::nullopt;
        }
        if (word.front() != '%') {
            out.push_back(word.front());
            word.remove_prefix(1);
            continue;
        }
        const auto code = word.size() < 3 ? std::nullopt : to_number(word.substr(1, 2), 16);
        if (!code) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(*code));
        word.remove_prefix(3);
    }
    return out.size() > max_chunk_text ? std::nullopt : std::optional{std::move(out)};
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
    std::string out;
    for (const char c : value) {
        if (needs_escape(c)) {
            out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out.push_back(c);
        }
    }
    return out;
}

std::string hex_word(std::string_view bytes)
{
    return fmt::format("{}{}]", hex_open, to_hex(as_bytes(bytes)));
}

std::string with_check(std::string text)
{
    text += fmt::format("check={}\n", to_hex(crypto::sha256(as_bytes(text))));
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

Error ChunkLines::damaged(std::string_view key) const
{
    return malformed(ByteOffset{line_start_}, "a chunk's record has a damaged line", fmt::format("in \"{}=\"", key));
}

Result<std::string_view> ChunkLines::value(std::string_view key)
{
    line_start_ = at_;
    const auto end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
        return malformed(ByteOffset{line_start_}, "a chunk's record ends too early",
                         fmt::format("the line \"{}=\" is missing or has no end", key));
    }
    const auto line = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != '=') {
        return malformed(ByteOffset{line_start_}, "a chunk's record has another line than expected",
                         fmt::format("expected \"{}=\"", key));
    }
    return line.substr(key.size() + 1);
}

Result<std::uint64_t> ChunkLines::number(std::string_view key)
{
    const auto out = to_number(SALVAGE_TRY(value(key)));
    return out ? Result<std::uint64_t>{*out} : damaged(key);
}

Result<std::string> ChunkLines::word(std::string_view key)
{
    auto out = from_escaped(SALVAGE_TRY(value(key)));
    return out ? Result<std::string>{std::move(*out)} : damaged(key);
}

Result<ChunkWriter> ChunkLines::writer()
{
    ChunkWriter out;
    const auto attempt = SALVAGE_TRY(number("attempt"));
    if (attempt == 0 || attempt > max_chunk_attempts) {
        return damaged("attempt");
    }
    out.attempt = static_cast<std::uint32_t>(attempt);
    out.host = SALVAGE_TRY(word("host"));
    out.pid = SALVAGE_TRY(number("pid"));
    out.token = SALVAGE_TRY(word("token"));
    return out.token.size() == token_digits ? Result<ChunkWriter>{std::move(out)} : damaged("token");
}

Result<ChunkHit> ChunkLines::hit()
{
    auto line = SALVAGE_TRY(value("hit"));
    const auto number = to_number(take_word(line));
    auto encoding = from_escaped(take_word(line));
    auto target = from_hex_word(take_word(line));
    auto secret = from_hex_word(line);
    if (!number || !encoding || !target || !secret) {
        return damaged("hit");
    }
    return ChunkHit{.number = *number,
                    .target = std::move(*target),
                    .secret = std::move(*secret),
                    .encoding = std::move(*encoding)};
}

Result<> ChunkLines::check()
{
    const auto checked = text_.substr(0, at_);
    const auto found = SALVAGE_TRY(value("check"));
    if (found != to_hex(crypto::sha256(as_bytes(checked)))) {
        return malformed(ByteOffset{checked.size()}, "a chunk's record is damaged", "its checksum does not agree");
    }
    if (at_ != text_.size()) {
        return malformed(ByteOffset{at_}, "a chunk's record goes on after its end");
    }
    return {};
}

} // namespace salvage::rescue

// Lines of a case log, and what makes one a record.
#include "rescue/log_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "rescue/out_folder.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

constexpr std::size_t hash_digits = 64;
constexpr std::string_view before_previous = R"(,"previous":")";
constexpr std::string_view after_previous = R"("})";

bool is_hash(std::string_view text) noexcept
{
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == hash_digits && std::ranges::all_of(text, is_digit);
}

/// The hash at a record's very end, where every record has it.
std::optional<std::string_view> previous_of(std::string_view text) noexcept
{
    const auto tail = before_previous.size() + hash_digits + after_previous.size();
    if (text.size() <= tail || !text.starts_with('{')) {
        return std::nullopt;
    }
    auto end = text.substr(text.size() - tail);
    if (!end.starts_with(before_previous) || !end.ends_with(after_previous)) {
        return std::nullopt;
    }
    end.remove_prefix(before_previous.size());
    end = end.substr(0, hash_digits);
    return is_hash(end) ? std::optional{end} : std::nullopt;
}

bool is_shallow(std::string_view text) noexcept
{
    unsigned depth = 0;
    bool is_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = text[i];
        if (is_string) {
            i += c == '\\' ? 1U : 0U;
            is_string = c != '"';
            continue;
        }
        is_string = c == '"';
        if (c == '{' || c == '[') {
            if (++depth > max_record_depth) {
                return false;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return true;
}

} // namespace

Result<std::optional<LogLine>> LogReader::next()
{
    LogLine line{.number = number_ + 1, .offset = offset_, .text = {}, .sha256 = {}};
    crypto::Sha256 hash;
    ByteCount size;
    text_.clear();
    while (!line.is_ended) {
        if (begin_ == end_) {
            begin_ = 0;
            end_ = SALVAGE_TRY(more_(buffer_));
            if (end_ == 0) {
                break;
            }
        }
        const auto there = ByteView{buffer_}.subspan(begin_, end_ - begin_);
        const auto found = std::ranges::find(there, std::byte{'\n'});
        const auto piece = there.first(static_cast<std::size_t>(found - there.begin()));
        line.is_ended = found != there.end();
        hash.update(piece);
        line.is_too_long = line.is_too_long || text_.size() + piece.size() > max_record_bytes;
        if (!line.is_too_long) {
            text_ += as_text(piece);
        }
        const auto taken = piece.size() + (line.is_ended ? 1U : 0U);
        size = size + ByteCount{taken};
        begin_ += taken;
    }
    if (size.value == 0) {
        return std::optional<LogLine>{};
    }
    number_ = line.number;
    offset_ = offset_ + size;
    line.text = line.is_too_long ? std::string_view{} : std::string_view{text_};
    line.sha256 = to_hex(hash.finish());
    return std::optional{std::move(line)};
}

LogReader read_log_from(int descriptor)
{
    return LogReader{[descriptor](std::span<std::byte> into) -> Result<std::size_t> {
        while (true) {
            const auto got = ::read(descriptor, into.data(), into.size());
            if (got >= 0) {
                return static_cast<std::size_t>(got);
            }
            if (errno != EINTR) {
                return from_errno(errno, "the case log cannot be read", "log.jsonl");
            }
        }
    }};
}

LogReader read_log_from(ByteView bytes)
{
    return LogReader{[rest = bytes](std::span<std::byte> into) mutable -> Result<std::size_t> {
        const auto count = std::min(rest.size(), into.size());
        std::ranges::copy(rest.first(count), into.begin());
        rest = rest.subspan(count);
        return count;
    }};
}

std::optional<nlohmann::ordered_json> parse_bounded(std::string_view text)
{
    return is_shallow(text) ? parse_object(text) : std::nullopt;
}

const nlohmann::ordered_json& LogRecord::data() const
{
    static const auto none = nlohmann::ordered_json::object();
    const auto found = json.find("data");
    return found != json.end() && found->is_object() ? *found : none;
}

std::optional<LogRecord> parse_record(const LogLine& line)
{
    const auto previous = previous_of(line.text);
    auto json = previous ? parse_bounded(line.text) : std::nullopt;
    if (!json) {
        return std::nullopt;
    }
    auto event = get_text(*json, "event");
    auto text = get_text(*json, "text");
    if (!event || !text) {
        return std::nullopt;
    }
    return LogRecord{.json = *std::move(json),
                     .event = *std::move(event),
                     .text = *std::move(text),
                     .previous = std::string{*previous}};
}

std::optional<NamedFile> file_of(const LogRecord& record)
{
    auto path = get_text(record.data(), "path");
    const auto size = get_number(record.data(), "size");
    auto sha256 = get_text(record.data(), "sha256");
    if (!path || !size || !sha256 || !is_hash(*sha256)) {
        return std::nullopt;
    }
    return NamedFile{.path = *std::move(path), .size = *size, .sha256 = *std::move(sha256)};
}

} // namespace salvage::rescue

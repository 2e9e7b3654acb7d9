// Session files: `key=value` lines with a version and a checksum.  Format: docs/formats/session.md.
#include "salvage/password/session.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {
namespace {

constexpr std::string_view version_key = "salvage-session";
constexpr std::string_view version = "1";
constexpr std::string_view check_key = "check";

bool needs_escape(char c) noexcept
{
    return c == '%' || c == '\x7F' || (c >= '\0' && c < ' ');
}

/// Control characters and '%' as %XX, so that a value is one line.
std::string escaped(std::string_view value)
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

std::optional<std::string> unescaped(std::string_view value)
{
    std::string out;
    while (!value.empty()) {
        if (value.front() != '%') {
            if (needs_escape(value.front())) {
                return std::nullopt;
            }
            out.push_back(value.front());
            value.remove_prefix(1);
            continue;
        }
        unsigned code = 0;
        const auto digits = value.substr(1, 2);
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (problem != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(code));
        value.remove_prefix(3);
    }
    return out;
}

std::string checksum(std::string_view text)
{
    return to_hex(crypto::sha256(as_bytes(text)));
}

/// Reads `key=value` lines in their fixed order.
class LineReader {
public:
    explicit LineReader(std::string_view text) : text_{text} {}

    [[nodiscard]] std::size_t position() const noexcept { return at_; }

    Result<std::string_view> value(std::string_view key)
    {
        line_start_ = at_;
        const auto end = text_.find('\n', at_);
        if (end == std::string_view::npos) {
            return malformed(ByteOffset{line_start_}, "a session file ends too early",
                             fmt::format("the line \"{}=\" is missing or has no end", key));
        }
        const auto line = text_.substr(at_, end - at_);
        at_ = end + 1;
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != '=') {
            return malformed(ByteOffset{line_start_}, "a session file has another line than expected",
                             fmt::format("expected \"{}=\"", key));
        }
        return line.substr(key.size() + 1);
    }

    Result<std::string> text(std::string_view key)
    {
        auto out = unescaped(SALVAGE_TRY(value(key)));
        if (!out) {
            return malformed(ByteOffset{line_start_}, "a session file has a damaged value",
                             fmt::format("in \"{}=\"", key));
        }
        return std::move(*out);
    }

    Result<std::uint64_t> number(std::string_view key)
    {
        const auto digits = SALVAGE_TRY(value(key));
        std::uint64_t out = 0;
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        if (digits.empty() || problem != std::errc{} || end != digits.data() + digits.size()) {
            return malformed(ByteOffset{line_start_}, "a session file has a damaged number",
                             fmt::format("in \"{}=\"", key));
        }
        return out;
    }

private:
    std::string_view text_;
    std::size_t at_{0};
    std::size_t line_start_{0};
};

Error other_session(std::string_view what, std::string_view session, std::string_view given)
{
    return Error{ErrorCode::mismatch,
                 fmt::format("the session is of another {}", what),
                 fmt::format("the session: {}; given: {}", session, given),
                 std::nullopt,
                 "give the footer and the attack the session was started with, or start a new session in another file",
                 {}};
}

} // namespace

Result<std::string> format_session(const SearchState& state)
{
    auto out = fmt::format("{}={}\ntarget={}\nkeyspace={}\nbegin={}\nnext={}\nend={}\n", version_key, version,
                           escaped(state.target_identity), escaped(state.keyspace_identity), state.begin, state.next,
                           state.end);
    out += fmt::format("{}={}\n", check_key, checksum(out));
    if (out.size() > max_session_bytes.value) {
        return unsupported("the session is too large to be saved", fmt::format("{} bytes", out.size()),
                           "search fewer word lists at once");
    }
    return out;
}

Result<SearchState> parse_session(ByteView bytes)
{
    if (bytes.size() > max_session_bytes.value) {
        return unsupported("this is no session file",
                           fmt::format("it is larger than {} bytes", max_session_bytes.value));
    }
    const auto text = as_text(bytes);
    LineReader reader{text};
    const auto found_version = SALVAGE_TRY(reader.value(version_key));
    if (found_version != version) {
        return unsupported("the session was written by another version of this program", "it is not version 1",
                           "go on with the program that wrote it, or start anew");
    }
    SearchState state;
    state.target_identity = SALVAGE_TRY(reader.text("target"));
    state.keyspace_identity = SALVAGE_TRY(reader.text("keyspace"));
    state.begin = SALVAGE_TRY(reader.number("begin"));
    state.next = SALVAGE_TRY(reader.number("next"));
    state.end = SALVAGE_TRY(reader.number("end"));
    const auto checked = text.substr(0, reader.position());
    const auto check = SALVAGE_TRY(reader.value(check_key));
    if (check != checksum(checked)) {
        return malformed(ByteOffset{checked.size()}, "a session file is damaged", "its checksum does not agree");
    }
    if (reader.position() != text.size()) {
        return malformed(ByteOffset{reader.position()}, "a session file goes on after its end");
    }
    if (state.begin > state.next || state.next > state.end) {
        return malformed(ByteOffset{0}, "a session file contradicts itself",
                         fmt::format("begin {}, next {}, end {}", state.begin, state.next, state.end));
    }
    return state;
}

Result<> save_session(const std::filesystem::path& path, const SearchState& state)
{
    const auto text = SALVAGE_TRY(format_session(state));
    return io::write_file_atomically(path, as_bytes(text), io::Existing::replace, 0600).in("saving the session");
}

Result<SearchState> load_session(const std::filesystem::path& path)
{
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) {
        return not_found("there is no session file of that name", path.string());
    }
    const auto file = SALVAGE_TRY(io::open_file(path).in("reading the session"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_session_bytes).in("reading the session"));
    return parse_session(bytes).at(path.string(), ByteOffset{0});
}

Result<> check_session(const SearchState& state, const Keyspace& keyspace, const Target& target)
{
    if (state.target_identity != target.identity()) {
        return other_session("footer", state.target_identity, target.identity());
    }
    if (state.keyspace_identity != keyspace.identity()) {
        return other_session("attack", state.keyspace_identity, keyspace.identity());
    }
    if (state.begin > state.next || state.next > state.end || state.end > keyspace.size().value) {
        return malformed(ByteOffset{0}, "the session does not fit its keyspace",
                         fmt::format("begin {}, next {}, end {} of {} candidates", state.begin, state.next, state.end,
                                     keyspace.size().value));
    }
    return {};
}

} // namespace salvage::password

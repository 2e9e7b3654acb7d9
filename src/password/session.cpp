// Session files: `key=value` lines with a version and a checksum.  Format: docs/formats/session.md.
#include "salvage/password/session.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "password/target_set.hpp"
#include "salvage/core/line_record.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::password {
namespace {

constexpr std::string_view version_key = "salvage-session";
constexpr std::string_view version = "2";
constexpr std::string_view check_key = "check";

constexpr LineRecordForm form{.values = LineValue::line,
                              .record = "a session file",
                              .damaged_number = "a damaged number",
                              .damaged_value = "a damaged value"};

std::string escaped(std::string_view value)
{
    return escape_line_value(value, form.values);
}

std::string checksum(std::string_view text)
{
    return to_hex(crypto::sha256(as_bytes(text)));
}

/// "0:17,2:900": target and candidate number.
std::string format_hits(const std::vector<Hit>& hits)
{
    std::string out;
    for (const auto& hit : hits) {
        out += fmt::format("{}{}:{}", out.empty() ? "" : ",", hit.target, hit.index);
    }
    return out;
}

std::optional<Hit> parse_hit(std::string_view text)
{
    Hit hit;
    const auto* const end = text.data() + text.size();
    const auto target = std::from_chars(text.data(), end, hit.target);
    if (target.ec != std::errc{} || target.ptr == end || *target.ptr != ':' || hit.target >= max_targets) {
        return std::nullopt;
    }
    const auto index = std::from_chars(target.ptr + 1, end, hit.index);
    return index.ec == std::errc{} && index.ptr == end ? std::optional{hit} : std::nullopt;
}

/// In the order of targets, each once.
std::optional<std::vector<Hit>> parse_hits(std::string_view text)
{
    std::vector<Hit> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto hit = parse_hit(text.substr(0, comma));
        if (!hit || (!out.empty() && hit->target <= out.back().target)) {
            return std::nullopt;
        }
        out.push_back(*hit);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    return out;
}

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

Result<std::string> format_session(const Session& session)
{
    const auto& state = session.state;
    auto out = fmt::format("{}={}\nfolder={}\n", version_key, version, escaped(session.folder));
    for (const auto& argument : session.command) {
        out += fmt::format("argument={}\n", escaped(argument));
    }
    out += fmt::format("target={}\nkeyspace={}\nbegin={}\nnext={}\nend={}\nhits={}\n", escaped(state.target_identity),
                       escaped(state.keyspace_identity), state.begin, state.next, state.end, format_hits(state.hits));
    out += fmt::format("{}={}\n", check_key, checksum(out));
    if (out.size() > max_session_bytes.value || session.command.size() > max_session_arguments) {
        return unsupported("the session is too large to be saved",
                           fmt::format("{} bytes, {} arguments", out.size(), session.command.size()),
                           "search fewer word lists or footers at once");
    }
    return out;
}

namespace {

Result<Session> read_lines(LineRecordReader& reader)
{
    Session session;
    auto& state = session.state;
    session.folder = SALVAGE_TRY(reader.text("folder"));
    while (reader.is_next("argument") && session.command.size() < max_session_arguments) {
        session.command.push_back(SALVAGE_TRY(reader.text("argument")));
    }
    state.target_identity = SALVAGE_TRY(reader.text("target"));
    state.keyspace_identity = SALVAGE_TRY(reader.text("keyspace"));
    state.begin = SALVAGE_TRY(reader.number("begin"));
    state.next = SALVAGE_TRY(reader.number("next"));
    state.end = SALVAGE_TRY(reader.number("end"));
    const auto text = SALVAGE_TRY(reader.value("hits"));
    auto hits = parse_hits(text);
    if (!hits) {
        return reader.damaged("hits");
    }
    state.hits = std::move(*hits);
    return session;
}

} // namespace

Result<Session> parse_session(ByteView bytes)
{
    if (bytes.size() > max_session_bytes.value) {
        return unsupported("this is no session file",
                           fmt::format("it is larger than {} bytes", max_session_bytes.value));
    }
    LineRecordReader reader{as_text(bytes), form};
    const auto found_version = SALVAGE_TRY(reader.value(version_key));
    if (found_version != version) {
        return unsupported("the session was written by another version of this program",
                           fmt::format("it is not version {}", version),
                           "go on with the program that wrote it, or start anew");
    }
    auto session = SALVAGE_TRY(read_lines(reader));
    SALVAGE_TRY(reader.end(check_key, checksum(reader.read_so_far())));
    const auto& state = session.state;
    if (state.begin > state.next || state.next > state.end) {
        return malformed(ByteOffset{0}, "a session file contradicts itself",
                         fmt::format("begin {}, next {}, end {}", state.begin, state.next, state.end));
    }
    return session;
}

Result<> save_session(const std::filesystem::path& path, const Session& session)
{
    const auto text = SALVAGE_TRY(format_session(session));
    return io::write_file_atomically(path, as_bytes(text), io::Existing::replace, 0600).in("saving the session");
}

Result<Session> load_session(const std::filesystem::path& path)
{
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) {
        return not_found("there is no session file of that name", path.string());
    }
    const auto file = SALVAGE_TRY(io::open_file(path).in("reading the session"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_session_bytes).in("reading the session"));
    return parse_session(bytes).at(path.string(), ByteOffset{0});
}

Result<> check_session(const SearchState& state, const Keyspace& keyspace, std::span<const Target* const> targets)
{
    if (state.target_identity != identity_of(targets)) {
        return other_session("footer", state.target_identity, identity_of(targets));
    }
    if (state.keyspace_identity != keyspace.identity()) {
        return other_session("attack", state.keyspace_identity, keyspace.identity());
    }
    const bool is_range_sane =
        state.begin <= state.next && state.next <= state.end && state.end <= keyspace.size().value;
    const bool are_hits_sane = std::ranges::all_of(state.hits, [&](const Hit& hit) {
        return hit.target < targets.size() && hit.index >= state.begin && hit.index < state.end;
    });
    if (!is_range_sane || !are_hits_sane) {
        return malformed(ByteOffset{0}, "the session does not fit its keyspace",
                         fmt::format("begin {}, next {}, end {} of {} candidates, {} hits", state.begin, state.next,
                                     state.end, keyspace.size().value, state.hits.size()));
    }
    return {};
}

} // namespace salvage::password

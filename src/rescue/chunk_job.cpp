// job.json: what a chunk folder searches.  Format: docs/formats/chunk-folder.md.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "salvage/core/units.hpp"
#include "salvage/rescue/chunks.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view schema = "salvage.chunks/1";

Error no_job(std::string why)
{
    return Error{.code = ErrorCode::malformed,
                 .what = "job.json does not describe a search in chunks",
                 .why = std::move(why),
                 .where = Location{{Place{"", ByteOffset{0}}}},
                 .hint = "name another folder, or move this one away and start anew",
                 .trail = {}};
}

Error no_sense(std::string_view why)
{
    return invalid_argument("the search cannot be cut into chunks", why);
}

Result<std::string> text_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) {
        return no_job(fmt::format("\"{}\" is missing or no text", key));
    }
    return found->get<std::string>();
}

Result<std::uint64_t> number_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) {
        return no_job(fmt::format("\"{}\" is missing or no number from 0 to 2^64 - 1", key));
    }
    return found->get<std::uint64_t>();
}

Result<std::vector<std::string>> texts_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    const bool is_list = found != object.end() && found->is_array() &&
                         std::ranges::all_of(*found, [](const Json& each) { return each.is_string(); });
    if (!is_list) {
        return no_job(fmt::format("\"{}\" is missing or no list of texts", key));
    }
    return found->get<std::vector<std::string>>();
}

Result<> check_range(const ChunkJob& job)
{
    if (job.begin >= job.end || job.end > job.total) {
        return no_sense(
            fmt::format("the range {} to {} is empty or not within {} candidates", job.begin, job.end, job.total));
    }
    if (job.chunk_length == 0) {
        return no_sense("a chunk has no candidates");
    }
    if (chunk_count(job) > max_chunks) {
        return no_sense(
            fmt::format("{} chunks of {} candidates are more than {}", chunk_count(job), job.chunk_length, max_chunks));
    }
    return {};
}

} // namespace

std::uint64_t chunk_count(const ChunkJob& job) noexcept
{
    const auto length = job.end - job.begin;
    return length / job.chunk_length + (length % job.chunk_length == 0 ? 0U : 1U);
}

Result<ChunkRange> chunk_range(const ChunkJob& job, std::uint64_t number)
{
    if (number >= chunk_count(job)) {
        return invalid_argument(fmt::format("there is no chunk {}", number),
                                fmt::format("the job has {}, counted from 0", chunk_count(job)));
    }
    const auto begin = job.begin + number * job.chunk_length; // at most job.end
    return ChunkRange{.number = number, .begin = begin, .length = std::min(job.chunk_length, job.end - begin)};
}

Result<> check_chunk_job(const ChunkJob& job)
{
    SALVAGE_TRY(check_range(job));
    const auto is_long = [](const std::string& name) { return name.empty() || name.size() > max_chunk_text; };
    if (job.targets.empty() || job.targets.size() > max_chunk_targets || std::ranges::any_of(job.targets, is_long)) {
        return no_sense(fmt::format("1 to {} targets were expected, each with a name of 1 to {} bytes",
                                    max_chunk_targets, max_chunk_text));
    }
    if (std::set<std::string_view>(job.targets.begin(), job.targets.end()).size() != job.targets.size()) {
        return no_sense("two targets have the same name, so that a hit of one would count for both");
    }
    if (job.command.empty() || job.command.size() > max_chunk_arguments || job.command.front().empty()) {
        return no_sense(fmt::format("a command of 1 to {} words was expected", max_chunk_arguments));
    }
    const auto has_nul = [](const std::string& word) { return word.find('\0') != std::string::npos; };
    if (std::ranges::any_of(job.command, has_nul) || has_nul(job.folder.native())) {
        return no_sense("a word of the command has a NUL byte, which no command line can hold");
    }
    return {};
}

Result<std::string> format_chunk_job(const ChunkJob& job)
{
    SALVAGE_TRY(check_chunk_job(job));
    const Json document{{"schema", schema},
                        {"version", job.version},
                        {"target", job.target_identity},
                        {"keyspace", job.keyspace_identity},
                        {"targets", job.targets},
                        {"total", job.total},
                        {"begin", job.begin},
                        {"end", job.end},
                        {"chunk_length", job.chunk_length},
                        {"chunks", chunk_count(job)},
                        {"folder", job.folder.native()},
                        {"command", job.command}};
    // JSON knows UTF-8 only.  A name that was changed on the way would be another file.
    auto text = document.dump(2, ' ', false, Json::error_handler_t::ignore) + "\n";
    const auto again = parse_chunk_job(as_bytes(text));
    if (!again.has_value() || *again != job) {
        return invalid_argument("the search cannot be written down",
                                again.has_value() ? "a name or an argument is not UTF-8" : again.error().why,
                                "rename the file, or name fewer at once");
    }
    return text;
}

Result<ChunkJob> parse_chunk_job(ByteView bytes)
{
    if (bytes.size() > max_chunk_job_bytes.value) {
        return unsupported("this is no job.json", fmt::format("it is larger than {} bytes", max_chunk_job_bytes.value));
    }
    const auto document = Json::parse(as_text(bytes), nullptr, false);
    if (!document.is_object()) {
        return no_job("it is no JSON object");
    }
    const auto found = SALVAGE_TRY(text_at(document, "schema"));
    if (found != schema) {
        return unsupported("the folder was made by another version of this program",
                           fmt::format("its schema is not {}", schema), "run the same version on every machine");
    }
    ChunkJob out;
    out.version = SALVAGE_TRY(text_at(document, "version"));
    out.target_identity = SALVAGE_TRY(text_at(document, "target"));
    out.keyspace_identity = SALVAGE_TRY(text_at(document, "keyspace"));
    out.targets = SALVAGE_TRY(texts_at(document, "targets"));
    out.total = SALVAGE_TRY(number_at(document, "total"));
    out.begin = SALVAGE_TRY(number_at(document, "begin"));
    out.end = SALVAGE_TRY(number_at(document, "end"));
    out.chunk_length = SALVAGE_TRY(number_at(document, "chunk_length"));
    out.folder = SALVAGE_TRY(text_at(document, "folder"));
    out.command = SALVAGE_TRY(texts_at(document, "command"));
    if (const auto sound = check_chunk_job(out); !sound.has_value()) {
        return no_job(sound.error().why);
    }
    return out;
}

} // namespace salvage::rescue

// Submissions of a chunk folder as files: one small JSON each.
#include "rescue/slurm_submission.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rescue/chunk_files.hpp"
#include "rescue/chunk_folder.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::string_view schema = "salvage.slurm-submission/1";
constexpr std::string_view options_schema = "salvage.slurm-options/1";
constexpr ByteCount max_submission_bytes{1U << 20U};

struct StateName {
    SubmissionState state;
    std::string_view name;
};
constexpr std::array state_names{StateName{SubmissionState::planned, "planned"},
                                 StateName{SubmissionState::submitted, "submitted"},
                                 StateName{SubmissionState::ended, "ended"}};

Error no_submission(std::string_view why)
{
    return malformed(ByteOffset{0}, "a submission's file is damaged", why);
}

template <typename T>
T value_or(const Json& object, const char* key, T otherwise)
{
    const auto found = object.find(key);
    if (found == object.end()) {
        return otherwise;
    }
    if constexpr (std::is_same_v<T, std::string>) {
        return found->is_string() ? found->template get<T>() : otherwise;
    } else {
        // A number that does not fit is as wrong as a text.
        const auto is_fit =
            found->is_number_unsigned() && found->template get<std::uint64_t>() <= std::numeric_limits<T>::max();
        return is_fit ? found->template get<T>() : otherwise;
    }
}

Result<std::uint64_t> index_of(std::string_view text)
{
    const auto out = number_named(text);
    return out && *out < max_array_size ? Result<std::uint64_t>{*out} : no_submission("a task's index is no number");
}

Result<> write_json(const fs::path& path, const Json& document)
{
    const auto text = document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    return io::write_file_atomically(path, as_bytes(text), io::Existing::replace, 0600);
}

Json as_json(const SlurmSubmission& submission)
{
    const auto name = std::ranges::find(state_names, submission.state, &StateName::state)->name;
    return Json{{"schema", schema},
                {"number", submission.number},
                {"name", submission.job_name},
                {"base", submission.base},
                {"array", format_indices(submission.indices)},
                {"state", name},
                {"id", submission.slurm_id.empty() ? Json(nullptr) : Json(submission.slurm_id)}};
}

} // namespace

std::string format_indices(const std::vector<std::uint64_t>& indices)
{
    std::string out;
    for (std::size_t first = 0; first < indices.size();) {
        auto last = first;
        while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) {
            ++last;
        }
        out += out.empty() ? "" : ",";
        out += first == last ? fmt::to_string(indices[first]) : fmt::format("{}-{}", indices[first], indices[last]);
        first = last + 1;
    }
    return out;
}

Result<std::vector<std::uint64_t>> parse_indices(std::string_view text)
{
    std::vector<std::uint64_t> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto part = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        const auto dash = part.find('-');
        const auto first = SALVAGE_TRY(index_of(part.substr(0, dash)));
        auto last = first;
        if (dash != std::string_view::npos) {
            last = SALVAGE_TRY(index_of(part.substr(dash + 1)));
        }
        if (last < first || (!out.empty() && first <= out.back())) {
            return no_submission("its tasks are not in order");
        }
        for (auto index = first; index <= last; ++index) {
            out.push_back(index);
        }
    }
    return out;
}

std::string format_submission(const SlurmSubmission& submission)
{
    return as_json(submission).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<SlurmSubmission> parse_submission(std::string_view text)
{
    const auto document = Json::parse(text, nullptr, false);
    if (!document.is_object()) {
        return no_submission("it is no JSON object");
    }
    if (value_or<std::string>(document, "schema", "") != schema) {
        return unsupported("the submission was written by another version of this program",
                           fmt::format("its schema is not {}", schema));
    }
    SlurmSubmission out;
    out.number = value_or<std::uint64_t>(document, "number", 0);
    out.job_name = value_or<std::string>(document, "name", "");
    out.base = value_or<std::uint64_t>(document, "base", max_chunks);
    out.indices = SALVAGE_TRY(parse_indices(value_or<std::string>(document, "array", "")));
    out.slurm_id = value_or<std::string>(document, "id", "");
    const auto* const state =
        std::ranges::find(state_names, value_or<std::string>(document, "state", ""), &StateName::name);
    if (out.number == 0 || out.job_name.empty() || out.indices.empty() || state == state_names.end()) {
        return no_submission("its number, name, array or state is missing");
    }
    if (out.base >= max_chunks || out.base + out.indices.back() >= max_chunks) {
        return no_submission("it has chunks that no job has");
    }
    if (!out.slurm_id.empty() && !number_named(out.slurm_id)) {
        return no_submission("its id is no number");
    }
    out.state = state->state;
    return out;
}

Result<std::vector<SlurmSubmission>> read_submissions(const ChunkFolder& folder)
{
    const auto where = ChunkPaths{folder}.submissions();
    std::vector<SlurmSubmission> out;
    for (const auto& name : SALVAGE_TRY(names_in(where))) {
        const auto number = number_named(name);
        if (!number || *number > max_submissions) {
            continue; // a script, an option file
        }
        const auto bytes = SALVAGE_TRY(read_small_file(where / name, max_submission_bytes));
        if (!bytes) {
            continue;
        }
        auto submission = SALVAGE_TRY(parse_submission(as_text(*bytes)).at((where / name).string(), ByteOffset{0}));
        if (submission.number != *number || submission.job_name != submission_name(folder, *number)) {
            return no_submission(fmt::format("{} is of another job", (where / name).string()));
        }
        out.push_back(std::move(submission));
    }
    std::ranges::sort(out, {}, &SlurmSubmission::number);
    return out;
}

Result<> write_submission(const ChunkFolder& folder, const SlurmSubmission& submission)
{
    return write_json(ChunkPaths{folder}.submissions() / fmt::to_string(submission.number), as_json(submission))
        .in("writing down a submission");
}

std::string submission_name(const ChunkFolder& folder, std::uint64_t number)
{
    return fmt::format("salvage-{}-{}", folder.digest.substr(0, 12), number);
}

fs::path script_path(const ChunkFolder& folder, std::uint64_t number)
{
    return ChunkPaths{folder}.submissions() / fmt::format("{}.sh", number);
}

Result<OwnedDescriptor> lock_submissions(const ChunkFolder& folder)
{
    SALVAGE_TRY(make_folder(ChunkPaths{folder}.submissions()));
    const auto path = ChunkPaths{folder}.submissions() / ".lock";
    OwnedDescriptor out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!out.is_open()) {
        return from_errno(errno, "the lock cannot be opened", path.string());
    }
    if (::flock(out.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return Error{ErrorCode::already_exists,
                     "another run is looking after this search",
                     folder.path.string(),
                     std::nullopt,
                     "wait until it has ended, then do the same again",
                     {}};
    }
    return out;
}

Result<> save_slurm_options(const ChunkFolder& folder, const SlurmOptions& options)
{
    SALVAGE_TRY(make_folder(ChunkPaths{folder}.submissions()));
    return write_json(ChunkPaths{folder}.submissions() / "options.json",
                      Json{{"schema", options_schema},
                           {"cpus", options.cpus},
                           {"gpus", options.gpus},
                           {"partition", options.partition},
                           {"time_limit", options.time_limit},
                           {"memory", options.memory},
                           {"further", options.further},
                           {"array_size", options.array_size},
                           {"most_attempts", options.most_attempts}});
}

Result<SlurmOptions> load_slurm_options(const ChunkFolder& folder)
{
    const auto path = ChunkPaths{folder}.submissions() / "options.json";
    const auto bytes = SALVAGE_TRY(read_small_file(path, max_submission_bytes));
    SlurmOptions out;
    if (!bytes) {
        return out;
    }
    const auto document = Json::parse(as_text(*bytes), nullptr, false);
    if (!document.is_object() || value_or<std::string>(document, "schema", "") != options_schema) {
        return malformed(ByteOffset{0}, "the options for Slurm are damaged", path.string());
    }
    out.cpus = value_or(document, "cpus", out.cpus);
    out.gpus = value_or(document, "gpus", out.gpus);
    out.partition = value_or(document, "partition", out.partition);
    out.time_limit = value_or(document, "time_limit", out.time_limit);
    out.memory = value_or(document, "memory", out.memory);
    out.array_size = value_or(document, "array_size", out.array_size);
    out.most_attempts = value_or(document, "most_attempts", out.most_attempts);
    if (const auto further = document.find("further"); further != document.end() && further->is_array()) {
        for (const auto& each : *further) {
            out.further.push_back(each.is_string() ? each.get<std::string>() : std::string{});
        }
    }
    return out;
}

} // namespace salvage::rescue

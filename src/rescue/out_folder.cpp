// A folder that results are written into.
#include "rescue/out_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/text.hpp"
#include "salvage/core/utf8.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

// The state of a split has a few hundred bytes a part, and parts are bounded by the partition table.
constexpr ByteCount max_state_bytes{64ULL << 20U};

using Json = nlohmann::ordered_json;

Error refused(std::string what, std::string why)
{
    return Error{
        ErrorCode::already_exists, std::move(what), std::move(why), std::nullopt, "name another folder with -o", {}};
}

} // namespace

OutFolder::OutFolder(OutFolder&& other) noexcept
    : path_{std::move(other.path_)}, state_path_{std::move(other.state_path_)},
      descriptor_{std::exchange(other.descriptor_, -1)},
      state_(std::move(other.state_)) // in braces it would become a list of one
{
}

OutFolder::~OutFolder()
{
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<OutFolder> OutFolder::claim(const std::filesystem::path& path, const FolderClaim& claim)
{
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    if (problem && !std::filesystem::is_directory(path)) {
        if (std::filesystem::exists(path)) {
            return refused(fmt::format("{} is not a folder", path.string()), {});
        }
        return from_errno(problem.value(), "the folder cannot be made", path.string());
    }
    const auto descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return from_errno(errno, "the folder cannot be opened", path.string());
    }
    OutFolder folder{path, descriptor};
    folder.state_path_ = path / claim.state_name;
    SALVAGE_TRY(folder.take_lock());
    SALVAGE_TRY(folder.read_or_make_state(claim));
    return folder;
}

Result<> OutFolder::take_lock() const
{
    // Filesystems without locks (some network ones) are used without.
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return Error{ErrorCode::already_exists,
                     fmt::format("another run is writing into {}", path_.string()),
                     {},
                     std::nullopt,
                     "wait for it to end, or name another folder",
                     {}};
    }
    return {};
}

Result<> OutFolder::read_or_make_state(const FolderClaim& claim)
{
    std::error_code problem;
    if (!std::filesystem::exists(state_path_, problem)) {
        SALVAGE_TRY(check_is_empty(claim));
        state_ = Json::object();
        state_["schema"] = claim.schema;
        put_text(state_, "source", claim.source);
        return save_state();
    }
    const auto file = SALVAGE_TRY(io::open_file(state_path_));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_state_bytes));
    auto known = parse_object(as_text(bytes));
    if (!known || get_text(*known, "schema") != claim.schema) {
        return refused(fmt::format("{} holds no {} that this program can go on with", path_.string(), claim.work),
                       fmt::format("{} is not in the form {}", state_path_.string(), claim.schema));
    }
    const auto source = get_text(*known, "source").value_or(std::string{});
    if (source != claim.source) {
        return refused(fmt::format("{} holds the {} of another source", path_.string(), claim.work),
                       fmt::format("it is of '{}', this is '{}'", printable(source), printable(claim.source)));
    }
    state_ = *std::move(known);
    return {};
}

Result<> OutFolder::check_is_empty(const FolderClaim& claim) const
{
    std::error_code problem;
    const auto unfinished = std::string{claim.state_name} + ".partial";
    for (std::filesystem::directory_iterator it{path_, problem};
         !problem && it != std::filesystem::directory_iterator{}; it.increment(problem)) {
        // An empty filesystem has this folder; a run killed at its very start leaves that file.
        if (const auto name = it->path().filename(); name != unfinished && name != "lost+found") {
            return refused(
                fmt::format("{} holds something else", path_.string()),
                fmt::format("'{}' is in it, and it is not an unfinished {}", printable(name.string()), claim.work));
        }
    }
    return problem ? Result<>{from_errno(problem.value(), "the folder cannot be listed", path_.string())} : Result<>{};
}

Result<> OutFolder::save_state() const
{
    const auto text = state_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    return io::write_file_atomically(state_path_, as_bytes(text), io::Existing::replace);
}

std::string sums_line(std::string_view sha256_hex, std::string_view name)
{
    std::string escaped;
    for (const auto c : name) {
        switch (c) {
        case '\\': escaped += "\\\\"; break;
        case '\n': escaped += "\\n"; break;
        case '\r': escaped += "\\r"; break;
        default: escaped += c;
        }
    }
    return fmt::format("{}{}  {}\n", escaped.size() == name.size() ? "" : "\\", sha256_hex, escaped);
}

Error with_need(Error error, ByteCount needed, const std::filesystem::path& folder)
{
    if (error.code != ErrorCode::no_space) {
        return error;
    }
    std::error_code problem;
    const auto space = std::filesystem::space(folder, problem);
    const auto there =
        problem ? std::string{} : fmt::format(", {} are free", format_size_exact(ByteCount{space.available}));
    error.what = fmt::format("the medium is full: up to {} more are needed{}", format_size_exact(needed), there);
    error.why = folder.string();
    error.hint = "what is finished is safe: make room and run the same command again";
    return error;
}

void put_text(Json& json, const std::string& key, std::string_view text)
{
    json[key] = text;
    if (!is_utf8(text)) {
        json[key + "_hex"] = to_hex(as_bytes(text));
    }
}

std::optional<std::string> get_text(const Json& json, const std::string& key)
{
    if (const auto hex = json.find(key + "_hex"); hex != json.end() && hex->is_string()) {
        const auto bytes = from_hex(hex->get_ref<const std::string&>());
        return bytes.has_value() ? std::optional{std::string{as_text(*bytes)}} : std::nullopt;
    }
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? std::optional{found->get<std::string>()} : std::nullopt;
}

std::string to_line(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<Json> parse_object(std::string_view text)
{
    auto json = Json::parse(text, nullptr, false);
    return json.is_object() ? std::optional{std::move(json)} : std::nullopt;
}

std::optional<std::uint64_t> get_number(const Json& json, const std::string& key)
{
    const auto found = json.find(key);
    return found != json.end() && found->is_number_unsigned() ? std::optional{found->get<std::uint64_t>()}
                                                              : std::nullopt;
}

} // namespace salvage::rescue

// case.json, read and written.
#include "rescue/case_file.hpp"

#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "salvage/io/sources.hpp"
#include "salvage/rescue/case_folder.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr ByteCount max_case_file{1U << 20U};
constexpr std::string_view schema = "salvage.case/1";

fs::path anchored(const fs::path& path)
{
    std::error_code ignored;
    auto out = fs::absolute(path, ignored);
    return ignored ? path : out.lexically_normal();
}

Json path_or_null(const std::optional<fs::path>& path)
{
    return path ? Json(anchored(*path).string()) : Json(nullptr);
}

Json text_or_null(const std::string& text)
{
    return text.empty() ? Json(nullptr) : Json(text);
}

std::string text_at(const Json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<fs::path> path_at(const Json& object, const char* key)
{
    auto text = text_at(object, key);
    return text.empty() ? std::nullopt : std::optional<fs::path>{std::move(text)};
}

Error no_case(const fs::path& path, std::string_view why)
{
    return Error{.code = ErrorCode::malformed,
                 .what = fmt::format("{} is not a case file", path.string()),
                 .why = std::string{why},
                 .where = std::nullopt,
                 .hint = "name the dump itself, or begin a new case with salvage rescue",
                 .trail = {}};
}

} // namespace

Result<CaseFile> read_case_file(const fs::path& folder)
{
    const auto path = folder / "case.json";
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        return not_found(fmt::format("{} is a folder and not a case", folder.string()), "it holds no case.json",
                         "name a dump, or a folder made by salvage rescue");
    }
    const auto file = SALVAGE_TRY(io::open_file(path));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_case_file));
    const auto document = Json::parse(as_text(bytes), nullptr, false);
    if (!document.is_object() || text_at(document, "schema") != schema) {
        return no_case(path, fmt::format("its schema is not {}", schema));
    }
    const auto source = document.find("source");
    if (source == document.end() || !source->is_object() || text_at(*source, "path").empty() ||
        !source->contains("size") || !source->at("size").is_number_unsigned()) {
        return no_case(path, "it names no source");
    }
    CaseFile out;
    out.dump.path = text_at(*source, "path");
    out.dump.footer_file = path_at(*source, "footer");
    out.dump.map_file = path_at(*source, "map");
    if (const auto layouts = source->find("layout"); layouts != source->end() && layouts->is_array()) {
        for (const auto& each : *layouts) {
            out.dump.layout_files.emplace_back(each.is_string() ? each.get<std::string>() : std::string{});
        }
    }
    out.size = ByteCount{source->at("size").get<std::uint64_t>()};
    if (auto sum = text_at(*source, "sha256"); !sum.empty()) {
        out.sha256 = std::move(sum);
    }
    out.statement = text_at(document, "statement");
    out.verdict = text_at(document, "verdict");
    return out;
}

std::string case_document(const CaseFile& file)
{
    Json source{{"path", anchored(file.dump.path).string()},
                {"size", file.size.value},
                {"sha256", file.sha256 ? Json(*file.sha256) : Json(nullptr)},
                {"layout", Json::array()},
                {"footer", path_or_null(file.dump.footer_file)},
                {"map", path_or_null(file.dump.map_file)}};
    for (const auto& each : file.dump.layout_files) {
        source["layout"].push_back(anchored(each).string());
    }
    const Json document{{"schema", schema},
                        {"source", source},
                        {"statement", text_or_null(file.statement)},
                        {"verdict", text_or_null(file.verdict)}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<DumpRequest> resolve_case(const DumpRequest& request)
{
    std::error_code ignored;
    if (!fs::is_directory(request.path, ignored)) {
        return request;
    }
    auto known = SALVAGE_TRY(read_case_file(request.path).in("opening the case"));
    auto out = std::move(known.dump);
    if (!request.layout_files.empty()) {
        out.layout_files = request.layout_files;
    }
    if (request.footer_file) {
        out.footer_file = request.footer_file;
    }
    if (request.map_file) {
        out.map_file = request.map_file;
    }
    return out;
}

} // namespace salvage::rescue

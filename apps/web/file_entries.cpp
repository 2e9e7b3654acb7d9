#include "file_entries.hpp"

#include <fmt/format.h>

#include "keys.hpp"
#include "media_types.hpp"
#include "salvage/core/text.hpp"
#include "salvage/rescue/export.hpp"

namespace salvage::web {
namespace {

Json kind_json(const filesystem::Entry& entry)
{
    if (entry.type != filesystem::EntryType::file) {
        return nullptr;
    }
    const auto kind = rescue::kind_of(entry.name);
    const bool is_plain = !kind || *kind == rescue::FileKind::document;
    if (is_plain && media_type(entry.name).starts_with("text/plain")) {
        return "text";
    }
    return kind ? Json(to_string(*kind)) : Json(nullptr);
}

} // namespace

Result<std::string> wanted_path(const Request& request)
{
    const auto* const named = request.find("path");
    return phone_path(named == nullptr || named->empty() ? std::string_view{"/"} : *named);
}

Result<bool> wants_deleted(const Request& request)
{
    return SALVAGE_TRY(number_or(request, "deleted", 0, 0, 1)) == 1;
}

Result<const filesystem::FileSystem*> wanted_files(const Known& known, const Request& request)
{
    return SALVAGE_TRY(wants_deleted(request)) ? known.deleted.get() : known.files.get();
}

Result<WantedFile> wanted_file(const Known& known, const Request& request)
{
    WantedFile out{.path = SALVAGE_TRY(wanted_path(request)), .entry = {}, .content = {}};
    const auto* const files = SALVAGE_TRY(wanted_files(known, request));
    out.entry = SALVAGE_TRY(filesystem::find_path(*files, out.path));
    out.entry.name = out.path.substr(out.path.rfind('/') + 1);
    if (out.entry.type != filesystem::EntryType::file) {
        return invalid_argument(fmt::format("{} is not a file", printable(out.path)),
                                filesystem::to_string(out.entry.type));
    }
    out.content = SALVAGE_TRY(files->open(out.entry.inode));
    return out;
}

Json entry_json(const filesystem::FileSystem& files, std::string_view folder, const filesystem::Entry& entry)
{
    const auto path = entry.name.empty()
                          ? std::string{"/"}
                          : fmt::format("{}/{}", folder == "/" ? std::string_view{} : folder, entry.name);
    Json out{{"key", key_of(path)},
             {"name", shown_name(entry.name)},
             {"type", filesystem::to_string(entry.type)},
             {"kind", kind_json(entry)},
             {"size", entry.size.value},
             {"mode", entry.mode},
             {"uid", entry.uid},
             {"gid", entry.gid},
             {"mtime", entry.modified.total_nanoseconds()}};
    out["target"] = nullptr;
    out["problem"] = nullptr;
    if (entry.type == filesystem::EntryType::symlink) {
        const auto target = files.read_link(entry.inode);
        if (target.has_value()) {
            out["target"] = shown_name(*target);
        } else {
            out["problem"] = to_string(target.error());
        }
    }
    out["deleted"] = entry.deleted.has_value();
    out["confidence"] = entry.deleted ? Json(to_string(*entry.deleted)) : Json(nullptr);
    return out;
}

} // namespace salvage::web

#include "artifact/reading.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// Settings, lists of networks and of apps: the largest of them has a few hundred KiB.
constexpr ByteCount max_small_file{64U << 20U};

io::SourcePtr open_beside(const PhoneFiles& files, const std::string& path)
{
    if (!files.find(path)) {
        return nullptr;
    }
    auto opened = files.open(path);
    return opened.has_value() ? *std::move(opened) : nullptr;
}

void add_once(std::vector<std::string>& into, std::string text)
{
    if (std::ranges::find(into, text) == into.end()) {
        into.push_back(std::move(text));
    }
}

} // namespace

Result<std::optional<OpenDatabase>> OpenDatabase::open(const Extraction& extraction, const std::string& path,
                                                       KindReport& report)
{
    const auto entry = extraction.files->find(path);
    if (!entry || entry->is_folder) {
        return std::optional<OpenDatabase>{};
    }
    auto file = extraction.files->open(path);
    auto opened = file.has_value() ? Database::open({.database = *file,
                                                     .wal = open_beside(*extraction.files, path + "-wal"),
                                                     .journal = open_beside(*extraction.files, path + "-journal")},
                                                    extraction.context->stop)
                                   : Result<Database>{std::move(file).error()};
    if (!opened.has_value()) {
        if (opened.error().code == ErrorCode::cancelled) {
            return std::move(opened).error();
        }
        report.problems.push_back(fmt::format("{}: {}", path, to_string(opened.error())));
        return std::optional<OpenDatabase>{};
    }
    return std::optional{OpenDatabase{*std::move(opened), path}};
}

void OpenDatabase::note_read(std::string_view table, std::span<const std::string_view> columns)
{
    const auto* const found = database_.find_table(table);
    if (found == nullptr) {
        return;
    }
    add_once(report_.read, found->name);
    for (const auto column : columns) {
        if (!found->has(column)) {
            add_once(report_.missing, fmt::format("{}.{}", table, column));
        }
    }
}

Result<> OpenDatabase::each(std::string_view table, std::span<const std::string_view> columns,
                            const std::function<Result<>(const Row&)>& visit)
{
    if (!has(table)) {
        return {};
    }
    note_read(table, columns);
    auto read = SALVAGE_TRY(database_.read(table, columns, visit));
    report_.damaged_rows += read.damaged;
    if (read.problem) {
        report_.problems.push_back(
            fmt::format("table {}: {}{}", table, to_string(*read.problem), read.is_cut ? "; rows may be missing" : ""));
    }
    return {};
}

Result<std::optional<Row>> OpenDatabase::row(std::string_view table, std::span<const std::string_view> columns,
                                             std::int64_t rowid)
{
    if (!has(table)) {
        return std::optional<Row>{};
    }
    auto found = database_.find_row(table, columns, rowid);
    if (found.has_value()) {
        return found;
    }
    if (found.error().code == ErrorCode::cancelled) {
        return std::move(found).error();
    }
    ++report_.damaged_rows;
    return std::optional<Row>{};
}

bool OpenDatabase::has(std::string_view table, std::string_view column) const
{
    const auto* const found = database_.find_table(table);
    return found != nullptr && found->has(column);
}

Origin OpenDatabase::origin(std::string_view table, const Row& row) const
{
    const auto place = row.rowid ? database_.place_of(table, *row.rowid) : std::nullopt;
    return {.file = path_,
            .table = std::string{table},
            .row = row.rowid,
            .byte = place ? std::optional{place->value} : std::nullopt};
}

void OpenDatabase::close(KindReport& report)
{
    report_.file = path_;
    report_.schema = database_.user_version();
    for (const auto& table : database_.tables()) {
        if (std::ranges::find(report_.read, table.name) == report_.read.end()) {
            report_.unread.push_back(table.name);
        }
    }
    report.damaged += report_.damaged_rows;
    report.databases.push_back(std::move(report_));
}

std::optional<std::string> first_file(const PhoneFiles& files, std::span<const std::string> paths)
{
    for (const auto& path : paths) {
        const auto entry = files.find(path);
        if (entry && !entry->is_folder) {
            return path;
        }
    }
    return std::nullopt;
}

std::vector<std::string> app_folders(const PhoneFiles& files, std::string_view package)
{
    std::vector<std::string> out;
    const auto add = [&](std::string path) {
        if (const auto entry = files.find(path); entry && entry->is_folder) {
            out.push_back(std::move(path));
        }
    };
    add(fmt::format("/data/{}", package));
    for (const auto* const place : {"/user_de", "/user"}) {
        for (const auto& user : files.list(place)) {
            // Of the first user /user/0 is a link to /data.
            if (user.is_folder) {
                add(fmt::format("{}/{}/{}", place, user.name, package));
            }
        }
    }
    return out;
}

std::optional<Bytes> small_file(const Extraction& extraction, const std::string& path, KindReport& report)
{
    const auto entry = extraction.files->find(path);
    if (!entry || entry->is_folder) {
        return std::nullopt;
    }
    auto file = extraction.files->open(path);
    auto bytes = file.has_value() ? io::read_all(**file, max_small_file) : Result<Bytes>{std::move(file).error()};
    if (!bytes.has_value()) {
        report.problems.push_back(fmt::format("{}: {}", path, to_string(bytes.error())));
        return std::nullopt;
    }
    report.sources.push_back(path);
    return *std::move(bytes);
}

Result<> write_text(Extraction& extraction, KindReport& report, const std::string& path, std::string_view text)
{
    const auto file = SALVAGE_TRY(extraction.sink->begin(path));
    SALVAGE_TRY(file->add(text));
    SALVAGE_TRY(file->finish());
    report.outputs.push_back(path);
    return {};
}

} // namespace salvage::artifact

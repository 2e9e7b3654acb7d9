#include "artifact/reading.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

// Settings, lists of networks and of apps: the largest of them has a few hundred KiB.
constexpr ByteCount max_small_file{64U << 20U};
// Of tables that nothing was taken from, so many are named: a phone's database has tens.
constexpr std::size_t max_named_tables = 500;
constexpr std::size_t max_table_name = 200;

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
    DatabaseFiles files;
    if (file.has_value()) {
        files = {.database = *file,
                 .wal = open_beside(*extraction.files, path + "-wal"),
                 .journal = open_beside(*extraction.files, path + "-journal")};
    }
    auto opened =
        file.has_value() ? Database::open(files, extraction.context->stop) : Result<Database>{std::move(file).error()};
    if (!opened.has_value()) {
        if (opened.error().code == ErrorCode::cancelled) {
            return std::move(opened).error();
        }
        report.problems.push_back(fmt::format("{}: {}", path, to_string(opened.error())));
        return std::optional<OpenDatabase>{};
    }
    return std::optional{OpenDatabase{*std::move(opened), std::move(files), path, extraction.bounds}};
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
    auto read = SALVAGE_TRY(database_.read(table, columns, visit, {.first = 0, .most = bounds_.rows_a_table}));
    report_.damaged_rows += read.damaged;
    const auto all = read.rows == bounds_.rows_a_table ? database_.count(table).value_or(0) : read.rows;
    if (all > read.rows) {
        report_.problems.push_back(
            fmt::format("table {}: {} rows are taken, {} more are left out: no phone has so many", table, read.rows,
                        all - read.rows));
    }
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
    if (!std::exchange(has_rows_missing_, true)) {
        report_.problems.push_back(fmt::format("table {}: {}", table, to_string(found.error())));
    }
    return std::optional<Row>{};
}

bool OpenDatabase::may_keep(std::size_t bytes) noexcept
{
    constexpr std::size_t overhead = 64;
    if (bytes + overhead > bounds_.kept_a_database - kept_) {
        ++left_out_;
        return false;
    }
    kept_ += bytes + overhead;
    return true;
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
    if (left_out_ > 0) {
        report_.problems.push_back(
            fmt::format("{} entries are left out: there are more than a phone's database can hold", left_out_));
    }
    for (const auto& table : database_.tables()) {
        if (report_.unread.size() >= max_named_tables) {
            break;
        }
        if (std::ranges::find(report_.read, table.name) == report_.read.end()) {
            report_.unread.push_back(table.name.substr(0, max_table_name));
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

// Records of copies: small files, replaced whole.
#include "rescue/backup_book.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/beneath.hpp"
#include "rescue/out_folder.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view record_schema = "salvage.backup-copy/1";
constexpr ByteCount max_record_bytes_of_copy{1U << 20U};
// A line holds 67 bytes for each 16 MiB: a list of this size is that of an exabyte, or of 50 million small files.
constexpr ByteCount max_list_bytes{8ULL << 30U};
constexpr std::size_t max_kept_mismatches = 100;

Json mismatch_json(const BackupMismatch& mismatch)
{
    Json json = Json::object();
    put_text(json, "path", mismatch.path);
    json["start"] = mismatch.range.start().value;
    json["size"] = mismatch.range.size().value;
    json["code"] = mismatch.code;
    json["first_difference"] = mismatch.first_difference ? Json(mismatch.first_difference->value) : Json(nullptr);
    put_text(json, "text", mismatch.text);
    return json;
}

std::string document_of(const BackupCopy& copy)
{
    Json json = Json::object();
    json["schema"] = record_schema;
    json["id"] = copy.id;
    json["kind"] = to_string(copy.target.kind);
    put_text(json, "address", copy.target.address);
    put_text(json, "medium", copy.target.medium);
    put_text(json, "place", copy.target.place);
    put_text(json, "password_file", copy.target.password_file);
    json["same_medium"] = copy.is_on_case_device;
    json["whole"] = copy.is_whole;
    json["files"] = copy.files;
    json["bytes"] = copy.bytes.value;
    json["added"] = copy.added ? Json(copy.added->count()) : Json(nullptr);
    json["checked"] = copy.checked ? Json(copy.checked->count()) : Json(nullptr);
    json["parts"] = copy.parts;
    json["parts_done"] = copy.parts_done;
    json["mismatch_count"] = copy.mismatch_count;
    json["mismatches"] = Json::array();
    for (const auto& mismatch : copy.mismatches) {
        json["mismatches"].push_back(mismatch_json(mismatch));
    }
    return to_line(json) + "\n";
}

std::optional<std::chrono::seconds> seconds_of(const Json& json, const std::string& key)
{
    const auto number = get_number(json, key);
    return number ? std::optional{std::chrono::seconds{
                        static_cast<std::int64_t>(std::min<std::uint64_t>(*number, 1ULL << 40U))}}
                  : std::nullopt;
}

std::optional<BackupMismatch> mismatch_of(const Json& json, const std::string& copy)
{
    const auto path = get_text(json, "path");
    const auto start = get_number(json, "start");
    const auto size = get_number(json, "size");
    const auto range = start && size ? ByteRange::make(ByteOffset{*start}, ByteCount{*size}) : std::nullopt;
    if (!path || !range) {
        return std::nullopt;
    }
    const auto first = get_number(json, "first_difference");
    return BackupMismatch{.copy = copy,
                          .path = *path,
                          .range = *range,
                          .code = get_text(json, "code").value_or(""),
                          .first_difference = first ? std::optional{ByteOffset{*first}} : std::nullopt,
                          .text = get_text(json, "text").value_or("")};
}

std::optional<bool> get_flag(const Json& json, const char* key)
{
    const auto found = json.find(key);
    return found != json.end() && found->is_boolean() ? std::optional{found->get<bool>()} : std::nullopt;
}

/// Nothing where the text is no record of a copy.
std::optional<BackupCopy> copy_of(std::string_view text)
{
    const auto json = parse_object(text);
    if (!json || get_text(*json, "schema") != record_schema) {
        return std::nullopt;
    }
    const auto id = get_text(*json, "id");
    const auto kind = get_text(*json, "kind");
    const auto address = get_text(*json, "address");
    const auto whole = get_flag(*json, "whole");
    if (!id || !kind || !address || address->empty() || !whole) {
        return std::nullopt;
    }
    BackupCopy copy;
    copy.id = *id;
    copy.target = {.kind = *kind == to_string(BackupKind::restic) ? BackupKind::restic : BackupKind::folder,
                   .address = *address,
                   .medium = get_text(*json, "medium").value_or("disk"),
                   .place = get_text(*json, "place").value_or(""),
                   .password_file = get_text(*json, "password_file").value_or("")};
    copy.is_on_case_device = get_flag(*json, "same_medium").value_or(false);
    copy.is_whole = *whole;
    copy.files = get_number(*json, "files").value_or(0);
    copy.bytes = ByteCount{get_number(*json, "bytes").value_or(0)};
    copy.added = seconds_of(*json, "added");
    copy.checked = seconds_of(*json, "checked");
    copy.parts = static_cast<std::uint32_t>(std::min<std::uint64_t>(get_number(*json, "parts").value_or(0), 10'000));
    copy.mismatch_count = get_number(*json, "mismatch_count").value_or(0);
    if (const auto done = json->find("parts_done"); done != json->end() && done->is_array()) {
        for (const auto& part : *done) {
            if (part.is_number_unsigned() && part.get<std::uint64_t>() <= copy.parts) {
                copy.parts_done.push_back(part.get<std::uint32_t>());
            }
        }
    }
    if (const auto known = json->find("mismatches"); known != json->end() && known->is_array()) {
        for (const auto& one : *known) {
            if (auto mismatch = one.is_object() ? mismatch_of(one, copy.target.address) : std::nullopt) {
                copy.mismatches.push_back(*std::move(mismatch));
            }
        }
    }
    return copy;
}

} // namespace

Result<BackupList> BackupList::open(const std::filesystem::path& path)
{
    BackupList out{path};
    std::error_code problem;
    if (!fs::exists(path, problem)) {
        return out;
    }
    const auto file = SALVAGE_TRY(io::open_file(path).in("opening the list of a copy"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_list_bytes));
    auto text = as_text(bytes);
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        if (auto entry = parse_backup_line(text.substr(0, end))) {
            auto name = entry->path;
            out.files_.insert_or_assign(std::move(name), *std::move(entry));
        }
        text.remove_prefix(end + 1);
    }
    return out;
}

Result<> BackupList::add(BackupFile file)
{
    auto line = backup_line(file) + "\n";
    if (!file_.is_open()) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
        file_ = OwnedDescriptor{::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
        if (!file_.is_open()) {
            return from_errno(errno, "the list of a copy cannot be written", path_.string());
        }
        line.insert(0, "\n"); // ends what an interruption may have cut off
    }
    std::string_view rest = line;
    while (!rest.empty()) {
        const auto wrote = ::write(file_.get(), rest.data(), rest.size());
        if (wrote < 0 && errno != EINTR) {
            return from_errno(errno, "the list of a copy cannot be written", path_.string());
        }
        rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(wrote, 0)));
    }
    if (::fdatasync(file_.get()) != 0) {
        return from_errno(errno, "the list of a copy cannot be written", path_.string());
    }
    auto path = file.path;
    files_.insert_or_assign(std::move(path), std::move(file));
    return {};
}

std::string BackupList::document() const
{
    std::string out;
    for (const auto& [path, file] : files_) {
        out += backup_line(file) + "\n";
    }
    return out;
}

Result<BackupBook> BackupBook::open(const std::filesystem::path& case_folder)
{
    std::error_code problem;
    if (!fs::exists(case_folder / "case.json", problem)) {
        return not_found("there is no case here", case_folder.string(), "salvage rescue DUMP -o CASE makes one");
    }
    const auto folder = fs::canonical(case_folder, problem);
    const auto own = folder / "backups";
    fs::create_directory(own, problem);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor lock{::open((own / "book.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!lock.is_open()) {
        return from_errno(errno, "the case's list of copies cannot be opened", own.string());
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return Error{ErrorCode::already_exists,
                     "another run works on this case's copies",
                     own.string(),
                     std::nullopt,
                     "wait for it to end",
                     {}};
    }
    BackupBook book{folder, std::move(lock)};
    for (fs::directory_iterator it{own, problem}; !problem && it != fs::directory_iterator{}; it.increment(problem)) {
        if (it->path().extension() != ".json") {
            continue;
        }
        const auto file = SALVAGE_TRY(io::open_file(it->path()).in("opening the record of a copy"));
        const auto bytes = SALVAGE_TRY(io::read_all(*file, max_record_bytes_of_copy));
        auto copy = copy_of(as_text(bytes));
        if (!copy || copy->id != it->path().stem().string()) {
            return malformed(ByteOffset{0}, "the record of a copy is damaged", it->path().string())
                .with_hint("move it away, and add a copy in another folder: what that one held is not known any more");
        }
        book.copies_.push_back(*std::move(copy));
    }
    if (problem) {
        return from_errno(problem.value(), "the case's list of copies cannot be read", own.string());
    }
    std::ranges::sort(book.copies_, {}, &BackupCopy::id);
    return book;
}

BackupCopy* BackupBook::at(const BackupTarget& target) noexcept
{
    const auto found = std::ranges::find_if(copies_, [&](const BackupCopy& copy) {
        return copy.target.kind == target.kind && copy.target.address == target.address;
    });
    return found == copies_.end() ? nullptr : &*found;
}

BackupCopy& BackupBook::add(BackupCopy copy)
{
    copies_.push_back(std::move(copy));
    return copies_.back();
}

Result<> BackupBook::save(const BackupCopy& copy) const
{
    return io::write_file_atomically(case_folder_ / "backups" / (copy.id + ".json"), as_bytes(document_of(copy)),
                                     io::Existing::replace, 0600);
}

std::filesystem::path BackupBook::list_path(const BackupCopy& copy) const
{
    return case_folder_ / "backups" / (copy.id + ".jsonl");
}

std::string why_unreachable(const BackupCopy& copy)
{
    if (copy.target.kind == BackupKind::restic) {
        return {};
    }
    std::error_code problem;
    const auto mark = fs::path{copy.target.address} / backup_mark;
    if (!fs::exists(mark, problem)) {
        return "nothing is there; its medium may not be connected";
    }
    const auto file = io::open_file(mark);
    const auto bytes = file ? io::read_all(**file, max_record_bytes_of_copy) : Result<Bytes>{file.error()};
    const auto json = bytes ? parse_object(as_text(*bytes)) : std::nullopt;
    if (!json || get_text(*json, "id") != copy.id) {
        return "another copy lies there";
    }
    return {};
}

void keep_mismatches(BackupCopy& copy, const std::vector<BackupMismatch>& found)
{
    copy.mismatch_count += found.size();
    const auto room = max_kept_mismatches - std::min(max_kept_mismatches, copy.mismatches.size());
    copy.mismatches.insert(copy.mismatches.end(), found.begin(),
                           found.begin() + static_cast<std::ptrdiff_t>(std::min(room, found.size())));
}

Result<> look_at_copy(const BackupBook& book, BackupCopy& copy)
{
    const auto why = why_unreachable(copy);
    copy.unreachable = why.empty() ? std::nullopt : std::optional{why};
    struct stat here{};
    struct stat there{};
    // Of a medium that is not connected, its empty mount point tells nothing: what is known stays.
    if (copy.target.kind == BackupKind::folder && !copy.unreachable && ::stat(book.case_folder().c_str(), &here) == 0 &&
        ::stat(copy.target.address.c_str(), &there) == 0) {
        copy.is_on_case_device = here.st_dev == there.st_dev;
    }
    if (copy.target.kind == BackupKind::restic && !copy.is_whole) {
        return {};
    }
    const auto list = SALVAGE_TRY(BackupList::open(book.list_path(copy)));
    copy.changed = 0;
    for (const auto& entry : SALVAGE_TRY(list_case(book.case_folder()))) {
        const auto known = list.files().find(entry.path);
        copy.changed += known == list.files().end() || !is_unchanged(entry, known->second) ? 1U : 0U;
    }
    return {};
}

} // namespace salvage::rescue

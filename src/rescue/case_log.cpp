// The writer of a case log: one write and one fdatasync a record, so that an interruption tears at most the last line.
#include "salvage/rescue/case_log.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/log_reader.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

// What is kept of a text that would not fit into a record.
constexpr std::size_t max_clipped_text = 64U << 10U;

/// What the whole log says about where and how to go on.
struct Survey {
    LogHead head;
    LogMemory memory;
    ByteOffset whole_end;         ///< just behind the last whole record
    bool is_last_ended{true};     ///< that record has its newline
    std::uint64_t torn_lines{0};  ///< behind it
    bool is_file_end_ended{true}; ///< the file's last byte is a newline
};

void remember(LogMemory& memory, const LogRecord& record, std::uint64_t number)
{
    const auto dot = record.event.rfind('.');
    const auto run = record.event.substr(0, dot);
    const auto step = dot == std::string::npos ? std::string{} : record.event.substr(dot + 1);
    // Steps of a run begin, too; a run itself says its version, but for those of the oldest logs.
    if (step == log_event::step_start && (run == log_event::rescue_run || record.data().contains("version"))) {
        memory.interrupted = {.run = run, .record = number};
    } else if (memory.interrupted && memory.interrupted->run == run &&
               std::ranges::find(log_event::steps_of_an_end, step) != log_event::steps_of_an_end.end()) {
        memory.interrupted.reset();
    }
    const bool is_done = record.event == log_event::folder_done;
    const auto path = record.data().find("path");
    if ((is_done || record.event == log_event::folder_begin) && path != record.data().end() && path->is_string()) {
        std::erase(memory.finished_folders, path->get<std::string>());
        // A case has two such folders.
        if (constexpr std::size_t enough = 16; is_done && memory.finished_folders.size() < enough) {
            memory.finished_folders.push_back(path->get<std::string>());
        }
    }
}

Result<Survey> survey(LogReader reader)
{
    Survey out;
    while (const auto line = SALVAGE_TRY(reader.next())) {
        out.is_file_end_ended = line->is_ended;
        const auto record = parse_record(*line);
        if (!record) {
            ++out.torn_lines;
            continue;
        }
        ++out.head.records;
        out.head.sha256 = line->sha256;
        out.whole_end = line->end();
        out.is_last_ended = line->is_ended;
        out.torn_lines = 0;
        remember(out.memory, *record, out.head.records);
    }
    return out;
}

struct Torn {
    std::uint64_t bytes{0};
    std::string sha256;
};

/// The bytes from `at` to the file's end, with the newline that will end them.
Result<Torn> measure_torn(int descriptor, const Survey& known)
{
    Torn out;
    crypto::Sha256 hash;
    std::array<std::byte, 65536> buffer{};
    for (auto at = static_cast<off_t>(known.whole_end.value);;) {
        const auto got = ::pread(descriptor, buffer.data(), buffer.size(), at);
        if (got < 0) {
            return from_errno(errno, "the case log cannot be read", "log.jsonl");
        }
        if (got == 0) {
            break;
        }
        hash.update(ByteView{buffer}.first(static_cast<std::size_t>(got)));
        out.bytes += static_cast<std::uint64_t>(got);
        at += got;
    }
    if (!known.is_file_end_ended) {
        hash.update(as_bytes("\n"));
        ++out.bytes;
    }
    out.sha256 = to_hex(hash.finish());
    return out;
}

Json to_json(const LogValue& value)
{
    return std::visit(
        [](const auto& one) {
            if constexpr (std::is_same_v<std::decay_t<decltype(one)>, std::monostate>) {
                return Json(nullptr);
            } else {
                return Json(one);
            }
        },
        value);
}

std::string line_of(std::string_view event, std::string_view text, const Json& data, std::chrono::seconds time,
                    const std::string& previous)
{
    Json record{{"time", time.count()}, {"event", event}, {"text", text}};
    if (!data.empty()) {
        record["data"] = data;
    }
    record["previous"] = previous;
    return record.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<OwnedDescriptor> open_locked(const std::filesystem::path& path)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644)};
    if (!file.is_open()) {
        return from_errno(errno, "the case log cannot be opened", path.string());
    }
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return Error{ErrorCode::already_exists, fmt::format("{} is no plain file", path.string()), {}, {}, {}, {}};
    }
    // Filesystems without locks (some network ones) are used without.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return Error{ErrorCode::already_exists,
                     fmt::format("another run is writing into the case {}", path.parent_path().string()),
                     {},
                     std::nullopt,
                     "wait for it to end",
                     {}};
    }
    return file;
}

} // namespace

struct CaseLog::State {
    OwnedDescriptor file;
    Clock* clock{nullptr};
    mutable std::mutex mutex;
    LogHead head;
    LogMemory memory;
    bool needs_newline{false};
    std::uint64_t lost{0}; ///< records that the medium had no room for
    bool is_torn{false};   ///< by us, for good: the next run names it and goes on

    /// Appends all of it or nothing.
    bool append(const std::string& bytes)
    {
        struct stat status{};
        if (is_torn || ::fstat(file.get(), &status) != 0) {
            return false;
        }
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written == static_cast<ssize_t>(bytes.size())) {
            static_cast<void>(::fdatasync(file.get())); // where it fails, the record is there until the power goes
            return true;
        }
        is_torn = written > 0 && ::ftruncate(file.get(), status.st_size) != 0;
        return false;
    }

    void add(std::string_view event, std::string_view text, const Json& data)
    {
        auto line = line_of(event, text, data, clock->wall_time(), head.sha256);
        if (line.size() > max_record_bytes) {
            line =
                line_of(event, text.substr(0, max_clipped_text), {{"clipped", true}}, clock->wall_time(), head.sha256);
        }
        if (!append((needs_newline ? "\n" : "") + line + "\n")) {
            ++lost;
            return;
        }
        needs_newline = false;
        head = {.records = head.records + 1, .sha256 = to_hex(crypto::sha256(as_bytes(line)))};
    }
};

CaseLog::CaseLog(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
CaseLog::~CaseLog() = default;

Result<std::unique_ptr<CaseLog>> CaseLog::open(const std::filesystem::path& path, Clock& clock)
{
    auto state = std::make_unique<State>();
    state->file = SALVAGE_TRY(open_locked(path));
    state->clock = &clock;
    auto known = SALVAGE_TRY(survey(read_log_from(state->file.get())));
    state->head = known.head;
    state->memory = std::move(known.memory);
    state->needs_newline = !known.is_file_end_ended;
    if (known.torn_lines > 0) {
        const auto torn = SALVAGE_TRY(measure_torn(state->file.get(), known));
        state->add(log_event::torn,
                   "what stands before this record was cut off by an interruption; the chain goes on from the last "
                   "whole one",
                   {{"lines", known.torn_lines}, {"bytes", torn.bytes}, {"sha256", torn.sha256}});
    }
    return std::unique_ptr<CaseLog>{new CaseLog{std::move(state)}};
}

void CaseLog::write(std::string_view event, std::string_view text)
{
    write(event, text, {});
}

void CaseLog::write(std::string_view event, std::string_view text, std::span<const LogField> data)
{
    auto json = Json::object();
    for (const auto& field : data) {
        json[field.key] = to_json(field.value);
    }
    const std::scoped_lock lock{state_->mutex};
    if (state_->lost > 0) {
        const auto lost = std::exchange(state_->lost, 0);
        state_->add("log.lost", fmt::format("{} records could not be written before this one", lost),
                    {{"records", lost}});
    }
    state_->add(event, text, json);
}

LogHead CaseLog::head() const
{
    const std::scoped_lock lock{state_->mutex};
    return state_->head;
}

const LogMemory& CaseLog::memory() const noexcept
{
    return state_->memory;
}

Result<LogHead> log_head(const std::filesystem::path& log)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    const OwnedDescriptor file{::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file.is_open()) {
        return errno == ENOENT ? not_found("there is no case log", log.string(), "name a folder made by salvage rescue")
                               : from_errno(errno, "the case log cannot be opened", log.string());
    }
    return SALVAGE_TRY(survey(read_log_from(file.get()))).head;
}

} // namespace salvage::rescue

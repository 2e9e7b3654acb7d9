// Reads a case log line by line: bounded memory, whatever the file holds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::rescue {

// The longest record we write is a statement or a command line; the system bounds those far below.
inline constexpr std::size_t max_record_bytes = 1U << 20U;
// A record has an object in an object, with a list in it.
inline constexpr unsigned max_record_depth = 8;

struct LogLine {
    std::uint64_t number{}; ///< from 1
    ByteOffset offset;      ///< of its first byte
    std::string_view text;  ///< without the newline; valid until the next one is read; empty where it is too long
    std::string sha256;     ///< hex, of all of it without the newline
    bool is_ended{false};   ///< by a newline
    bool is_too_long{false};

    [[nodiscard]] ByteOffset end() const noexcept { return offset + ByteCount{text.size() + (is_ended ? 1U : 0U)}; }
};

class LogReader {
public:
    /// Gives the next bytes; 0 is the end.
    using More = std::function<Result<std::size_t>(std::span<std::byte>)>;
    explicit LogReader(More more) : more_{std::move(more)}, buffer_(buffer_bytes) {}

    /// Nothing at the end.  Errors: those of `more`.
    [[nodiscard]] Result<std::optional<LogLine>> next();

private:
    static constexpr std::size_t buffer_bytes = 64U << 10U;

    More more_;
    Bytes buffer_;
    std::size_t begin_{0};
    std::size_t end_{0};
    std::string text_;
    std::uint64_t number_{0};
    ByteOffset offset_;
};

/// Over a descriptor, from its position on; over bytes in memory.  Both must outlive the reader.
[[nodiscard]] LogReader read_log_from(int descriptor);
[[nodiscard]] LogReader read_log_from(ByteView bytes);

/// A JSON object of no more than max_record_depth levels; nothing where it is none.
[[nodiscard]] std::optional<nlohmann::ordered_json> parse_bounded(std::string_view text);

/// A line that has the form of a record.
struct LogRecord {
    nlohmann::ordered_json json;
    std::string event;
    std::string text;
    std::string previous; ///< 64 hex digits

    /// The record's `data`; an empty object where it has none.
    [[nodiscard]] const nlohmann::ordered_json& data() const;
};
[[nodiscard]] std::optional<LogRecord> parse_record(const LogLine& line);

/// A file of the case as a record names it: `path`, `size`, `sha256`.
struct NamedFile {
    std::string path; ///< in the case, with '/'
    std::uint64_t size{};
    std::string sha256;
    bool operator==(const NamedFile&) const = default;
};
[[nodiscard]] std::optional<NamedFile> file_of(const LogRecord& record);

/// Events that readers of a log act upon; the others are for people.
namespace log_event {
inline constexpr std::string_view rescue_run = "rescue";
inline constexpr std::string_view step_start = "start"; ///< of a run: "rescue.start", "export.start"
/// Of a run: done; ended by an error or a stop; named as interrupted by a later one.
inline constexpr std::array<std::string_view, 3> steps_of_an_end{"done", "ended", "interrupted"};
inline constexpr std::string_view torn = "log.torn";
inline constexpr std::string_view file_planned = "file.planned"; ///< about to get this content
inline constexpr std::string_view file_written = "file.written";
inline constexpr std::string_view folder_begin = "folder.begin"; ///< from here on its files may change
inline constexpr std::string_view folder_done = "folder.done";   ///< its files are recorded
} // namespace log_event

} // namespace salvage::rescue

// The case log: JSON lines, each with the SHA-256 of the last whole line before it.  See docs/formats/case.md.
#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "salvage/crypto/hash.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/rescue.hpp"

namespace salvage::rescue {
namespace {

// A log of a million records is about 200 MB; more is no log of ours.
constexpr ByteCount max_log_size{1ULL << 30U};

std::string hash_of(std::string_view line)
{
    return to_hex(crypto::sha256(as_bytes(line)));
}

struct Tail {
    std::string previous = std::string(64, '0'); ///< hash of the last whole record
    bool is_torn{false};                         ///< the file does not end in a newline
};

Tail tail_of(std::string_view log)
{
    Tail out;
    const auto end = log.rfind('\n');
    out.is_torn = !log.empty() && end != log.size() - 1;
    if (end == std::string_view::npos) {
        return out;
    }
    auto whole = log.substr(0, end);
    while (!whole.empty()) {
        const auto start = whole.rfind('\n');
        const auto line = start == std::string_view::npos ? whole : whole.substr(start + 1);
        if (nlohmann::json::accept(line)) {
            out.previous = hash_of(line);
            return out;
        }
        whole = start == std::string_view::npos ? std::string_view{} : whole.substr(0, start);
    }
    return out;
}

} // namespace

struct CaseLog::State {
    int descriptor{-1};
    Clock* clock{nullptr};
    std::mutex mutex;
    std::string previous;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State()
    {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
};

CaseLog::CaseLog(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
CaseLog::~CaseLog() = default;

Result<std::unique_ptr<CaseLog>> CaseLog::open(const std::filesystem::path& path, Clock& clock)
{
    Tail tail;
    if (std::filesystem::exists(path)) {
        const auto file = SALVAGE_TRY(io::open_file(path));
        const auto bytes = SALVAGE_TRY(io::read_all(*file, max_log_size));
        tail = tail_of(as_text(bytes));
    }
    auto state = std::make_unique<State>();
    state->clock = &clock;
    state->previous = tail.previous;
    state->descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                               0644); // NOLINT(cppcoreguidelines-pro-type-vararg): POSIX
    if (state->descriptor < 0) {
        return from_errno(errno, "the case log cannot be opened", path.string());
    }
    if (tail.is_torn && ::write(state->descriptor, "\n", 1) != 1) {
        return from_errno(errno, "the case log cannot be written", path.string());
    }
    std::unique_ptr<CaseLog> log{new CaseLog{std::move(state)}};
    if (tail.is_torn) {
        log->write(
            "log.torn",
            "the line before this one was cut off by an interruption; the chain goes on from the last whole one");
    }
    return log;
}

void CaseLog::write(std::string_view event, std::string_view text)
{
    const std::scoped_lock lock{state_->mutex};
    const nlohmann::ordered_json record{
        {"time", state_->clock->wall_time().count()}, {"event", event}, {"text", text}, {"previous", state_->previous}};
    auto line = record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    state_->previous = hash_of(line);
    line += '\n';
    // One write a record: an interruption tears at most the last line.
    if (::write(state_->descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
        ::fdatasync(state_->descriptor);
    }
}

} // namespace salvage::rescue

// The journal of a restore.
#include "rescue/restore_journal.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "rescue/out_folder.hpp"
#include "salvage/core/bytes.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

using Json = nlohmann::ordered_json;

// A record has some 60 bytes; a terabyte in pieces of 1 MiB makes a million of them.
constexpr ByteCount max_journal{128ULL << 20U};

constexpr std::string_view schema = "salvage.restore-journal/1";

/// Takes one record into the state.
void replay(JournalState& state, const Json& record)
{
    const auto event = get_text(record, "event").value_or(std::string{});
    if (event == "begin" && get_text(record, "schema") == schema) {
        state.has_begun = true;
        state.plan = get_text(record, "plan").value_or(std::string{});
        state.phone = get_text(record, "phone").value_or(std::string{});
        return;
    }
    const auto number = get_number(record, "step");
    if (!state.has_begun || !number || *number >= state.steps.size()) {
        return;
    }
    auto& step = state.steps[static_cast<std::size_t>(*number)];
    if (event == "step") {
        const RestoreTarget::Pieces pieces{.count = get_number(record, "pieces").value_or(0),
                                           .most = ByteCount{get_number(record, "most").value_or(0)}};
        // Begun again in other pieces: what was accepted before counts for nothing.
        step.next = pieces == step.pieces ? step.next : 0;
        step.pieces = pieces;
    } else if (event == "piece" && get_number(record, "piece") == step.next && step.next < step.pieces.count) {
        ++step.next;
    } else if (event == "done" && step.pieces.count > 0 && step.next == step.pieces.count) {
        step.is_done = true;
    }
}

Error other_run(const std::filesystem::path& path)
{
    return Error{ErrorCode::already_exists,
                 "another run is applying this plan",
                 fmt::format("it writes to {}", path.string()),
                 std::nullopt,
                 "wait until it has ended, then do the same again",
                 {}};
}

} // namespace

JournalState parse_journal(std::string_view text, std::size_t steps)
{
    JournalState out;
    out.steps.resize(steps);
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) {
            out.is_torn = true;
            break;
        }
        if (const auto record = parse_object(text.substr(0, end))) {
            replay(out, *record);
        }
        text = text.substr(end + 1);
    }
    return out;
}

Result<JournalState> read_journal(const std::filesystem::path& path, std::size_t steps)
{
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        return parse_journal({}, steps);
    }
    const auto file = SALVAGE_TRY(io::open_file(path).in("reading the journal"));
    const auto bytes = SALVAGE_TRY(io::read_all(*file, max_journal).in("reading the journal"));
    return parse_journal(as_text(bytes), steps);
}

RestoreJournal::RestoreJournal(OwnedDescriptor file, std::filesystem::path path, Clock& clock)
    : file_{std::move(file)}, path_{std::move(path)}, clock_{&clock}
{
}

Result<RestoreJournal> RestoreJournal::open(const std::filesystem::path& path, const JournalState& state, Clock& clock)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): POSIX
    OwnedDescriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (!file.is_open()) {
        return from_errno(errno, "the journal cannot be opened", path.string());
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        return other_run(path);
    }
    if (SALVAGE_TRY(read_journal(path, state.steps.size())) != state) {
        return other_run(path);
    }
    RestoreJournal out{std::move(file), path, clock};
    if (state.is_torn) {
        SALVAGE_TRY(out.append(""));
    }
    return out;
}

Result<> RestoreJournal::append(std::string line)
{
    line += '\n';
    // One write a record: an interruption tears at most the last line.
    const auto written = ::write(file_.get(), line.data(), line.size());
    if (written < 0) {
        return from_errno(errno, "the journal cannot be written", path_.string());
    }
    if (static_cast<std::size_t>(written) != line.size()) {
        return from_errno(ENOSPC, "the journal cannot be written", path_.string());
    }
    if (::fdatasync(file_.get()) != 0) {
        return from_errno(errno, "the journal cannot be written", path_.string());
    }
    return {};
}

Result<> RestoreJournal::begin(const std::string& plan, const std::string& phone)
{
    return append(to_line({{"schema", schema},
                           {"event", "begin"},
                           {"time", clock_->wall_time().count()},
                           {"plan", plan},
                           {"phone", phone}}));
}

Result<> RestoreJournal::begin_step(std::size_t step, const std::string& partition, const RestoreTarget::Pieces& pieces)
{
    return append(to_line({{"event", "step"},
                           {"step", step},
                           {"partition", partition},
                           {"pieces", pieces.count},
                           {"most", pieces.most.value}}));
}

Result<> RestoreJournal::piece_done(std::size_t step, std::size_t piece)
{
    return append(to_line({{"event", "piece"}, {"step", step}, {"piece", piece}}));
}

Result<> RestoreJournal::step_done(std::size_t step)
{
    return append(to_line({{"event", "done"}, {"step", step}}));
}

void RestoreJournal::failed(std::size_t step, std::size_t piece, const Error& error)
{
    ignore(append(to_line({{"event", "failed"},
                           {"time", clock_->wall_time().count()},
                           {"step", step},
                           {"piece", piece},
                           {"error", to_string(error)}})),
           "the error itself is returned to the caller");
}

Result<> RestoreJournal::end()
{
    return append(to_line({{"event", "end"}, {"time", clock_->wall_time().count()}}));
}

} // namespace salvage::rescue

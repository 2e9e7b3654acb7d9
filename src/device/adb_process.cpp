// One run of the user's adb program.
#include "device/adb_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fmt/format.h>

namespace salvage::device {
namespace {

// The stop token is looked at so often.
constexpr int look_ms = 50;
constexpr std::size_t max_complaint = 4096;
constexpr std::size_t max_answer = 65536;

struct Pipe {
    OwnedDescriptor read_end;
    OwnedDescriptor write_end;
};

Result<Pipe> make_pipe_pair()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return from_errno(errno, "a pipe cannot be made", "adb");
    }
    return Pipe{.read_end = OwnedDescriptor{ends[0]}, .write_end = OwnedDescriptor{ends[1]}};
}

/// posix_spawn's list of what happens to descriptors.
class SpawnActions {
public:
    SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    void redirect(const Pipe& pipe, int to) { ::posix_spawn_file_actions_adddup2(&actions_, pipe.write_end.get(), to); }
    void empty_input() { ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// The child gets the signals this process holds back for its own signal thread.
class SpawnAttributes {
public:
    SpawnAttributes()
    {
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        sigset_t usual;
        sigemptyset(&usual);
        sigaddset(&usual, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes_, &usual);
        // A group of its own: Ctrl-C is for us, who then end the read in order.
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

} // namespace

Result<AdbProcess> AdbProcess::start(const std::vector<std::string>& arguments)
{
    auto out = SALVAGE_TRY(make_pipe_pair());
    auto err = SALVAGE_TRY(make_pipe_pair());
    SpawnActions actions;
    actions.empty_input();
    actions.redirect(out, STDOUT_FILENO);
    actions.redirect(err, STDERR_FILENO);
    const SpawnAttributes attributes;
    auto words = arguments;
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    std::ranges::transform(words, std::back_inserter(pointers), [](std::string& word) { return word.data(); });
    pointers.push_back(nullptr);
    pid_t child = -1;
    const auto number =
        ::posix_spawnp(&child, words.front().c_str(), actions.get(), attributes.get(), pointers.data(), environ);
    if (number != 0) {
        auto error = from_errno(number, "the adb program cannot be started", words.front());
        if (number == ENOENT) {
            error.code = ErrorCode::not_found;
            error.hint = "install Android's platform tools (package adb), or name the program";
        }
        return error;
    }
    ::fcntl(err.read_end.get(), F_SETFL, O_NONBLOCK); // NOLINT(cppcoreguidelines-pro-type-vararg): POSIX
    return AdbProcess{child, std::move(out.read_end), std::move(err.read_end)};
}

AdbProcess::~AdbProcess()
{
    if (child_ > 0) {
        ::kill(-child_, SIGKILL); // its group: what it started too
        int status = 0;
        ::waitpid(child_, &status, 0);
    }
}

void AdbProcess::hear_complaint()
{
    std::array<char, 512> text{};
    for (;;) {
        const auto got = ::read(err_.get(), text.data(), text.size());
        if (got <= 0) {
            if (got == 0) {
                err_.close(); // poll would tell of its end again and again
            }
            return;
        }
        const auto room = max_complaint - std::min(max_complaint, complaint_.size());
        complaint_.append(text.data(), std::min(room, static_cast<std::size_t>(got)));
    }
}

Result<std::size_t> AdbProcess::read_some(std::span<std::byte> into, std::chrono::milliseconds silence,
                                          const RunContext& context)
{
    for (auto waited = std::chrono::milliseconds{0}; waited < silence; waited += std::chrono::milliseconds{look_ms}) {
        if (context.is_stopped()) {
            return cancelled("waiting for adb");
        }
        std::array<pollfd, 2> watched{pollfd{.fd = out_.get(), .events = POLLIN, .revents = 0},
                                      pollfd{.fd = err_.get(), .events = POLLIN, .revents = 0}};
        const auto ready = ::poll(watched.data(), watched.size(), look_ms);
        if (ready < 0 && errno != EINTR) {
            return from_errno(errno, "waiting failed", "adb");
        }
        if (ready > 0 && watched[1].revents != 0) {
            hear_complaint();
        }
        if (ready <= 0 || watched[0].revents == 0) {
            continue;
        }
        const auto got = ::read(out_.get(), into.data(), into.size());
        if (got < 0) {
            return from_errno(errno, "reading failed", "adb");
        }
        return static_cast<std::size_t>(got);
    }
    return Error{ErrorCode::timed_out,
                 fmt::format("the phone was silent for {} s", silence.count() / 1000),
                 "through adb",
                 std::nullopt,
                 "check the cable; what is read is safe",
                 {}};
}

int AdbProcess::wait()
{
    if (child_ <= 0) {
        return 0;
    }
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    hear_complaint();
    constexpr int by_signal = 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
}

Result<AdbAnswer> run_adb(const std::vector<std::string>& arguments, std::chrono::milliseconds silence,
                          const RunContext& context)
{
    auto process = SALVAGE_TRY(AdbProcess::start(arguments));
    AdbAnswer answer;
    std::array<std::byte, 4096> piece{};
    for (;;) {
        const auto got = SALVAGE_TRY(process.read_some(piece, silence, context));
        if (got == 0) {
            break;
        }
        const auto room = max_answer - std::min(max_answer, answer.out.size());
        answer.out += as_text(ByteView{piece}.first(std::min(got, room)));
    }
    answer.exit_code = process.wait();
    answer.complaint = process.complaint();
    return answer;
}

} // namespace salvage::device

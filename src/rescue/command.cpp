// Other programs, run for real: posix_spawn, two pipes, a limit on time and on what is read.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/rescue/command.hpp"

namespace salvage::rescue {
namespace {

// The stop token is looked at so often.
constexpr int look_ms = 50;
// A program that has closed its output is about to end.
constexpr int end_look_ms = 2;
constexpr std::size_t max_complaint = 8192;

struct Pipe {
    OwnedDescriptor read_end;
    OwnedDescriptor write_end;
};

Result<Pipe> make_pipe(const std::string& program)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return from_errno(errno, "a pipe cannot be made", program);
    }
    return Pipe{.read_end = OwnedDescriptor{ends[0]}, .write_end = OwnedDescriptor{ends[1]}};
}

/// posix_spawn's two lists: what happens to descriptors, and to signals.
class SpawnSettings {
public:
    SpawnSettings(const Pipe& out, const Pipe& err)
    {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, out.write_end.get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, err.write_end.get(), STDERR_FILENO);
        // Libraries open some that would be inherited; libfuse's would keep a mount that nobody serves.
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        // The child gets the signals this process holds back, and a group of its own: Ctrl-C is for us.
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings()
    {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    [[nodiscard]] const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// A running program; ended with the object.
class Child {
public:
    explicit Child(pid_t id) noexcept : id_{id} {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child()
    {
        if (id_ > 0) {
            ::kill(-id_, SIGKILL); // its group: what it started too
            wait();
        }
    }
    /// Its exit code once it has ended; 128 and the signal's number where one ended it.
    std::optional<int> exit_code()
    {
        if (id_ > 0) {
            const auto ended = ::waitpid(id_, &status_, WNOHANG);
            id_ = ended == id_ || (ended < 0 && errno != EINTR) ? -1 : id_;
        }
        constexpr int by_signal = 128;
        const auto code = WIFEXITED(status_) ? WEXITSTATUS(status_) : by_signal + WTERMSIG(status_);
        return id_ > 0 ? std::nullopt : std::optional{code};
    }

private:
    void wait() const
    {
        while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

    pid_t id_;
    int status_{0};
};

Result<pid_t> spawn(const std::vector<std::string>& command, const Pipe& out, const Pipe& err)
{
    const SpawnSettings settings{out, err};
    auto words = command;
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    std::ranges::transform(words, std::back_inserter(pointers), [](std::string& word) { return word.data(); });
    pointers.push_back(nullptr);
    pid_t id = -1;
    const auto number =
        ::posix_spawnp(&id, pointers.front(), settings.actions(), settings.attributes(), pointers.data(), environ);
    if (number == 0) {
        return id;
    }
    auto error = from_errno(number, "a program cannot be started", command.front());
    error.code = number == ENOENT ? ErrorCode::not_found : error.code;
    return error;
}

/// What comes out of a pipe, up to a limit; what is over it is dropped.
class Stream {
public:
    Stream(OwnedDescriptor from, std::size_t limit) : from_{std::move(from)}, limit_{limit} {}

    [[nodiscard]] bool is_open() const noexcept { return from_.is_open(); }
    [[nodiscard]] bool is_over() const noexcept { return is_over_; }
    [[nodiscard]] pollfd watched() const noexcept { return {.fd = from_.get(), .events = POLLIN, .revents = 0}; }
    [[nodiscard]] std::string take() noexcept { return std::move(text_); }

    /// Reads what is there; closes at the end.
    Result<> drain()
    {
        std::array<char, 65536> piece{};
        const auto got = ::read(from_.get(), piece.data(), piece.size());
        if (got < 0) {
            return errno == EINTR ? Result<>{} : from_errno(errno, "reading failed", "a program's answer");
        }
        if (got == 0) {
            from_.close();
            return {};
        }
        const auto taken = std::min(limit_ - text_.size(), static_cast<std::size_t>(got));
        is_over_ = is_over_ || taken < static_cast<std::size_t>(got);
        text_.append(piece.data(), taken);
        return {};
    }

private:
    OwnedDescriptor from_;
    std::size_t limit_;
    std::string text_;
    bool is_over_{false};
};

class RealRunner final : public CommandRunner {
public:
    explicit RealRunner(std::chrono::milliseconds patience) noexcept : patience_{patience} {}

    Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& context) override
    {
        if (command.empty()) {
            return invalid_argument("no program was named");
        }
        auto out = SALVAGE_TRY(make_pipe(command.front()));
        auto err = SALVAGE_TRY(make_pipe(command.front()));
        Child child{SALVAGE_TRY(spawn(command, out, err))};
        out.write_end.close();
        err.write_end.close();
        Stream words{std::move(out.read_end), max_command_answer.value};
        Stream complaint{std::move(err.read_end), max_complaint};
        const auto exit_code = SALVAGE_TRY(listen(command.front(), child, words, complaint, context));
        if (words.is_over()) {
            return unsupported(fmt::format("{} says too much", command.front()),
                               fmt::format("over {} bytes", max_command_answer.value));
        }
        return CommandAnswer{.exit_code = exit_code, .out = words.take(), .complaint = complaint.take()};
    }

private:
    /// Reads until the program has ended; its exit code.
    Result<int> listen(const std::string& program, Child& child, Stream& words, Stream& complaint,
                       const RunContext& context) const
    {
        const auto end = context.clock->now() + patience_;
        for (;;) {
            const bool is_open = words.is_open() || complaint.is_open();
            if (const auto code = is_open ? std::nullopt : child.exit_code()) {
                return *code;
            }
            if (context.is_stopped()) {
                return cancelled(fmt::format("waiting for {}", program));
            }
            if (context.clock->now() >= end) {
                return silent(program);
            }
            // poll passes over a closed one: its descriptor is -1.  With both closed it only waits.
            std::array<pollfd, 2> watched{words.watched(), complaint.watched()};
            if (::poll(watched.data(), watched.size(), is_open ? look_ms : end_look_ms) < 0 && errno != EINTR) {
                return from_errno(errno, "waiting failed", program);
            }
            if (watched[0].revents != 0) {
                SALVAGE_TRY(words.drain());
            }
            if (watched[1].revents != 0) {
                SALVAGE_TRY(complaint.drain());
            }
        }
    }

    [[nodiscard]] Error silent(const std::string& program) const
    {
        return Error{ErrorCode::timed_out,
                     fmt::format("{} gave no answer within {} s", program, patience_.count() / 1000),
                     {},
                     std::nullopt,
                     {},
                     {}};
    }

    std::chrono::milliseconds patience_;
};

} // namespace

std::unique_ptr<CommandRunner> make_command_runner(std::chrono::milliseconds patience)
{
    return std::make_unique<RealRunner>(patience);
}

} // namespace salvage::rescue

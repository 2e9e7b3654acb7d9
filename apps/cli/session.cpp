// Terminal, signals, progress.
#include "session.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::cli {

Exit exit_of(ErrorCode code) noexcept
{
    switch (code) {
    case ErrorCode::io:
    case ErrorCode::no_space:
    case ErrorCode::timed_out:
    case ErrorCode::disconnected: return Exit::io;
    case ErrorCode::refused:
    case ErrorCode::truncated:
    case ErrorCode::unreadable:
    case ErrorCode::malformed:
    case ErrorCode::unsupported: return Exit::damaged;
    case ErrorCode::wrong_secret:
    case ErrorCode::not_found: return Exit::not_found;
    case ErrorCode::needs_phone_key: return Exit::needs_phone;
    case ErrorCode::mismatch: return Exit::mismatch;
    case ErrorCode::cancelled: return Exit::stopped;
    case ErrorCode::already_exists:
    case ErrorCode::invalid_argument: return Exit::usage;
    case ErrorCode::internal: return Exit::bug;
    }
    return Exit::bug;
}

namespace {

// The signal thread is the only one that sees SIGINT and SIGTERM; everything else asks this source.
std::stop_source& stop_source()
{
    static std::stop_source source;
    return source;
}

void watch_signals()
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    std::thread{[watched] {
        int number = 0;
        sigwait(&watched, &number);
        stop_source().request_stop();
        sigwait(&watched, &number);
        _exit(128 + number); // asked twice: do not wait for the checkpoint
    }}.detach();
}

/// Keeps key material out of core files and other processes' reach, as far as the system allows.
void harden()
{
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::string amount(std::uint64_t value, std::string_view unit)
{
    return unit == "bytes" ? format_size(ByteCount{value}) : fmt::format("{} {}", format_count(value), unit);
}

/// A line that is drawn over on a terminal, a plain line every ten seconds elsewhere.
class LineProgress final : public Progress {
public:
    explicit LineProgress(bool is_terminal) : is_terminal_{is_terminal} {}
    LineProgress(const LineProgress&) = delete;
    LineProgress& operator=(const LineProgress&) = delete;
    ~LineProgress() override { clear(); }

    void update(const ProgressUpdate& update) override
    {
        const std::scoped_lock lock{mutex_};
        const auto now = std::chrono::steady_clock::now();
        if (update.step != step_) {
            step_ = update.step;
            start_ = now;
            first_ = update.done;
            last_shown_ = now;
            return;
        }
        const auto interval = is_terminal_ ? std::chrono::milliseconds{200} : std::chrono::milliseconds{10'000};
        if (now - last_shown_ < interval) {
            return;
        }
        last_shown_ = now;
        show(update, std::chrono::duration<double>(now - start_).count());
    }

    void clear()
    {
        if (is_shown_) {
            (void)std::fputs("\r\x1b[K", stderr);
            is_shown_ = false;
        }
    }

private:
    void show(const ProgressUpdate& update, double seconds)
    {
        const auto rate =
            seconds > 0 ? static_cast<double>(update.done - std::min(first_, update.done)) / seconds : 0.0;
        auto line = fmt::format("{}: {}", step_, amount(update.done, update.unit));
        if (update.total) {
            line += fmt::format(" of {}", amount(*update.total, update.unit));
        }
        line += fmt::format(", {}/s", amount(static_cast<std::uint64_t>(rate), update.unit));
        if (update.total && rate > 0) {
            line += fmt::format(", {} left", format_duration(std::chrono::duration<double>(
                                                 static_cast<double>(*update.total - update.done) / rate)));
        }
        if (is_terminal_) {
            fmt::print(stderr, "\r\x1b[K{}", line);
            is_shown_ = true;
        } else {
            fmt::print(stderr, "{}\n", line);
        }
        (void)std::fflush(stderr);
    }

    bool is_terminal_;
    std::mutex mutex_;
    std::string step_;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point last_shown_;
    std::uint64_t first_{0};
    bool is_shown_{false};
};

render::TextStyle style_for(int descriptor)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): read before any thread starts.
    const bool is_wanted = isatty(descriptor) == 1 && std::getenv("NO_COLOR") == nullptr;
    return {.colour = is_wanted ? render::Colour::on : render::Colour::off};
}

void write_all(int descriptor, std::string_view text)
{
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; // the reader is gone; there is nobody to tell
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Turns echo off while it lives.
class QuietTerminal {
public:
    explicit QuietTerminal(int descriptor) : descriptor_{descriptor}
    {
        tcgetattr(descriptor_, &before_);
        auto quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(descriptor_, TCSAFLUSH, &quiet);
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;
    ~QuietTerminal() { tcsetattr(descriptor_, TCSAFLUSH, &before_); }

private:
    int descriptor_;
    termios before_{};
};

} // namespace

Session::Session() : out_style_{style_for(STDOUT_FILENO)}, err_style_{style_for(STDERR_FILENO)}
{
    harden();
    (void)std::signal(SIGPIPE, SIG_IGN);
    watch_signals();
}

Session::~Session() = default;

void Session::print(const std::string& text)
{
    if (auto* const line = dynamic_cast<LineProgress*>(progress_.get()); line != nullptr) {
        line->clear();
    }
    write_all(STDOUT_FILENO, text);
}

void Session::say(const std::string& text)
{
    if (auto* const line = dynamic_cast<LineProgress*>(progress_.get()); line != nullptr) {
        line->clear();
    }
    if (!is_quiet) {
        write_all(STDERR_FILENO, text);
    }
}

void Session::fail(const Error& error)
{
    if (auto* const line = dynamic_cast<LineProgress*>(progress_.get()); line != nullptr) {
        line->clear();
    }
    write_all(STDERR_FILENO, render::text(error, err_style_));
    finish(static_cast<int>(exit_of(error.code)));
}

RunContext Session::context()
{
    RunContext context;
    context.stop = stop_source().get_token();
    if (!is_quiet) {
        progress_ = std::make_unique<LineProgress>(isatty(STDERR_FILENO) == 1);
        context.progress = progress_.get();
    }
    return context;
}

Result<SecretBytes> Session::ask_secret(const std::string& prompt)
{
    const auto terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC); // NOLINT(cppcoreguidelines-pro-type-vararg): POSIX
    if (terminal < 0) {
        return not_found("a secret is needed and there is no terminal to ask on", {},
                         "give it with --secret-file FILE or --secret-fd N");
    }
    write_all(terminal, prompt);
    SecretBytes typed{1024};
    ssize_t got = 0;
    {
        const QuietTerminal quiet{terminal};
        got = ::read(terminal, typed.expose_for_writing().data(), typed.size());
    }
    write_all(terminal, "\n");
    ::close(terminal);
    auto line = typed.expose().first(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (!line.empty() && line.back() == std::byte{'\n'}) {
        line = line.first(line.size() - 1);
    }
    return SecretBytes::copy_of(line);
}

std::string Session::ask_line(const std::string& prompt)
{
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        return {};
    }
    write_all(STDERR_FILENO, prompt);
    std::array<char, 1024> line{};
    const auto got = ::read(STDIN_FILENO, line.data(), line.size());
    std::string text{line.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

} // namespace salvage::cli

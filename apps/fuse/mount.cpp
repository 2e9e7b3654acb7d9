// Mounting: libfuse's session and its threads, and the ways in which they end.
#include "mount.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "operations.hpp"
#include "salvage/core/text.hpp"

namespace salvage::fuse {
namespace {

constexpr const char* device = "/dev/fuse";

// libfuse tells what went wrong by a function without a context, so its words are kept here until they are asked for.
class LibraryWords {
public:
    void add(std::string_view words)
    {
        const std::scoped_lock lock{mutex_};
        constexpr std::size_t enough = 2000;
        if (text_.size() < enough) {
            text_ += text_.empty() ? "" : "; ";
            text_ += trimmed(words);
        }
    }
    std::string take()
    {
        const std::scoped_lock lock{mutex_};
        return std::exchange(text_, {});
    }

private:
    std::mutex mutex_;
    std::string text_;
};
LibraryWords& library_words()
{
    static LibraryWords only;
    return only;
}

[[gnu::format(printf, 2, 0)]] void keep_words(fuse_log_level level, const char* format, va_list arguments)
{
    if (level > FUSE_LOG_WARNING) {
        return;
    }
    std::array<char, 512> line{};
    (void)std::vsnprintf(line.data(), line.size(), format, arguments);
    library_words().add(line.data());
}

constexpr std::string_view how_to_get_fuse = "Debian, Ubuntu: apt install fuse3; Fedora: dnf install fuse3; Arch: "
                                             "pacman -S fuse3.  Where the kernel has it as a "
                                             "module: modprobe fuse.  In a container: --device /dev/fuse --cap-add "
                                             "SYS_ADMIN.  Without FUSE: salvage export takes "
                                             "the files out, and the nbdkit plugin serves userdata";

Result<> check_fuse()
{
    if (::access(device, R_OK | W_OK) != 0) {
        const auto why = from_errno(errno, {}, device).why;
        return not_found("FUSE cannot be used on this machine", why, how_to_get_fuse);
    }
    if (::geteuid() == 0) {
        return {};
    }
    for (const auto* const folder : {"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"}) {
        if (::access((std::string{folder} + "/fusermount3").c_str(), X_OK) == 0) {
            return {};
        }
    }
    return not_found("fusermount3 is not installed, and only root can mount without it", {}, how_to_get_fuse);
}

Error io_error(std::string what, std::string why, std::string hint)
{
    return Error{ErrorCode::io, std::move(what), std::move(why), std::nullopt, std::move(hint), {}};
}

struct SessionDeleter {
    void operator()(fuse_session* session) const { ::fuse_session_destroy(session); }
};
struct LoopDeleter {
    void operator()(fuse_loop_config* config) const { ::fuse_loop_cfg_destroy(config); }
};
struct Arguments {
    Arguments() = default;
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;
    ~Arguments() { ::fuse_opt_free_args(&list); }
    fuse_args list{};
};

/// Commas and backslashes mean something in mount options.
std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        out += c == ',' || c == '\\' ? std::string{"\\"} + c : std::string{c};
    }
    return out;
}

std::string options_text(const MountOptions& options)
{
    std::string out = "ro,nosuid,nodev,noexec,subtype=salvage,fsname=" + escaped(options.name);
    // The helper that libfuse leaves behind for it unmounts even after kill -9.
    out += ",auto_unmount";
    return options.is_for_everyone ? out + ",allow_other" : out;
}

/// While it lives, a request to stop ends fuse_session_loop_mt, which was entered on the thread that made this.
class Stopper {
public:
    Stopper(fuse_session* session, std::stop_token stop)
        : session_{session}, loop_thread_{::pthread_self()}, stop_{std::move(stop)}
    {
        // The loop sleeps in sem_wait until a signal interrupts it; this one does nothing else.
        struct sigaction nothing{};
        nothing.sa_handler = [](int) {};
        ::sigaction(SIGUSR1, &nothing, &before_);
        thread_ = std::jthread{[this](const std::stop_token& done) { watch(done); }};
    }
    Stopper(const Stopper&) = delete;
    Stopper& operator=(const Stopper&) = delete;
    ~Stopper()
    {
        thread_ = {};
        ::sigaction(SIGUSR1, &before_, nullptr);
    }

private:
    void watch(const std::stop_token& done)
    {
        constexpr std::chrono::milliseconds pause{20};
        while (!done.stop_requested()) {
            if (stop_.stop_requested()) {
                ::fuse_session_exit(session_);
                ::pthread_kill(loop_thread_, SIGUSR1); // again and again: the first may come before it sleeps
            }
            std::this_thread::sleep_for(pause);
        }
    }

    fuse_session* session_;
    pthread_t loop_thread_;
    std::stop_token stop_;
    struct sigaction before_{};
    std::jthread thread_;
};

Result<> run_loop(fuse_session* session, const std::stop_token& stop)
{
    const std::unique_ptr<fuse_loop_config, LoopDeleter> config{::fuse_loop_cfg_create()};
    ::fuse_loop_cfg_set_clone_fd(config.get(), 1);
    ::fuse_loop_cfg_set_max_threads(config.get(), std::max(4U, 2 * std::thread::hardware_concurrency()));
    const Stopper stopper{session, stop};
    const auto ended = ::fuse_session_loop_mt(session, config.get());
    if (ended < 0) {
        auto error = from_errno(-ended, "serving the mounted tree failed", library_words().take());
        return std::move(error).with_hint("what was mounted is gone; mount it again");
    }
    return {};
}

} // namespace

Result<> check_mount_point(const std::filesystem::path& at)
{
    SALVAGE_TRY(check_fuse());
    struct stat status{};
    if (::stat(at.c_str(), &status) != 0) {
        const auto number = errno;
        const auto shown = printable(at.string());
        if (number == ENOTCONN) {
            return io_error("a mount that lost its server is there", shown, "fusermount3 -u " + shown);
        }
        if (number == ENOENT) {
            return not_found("there is no such folder to mount in", shown, "mkdir " + shown);
        }
        return from_errno(number, "the mount point cannot be looked at", at.string());
    }
    std::error_code problem;
    if (!S_ISDIR(status.st_mode) || !std::filesystem::is_empty(at, problem) || problem) {
        return invalid_argument("a mount point has to be an empty folder", printable(at.string()),
                                "what a folder holds would be hidden; name a new one");
    }
    return {};
}

Result<> mount_and_serve(const Tree& tree, const MountOptions& options, const MountEvents& events,
                         const std::stop_token& stop)
{
    ::fuse_set_log_func(keep_words);
    Arguments arguments;
    ::fuse_opt_add_arg(&arguments.list, "salvage");
    ::fuse_opt_add_arg(&arguments.list, "-o");
    ::fuse_opt_add_arg(&arguments.list, options_text(options).c_str());
    Served served{.tree = &tree, .events = &events};
    const auto table = operations();
    const std::unique_ptr<fuse_session, SessionDeleter> session{
        ::fuse_session_new(&arguments.list, &table, sizeof table, &served)};
    if (!session) {
        return io_error("libfuse takes no session", library_words().take(), {});
    }
    if (::fuse_session_mount(session.get(), options.at.c_str()) != 0) {
        return io_error("the tree cannot be mounted", library_words().take(), std::string{how_to_get_fuse});
    }
    if (events.on_ready) {
        events.on_ready();
    }
    auto done = run_loop(session.get(), stop);
    ::fuse_session_unmount(session.get());
    return done;
}

} // namespace salvage::fuse

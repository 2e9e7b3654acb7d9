// Running stock programs with posix_spawn.  Both output streams go to files in /tmp, so that no pipe can fill up and
// block.
#include "sample_phone_tools.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace salvage::rescue::sample {
namespace {

namespace fs = std::filesystem;

/// The moment the phone's filesystems were made: 2017-07-14 02:40:00 UTC.
constexpr const char* fake_time = "E2FSPROGS_FAKE_TIME=1500000000";

std::optional<fs::path> find_program(const std::string& name)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this program changes the environment.
    const char* const from_environment = std::getenv("PATH");
    auto search = std::string{from_environment == nullptr ? "/usr/bin:/bin" : from_environment} + ":/usr/sbin:/sbin";
    std::size_t start = 0;
    while (start <= search.size()) {
        const auto end = std::min(search.find(':', start), search.size());
        auto candidate = fs::path{search.substr(start, end - start)} / name;
        if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        start = end + 1;
    }
    return std::nullopt;
}

/// An unnamed file that a child writes to and we read afterwards.
class Capture {
public:
    Capture()
    {
        std::string name = (fs::temp_directory_path() / "salvage-tool-XXXXXX").string();
        descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
        if (descriptor_ >= 0) {
            ::unlink(name.c_str());
        }
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture()
    {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] std::string text() const
    {
        constexpr std::size_t most_text = 16U << 20U; // dumpe2fs of a large volume prints a few MiB
        std::string out;
        std::array<char, 65536> block{};
        for (off_t at = 0; out.size() < most_text;) {
            const auto got = ::pread(descriptor_, block.data(), block.size(), at);
            if (got <= 0) {
                break;
            }
            out.append(block.data(), static_cast<std::size_t>(got));
            at += got;
        }
        return out;
    }

private:
    int descriptor_{-1};
};

/// Our environment with English messages and a fixed time.
std::vector<std::string> tool_environment()
{
    std::vector<std::string> out;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        if (!text.starts_with("LC_ALL=") && !text.starts_with("LANGUAGE=") &&
            !text.starts_with("E2FSPROGS_FAKE_TIME=") && !text.starts_with("TZ=")) {
            out.emplace_back(text);
        }
    }
    out.emplace_back("LC_ALL=C.UTF-8");
    out.emplace_back("TZ=UTC");
    out.emplace_back(fake_time);
    return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts)
{
    std::vector<char*> out;
    std::ranges::transform(texts, std::back_inserter(out), [](std::string& text) { return text.data(); });
    out.push_back(nullptr);
    return out;
}

Result<int> spawn_and_wait(const fs::path& program, std::vector<std::string> arguments, const Capture& out,
                           const Capture& err)
{
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    const std::unique_ptr<posix_spawn_file_actions_t, int (*)(posix_spawn_file_actions_t*)> guard{
        &actions, posix_spawn_file_actions_destroy};
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
    auto environment = tool_environment();
    const auto argument_pointers = pointers_to(arguments);
    const auto environment_pointers = pointers_to(environment);
    pid_t child = 0;
    const int failure = ::posix_spawn(&child, program.c_str(), &actions, nullptr, argument_pointers.data(),
                                      environment_pointers.data());
    if (failure != 0) {
        return from_errno(failure, "cannot start a program", program.string());
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return from_errno(errno, "cannot wait for a program", program.string());
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

} // namespace

Result<ToolOutput> run_tool(const std::vector<std::string>& arguments, std::string_view package)
{
    const auto program = find_program(arguments.front());
    if (!program) {
        return not_found(fmt::format("the program {} is not installed", arguments.front()),
                         "looked in PATH, /usr/sbin and /sbin", fmt::format("on Debian: apt-get install {}", package));
    }
    const Capture out;
    const Capture err;
    if (out.descriptor() < 0 || err.descriptor() < 0) {
        return from_errno(errno, "cannot make a temporary file", fs::temp_directory_path().string());
    }
    const int exit_code = SALVAGE_TRY(spawn_and_wait(*program, arguments, out, err));
    return ToolOutput{.exit_code = exit_code, .text = out.text(), .complaints = err.text()};
}

Result<std::string> run_tool_or_fail(const std::vector<std::string>& arguments, std::string_view package)
{
    auto output = SALVAGE_TRY(run_tool(arguments, package));
    if (output.exit_code != 0) {
        return Error{.code = ErrorCode::internal,
                     .what = fmt::format("{} failed on the sample phone", arguments.front()),
                     .why = fmt::format("exit code {}: {}{}", output.exit_code, output.text, output.complaints),
                     .where = {},
                     .hint = {},
                     .trail = {}};
    }
    return std::move(output.text);
}

} // namespace salvage::rescue::sample

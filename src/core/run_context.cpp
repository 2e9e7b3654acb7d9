// The real clock, the kernel's random bytes, and silence.
#include "salvage/core/run_context.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/random.h>

namespace salvage {
namespace {

class SystemClock final : public Clock {
public:
    [[nodiscard]] std::chrono::nanoseconds now() const override
    {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
    [[nodiscard]] std::chrono::seconds wall_time() const override
    {
        return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    }
};

class SystemEntropy final : public Entropy {
public:
    Result<> fill(std::span<std::byte> into) override
    {
        while (!into.empty()) {
            const auto got = getrandom(into.data(), into.size(), 0);
            if (got < 0 && errno != EINTR) {
                return from_errno(errno, "the system gives no random bytes", "getrandom");
            }
            into = into.subspan(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        }
        return {};
    }
};

class NoProgress final : public Progress {
public:
    void update(const ProgressUpdate& /*update*/) override {}
};

class NoLog final : public Log {
public:
    void write(std::string_view /*event*/, std::string_view /*text*/) override {}
};

} // namespace

Clock& system_clock() noexcept
{
    static SystemClock clock;
    return clock;
}

Entropy& system_entropy() noexcept
{
    static SystemEntropy entropy;
    return entropy;
}

Progress& no_progress() noexcept
{
    static NoProgress progress;
    return progress;
}

Log& no_log() noexcept
{
    static NoLog log;
    return log;
}

Error cancelled(std::string_view what)
{
    return Error{ErrorCode::cancelled,
                 std::string{what},
                 "a stop was requested",
                 std::nullopt,
                 "run the same command again to go on from here",
                 {}};
}

} // namespace salvage

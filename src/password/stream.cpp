// Lines of a pipe as candidates, for many threads.  One of them reads at a time, without the lock; the others take what
// is at hand, or wait.
#include "salvage/password/stream.hpp"

#include <cerrno>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "password/line_scanner.hpp"
#include "password/stream_window.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr std::size_t read_bytes_at_once = std::size_t{64} << 10U;
constexpr int look_at_stop_every_ms = 50;

class Stream final : public Keyspace {
public:
    Stream(int descriptor, const StreamOptions& options)
        : descriptor_{descriptor}, stop_{options.stop}, buffer_(read_bytes_at_once), window_{options.kept}
    {
    }

    [[nodiscard]] Candidates size() const noexcept override
    {
        return Candidates{std::numeric_limits<std::uint64_t>::max()};
    }
    [[nodiscard]] bool is_open_ended() const noexcept override { return true; }

    /// Takes words as they come: a request may be larger than what is kept.
    Result<std::size_t> candidates(std::uint64_t first, std::span<Candidate> into) const override
    {
        std::unique_lock lock{mutex_};
        std::size_t filled = 0;
        while (filled < into.size()) {
            const auto number = first + filled;
            if (!SALVAGE_TRY(wait_for(lock, number))) {
                break;
            }
            const auto given = window_.give(number, into.subspan(filled));
            if (given == 0) {
                return gone(number);
            }
            filled += given;
        }
        return filled;
    }

    [[nodiscard]] std::string identity() const override { return "stdin"; }
    [[nodiscard]] std::string description() const override
    {
        const std::scoped_lock lock{mutex_};
        const auto rejected = window_.rejected() == 0 ? std::string{}
                                                      : fmt::format(" ({} lines over {} bytes so far are left out)",
                                                                    format_count(window_.rejected()), max_word_bytes);
        return "words from standard input" + rejected;
    }

private:
    /// Until word `number` was read, or the stream ended: then false.
    Result<bool> wait_for(std::unique_lock<std::mutex>& lock, std::uint64_t number) const
    {
        while (number >= window_.words() && !is_ended_) {
            if (stop_.stop_requested()) {
                return cancelled("waiting for words from standard input");
            }
            if (is_reading_) {
                changed_.wait(lock, stop_, [this] { return !is_reading_; });
            } else {
                read_more(lock);
            }
        }
        if (number >= window_.words() && error_) {
            return Error{*error_};
        }
        return number < window_.words();
    }

    /// Reads once, or looks that nothing came for a while.
    void read_more(std::unique_lock<std::mutex>& lock) const
    {
        is_reading_ = true;
        lock.unlock();
        pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
        const bool is_ready = ::poll(&waiting, 1, look_at_stop_every_ms) > 0;
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the lock was given up above.
        const auto got = is_ready ? ::read(descriptor_, buffer_.data(), buffer_.size()) : 0;
        const auto number = got < 0 ? errno : 0;
        lock.lock();
        if (is_ready) {
            take(got, number);
        }
        is_reading_ = false;
        changed_.notify_all();
    }

    void take(ssize_t got, int error_number) const
    {
        const bool comes_later = error_number == EINTR || error_number == EAGAIN;
        if (comes_later) {
            return;
        }
        const auto use = [this](std::string_view line, std::uint64_t /*start*/, std::uint64_t /*end*/) {
            const bool is_taken = word_of_line(line, word_);
            window_.add(word_, !is_taken);
            return true;
        };
        if (got > 0) {
            scanner_.feed(ByteView{buffer_}.first(static_cast<std::size_t>(got)), use);
            return;
        }
        if (got < 0) {
            error_ = from_errno(error_number, "reading words failed", "standard input");
        }
        scanner_.finish(use);
        is_ended_ = true;
    }

    static Error gone(std::uint64_t number)
    {
        return unsupported("words from standard input cannot be read again",
                           fmt::format("word {}, counted from 0, came by and is no longer kept", number),
                           "put the words in a file and name it as a word list");
    }

    int descriptor_;
    std::stop_token stop_;
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    mutable Bytes buffer_; ///< the reading thread's
    mutable LineScanner scanner_;
    mutable std::string word_;
    mutable StreamWindow window_;
    mutable bool is_reading_{false};
    mutable bool is_ended_{false};
    mutable std::optional<Error> error_;
};

} // namespace

KeyspacePtr make_stream(int descriptor, const StreamOptions& options)
{
    return std::make_shared<const Stream>(descriptor, options);
}

} // namespace salvage::password

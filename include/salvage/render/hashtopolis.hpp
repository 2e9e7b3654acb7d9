// What a cracker tells a Hashtopolis agent on standard output.
//
// The agent's handler for crackers other than hashcat reads lines: "STATUS progress speed" with two integers, and any
// other line with a ':' as a hit, which it sends along with the next STATUS.  So a hit after the last STATUS is lost,
// a fraction ends its reporting thread, and a chunk without "STATUS 10000" is handed out again for ever.
// Source: hashtopolis/agent-python, htpclient/generic_cracker.py and generic_status.py.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::render {

/// The lines of one chunk, in the order the agent needs them.  Not thread safe.
///
/// `write` gets whole lines and passes each on at once (flush).  Errors are those of `write`.
class HashtopolisLines {
public:
    using Write = std::function<Result<>(std::string_view line)>;
    /// A chunk that is whole in the agent's units.
    static constexpr std::uint64_t whole = 10'000;

    /// `length`: candidates of the chunk.  `interval`: the least time between two STATUS lines.
    HashtopolisLines(std::uint64_t length, Write write, std::chrono::nanoseconds interval = std::chrono::seconds{5});

    /// `done` candidates of the chunk are done at `now`, a monotonic time.  Writes a line when it is time for one.
    /// It never says that the chunk is whole: only finish() does.
    Result<> progress(std::uint64_t done, std::chrono::nanoseconds now);
    /// A hit, followed by a STATUS line, with which the agent sends it.
    Result<> hit(std::string_view target, ByteView secret, std::chrono::nanoseconds now);
    /// The last line: the chunk was searched to its end, or no target is left.  Nothing may be written after it.
    Result<> finish(std::uint64_t done, std::chrono::nanoseconds now);
    /// The last line of a benchmark, or of a search that was stopped: how far it came, which is not the end.
    Result<> stop(std::uint64_t done, std::chrono::nanoseconds now);

private:
    [[nodiscard]] std::uint64_t share_of(std::uint64_t done) const noexcept;
    void measure(std::uint64_t done, std::chrono::nanoseconds now) noexcept;
    Result<> status(std::uint64_t progress, std::chrono::nanoseconds now);

    std::uint64_t length_;
    Write write_;
    std::chrono::nanoseconds interval_;
    std::optional<std::chrono::nanoseconds> start_;
    std::uint64_t first_done_{0}; ///< of an earlier run: they took no time now
    std::uint64_t done_{0};
    std::chrono::nanoseconds last_line_{};
    std::uint64_t speed_{0};
    bool is_ended_{false};
};

/// "name:$HEX[31323334]": plain text would be cut apart at its colons.  What would disturb the line in a name is
/// replaced by '_', colons included.
[[nodiscard]] std::string hashtopolis_hit(std::string_view target, ByteView secret);

} // namespace salvage::render

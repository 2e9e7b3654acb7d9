// Lines for a Hashtopolis agent.
#include "salvage/render/hashtopolis.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace salvage::render {
namespace {

/// done / length in ten-thousandths, rounded down; a product of the two does not fit in 64 bits.
std::uint64_t ten_thousandths(std::uint64_t done, std::uint64_t length) noexcept
{
    const auto share = static_cast<long double>(done) * HashtopolisLines::whole / static_cast<long double>(length);
    return static_cast<std::uint64_t>(share);
}

} // namespace

HashtopolisLines::HashtopolisLines(std::uint64_t length, Write write, std::chrono::nanoseconds interval)
    : length_{length}, write_{std::move(write)}, interval_{interval}
{
}

std::uint64_t HashtopolisLines::share_of(std::uint64_t done) const noexcept
{
    // An agent that reads 10000 takes the chunk for finished; until it is, one less is the most.
    return length_ == 0 ? 0 : std::min(ten_thousandths(std::min(done, length_), length_), whole - 1);
}

void HashtopolisLines::measure(std::uint64_t done, std::chrono::nanoseconds now) noexcept
{
    if (!start_) {
        start_ = now;
        last_line_ = now;
        first_done_ = done;
    }
    done_ = std::max(done, done_);
    const std::chrono::duration<double> time = now - *start_;
    if (time.count() > 0) {
        speed_ = static_cast<std::uint64_t>(static_cast<double>(done_ - first_done_) / time.count());
    }
}

Result<> HashtopolisLines::status(std::uint64_t progress, std::chrono::nanoseconds now)
{
    last_line_ = now;
    return write_(fmt::format("STATUS {} {}\n", progress, speed_));
}

Result<> HashtopolisLines::progress(std::uint64_t done, std::chrono::nanoseconds now)
{
    measure(done, now);
    if (is_ended_ || now - last_line_ < interval_) {
        return {};
    }
    return status(share_of(done_), now);
}

Result<> HashtopolisLines::hit(std::string_view target, ByteView secret, std::chrono::nanoseconds now)
{
    if (is_ended_) {
        return Error{ErrorCode::internal,
                     "a hit came after the last line for Hashtopolis",
                     "the agent would not send it",
                     std::nullopt,
                     {},
                     {}};
    }
    measure(done_, now);
    SALVAGE_TRY(write_(hashtopolis_hit(target, secret) + "\n"));
    return status(share_of(done_), now);
}

Result<> HashtopolisLines::finish(std::uint64_t done, std::chrono::nanoseconds now)
{
    if (std::exchange(is_ended_, true)) {
        return {};
    }
    measure(done, now);
    return status(whole, now);
}

Result<> HashtopolisLines::stop(std::uint64_t done, std::chrono::nanoseconds now)
{
    if (std::exchange(is_ended_, true)) {
        return {};
    }
    measure(done, now);
    return status(share_of(done_), now);
}

std::string hashtopolis_hit(std::string_view target, ByteView secret)
{
    std::string name{target};
    std::ranges::replace_if(name, [](char c) { return c == ':' || c == '\x7F' || (c >= '\0' && c < ' '); }, '_');
    // A name that begins like a status line would be read as one.
    if (name.starts_with("STATUS")) {
        name.insert(0, "_");
    }
    return fmt::format("{}:$HEX[{}]", name, to_hex(secret));
}

} // namespace salvage::render

// Session files: whatever is read is written back as the same bytes, and its numbers fit together.
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/password/session.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    using fuzz::require;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto session = password::parse_session(bytes);
    if (!session.has_value()) {
        require(!to_string(session.error()).empty());
        require(session.error().code == ErrorCode::malformed || session.error().code == ErrorCode::unsupported);
        return 0;
    }
    const auto& state = session->state;
    require(state.begin <= state.next && state.next <= state.end);
    require(session->command.size() <= password::max_session_arguments);
    require(state.hits.size() <= password::max_targets);
    const auto text = password::format_session(*session);
    require(text.has_value());
    const auto again = password::parse_session(as_bytes(*text));
    require(again.has_value() && *again == *session);
    return 0;
}

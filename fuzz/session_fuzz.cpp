// Session files: whatever is read is written back as the same bytes, and its numbers fit together.
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/password/session.hpp"

namespace {

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    using fuzz::require;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto state = password::parse_session(bytes);
    if (!state.has_value()) {
        require(!to_string(state.error()).empty());
        require(state.error().code == ErrorCode::malformed || state.error().code == ErrorCode::unsupported);
        return 0;
    }
    require(state->begin <= state->next && state->next <= state->end);
    const auto text = password::format_session(*state);
    require(text.has_value());
    const auto again = password::parse_session(as_bytes(*text));
    require(again.has_value() && *again == *state);
    return 0;
}

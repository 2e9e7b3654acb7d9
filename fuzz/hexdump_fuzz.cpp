// Texts that claim to be hex dumps: a value or an error; and what is plain hex goes there and back.
#include <cstdint>
#include <cstdlib>

#include "salvage/io/sources.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace salvage;
    const auto input = std::as_bytes(std::span{data, size});
    static_cast<void>(io::looks_like_hexdump(as_text(input)));
    const auto bytes = io::parse_hexdump(as_text(input));
    if (!bytes.has_value()) {
        return to_string(bytes.error()).empty() ? (std::abort(), 0) : 0;
    }
    if (bytes->size() > (1U << 16U)) {
        return 0; // a "*" made it large: no need to print it
    }
    const auto again = io::parse_hexdump(to_hex(*bytes));
    if (!bytes->empty() && (!again.has_value() || *again != *bytes)) {
        std::abort();
    }
    return 0;
}

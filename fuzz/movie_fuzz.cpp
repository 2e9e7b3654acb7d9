// A video's headers: whatever they say, what is told of it can be believed.
#include <cmath>
#include <cstdint>
#include <span>

#include "require.hpp"
#include "salvage/artifact/movie.hpp"
#include "salvage/io/sources.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto facts =
        salvage::artifact::read_movie_facts(*salvage::io::make_memory({bytes.begin(), bytes.end()}, "movie.mp4"));
    if (facts.has_value() && facts->seconds) {
        salvage::fuzz::require(std::isfinite(*facts->seconds) && *facts->seconds > 0 && *facts->seconds <= 3.6e6);
    }
    return 0;
}

// Keymaster blobs: a blob is software exactly where a key can be read from it; a Qualcomm blob never opens by chance.
#include <cstdint>
#include <vector>

#include "require.hpp"
#include "salvage/fde/keymaster_blob.hpp"

using namespace salvage;
using fuzz::require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto blob = std::as_bytes(std::span{data, size});
    const auto facts = fde::classify_keymaster_blob(blob);
    require(!facts.text.empty());
    require(facts.key.end().value <= size);
    require(fde::software_key(blob).has_value() == (facts.kind == fde::KeymasterBlob::software));
    const Bytes key(32);
    const auto opened = fde::open_bkmk(blob, key, key);
    require(opened.has_value() || !opened.error().what.empty());
    return 0;
}

// Superblocks from outside: plain bytes are probed, and taken as ciphertext under a key that proves nothing by chance.
#include <algorithm>
#include <array>
#include <cstdint>

#include "require.hpp"
#include "salvage/fde/unlock.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using fuzz::require;

constexpr std::size_t sector = 512;

/// The bytes under a cipher, so that proving looks at the same filesystem.
Bytes enciphered(ByteView plain, const crypto::SectorCipherSpec& spec, ByteView key)
{
    Bytes out{plain.begin(), plain.end()};
    out.resize(out.size() / sector * sector);
    crypto::make_sector_cipher(spec, key).unwrap()->encrypt(SectorIndex{0}, out);
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto source = io::make_memory(Bytes{bytes.begin(), bytes.end()}, "fuzz");
    const auto plain = fde::probe_filesystem(*source);
    require(!plain || !plain->name.empty());

    const Bytes key(16, std::byte{0x5A});
    fde::CryptoFooter footer;
    footer.cipher = "aes-cbc-essiv:sha256";
    footer.key_bytes = 16;
    footer.fs_size = SectorCount{size / sector};
    const auto spec = crypto::parse_cipher_name(footer.cipher).unwrap();
    const auto userdata = io::make_memory(enciphered(bytes, spec, key), "fuzz");
    const auto proof = fde::prove_key(footer, key, *userdata, SectorIndex{63});
    const auto probe = fde::make_key_probe(footer, *userdata, SectorIndex{63});
    if (proof.has_value() && *proof) {
        require((*proof)->volume.length.value <= userdata->size().value);
        require(fde::make_decrypting(userdata, (*proof)->volume, key).has_value());
    }
    if (probe.has_value()) {
        const bool accepts = (*probe)->accepts(key);
        require(accepts || !proof.has_value() || !*proof || (*proof)->strength_bits < 128);
    }
    return 0;
}

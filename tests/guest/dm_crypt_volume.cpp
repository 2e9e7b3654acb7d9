// Compares what a kernel's dm-crypt wrote with what Salvage makes of it: inside the guest, with every instruction set
// that its processor has.
//
//   dm_crypt_volume CIPHER KEY_HEX SECTOR_BYTES large|small IV_OFFSET CIPHERED_FILE PLAIN_FILE
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "salvage/core/bytes.hpp"
#include "salvage/crypto/cipher.hpp"

namespace {

using namespace salvage;

Bytes contents_of(const char* path)
{
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}
std::uint64_t number(std::string_view text)
{
    std::uint64_t value{};
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

int main(int count, char** words)
{
    const std::span arguments{words, static_cast<std::size_t>(count)};
    if (arguments.size() != 8) {
        fmt::print(stderr, "seven arguments, please\n");
        return 2;
    }
    auto spec = crypto::parse_cipher_name(arguments[1]).unwrap();
    const auto key = from_hex(arguments[2]).unwrap();
    spec.sector = SectorSize::make(number(arguments[3])).value();
    spec.iv_counts_large_sectors = std::string_view{arguments[4]} == "large";
    spec.iv_base = SectorIndex{number(arguments[5])};
    const auto ciphered = contents_of(arguments[6]);
    const auto plain = contents_of(arguments[7]);
    if (plain.empty() || ciphered.size() != plain.size()) {
        fmt::print(stderr, "{} bytes of cipher text, {} plain\n", ciphered.size(), plain.size());
        return 1;
    }
    for (const auto isa : crypto::supported_sector_isas()) {
        const auto cipher = crypto::make_sector_cipher(spec, key, isa).unwrap();
        auto data = ciphered;
        cipher->decrypt(SectorIndex{0}, data);
        const bool deciphers = data == plain;
        cipher->encrypt(SectorIndex{0}, data);
        const bool enciphers = data == ciphered;
        fmt::print("{} with {}: {}, {}\n", crypto::to_string(spec), to_string(isa),
                   deciphers ? "deciphers" : "DECIPHERS WRONG", enciphers ? "enciphers" : "ENCIPHERS WRONG");
        if (!deciphers || !enciphers) {
            return 1;
        }
    }
    return 0;
}

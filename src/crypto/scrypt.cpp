// scrypt by OpenSSL, within bounds.  RFC 7914.
#include <fmt/format.h>

#include <limits>
#include <new>

#include "crypto/openssl.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/kdf.hpp"

namespace salvage::crypto {
namespace {

/// Android's default needs 32 MiB; no vendor is known to have asked for more.  1 GiB of table, 1 MiB beside it.
constexpr ByteCount max_scrypt_memory{(1ULL << 30U) + (1ULL << 20U)};
/// Android's default takes 2^21 Salsa20/8 cores; 2^31 are several minutes a guess.
constexpr unsigned max_cores_log2 = 31;
/// Powers of two beyond this do not fit the sums below, and are far beyond both bounds.
constexpr unsigned largest_power = 56;
constexpr std::uint64_t bytes_of_r = 128;

Error too_costly(ScryptFactors factors, std::string_view why)
{
    return unsupported(
        fmt::format("scrypt factors {}:{}:{} are not those of a phone", factors.n_log2, factors.r_log2, factors.p_log2),
        why, "Android writes 15:3:1; the footer may be damaged, or may not be one");
}

} // namespace

ByteCount scrypt_memory(ScryptFactors factors) noexcept
{
    // Every power must fit its product with 128 r and with each other in 64 bits.
    const unsigned n = factors.n_log2;
    const unsigned r = factors.r_log2;
    const unsigned p = factors.p_log2;
    if (n + r + 7 > largest_power || p + r + 7 > largest_power) {
        return ByteCount{std::numeric_limits<std::uint64_t>::max()};
    }
    // The table of N blocks of 128 r bytes, the p blocks it starts from, and two blocks of scratch.
    return ByteCount{(bytes_of_r << r) * ((1ULL << n) + (1ULL << p) + 2)};
}

Result<> check_scrypt(ScryptFactors factors)
{
    if (scrypt_memory(factors) > max_scrypt_memory) {
        return too_costly(factors, "one guess would take more than 1 GiB of memory");
    }
    // Two blocks of 2r cores for each of 2N steps, p times.
    if (2U + factors.n_log2 + factors.r_log2 + factors.p_log2 > max_cores_log2) {
        return too_costly(factors, "one guess would take more than 2^31 Salsa20/8 cores");
    }
    if (factors.n_log2 == 0 || (factors.r_log2 == 0 && factors.n_log2 >= 16)) {
        return too_costly(factors, "RFC 7914 asks for N over 1 and under 2^(16 r)");
    }
    return {};
}

Result<> scrypt(ByteView password, ByteView salt, ScryptFactors factors, std::span<std::byte> key)
{
    SALVAGE_TRY(check_scrypt(factors));
    if (key.empty()) {
        return {};
    }
    // OpenSSL reads a null password as "no derivation wanted": an empty one still needs an address.
    const auto text = password.empty() ? std::string_view{""} : as_text(password);
    const int done = EVP_PBE_scrypt(text.data(), text.size(), as_uchar(salt), salt.size(), 1ULL << factors.n_log2,
                                    1ULL << factors.r_log2, 1ULL << factors.p_log2, scrypt_memory(factors).value,
                                    as_uchar(key), key.size());
    if (done != 1) {
        // Factors were checked above: what is left is memory.
        openssl::forget_errors();
        throw std::bad_alloc{};
    }
    return {};
}

} // namespace salvage::crypto

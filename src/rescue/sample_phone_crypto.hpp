// OpenSSL as the sample phone uses it, directly: this code must share nothing with the ciphers it is a witness for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"
#include "salvage/rescue/sample_phone.hpp"

namespace salvage::rescue::sample {

/// Bytes that follow from a seed and a label: AES-256-CTR over zeros.  Not for real keys.
class Random {
public:
    [[nodiscard]] static Result<Random> make(std::uint64_t seed, std::string_view label);
    void fill(std::span<std::byte> into);
    [[nodiscard]] Bytes bytes(std::size_t count);
    /// Below `bound`.  Requires: bound > 0.  The slight bias does not matter here.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);

private:
    struct Stream;
    explicit Random(std::shared_ptr<Stream> stream) noexcept;
    std::shared_ptr<Stream> stream_;
};

enum class Digest : std::uint8_t { sha1, sha256 };
[[nodiscard]] Bytes sha256(ByteView data);
[[nodiscard]] Bytes hmac_sha256(ByteView key, ByteView data);
[[nodiscard]] Result<Bytes> pbkdf2(Digest digest, ByteView password, ByteView salt, int rounds, std::size_t size);
[[nodiscard]] Result<Bytes> scrypt(ByteView password, ByteView salt, const SampleFooter& factors, std::size_t size);
/// AES-CBC by the key's size, without padding.  Requires: whole blocks.
[[nodiscard]] Result<Bytes> encrypt_cbc(ByteView key, ByteView iv, ByteView plain);
/// One AES-256 block.
[[nodiscard]] Result<Bytes> encrypt_block(ByteView key, ByteView block);

/// An RSA-2048 key that follows from a random stream.
class RsaKey {
public:
    [[nodiscard]] static Result<RsaKey> generate(Random& random);
    /// Message to the private exponent modulo n, 256 bytes, without padding.  Requires: message < n.
    [[nodiscard]] Result<Bytes> sign_raw(ByteView message) const;
    [[nodiscard]] bool can_sign(ByteView message) const; ///< message < n
    [[nodiscard]] Result<Bytes> to_pkcs1() const;
    [[nodiscard]] Result<Bytes> to_pkcs8() const;
    [[nodiscard]] Bytes modulus() const;          ///< 256 bytes, big endian
    [[nodiscard]] Bytes private_exponent() const; ///< 256 bytes, big endian

private:
    struct Numbers;
    explicit RsaKey(std::shared_ptr<const Numbers> numbers) noexcept;
    std::shared_ptr<const Numbers> numbers_;
};

/// dm-crypt's sector encryption, by the cipher's name.
class SectorEncryptor {
public:
    /// Errors: invalid_argument (cipher name or key size).
    [[nodiscard]] static Result<SectorEncryptor> make(const SampleCipher& cipher, ByteView key);
    /// Encrypts one sector in place; `iv_number` is what the IV rule counts.
    Result<> encrypt(std::uint64_t iv_number, std::span<std::byte> sector) const;

private:
    struct State;
    explicit SectorEncryptor(std::shared_ptr<State> state) noexcept;
    std::shared_ptr<State> state_;
};

} // namespace salvage::rescue::sample

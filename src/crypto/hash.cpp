// SHA-256 and HMAC-SHA256.  FIPS 180-4, FIPS 198-1.
#include "salvage/crypto/hash.hpp"

#include <openssl/hmac.h>

#include <new>

#include "crypto/openssl.hpp"

namespace salvage::crypto {

using openssl::must;

struct Sha256::State {
    openssl::DigestContext context{EVP_MD_CTX_new()};

    State()
    {
        if (!context) {
            throw std::bad_alloc{};
        }
        restart();
    }
    void restart() const
    {
        must(EVP_DigestInit_ex2(context.get(), &openssl::sha256_algorithm(), nullptr) == 1, "to start SHA-256");
    }
};

Sha256::Sha256() : state_{std::make_unique<State>()} {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(ByteView bytes)
{
    if (!bytes.empty()) {
        must(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1, "to hash bytes");
    }
}

Sha256Digest Sha256::finish()
{
    Sha256Digest digest{};
    must(EVP_DigestFinal_ex(state_->context.get(), as_uchar(std::span<std::byte>{digest}), nullptr) == 1,
         "to end SHA-256");
    state_->restart();
    return digest;
}

Sha256Digest sha256(ByteView bytes)
{
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

Sha256Digest hmac_sha256(ByteView key, ByteView bytes)
{
    // HMAC pads a key of up to one block with zeros, so an empty key equals one zero byte.  OpenSSL would read a null
    // pointer as "the key of the call before".
    static constexpr std::byte empty_key{};
    const ByteView given = key.empty() ? ByteView{&empty_key, 1} : key;
    Sha256Digest digest{};
    unsigned int written = 0;
    const auto* const result = HMAC(&openssl::sha256_algorithm(), given.data(), static_cast<int>(given.size()),
                                    as_uchar(bytes), bytes.size(), as_uchar(std::span<std::byte>{digest}), &written);
    must(result != nullptr && written == digest.size(), "HMAC-SHA256");
    return digest;
}

} // namespace salvage::crypto

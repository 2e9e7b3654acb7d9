// An RSA key that follows from a seed: OpenSSL's own generator takes no seed, so the primes are searched here.
#include "sample_phone_crypto.hpp"

#include <string_view>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

namespace salvage::rescue::sample {
namespace {

constexpr std::size_t modulus_bytes = 256;
constexpr unsigned long public_exponent = 65537;

struct FreeNumber {
    void operator()(BIGNUM* number) const noexcept { BN_clear_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;
struct FreeNumberContext {
    void operator()(BN_CTX* context) const noexcept { BN_CTX_free(context); }
};
using NumberContext = std::unique_ptr<BN_CTX, FreeNumberContext>;
struct FreeKey {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Error rsa_failed(std::string_view step)
{
    return Error{.code = ErrorCode::internal,
                 .what = "OpenSSL failed on the sample phone's RSA key",
                 .why = std::string{step},
                 .where = {},
                 .hint = {},
                 .trail = {}};
}

Number number()
{
    return Number{BN_new()};
}

Bytes to_fixed_bytes(const BIGNUM* value, std::size_t size)
{
    Bytes out(size);
    BN_bn2binpad(value, as_uchar(std::span{out}), static_cast<int>(size));
    return out;
}

/// The first prime p at or above a random start with p - 1 prime to the public exponent.
Result<Number> find_prime(Random& random, BN_CTX* context)
{
    constexpr int most_steps = 20'000; // primes of 1024 bits are about 710 apart
    auto start = random.bytes(modulus_bytes / 2);
    start.front() |= std::byte{0xC0}; // the product of two such numbers has 2048 bits
    start.back() |= std::byte{1};
    Number candidate{BN_bin2bn(as_uchar(ByteView{start}), static_cast<int>(start.size()), nullptr)};
    for (int step = 0; candidate && step < most_steps; ++step) {
        const bool fits_exponent = BN_mod_word(candidate.get(), public_exponent) != 1;
        if (fits_exponent && BN_check_prime(candidate.get(), context, nullptr) == 1) {
            return candidate;
        }
        BN_add_word(candidate.get(), 2);
    }
    return rsa_failed("no prime was found");
}

} // namespace

struct RsaKey::Numbers {
    Number n{number()};
    Number e{number()};
    Number d{number()};
    Number p;
    Number q;
    Number dp{number()};
    Number dq{number()};
    Number qinv{number()};

    // NOLINTNEXTLINE(readability-make-member-function-const): it fills the numbers that the members own.
    [[nodiscard]] bool compute(BN_CTX* context)
    {
        const auto one_less_p = number();
        const auto one_less_q = number();
        const auto phi = number();
        return BN_set_word(e.get(), public_exponent) == 1 && BN_mul(n.get(), p.get(), q.get(), context) == 1 &&
               BN_sub(one_less_p.get(), p.get(), BN_value_one()) == 1 &&
               BN_sub(one_less_q.get(), q.get(), BN_value_one()) == 1 &&
               BN_mul(phi.get(), one_less_p.get(), one_less_q.get(), context) == 1 &&
               BN_mod_inverse(d.get(), e.get(), phi.get(), context) != nullptr &&
               BN_mod(dp.get(), d.get(), one_less_p.get(), context) == 1 &&
               BN_mod(dq.get(), d.get(), one_less_q.get(), context) == 1 &&
               BN_mod_inverse(qinv.get(), q.get(), p.get(), context) != nullptr;
    }

    [[nodiscard]] Key to_key() const
    {
        const std::unique_ptr<OSSL_PARAM_BLD, void (*)(OSSL_PARAM_BLD*)> builder{OSSL_PARAM_BLD_new(),
                                                                                 OSSL_PARAM_BLD_free};
        const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context{
            EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr), EVP_PKEY_CTX_free};
        for (const auto& [name, value] : {std::pair{OSSL_PKEY_PARAM_RSA_N, n.get()},
                                          {OSSL_PKEY_PARAM_RSA_E, e.get()},
                                          {OSSL_PKEY_PARAM_RSA_D, d.get()},
                                          {OSSL_PKEY_PARAM_RSA_FACTOR1, p.get()},
                                          {OSSL_PKEY_PARAM_RSA_FACTOR2, q.get()},
                                          {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
                                          {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()},
                                          {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv.get()}}) {
            OSSL_PARAM_BLD_push_BN(builder.get(), name, value);
        }
        const std::unique_ptr<OSSL_PARAM, void (*)(OSSL_PARAM*)> params{OSSL_PARAM_BLD_to_param(builder.get()),
                                                                        OSSL_PARAM_free};
        EVP_PKEY* key = nullptr;
        if (!params || EVP_PKEY_fromdata_init(context.get()) != 1 ||
            EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
            return nullptr;
        }
        return Key{key};
    }
};

RsaKey::RsaKey(std::shared_ptr<const Numbers> numbers) noexcept : numbers_{std::move(numbers)} {}

Result<RsaKey> RsaKey::generate(Random& random)
{
    const NumberContext context{BN_CTX_new()};
    auto numbers = std::make_shared<Numbers>();
    numbers->p = SALVAGE_TRY(find_prime(random, context.get()));
    numbers->q = SALVAGE_TRY(find_prime(random, context.get()));
    if (BN_cmp(numbers->p.get(), numbers->q.get()) < 0) {
        std::swap(numbers->p, numbers->q);
    }
    if (!numbers->compute(context.get())) {
        return rsa_failed("computing the exponents");
    }
    return RsaKey{std::move(numbers)};
}

bool RsaKey::can_sign(ByteView message) const
{
    const Number m{BN_bin2bn(as_uchar(message), static_cast<int>(message.size()), nullptr)};
    return BN_cmp(m.get(), numbers_->n.get()) < 0;
}

Result<Bytes> RsaKey::sign_raw(ByteView message) const
{
    const NumberContext context{BN_CTX_new()};
    const Number m{BN_bin2bn(as_uchar(message), static_cast<int>(message.size()), nullptr)};
    const auto result = number();
    if (!can_sign(message) ||
        BN_mod_exp(result.get(), m.get(), numbers_->d.get(), numbers_->n.get(), context.get()) != 1) {
        return rsa_failed("the message is not below the modulus");
    }
    return to_fixed_bytes(result.get(), modulus_bytes);
}

Result<Bytes> RsaKey::to_pkcs1() const
{
    const auto key = numbers_->to_key();
    const int size = key ? i2d_PrivateKey(key.get(), nullptr) : -1;
    if (size <= 0) {
        return rsa_failed("encoding it as PKCS#1");
    }
    Bytes out(static_cast<std::size_t>(size));
    auto* cursor = as_uchar(std::span{out});
    i2d_PrivateKey(key.get(), &cursor);
    return out;
}

Result<Bytes> RsaKey::to_pkcs8() const
{
    const auto key = numbers_->to_key();
    const std::unique_ptr<PKCS8_PRIV_KEY_INFO, void (*)(PKCS8_PRIV_KEY_INFO*)> info{
        key ? EVP_PKEY2PKCS8(key.get()) : nullptr, PKCS8_PRIV_KEY_INFO_free};
    const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr) : -1;
    if (size <= 0) {
        return rsa_failed("encoding it as PKCS#8");
    }
    Bytes out(static_cast<std::size_t>(size));
    auto* cursor = as_uchar(std::span{out});
    i2d_PKCS8_PRIV_KEY_INFO(info.get(), &cursor);
    return out;
}

Bytes RsaKey::modulus() const
{
    return to_fixed_bytes(numbers_->n.get(), modulus_bytes);
}

Bytes RsaKey::private_exponent() const
{
    return to_fixed_bytes(numbers_->d.get(), modulus_bytes);
}

} // namespace salvage::rescue::sample

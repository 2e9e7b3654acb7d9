// The private RSA operation without padding.  RFC 8017, 5.2.1 (RSASP1); keys: RFC 8017 A.1.2 and RFC 5208.
#include "salvage/crypto/rsa.hpp"

#include <openssl/core_names.h>
#include <openssl/x509.h>

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "crypto/openssl.hpp"

namespace salvage::crypto {

using openssl::must;
using openssl::Number;

namespace {

/// Android's keys have 2048 bits.  The upper bound keeps a hostile key from costing minutes, the lower one makes room
/// for the message of the self-check.
constexpr int max_modulus_bits = 4096;
constexpr int min_modulus_bits = 512;
constexpr BN_ULONG self_check_message = 0x1337;
/// A PKCS#8 key of 4096 bits takes about 2400 bytes; Android's keymaster field 2048.
constexpr std::size_t max_der_bytes = 16384;

Number new_number()
{
    Number number{BN_new()};
    if (!number) {
        throw std::bad_alloc{};
    }
    return number;
}

openssl::NumberContext new_context()
{
    openssl::NumberContext context{BN_CTX_secure_new()};
    if (!context) {
        throw std::bad_alloc{};
    }
    return context;
}

/// A big-endian number that is no longer than any number of a key may be.
Result<Number> to_number(ByteView bytes, std::string_view name)
{
    while (!bytes.empty() && bytes.front() == std::byte{0}) {
        bytes = bytes.subspan(1);
    }
    if (bytes.size() > max_modulus_bits / 8) {
        return malformed(ByteOffset{0}, fmt::format("RSA {} is too large", name),
                         fmt::format("{} bytes, where {} are the most", bytes.size(), max_modulus_bits / 8));
    }
    auto number = new_number();
    must(BN_bin2bn(as_uchar(bytes), static_cast<int>(bytes.size()), number.get()) != nullptr, "a number");
    return number;
}

struct KeyNumbers {
    Number modulus;
    Number public_exponent;
    Number private_exponent;
};

Result<> check_shape(const KeyNumbers& key)
{
    const int bits = BN_num_bits(key.modulus.get());
    if (bits < min_modulus_bits || BN_is_odd(key.modulus.get()) == 0) {
        return malformed(ByteOffset{0}, "RSA modulus cannot be one",
                         fmt::format("{} bits, {}", bits, BN_is_odd(key.modulus.get()) == 0 ? "even" : "odd"));
    }
    for (const auto* exponent : {key.public_exponent.get(), key.private_exponent.get()}) {
        if (BN_is_odd(exponent) == 0 || BN_is_one(exponent) == 1 || BN_cmp(exponent, key.modulus.get()) >= 0) {
            return malformed(ByteOffset{0}, "RSA exponent cannot be one",
                             "it must be odd, over 1 and under the modulus");
        }
    }
    return {};
}

/// A number of an OpenSSL key; a key without it is no private key.
Result<Number> number_of(const EVP_PKEY& key, const char* parameter)
{
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(&key, parameter, &number) != 1) {
        openssl::forget_errors();
        return malformed(ByteOffset{0}, "RSA key lacks one of its numbers", parameter);
    }
    return Number{number};
}

Result<openssl::PrivateKey> decode(ByteView der)
{
    // What follows the key is let be: keys are found inside larger fields.
    const auto considered = der.first(std::min(der.size(), max_der_bytes));
    const auto* at = as_uchar(considered);
    openssl::PrivateKey key{d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(considered.size()))};
    openssl::forget_errors();
    if (!key) {
        return malformed(ByteOffset{0}, "no private key in DER form", "neither PKCS#1 nor PKCS#8 can be read here");
    }
    if (EVP_PKEY_is_a(key.get(), "RSA") != 1) {
        return unsupported("private key is not an RSA key", "Android's footers use RSA only");
    }
    if (EVP_PKEY_get_bits(key.get()) > max_modulus_bits) {
        return unsupported("RSA key is larger than any phone's",
                           fmt::format("{} bits, {} are the most", EVP_PKEY_get_bits(key.get()), max_modulus_bits));
    }
    return key;
}

} // namespace

struct RsaPrivateKey::State {
    KeyNumbers key;
    openssl::MontgomeryContext montgomery;
    std::size_t modulus_bytes{};

    /// message^d mod n, the time of which does not depend on d.  Requires: message < n.
    [[nodiscard]] Number private_operation(const BIGNUM& message, BN_CTX& context) const
    {
        auto result = new_number();
        must(BN_mod_exp_mont_consttime(result.get(), &message, key.private_exponent.get(), key.modulus.get(), &context,
                                       montgomery.get()) == 1,
             "an RSA private operation");
        return result;
    }

    static Result<std::shared_ptr<const State>> make(KeyNumbers key)
    {
        SALVAGE_TRY(check_shape(key));
        BN_set_flags(key.private_exponent.get(), BN_FLG_CONSTTIME);
        auto state = std::make_shared<State>();
        const auto context = new_context();
        state->montgomery.reset(BN_MONT_CTX_new());
        if (!state->montgomery) {
            throw std::bad_alloc{};
        }
        must(BN_MONT_CTX_set(state->montgomery.get(), key.modulus.get(), context.get()) == 1, "an odd modulus");
        state->modulus_bytes = static_cast<std::size_t>(BN_num_bytes(key.modulus.get()));
        state->key = std::move(key);
        SALVAGE_TRY(state->self_check(*context));
        return std::shared_ptr<const State>{std::move(state)};
    }

    /// Signs a small number and takes the signature back with the public exponent.
    [[nodiscard]] Result<> self_check(BN_CTX& context) const
    {
        const auto message = new_number();
        must(BN_set_word(message.get(), self_check_message) == 1, "a number");
        const auto signature = private_operation(*message, context);
        const auto back = new_number();
        must(BN_mod_exp_mont(back.get(), signature.get(), key.public_exponent.get(), key.modulus.get(), &context,
                             montgomery.get()) == 1,
             "an RSA public operation");
        if (BN_cmp(back.get(), message.get()) != 0) {
            return Error{.code = ErrorCode::mismatch,
                         .what = "RSA exponents do not belong together",
                         .why = "a number signed with the private one does not come back with the public one",
                         .where = {},
                         .hint = "the key was deciphered with wrong keys, or is damaged",
                         .trail = {}};
        }
        return {};
    }
};

Result<RsaPrivateKey> RsaPrivateKey::from_der(ByteView der)
{
    const auto key = SALVAGE_TRY(decode(der));
    auto modulus = SALVAGE_TRY(number_of(*key, OSSL_PKEY_PARAM_RSA_N));
    auto public_exponent = SALVAGE_TRY(number_of(*key, OSSL_PKEY_PARAM_RSA_E));
    auto private_exponent = SALVAGE_TRY(number_of(*key, OSSL_PKEY_PARAM_RSA_D));
    return RsaPrivateKey{SALVAGE_TRY(State::make({.modulus = std::move(modulus),
                                                  .public_exponent = std::move(public_exponent),
                                                  .private_exponent = std::move(private_exponent)}))};
}

Result<RsaPrivateKey> RsaPrivateKey::from_numbers(ByteView modulus, ByteView public_exponent, ByteView private_exponent)
{
    auto n = SALVAGE_TRY(to_number(modulus, "modulus"));
    auto e = SALVAGE_TRY(to_number(public_exponent, "public exponent"));
    auto d = SALVAGE_TRY(to_number(private_exponent, "private exponent"));
    return RsaPrivateKey{SALVAGE_TRY(
        State::make({.modulus = std::move(n), .public_exponent = std::move(e), .private_exponent = std::move(d)}))};
}

std::size_t RsaPrivateKey::modulus_bytes() const noexcept
{
    return state_->modulus_bytes;
}

Result<SecretBytes> RsaPrivateKey::raw_private(ByteView message) const
{
    const auto number = SALVAGE_TRY(to_number(message, "message"));
    if (BN_cmp(number.get(), state_->key.modulus.get()) >= 0) {
        return malformed(ByteOffset{0}, "RSA message is not smaller than the modulus",
                         "a message of the modulus' size must begin with a zero byte to be sure to fit");
    }
    const auto context = new_context();
    const auto result = state_->private_operation(*number, *context);
    SecretBytes out{state_->modulus_bytes};
    must(BN_bn2binpad(result.get(), as_uchar(out.expose_for_writing()), static_cast<int>(out.size())) >= 0,
         "a number of the modulus' size");
    return out;
}

} // namespace salvage::crypto

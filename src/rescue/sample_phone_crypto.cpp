// The sample phone's primitives on OpenSSL.  Rules: docs of dm-crypt (IVs), AOSP vold (key derivation).
#include "sample_phone_crypto.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <fmt/format.h>

namespace salvage::rescue::sample {
namespace {

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

Error openssl_failed(std::string_view what)
{
    return Error{.code = ErrorCode::internal,
                 .what = fmt::format("OpenSSL refused {} for the sample phone", what),
                 .why = {},
                 .where = {},
                 .hint = {},
                 .trail = {}};
}

Result<CipherContext> start_encryption(const EVP_CIPHER* cipher, ByteView key, ByteView iv)
{
    CipherContext context{EVP_CIPHER_CTX_new()};
    if (!context || cipher == nullptr ||
        EVP_EncryptInit_ex(context.get(), cipher, nullptr, as_uchar(key), iv.empty() ? nullptr : as_uchar(iv)) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1) {
        return openssl_failed("a cipher");
    }
    return context;
}

Result<> run_cipher(EVP_CIPHER_CTX* context, ByteView input, std::span<std::byte> output)
{
    int written = 0;
    if (EVP_EncryptUpdate(context, as_uchar(output), &written, as_uchar(input), static_cast<int>(input.size())) != 1) {
        return openssl_failed("to encrypt");
    }
    return {};
}

const EVP_CIPHER* cbc_for(std::size_t key_bytes)
{
    return key_bytes == 16 ? EVP_aes_128_cbc() : key_bytes == 32 ? EVP_aes_256_cbc() : nullptr;
}

} // namespace

struct Random::Stream {
    CipherContext context;
};

Random::Random(std::shared_ptr<Stream> stream) noexcept : stream_{std::move(stream)} {}

Result<Random> Random::make(std::uint64_t seed, std::string_view label)
{
    const auto key = sha256(as_bytes(fmt::format("salvage sample phone {} {}", seed, label)));
    const std::array<std::byte, 16> counter{};
    auto context = SALVAGE_TRY(start_encryption(EVP_aes_256_ctr(), key, counter));
    return Random{std::make_shared<Stream>(std::move(context))};
}

void Random::fill(std::span<std::byte> into)
{
    std::ranges::fill(into, std::byte{0});
    ignore(run_cipher(stream_->context.get(), into, into), "CTR over memory cannot fail once it was set up");
}

Bytes Random::bytes(std::size_t count)
{
    Bytes out(count);
    fill(out);
    return out;
}

std::uint64_t Random::below(std::uint64_t bound)
{
    std::array<std::byte, 8> raw{};
    fill(raw);
    return load_le<std::uint64_t>(raw) % bound;
}

Bytes sha256(ByteView data)
{
    Bytes out(SHA256_DIGEST_LENGTH);
    SHA256(as_uchar(data), data.size(), as_uchar(std::span{out}));
    return out;
}

Bytes hmac_sha256(ByteView key, ByteView data)
{
    Bytes out(SHA256_DIGEST_LENGTH);
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_uchar(data), data.size(), as_uchar(std::span{out}),
         &size);
    return out;
}

Result<Bytes> pbkdf2(Digest digest, ByteView password, ByteView salt, int rounds, std::size_t size)
{
    Bytes out(size);
    const auto text = as_text(password);
    if (PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), as_uchar(salt), static_cast<int>(salt.size()),
                          rounds, digest == Digest::sha1 ? EVP_sha1() : EVP_sha256(), static_cast<int>(size),
                          as_uchar(std::span{out})) != 1) {
        return openssl_failed("PBKDF2");
    }
    return out;
}

Result<Bytes> scrypt(ByteView password, ByteView salt, const SampleFooter& factors, std::size_t size)
{
    constexpr std::uint64_t memory_limit = std::uint64_t{1} << 30U; // 15:3:1 takes 32 MiB
    Bytes out(size);
    const auto text = as_text(password);
    if (EVP_PBE_scrypt(text.data(), text.size(), as_uchar(salt), salt.size(), std::uint64_t{1} << factors.n_log2,
                       std::uint64_t{1} << factors.r_log2, std::uint64_t{1} << factors.p_log2, memory_limit,
                       as_uchar(std::span{out}), out.size()) != 1) {
        return openssl_failed("scrypt");
    }
    return out;
}

Result<Bytes> encrypt_cbc(ByteView key, ByteView iv, ByteView plain)
{
    const auto context = SALVAGE_TRY(start_encryption(cbc_for(key.size()), key, iv));
    Bytes out(plain.size());
    SALVAGE_TRY(run_cipher(context.get(), plain, out));
    return out;
}

Result<Bytes> encrypt_block(ByteView key, ByteView block)
{
    const auto context = SALVAGE_TRY(start_encryption(EVP_aes_256_ecb(), key, {}));
    Bytes out(block.size());
    SALVAGE_TRY(run_cipher(context.get(), block, out));
    return out;
}

struct SectorEncryptor::State {
    CipherContext data;
    CipherContext essiv; ///< null where the IV is the plain number
    bool is_number_32_bit{false};
};

SectorEncryptor::SectorEncryptor(std::shared_ptr<State> state) noexcept : state_{std::move(state)} {}

Result<SectorEncryptor> SectorEncryptor::make(const SampleCipher& cipher, ByteView key)
{
    const bool is_xts = cipher.name == "aes-xts-plain64";
    const bool is_essiv = cipher.name == "aes-cbc-essiv:sha256";
    const bool is_plain = cipher.name == "aes-cbc-plain:sha1";
    if (!is_xts && !is_essiv && !is_plain && cipher.name != "aes-cbc-plain64") {
        return invalid_argument("the sample phone does not know this cipher", cipher.name);
    }
    const auto* const data = !is_xts            ? cbc_for(key.size())
                             : key.size() == 32 ? EVP_aes_128_xts()
                             : key.size() == 64 ? EVP_aes_256_xts()
                                                : nullptr;
    if (data == nullptr) {
        return invalid_argument("the sample phone's cipher and key size do not go together",
                                fmt::format("{} with {} bytes", cipher.name, key.size()));
    }
    const std::array<std::byte, 16> zero{};
    auto state = std::make_shared<State>();
    state->data = SALVAGE_TRY(start_encryption(data, key, zero));
    state->is_number_32_bit = is_plain;
    if (is_essiv) {
        state->essiv = SALVAGE_TRY(start_encryption(EVP_aes_256_ecb(), sha256(key), {}));
    }
    return SectorEncryptor{std::move(state)};
}

Result<> SectorEncryptor::encrypt(std::uint64_t iv_number, std::span<std::byte> sector) const
{
    std::array<std::byte, 16> iv{};
    store_le<std::uint64_t>(iv, state_->is_number_32_bit ? iv_number & 0xFFFFFFFFU : iv_number);
    if (state_->essiv) {
        const auto number = iv;
        SALVAGE_TRY(run_cipher(state_->essiv.get(), number, iv));
    }
    if (EVP_EncryptInit_ex(state_->data.get(), nullptr, nullptr, nullptr, as_uchar(ByteView{iv})) != 1) {
        return openssl_failed("an IV");
    }
    return run_cipher(state_->data.get(), sector, sector);
}

} // namespace salvage::rescue::sample

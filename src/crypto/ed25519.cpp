// Ed25519 by OpenSSL's EVP.
#include "salvage/crypto/ed25519.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fmt/format.h>

#include "crypto/openssl.hpp"
#include "salvage/crypto/hash.hpp"

namespace salvage::crypto {
namespace {

using Bio = std::unique_ptr<BIO, openssl::Deleter<BIO_free_all>>;

constexpr const char* how_to_make = "make a key with: openssl genpkey -algorithm ed25519 -out private.pem";

Bio reader_of(ByteView bytes)
{
    // More than any key; OpenSSL counts in int.
    constexpr std::size_t max_pem_bytes = 1U << 20U;
    const auto taken = bytes.first(std::min(bytes.size(), max_pem_bytes));
    Bio out{BIO_new_mem_buf(taken.data(), static_cast<int>(taken.size()))};
    openssl::must(out != nullptr, "to read bytes");
    return out;
}

Result<> check_kind(const EVP_PKEY& key)
{
    if (EVP_PKEY_get_id(&key) == EVP_PKEY_ED25519) {
        return {};
    }
    const auto* const name = EVP_PKEY_get0_type_name(&key);
    return unsupported("the key is no Ed25519 key", fmt::format("it is of the kind {}", name == nullptr ? "?" : name),
                       how_to_make);
}

/// What OpenSSL's question for a passphrase is answered with.
struct Answer {
    const SecretBytes* passphrase{nullptr};
    bool was_asked{false};
};

int answer(char* into, int room, int /*is_writing*/, void* user)
{
    auto& known = *static_cast<Answer*>(user);
    known.was_asked = true;
    if (known.passphrase == nullptr || room < 0 || known.passphrase->size() > static_cast<std::size_t>(room)) {
        return -1;
    }
    const auto bytes = known.passphrase->expose();
    if (!bytes.empty()) {
        std::memcpy(into, bytes.data(), bytes.size());
    }
    return static_cast<int>(bytes.size());
}

std::string text_of(BIO& bio)
{
    char* data = nullptr;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast,google-readability-casting): OpenSSL's macro
    const auto size = BIO_get_mem_data(&bio, &data);
    return size > 0 ? std::string{data, static_cast<std::size_t>(size)} : std::string{};
}

std::string fingerprint_of(const EVP_PKEY& key)
{
    unsigned char* der = nullptr;
    const auto size = i2d_PUBKEY(&key, &der);
    openssl::must(size > 0, "to encode a public key");
    const auto out = to_hex(sha256(std::as_bytes(std::span{der, static_cast<std::size_t>(size)})));
    OPENSSL_free(der);
    return out;
}

} // namespace

struct Ed25519Verifier::State {
    openssl::PrivateKey key;
    std::string fingerprint;
};

Ed25519Verifier::Ed25519Verifier(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Ed25519Verifier::Ed25519Verifier(Ed25519Verifier&&) noexcept = default;
Ed25519Verifier& Ed25519Verifier::operator=(Ed25519Verifier&&) noexcept = default;
Ed25519Verifier::~Ed25519Verifier() = default;

Result<Ed25519Verifier> Ed25519Verifier::from_pem(ByteView pem)
{
    const auto bio = reader_of(pem);
    openssl::PrivateKey key{PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr)};
    openssl::forget_errors();
    if (!key) {
        return malformed(ByteOffset{0}, "there is no public key in PEM form", {})
            .with_hint("take it from the private one: openssl pkey -in private.pem -pubout -out public.pem");
    }
    SALVAGE_TRY(check_kind(*key));
    auto fingerprint = fingerprint_of(*key);
    return Ed25519Verifier{
        std::make_unique<State>(State{.key = std::move(key), .fingerprint = std::move(fingerprint)})};
}

bool Ed25519Verifier::is_signature_of(ByteView signature, ByteView message) const
{
    const openssl::DigestContext context{EVP_MD_CTX_new()};
    openssl::must(context != nullptr &&
                      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1,
                  "to begin verifying");
    const auto answer =
        EVP_DigestVerify(context.get(), as_uchar(signature), signature.size(), as_uchar(message), message.size());
    openssl::forget_errors();
    return answer == 1;
}

const std::string& Ed25519Verifier::fingerprint() const noexcept
{
    return state_->fingerprint;
}

struct Ed25519Signer::State {
    openssl::PrivateKey key;
};

Ed25519Signer::Ed25519Signer(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Ed25519Signer::Ed25519Signer(Ed25519Signer&&) noexcept = default;
Ed25519Signer& Ed25519Signer::operator=(Ed25519Signer&&) noexcept = default;
Ed25519Signer::~Ed25519Signer() = default;

Result<Ed25519Signer> Ed25519Signer::from_pem(const SecretBytes& pem, const SecretBytes* passphrase)
{
    const auto bio = reader_of(pem.expose());
    Answer known{.passphrase = passphrase};
    openssl::PrivateKey key{PEM_read_bio_PrivateKey(bio.get(), nullptr, answer, &known)};
    openssl::forget_errors();
    if (key) {
        SALVAGE_TRY(check_kind(*key));
        return Ed25519Signer{std::make_unique<State>(State{.key = std::move(key)})};
    }
    if (known.was_asked && passphrase == nullptr) {
        return invalid_argument("the private key is encrypted", "no passphrase was given",
                                "give it with --passphrase-file FILE");
    }
    if (known.was_asked) {
        return Error{ErrorCode::wrong_secret,
                     "the passphrase does not open the private key",
                     {},
                     std::nullopt,
                     "one newline at the end of the passphrase file is dropped",
                     {}};
    }
    return malformed(ByteOffset{0}, "there is no private key in PEM form", {}).with_hint(how_to_make);
}

Ed25519Signer Ed25519Signer::generate()
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): OpenSSL
    openssl::PrivateKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")};
    openssl::must(key != nullptr, "to make a key");
    return Ed25519Signer{std::make_unique<State>(State{.key = std::move(key)})};
}

SecretBytes Ed25519Signer::private_pem() const
{
    const Bio bio{BIO_new(BIO_s_secmem())}; // wiped when it is freed
    openssl::must(bio != nullptr && PEM_write_bio_PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr,
                                                             nullptr) == 1,
                  "to encode a private key");
    char* data = nullptr;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast,google-readability-casting): OpenSSL's macro
    const auto size = BIO_get_mem_data(bio.get(), &data);
    openssl::must(size > 0, "to encode a private key");
    return SecretBytes::copy_of(std::as_bytes(std::span{data, static_cast<std::size_t>(size)}));
}

Ed25519Signature Ed25519Signer::sign(ByteView message) const
{
    Ed25519Signature out{};
    auto size = out.size();
    const openssl::DigestContext context{EVP_MD_CTX_new()};
    openssl::must(context != nullptr &&
                      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) == 1,
                  "to begin signing");
    openssl::must(EVP_DigestSign(context.get(), as_uchar(std::span<std::byte>{out}), &size, as_uchar(message),
                                 message.size()) == 1 &&
                      size == out.size(),
                  "to sign");
    return out;
}

std::string Ed25519Signer::public_pem() const
{
    const Bio bio{BIO_new(BIO_s_mem())};
    openssl::must(bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), state_->key.get()) == 1, "to encode a public key");
    return text_of(*bio);
}

} // namespace salvage::crypto

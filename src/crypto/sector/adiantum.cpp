// Adiantum: a wide block cipher for processors without AES instructions.
//
//   P = P_L || P_R, P_R being the last 16 bytes; T the tweak; all sums modulo 2^128
//   P_M = P_R + H(T, P_L)
//   C_M = AES-256(P_M)
//   C_L = P_L xor XChaCha(nonce = C_M || 1)
//   C_R = C_M - H(T, C_L)
//   H(T, L) = Poly1305(bits of L, T) + Poly1305(NH of each 1024 bytes of L)
//
// Deciphering is the same with AES turned round, so both go one way here.  Its keys, save the stream's, are the
// stream's first bytes under the nonce 1.  Sectors are taken in batches: their AES blocks and their HChaCha keys go
// side by side.
//
// Spec: P. Crowley, E. Biggers, Adiantum: length-preserving encryption for entry-level processors, 2018; Linux,
// crypto/adiantum.c and crypto/nhpoly1305.c for the order of bytes.
#include "crypto/sector/adiantum.hpp"

#include <algorithm>

#include "crypto/sector/iv_numbers.hpp"
#include "crypto/sector/sector_keys.hpp"
#include "crypto/sector/words.hpp"

namespace salvage::crypto::sector {
namespace {

using openssl::BlockMode;
using openssl::Direction;

constexpr std::size_t aes_key_bytes = 32;
constexpr std::size_t nh_key_bytes = nh_key_words * sizeof(std::uint32_t);
constexpr std::size_t derived_key_bytes = aes_key_bytes + (2 * block_bytes) + nh_key_bytes;
/// A batch's AES blocks: whole groups, as the AES kernels want.
constexpr std::size_t block_room = block_group;
static_assert(block_room >= most_sectors_at_once);

template <std::size_t count>
std::array<std::uint32_t, count> words_of(ByteView bytes)
{
    std::array<std::uint32_t, count> words{};
    for (std::size_t i = 0; i < count; ++i) {
        words.at(i) = load_le<std::uint32_t>(bytes.subspan(i * sizeof(std::uint32_t)));
    }
    return words;
}

Number128 number_at(ByteView bytes)
{
    return {.low = load_word(bytes.data()), .high = load_word(bytes.subspan(sizeof(std::uint64_t)).data())};
}
void put(Number128 number, std::span<std::byte> into)
{
    store_word(into.data(), number.low);
    store_word(into.subspan(sizeof(std::uint64_t)).data(), number.high);
}

} // namespace

/// The AES of one call: kernels are shared, OpenSSL's contexts are the caller's own.
class Adiantum::BlockCipher {
public:
    BlockCipher(const Adiantum& owner, Direction direction)
        : kernels_{owner.aes_}, is_encrypting_{direction == Direction::encrypt},
          keys_{is_encrypting_ ? &owner.block_keys_.encrypting : &owner.block_keys_.decrypting}
    {
        if (kernels_ == nullptr) {
            context_ = openssl::copy_of(is_encrypting_ ? *owner.encrypting_ : *owner.decrypting_);
        }
    }
    void pass(std::span<std::byte, block_room * block_bytes> blocks)
    {
        if (kernels_ == nullptr) {
            openssl::transform(*context_, blocks, blocks);
        } else if (is_encrypting_) {
            kernels_->encrypt_blocks(*keys_, blocks.data(), block_room);
        } else {
            kernels_->decrypt_blocks(*keys_, blocks.data(), block_room);
        }
    }
    [[nodiscard]] bool is_encrypting() const noexcept { return is_encrypting_; }

private:
    const AesKernels* kernels_;
    bool is_encrypting_;
    const RoundKeys* keys_;
    openssl::CipherContext context_;
};

struct Adiantum::Batch {
    std::span<const AdiantumTweak> tweaks;
    std::size_t message_bytes;
    ByteView source;
    std::span<std::byte> target;

    [[nodiscard]] std::size_t bulk_bytes() const noexcept { return message_bytes - block_bytes; }
};

Adiantum::Adiantum(ByteView key, unsigned rounds, const Selection& kernels)
    : rounds_{rounds}, kernels_{kernels.adiantum}, aes_{kernels.aes}, stream_key_{words_of<stream_key_words>(key)}
{
    SecretBytes derived{derived_key_bytes};
    const auto bytes = derived.expose_for_writing();
    std::array<std::uint32_t, most_sectors_at_once * nonce_words> nonces{1};
    std::array<std::uint32_t, most_sectors_at_once * stream_key_words> stream_keys{};
    kernels_->derive_stream_keys(stream_key_.data(), nonces.data(), 1, rounds_, stream_keys.data());
    std::ranges::fill(bytes, std::byte{0});
    kernels_->xor_stream({.key = stream_keys.data(), .nonce_word = 0, .rounds = rounds_}, bytes.data(), bytes.data(),
                         bytes.size());
    wipe(std::as_writable_bytes(std::span{stream_keys}));
    const auto aes_key = ByteView{bytes}.first(aes_key_bytes);
    if (aes_ != nullptr) {
        aes_->expand(aes_key.data(), aes_key.size(), block_keys_);
    } else {
        encrypting_ = openssl::make_aes(BlockMode::ecb, Direction::encrypt, aes_key);
        decrypting_ = openssl::make_aes(BlockMode::ecb, Direction::decrypt, aes_key);
    }
    const auto behind = ByteView{bytes}.subspan(aes_key_bytes);
    tweak_key_ = std::make_unique<const Poly1305Key>(number_at(behind));
    bulk_key_ = std::make_unique<const Poly1305Key>(number_at(behind.subspan(block_bytes)));
    nh_key_ = words_of<nh_key_words>(behind.subspan(2 * block_bytes));
}

Adiantum::~Adiantum()
{
    wipe(std::as_writable_bytes(std::span{stream_key_}));
    wipe(std::as_writable_bytes(std::span{nh_key_}));
    wipe(std::as_writable_bytes(std::span{&block_keys_, 1}));
}

Number128 Adiantum::hash_tweak(const AdiantumTweak& tweak, std::size_t bulk_bytes) const
{
    Poly1305 sum{*tweak_key_};
    sum.add({.low = std::uint64_t{bulk_bytes} * 8, .high = 0});
    sum.add(number_at(tweak));
    sum.add(number_at(ByteView{tweak}.subspan(block_bytes)));
    return sum.value();
}

Number128 Adiantum::hash_bulk(ByteView bulk) const
{
    Poly1305 sum{*bulk_key_};
    while (!bulk.empty()) {
        const auto message = bulk.first(std::min(bulk.size(), nh_message_bytes));
        std::array<std::uint64_t, nh_passes> sums{};
        kernels_->nh(nh_key_.data(), message.data(), message.size(), sums.data());
        sum.add({.low = sums[0], .high = sums[1]});
        sum.add({.low = sums[2], .high = sums[3]});
        bulk = bulk.subspan(message.size());
    }
    return sum.value();
}

void Adiantum::pass_batch(const Batch& batch, BlockCipher& cipher) const
{
    const auto count = batch.tweaks.size();
    const auto bulk_of = [&](auto bytes, std::size_t i) {
        return bytes.subspan(i * batch.message_bytes, batch.bulk_bytes());
    };
    std::array<Number128, most_sectors_at_once> tweak_hashes;
    alignas(64) std::array<std::byte, block_room * block_bytes> middles{};
    const auto middle_of = [&](std::size_t i) { return std::span{middles}.subspan(i * block_bytes, block_bytes); };
    for (std::size_t i = 0; i < count; ++i) {
        tweak_hashes.at(i) = hash_tweak(batch.tweaks[i], batch.bulk_bytes());
        const auto right = number_at(batch.source.subspan((i * batch.message_bytes) + batch.bulk_bytes()));
        put(right + tweak_hashes.at(i) + hash_bulk(bulk_of(batch.source, i)), middle_of(i));
    }
    constexpr auto nonce_room = most_sectors_at_once * nonce_words;
    auto nonces = words_of<nonce_room>(middles); // C_M, when deciphering
    cipher.pass(middles);
    if (cipher.is_encrypting()) {
        nonces = words_of<nonce_room>(middles);
    }
    std::array<std::uint32_t, most_sectors_at_once * stream_key_words> stream_keys{};
    kernels_->derive_stream_keys(stream_key_.data(), nonces.data(), count, rounds_, stream_keys.data());
    for (std::size_t i = 0; i < count; ++i) {
        const auto bulk = bulk_of(batch.target, i);
        kernels_->xor_stream({.key = &stream_keys.at(i * stream_key_words), .nonce_word = 1, .rounds = rounds_},
                             bulk_of(batch.source, i).data(), bulk.data(), bulk.size());
        put(number_at(middle_of(i)) - tweak_hashes.at(i) - hash_bulk(bulk),
            batch.target.subspan((i * batch.message_bytes) + batch.bulk_bytes(), block_bytes));
    }
    wipe(std::as_writable_bytes(std::span{stream_keys}));
}

void Adiantum::pass(Direction direction, std::span<const AdiantumTweak> tweaks, std::size_t message_bytes,
                    ByteView source, std::span<std::byte> target) const
{
    BlockCipher cipher{*this, direction};
    while (!tweaks.empty()) {
        const auto count = std::min(tweaks.size(), most_sectors_at_once);
        const auto bytes = count * message_bytes;
        pass_batch({.tweaks = tweaks.first(count),
                    .message_bytes = message_bytes,
                    .source = source.first(bytes),
                    .target = target.first(bytes)},
                   cipher);
        tweaks = tweaks.subspan(count);
        source = source.subspan(bytes);
        target = target.subspan(bytes);
    }
}

namespace {

class AdiantumSectors final : public SectorCipher {
public:
    AdiantumSectors(const SectorCipherSpec& spec, ByteView key, const Selection& kernels)
        : spec_{spec}, numbers_{spec}, cipher_{key, spec.mode == CipherMode::adiantum_xchacha12 ? 12U : 20U, kernels}
    {
    }

    void decrypt_into(SectorIndex first, ByteView source, std::span<std::byte> target,
                      TargetMemory /*memory*/) const override
    {
        run(Direction::decrypt, first, source, target);
    }
    void encrypt(SectorIndex first, std::span<std::byte> data) const override
    {
        run(Direction::encrypt, first, data, data);
    }
    [[nodiscard]] const SectorCipherSpec& spec() const noexcept override { return spec_; }

private:
    void run(Direction direction, SectorIndex first, ByteView source, std::span<std::byte> target) const
    {
        require_whole_sectors(source, target);
        const std::size_t sector_bytes = spec_.sector.bytes();
        while (!source.empty()) {
            std::array<AdiantumTweak, most_sectors_at_once> tweaks{};
            const auto count = std::min(source.size() / sector_bytes, tweaks.size());
            for (auto& tweak : std::span{tweaks}.first(count)) {
                store_word(tweak.data(), numbers_.of(first));
                first.value += numbers_.step();
            }
            const auto bytes = count * sector_bytes;
            cipher_.pass(direction, std::span{tweaks}.first(count), sector_bytes, source.first(bytes),
                         target.first(bytes));
            source = source.subspan(bytes);
            target = target.subspan(bytes);
        }
    }

    SectorCipherSpec spec_;
    IvNumbers numbers_;
    Adiantum cipher_;
};

} // namespace

std::unique_ptr<const SectorCipher> make_adiantum_sectors(const SectorCipherSpec& spec, ByteView key,
                                                          const Selection& kernels)
{
    return std::make_unique<const AdiantumSectors>(spec, key, kernels);
}

} // namespace salvage::crypto::sector

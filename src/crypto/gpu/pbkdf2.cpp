#include "crypto/gpu/pbkdf2.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "crypto/openssl.hpp"

namespace salvage::crypto::gpu {
namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t block_words = 16;
/// A one bit and the length in bits.
constexpr std::size_t padding_bytes = 9;

enum Kernel : std::uint8_t { kernel_start, kernel_loop };
constexpr std::array<const char*, 2> kernel_names{"pbkdf2_start", "pbkdf2_loop"};

std::size_t message_blocks_of(std::size_t salt_bytes) noexcept
{
    return (salt_bytes + 4 + padding_bytes + block_bytes - 1) / block_bytes;
}

} // namespace

std::array<std::byte, 64> hmac_key_block(KdfKind kind, ByteView secret)
{
    std::array<std::byte, block_bytes> block{};
    if (secret.size() <= block.size()) {
        std::ranges::copy(secret, block.begin());
        return block;
    }
    const auto* const digest = kind == KdfKind::pbkdf2_sha1 ? EVP_sha1() : EVP_sha256();
    openssl::must(
        EVP_Digest(secret.data(), secret.size(), as_uchar(std::span<std::byte>{block}), nullptr, digest, nullptr) == 1,
        "to hash a long secret");
    return block;
}

Bytes first_messages(ByteView salt, std::uint32_t numbers)
{
    const auto message_bytes = message_blocks_of(salt.size()) * block_bytes;
    Bytes text(message_bytes); // the standard's bytes
    std::ranges::copy(salt, text.begin());
    text[salt.size() + 4] = std::byte{0x80};
    store_be(std::span{text}.last(8), std::uint64_t{(block_bytes + salt.size() + 4) * 8});
    Bytes messages(message_bytes * numbers);
    for (std::uint32_t number = 0; number < numbers; ++number) {
        store_be(std::span{text}.subspan(salt.size()), number + 1);
        const auto into = std::span{messages}.subspan(number * message_bytes, message_bytes);
        for (std::size_t i = 0; i < message_bytes; i += 4) {
            store_le(into.subspan(i), load_be<std::uint32_t>(ByteView{text}.subspan(i)));
        }
    }
    return messages;
}

void unpack_keys(ByteView rows, std::uint32_t words, std::uint32_t lanes, std::uint32_t numbers, std::size_t key_bytes,
                 std::span<std::byte> keys)
{
    const std::size_t digest_bytes = std::size_t{words} * 4;
    std::array<std::byte, max_kdf_key_bytes + 32> whole{};
    for (std::size_t lane = 0; lane * key_bytes < keys.size(); ++lane) {
        for (std::size_t number = 0; number < numbers; ++number) {
            for (std::size_t word = 0; word < words; ++word) {
                const auto at = (((word * numbers) + number) * lanes + lane) * 4;
                store_be(std::span{whole}.subspan((number * digest_bytes) + (word * 4), 4),
                         load_le<std::uint32_t>(rows.subspan(at, 4)));
            }
        }
        std::ranges::copy(std::span{whole}.first(key_bytes), keys.subspan(lane * key_bytes).begin());
    }
    wipe(whole);
}

Pbkdf2::Pbkdf2(Session& session, KdfKind kind, std::vector<GpuKernel> kernels, std::chrono::nanoseconds launch_time)
    : session_{&session}, kind_{kind}, words_{kind == KdfKind::pbkdf2_sha1 ? 5U : 8U}, kernels_{std::move(kernels)},
      pace_{launch_time}
{
}

Result<Pbkdf2> Pbkdf2::make(Session& session, KdfKind kind, std::chrono::nanoseconds launch_time)
{
    auto kernels = SALVAGE_TRY(session.build({.kind = kind}, kernel_names));
    return Pbkdf2{session, kind, std::move(kernels), launch_time};
}

Result<> Pbkdf2::write_keys(std::span<const ByteView> secrets)
{
    const std::size_t row_bytes = std::size_t{lanes_} * 4;
    SecretBytes table{row_bytes * block_words}; // zero: short secrets fill few rows
    const auto rows = table.expose_for_writing();
    for (std::size_t lane = 0; lane < secrets.size(); ++lane) {
        auto block = hmac_key_block(kind_, secrets[lane]);
        const auto used = std::min(secrets[lane].size() + 3, block_bytes) / 4;
        for (std::size_t word = 0; word < used; ++word) {
            store_le(rows.subspan((word * row_bytes) + (lane * 4), 4),
                     load_be<std::uint32_t>(ByteView{block}.subspan(word * 4, 4)));
        }
        wipe(block);
    }
    SALVAGE_TRY(session_->reserve(keys_, ByteCount{table.size()}));
    return session_->write(keys_, table.expose());
}

Result<> Pbkdf2::start(ByteView salt, std::span<const ByteView> secrets, std::uint32_t numbers)
{
    const auto word_lanes = session_->properties().word_lanes;
    const auto words = (secrets.size() + word_lanes - 1) / word_lanes;
    lanes_ = static_cast<std::uint32_t>(words * word_lanes);
    SALVAGE_TRY(write_keys(secrets));
    const auto messages = first_messages(salt, numbers);
    SALVAGE_TRY(session_->reserve(message_, ByteCount{messages.size()}));
    SALVAGE_TRY(session_->write(message_, messages));
    const auto state_bytes = std::uint64_t{lanes_} * numbers * words_ * 4 * 4;
    SALVAGE_TRY(session_->reserve(state_, ByteCount{state_bytes}));
    const auto items = static_cast<std::uint32_t>(words * numbers);
    const std::array arguments{keys_.argument(),
                               message_.argument(),
                               state_.argument(),
                               argument(static_cast<std::uint32_t>(message_blocks_of(salt.size()))),
                               argument(static_cast<std::uint32_t>(words)),
                               argument(items)};
    return session_->launch(kernels_[kernel_start], arguments, items);
}

Result<> Pbkdf2::iterate(std::uint32_t iterations, std::uint32_t numbers, const RunContext& context)
{
    const auto items = lanes_ / session_->properties().word_lanes * numbers;
    while (iterations > 0) {
        if (context.is_stopped()) {
            return cancelled("deriving keys");
        }
        const auto steps = pace_.next(iterations, items);
        const auto begun = context.clock->now();
        const std::array arguments{state_.argument(), argument(items), argument(steps)};
        SALVAGE_TRY(session_->launch(kernels_[kernel_loop], arguments, items));
        pace_.learn(steps, items, context.clock->now() - begun);
        iterations -= steps;
    }
    return {};
}

Result<> Pbkdf2::read_keys(std::size_t key_bytes, std::uint32_t numbers, std::span<std::byte> keys)
{
    const auto group_bytes = std::size_t{lanes_} * numbers * words_ * 4;
    SecretBytes rows{group_bytes};
    SALVAGE_TRY(session_->read(state_, ByteOffset{3 * group_bytes}, rows.expose_for_writing()));
    unpack_keys(rows.expose(), words_, lanes_, numbers, key_bytes, keys);
    return {};
}

Result<> Pbkdf2::derive(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys,
                        const RunContext& context)
{
    const auto numbers = static_cast<std::uint32_t>((job.key_bytes + digest_bytes() - 1) / digest_bytes());
    SALVAGE_TRY(start(job.salt, secrets, numbers));
    const auto first = 1U; // no iterations count as one
    SALVAGE_TRY(iterate(std::max(job.iterations.value, first) - first, numbers, context));
    return read_keys(job.key_bytes, numbers, keys);
}

} // namespace salvage::crypto::gpu

#include "crypto/gpu/pbkdf2.hpp"

#include <algorithm>
#include <array>

#include "crypto/kdf/hmac_blocks.hpp"

namespace salvage::crypto::gpu {
namespace {

using kdf::block_bytes;
using kdf::block_words;
using kdf::FirstMessage;
using kdf::word_bytes;

enum Kernel : std::uint8_t { kernel_start, kernel_loop };
constexpr std::array<const char*, 2> kernel_names{"pbkdf2_start", "pbkdf2_loop"};

/// The messages for parts 1 … numbers of a key, as little-endian numbers of what are big-endian ones in the standard.
Bytes first_messages(FirstMessage& message, std::uint32_t numbers)
{
    const auto message_bytes = message.blocks() * block_bytes;
    Bytes messages(message_bytes * numbers);
    for (std::uint32_t number = 0; number < numbers; ++number) {
        const auto text = message.numbered(number + 1);
        const auto into = std::span{messages}.subspan(number * message_bytes, message_bytes);
        for (std::size_t at = 0; at < message_bytes; at += word_bytes) {
            store_le(into.subspan(at, word_bytes), load_be<std::uint32_t>(text.subspan(at, word_bytes)));
        }
    }
    return messages;
}

/// Numbers of an HMAC key block that are not zero for a secret of so many bytes.
std::size_t key_numbers(std::size_t secret_bytes) noexcept
{
    return (std::min(secret_bytes, block_bytes) + word_bytes - 1) / word_bytes;
}

} // namespace

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
    : session_{&session}, kind_{kind}, words_{static_cast<std::uint32_t>(kdf::digest_words(kind))},
      kernels_{std::move(kernels)}, pace_{launch_time}
{
}

Result<Pbkdf2> Pbkdf2::make(Session& session, KdfKind kind, std::chrono::nanoseconds launch_time)
{
    auto kernels = SALVAGE_TRY(session.build({.kind = kind}, kernel_names));
    return Pbkdf2{session, kind, std::move(kernels), launch_time};
}

Result<std::uint32_t> Pbkdf2::write_keys(std::span<const ByteView> secrets)
{
    const auto longest = std::ranges::max(secrets, {}, &ByteView::size).size();
    const auto key_rows = std::max<std::size_t>(key_numbers(longest), 1); // a buffer of nothing is none
    const std::size_t row_bytes = std::size_t{lanes_} * word_bytes;
    SecretBytes table{row_bytes * key_rows}; // zero
    const auto rows = table.expose_for_writing();
    for (std::size_t lane = 0; lane < secrets.size(); ++lane) {
        auto block = kdf::hmac_key_block(kind_, secrets[lane]);
        const auto used = key_numbers(secrets[lane].size());
        for (std::size_t word = 0; word < used; ++word) {
            store_le(rows.subspan((word * row_bytes) + (lane * word_bytes), word_bytes),
                     load_be<std::uint32_t>(ByteView{block}.subspan(word * word_bytes, word_bytes)));
        }
        wipe(block);
    }
    SALVAGE_TRY(session_->reserve(keys_, ByteCount{table.size()}));
    SALVAGE_TRY(session_->write(keys_, table.expose()));
    return static_cast<std::uint32_t>(key_rows);
}

Result<> Pbkdf2::start(ByteView salt, std::span<const ByteView> secrets, std::uint32_t numbers)
{
    const auto word_lanes = session_->properties().word_lanes;
    const auto words = (secrets.size() + word_lanes - 1) / word_lanes;
    lanes_ = static_cast<std::uint32_t>(words * word_lanes);
    const auto key_rows = SALVAGE_TRY(write_keys(secrets));
    FirstMessage message{salt};
    const auto messages = first_messages(message, numbers);
    SALVAGE_TRY(session_->reserve(message_, ByteCount{messages.size()}));
    SALVAGE_TRY(session_->write(message_, messages));
    const auto state_bytes = std::uint64_t{lanes_} * numbers * words_ * 4 * 4;
    SALVAGE_TRY(session_->reserve(state_, ByteCount{state_bytes}));
    const auto items = static_cast<std::uint32_t>(words * numbers);
    const std::array arguments{keys_.argument(),
                               message_.argument(),
                               state_.argument(),
                               argument(key_rows),
                               argument(static_cast<std::uint32_t>(message.blocks())),
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

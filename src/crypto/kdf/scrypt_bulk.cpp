// scrypt of many secrets: every one of a secret's p blocks is a lane.  RFC 7914, 6.
#include <algorithm>
#include <ranges>

#include "crypto/kdf/bulk.hpp"
#include "salvage/core/secret.hpp"

namespace salvage::crypto::kdf {
namespace {

/// Beyond these (Android has r = 8, p = 2) what lies beside the table is no longer small: one secret at a time, by the
/// twin.
constexpr unsigned most_r_log2 = 6;
constexpr unsigned most_p_log2 = 6;

constexpr std::size_t salsa_bytes = block_words * sizeof(std::uint32_t);

std::size_t bytes_of_block(ScryptFactors factors)
{
    return std::size_t{128} << factors.r_log2;
}

Result<> one_by_one(const KdfJob& job, std::span<const ByteView> secrets, std::span<std::byte> keys)
{
    for (std::size_t i = 0; i < secrets.size(); ++i) {
        SALVAGE_TRY(derive_key(job, secrets[i], keys.subspan(i * job.key_bytes, job.key_bytes)));
    }
    return {};
}

auto kernels_by_lanes(const ScryptKernels& kernels)
{
    return std::span{kernels.by_lanes} |
           std::views::take_while([](const ScryptKernel& kernel) { return kernel.run != nullptr; });
}

/// The largest within `most`, or the smallest there is: its further lanes repeat one.
const ScryptKernel& largest_within(const ScryptKernels& kernels, std::size_t most)
{
    const auto* best = kernels.by_lanes; // NOLINT(*-array-to-pointer-decay): the seam has no containers.
    for (const auto& kernel : kernels_by_lanes(kernels)) {
        best = kernel.lanes <= most ? &kernel : best;
    }
    return *best;
}

/// The smallest that takes `wanted` lanes, within `most`.
const ScryptKernel& fitting(const ScryptKernels& kernels, std::size_t wanted, std::size_t most)
{
    for (const auto& kernel : kernels_by_lanes(kernels)) {
        if (kernel.lanes >= wanted && kernel.lanes <= most) {
            return kernel;
        }
    }
    return largest_within(kernels, most);
}

/// Where word 0 of a block lies in the kernel's layout; the others follow every group_lanes.
std::size_t first_word(const ScryptKernel& kernel, ScryptFactors factors, std::size_t lane, std::size_t place)
{
    const auto blocks = std::size_t{2} << factors.r_log2;
    const auto group = lane / kernel.group_lanes;
    return ((((group * blocks) + place) * block_words) * kernel.group_lanes) + (lane % kernel.group_lanes);
}

void put_lane(const ScryptKernel& kernel, ScryptFactors factors, std::uint32_t* words, std::size_t lane, ByteView block)
{
    for (std::size_t k = 0; k < block.size() / salsa_bytes; ++k) {
        const auto at = first_word(kernel, factors, lane, k);
        for (std::size_t word = 0; word < block_words; ++word) {
            words[at + (word * kernel.group_lanes)] =
                load_le<std::uint32_t>(block.subspan((k * salsa_bytes) + (word * 4), 4));
        }
    }
}

void take_lane(const ScryptKernel& kernel, ScryptFactors factors, const std::uint32_t* words, std::size_t lane,
               std::span<std::byte> block)
{
    const auto steps = std::size_t{2} << factors.n_log2;
    for (std::size_t k = 0; k < block.size() / salsa_bytes; ++k) {
        const auto at = first_word(kernel, factors, lane, scrypt_place(k, steps, factors.r_log2));
        for (std::size_t word = 0; word < block_words; ++word) {
            store_le(block.subspan((k * salsa_bytes) + (word * 4), 4), words[at + (word * kernel.group_lanes)]);
        }
    }
}

/// Blocks first, then the table: both begin on a cache line.
std::size_t bytes_of_blocks(const ScryptKernel& kernel, ScryptFactors factors)
{
    return kernel.lanes * bytes_of_block(factors);
}

} // namespace

std::size_t ScryptBulk::lanes(const ScryptKernels& kernels) const noexcept
{
    return std::min(largest_within(kernels, most_lanes_).lanes, most_lanes_);
}

Result<> ScryptBulk::reserve(const ScryptKernel& kernel, ScryptFactors factors)
{
    const auto slots = std::min(kernel.lanes, most_lanes_);
    const ByteCount needed{bytes_of_blocks(kernel, factors) + (slots * scrypt_lane_memory(factors).value)};
    if (memory_.bytes().size() < needed.value) {
        memory_ = PagedMemory{}; // given back before more is asked for
        memory_ = SALVAGE_TRY(PagedMemory::make(needed));
    }
    return {};
}

Result<> ScryptBulk::mix(const ScryptKernels& kernels, ScryptFactors factors, std::span<std::byte> mixed)
{
    const auto block_size = bytes_of_block(factors);
    const auto wanted = mixed.size() / block_size;
    for (std::size_t first = 0; first < wanted;) {
        const auto& kernel = fitting(kernels, wanted - first, most_lanes_);
        const auto used = std::min({kernel.lanes, most_lanes_, wanted - first});
        const auto memory = memory_.bytes();
        const auto blocks = memory.first(bytes_of_blocks(kernel, factors));
        // NOLINTNEXTLINE(*-reinterpret-cast): fresh memory that only ever holds words.
        auto* const words = reinterpret_cast<std::uint32_t*>(blocks.data());
        for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
            const auto source = first + std::min(lane, used - 1);
            put_lane(kernel, factors, words, lane, mixed.subspan(source * block_size, block_size));
        }
        kernel.run({.blocks = words,
                    .table = memory.data() + blocks.size(),
                    .slots = used,
                    .n_log2 = factors.n_log2,
                    .r_log2 = factors.r_log2});
        for (std::size_t lane = 0; lane < used; ++lane) {
            take_lane(kernel, factors, words, lane, mixed.subspan((first + lane) * block_size, block_size));
        }
        wipe(blocks);
        first += used;
    }
    return {};
}

Result<> ScryptBulk::derive(const ScryptKernels& kernels, const KdfJob& job, std::span<const ByteView> secrets,
                            std::span<std::byte> keys)
{
    SALVAGE_TRY(check_scrypt(job.factors));
    const auto factors = job.factors;
    if (factors.r_log2 > most_r_log2 || factors.p_log2 > most_p_log2) {
        return one_by_one(job, secrets, keys);
    }
    SALVAGE_TRY(reserve(largest_within(kernels, most_lanes_), factors));
    const auto blocks_bytes = bytes_of_block(factors) << factors.p_log2;
    const auto secrets_a_time = std::max(lanes(kernels) >> factors.p_log2, std::size_t{1});
    SecretBytes blocks{std::min(secrets_a_time, secrets.size()) * blocks_bytes};
    const auto all = blocks.expose_for_writing();
    for (std::size_t first = 0; first < secrets.size(); first += secrets_a_time) {
        const auto taken = secrets.subspan(first, std::min(secrets_a_time, secrets.size() - first));
        for (std::size_t i = 0; i < taken.size(); ++i) {
            pbkdf2_sha256(taken[i], job.salt, Iterations{1}, all.subspan(i * blocks_bytes, blocks_bytes));
        }
        SALVAGE_TRY(mix(kernels, factors, all.first(taken.size() * blocks_bytes)));
        for (std::size_t i = 0; i < taken.size(); ++i) {
            pbkdf2_sha256(taken[i], all.subspan(i * blocks_bytes, blocks_bytes), Iterations{1},
                          keys.subspan((first + i) * job.key_bytes, job.key_bytes));
        }
    }
    return {};
}

} // namespace salvage::crypto::kdf

// AES over sectors by the processor's own instructions: IVs of a batch are laid out and enciphered side by side, then a
// kernel passes the batch's sectors.
//
// CBC encryption is OpenSSL's: each block needs the one before, so there is nothing to gain, and only tests and sample
// phones encrypt.
#include <algorithm>
#include <array>

#include "crypto/sector/iv_numbers.hpp"
#include "crypto/sector/sector_keys.hpp"

namespace salvage::crypto::sector {
namespace {

/// Sectors in one call of a kernel; their IVs are whole groups of blocks.
constexpr std::size_t batch_sectors = 64;
static_assert(batch_sectors % block_group == 0);

/// What an aligned streaming store of any kernel wants.
constexpr std::size_t stream_alignment = 64;
/// Up to here the target will be in the cache when it is looked at next.
constexpr std::size_t least_streamed = 64ULL << 10U;

/// Expanded keys, wiped at their end.
class ExpandedKey {
public:
    ExpandedKey(const AesKernels& kernels, ByteView key) { kernels.expand(key.data(), key.size(), keys_); }
    ExpandedKey(const ExpandedKey&) = delete;
    ExpandedKey& operator=(const ExpandedKey&) = delete;
    ~ExpandedKey() { wipe(std::as_writable_bytes(std::span{&keys_, 1})); }

    [[nodiscard]] const RoundKeys& encrypting() const noexcept { return keys_.encrypting; }
    [[nodiscard]] const RoundKeys& decrypting() const noexcept { return keys_.decrypting; }

private:
    KeyPair keys_{};
};

class KernelSectors final : public SectorCipher {
public:
    KernelSectors(const SectorCipherSpec& spec, ByteView key, const KeyParts& parts, const AesKernels& kernels)
        : spec_{spec}, numbers_{spec}, kernels_{&kernels}, data_key_{kernels, parts.data}
    {
        if (!parts.iv.is_empty()) {
            iv_key_ = std::make_unique<const ExpandedKey>(kernels, parts.iv.expose());
        }
        if (spec.mode == CipherMode::cbc) {
            whole_key_ = SecretBytes::copy_of(key);
        }
    }

    void decrypt_into(SectorIndex first, ByteView source, std::span<std::byte> target,
                      TargetMemory memory) const override
    {
        const auto pass = spec_.mode == CipherMode::cbc ? kernels_->decrypt_cbc : kernels_->decrypt_xts;
        run(pass, data_key_.decrypting(), first, source, target, memory);
    }
    void encrypt(SectorIndex first, std::span<std::byte> data) const override
    {
        if (spec_.mode == CipherMode::cbc) {
            make_openssl_sectors(spec_, whole_key_.expose())->encrypt(first, data);
        } else {
            run(kernels_->encrypt_xts, data_key_.encrypting(), first, data, data, TargetMemory::warm);
        }
    }
    [[nodiscard]] const SectorCipherSpec& spec() const noexcept override { return spec_; }

private:
    using Pass = void (*)(const SectorBatch&);

    void run(Pass pass, const RoundKeys& keys, SectorIndex first, ByteView source, std::span<std::byte> target,
             TargetMemory memory) const
    {
        const auto sector_bytes = spec_.sector.bytes();
        require_whole_sectors(source, target);
        const bool is_streaming = memory == TargetMemory::cold && target.size() >= least_streamed &&
                                  source.data() != target.data() && is_stream_aligned(target);
        alignas(stream_alignment) std::array<AesBlock, batch_sectors> ivs{};
        auto left = source.size() / sector_bytes;
        for (std::size_t at = 0; left != 0;) {
            const auto sectors = std::min(left, batch_sectors);
            fill_ivs(first, std::span{ivs}.first(sectors), ivs);
            pass({.keys = &keys,
                  .source = source.data() + at,
                  .target = target.data() + at,
                  .ivs = ivs.front().data(),
                  .sector_bytes = sector_bytes,
                  .sectors = sectors,
                  .is_streaming = is_streaming});
            first.value += sectors * numbers_.step();
            at += sectors * sector_bytes;
            left -= sectors;
        }
        if (is_streaming) {
            kernels_->fence();
        }
    }

    static bool is_stream_aligned(std::span<const std::byte> target) noexcept
    {
        // NOLINTNEXTLINE(*-reinterpret-cast): an address as a number, to ask for its alignment.
        return reinterpret_cast<std::uintptr_t>(target.data()) % stream_alignment == 0;
    }

    /// Fills `used`, the front of `room`.
    void fill_ivs(SectorIndex first, std::span<AesBlock> used, std::span<AesBlock> room) const
    {
        numbers_.fill(first, used);
        if (iv_key_) {
            const auto whole_groups = (used.size() + block_group - 1) / block_group * block_group;
            std::ranges::fill(room.subspan(used.size(), whole_groups - used.size()), AesBlock{});
            kernels_->encrypt_blocks(iv_key_->encrypting(), room.front().data(), whole_groups);
        }
    }

    SectorCipherSpec spec_;
    IvNumbers numbers_;
    const AesKernels* kernels_;
    ExpandedKey data_key_;
    std::unique_ptr<const ExpandedKey> iv_key_;
    SecretBytes whole_key_; ///< CBC: what OpenSSL enciphers with
};

} // namespace

std::unique_ptr<const SectorCipher> make_kernel_sectors(const SectorCipherSpec& spec, ByteView key,
                                                        const AesKernels& kernels)
{
    return std::make_unique<const KernelSectors>(spec, key, split_key(spec, key), kernels);
}

} // namespace salvage::crypto::sector

// Sectors as dm-crypt ciphers them, by OpenSSL: for processors that have no kernels here, and the twin that the kernels
// are held against.
//
// Sectors are taken in batches, because a call into OpenSSL costs as much as the AES of a 512-byte sector:
//   1. the IVs of the whole batch are laid out and, for ESSIV and XTS, enciphered by one ECB call;
//   2. CBC decryption runs over the batch as if it were one message.  Inside a sector that is right already.  The first
//      block of each sector but the first then carries the last cipher block of the sector before, where it should
//      carry its own IV: both are known, so two XORs mend it;
//   3. XTS is AES-ECB between two XORs with a mask: masks of the batch are computed, then one ECB call does the work.
//      (Sectors are whole blocks, so XTS needs no ciphertext stealing.)
// CBC encryption cannot be batched: each block needs the one before.  Only tests and sample phones encrypt.
//
// Spec: Linux, drivers/md/dm-crypt.c (plain, plain64, essiv, iv_large_sectors); IEEE 1619 for XTS.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "crypto/openssl.hpp"
#include "crypto/sector/iv_numbers.hpp"
#include "crypto/sector/sector_keys.hpp"
#include "crypto/sector/words.hpp"

namespace salvage::crypto::sector {
namespace {

using openssl::BlockMode;
using openssl::CipherContext;
using openssl::Direction;

/// Bytes of one batch: data, IVs and masks stay in the first-level cache.
constexpr std::size_t batch_bytes = 16384;

/// Half a block, in the order its bytes lie in memory.
using Word = std::uint64_t;
constexpr std::size_t words_in_block = block_bytes / sizeof(Word);

/// Requires: the same number of bytes in both.
void xor_words(std::span<std::byte> into, std::span<const Word> with) noexcept
{
    for (std::size_t i = 0; i < with.size(); ++i) {
        Word word{};
        std::memcpy(&word, into.data() + (i * sizeof(Word)), sizeof(Word));
        word ^= with[i];
        std::memcpy(into.data() + (i * sizeof(Word)), &word, sizeof(Word));
    }
}

void xor_block(std::span<std::byte> into, const AesBlock& with) noexcept
{
    const auto words = std::bit_cast<std::array<Word, words_in_block>>(with);
    xor_words(into, words);
}

/// Masks of one sector: the enciphered IV, then each the one before times x in GF(2^128).  IEEE 1619, 5.2.
void fill_xts_masks(const AesBlock& first, std::span<Word> masks) noexcept
{
    const auto words = std::bit_cast<std::array<Word, words_in_block>>(first);
    auto low = little_endian(words[0]);
    auto high = little_endian(words[1]);
    for (std::size_t i = 0; i < masks.size(); i += words_in_block) {
        masks[i] = little_endian(low);
        masks[i + 1] = little_endian(high);
        const auto carry = high >> 63U;
        high = (high << 1U) | (low >> 63U);
        low = (low << 1U) ^ (0x87U & (0U - carry));
    }
}

/// What one thread needs for one direction.  The contexts hold the expanded keys; OpenSSL wipes them.
struct Workspace {
    CipherContext data; ///< CBC, or ECB for XTS
    CipherContext iv;   ///< ECB encryption of IVs; none where they are used as they are
    std::vector<AesBlock> ivs;
    std::vector<AesBlock> last_blocks; ///< CBC: the last cipher block of each sector of the batch
    std::vector<Word> masks;           ///< XTS
};

/// Workspaces at rest.  A thread takes one for a whole call, so the lock is held twice a call for a moment.
class WorkspacePool {
public:
    explicit WorkspacePool(Workspace prepared) : prepared_{std::move(prepared)} {}

    std::unique_ptr<Workspace> take()
    {
        const std::scoped_lock lock{mutex_};
        if (idle_.empty()) {
            return std::make_unique<Workspace>(copy());
        }
        auto workspace = std::move(idle_.back());
        idle_.pop_back();
        return workspace;
    }
    void give_back(std::unique_ptr<Workspace> workspace)
    {
        const std::scoped_lock lock{mutex_};
        idle_.push_back(std::move(workspace));
    }

private:
    [[nodiscard]] Workspace copy() const
    {
        return Workspace{.data = openssl::copy_of(*prepared_.data),
                         .iv = prepared_.iv ? openssl::copy_of(*prepared_.iv) : nullptr,
                         .ivs = std::vector<AesBlock>(prepared_.ivs.size()),
                         .last_blocks = std::vector<AesBlock>(prepared_.last_blocks.size()),
                         .masks = std::vector<Word>(prepared_.masks.size())};
    }

    std::mutex mutex_;
    Workspace prepared_;
    std::vector<std::unique_ptr<Workspace>> idle_;
};

Workspace prepare(const SectorCipherSpec& spec, Direction direction, const KeyParts& keys)
{
    const bool is_xts = spec.mode == CipherMode::xts;
    const std::size_t largest_batch = std::max<std::size_t>(batch_bytes, spec.sector.bytes());
    const std::size_t sectors = largest_batch / spec.sector.bytes();
    return Workspace{.data = openssl::make_aes(is_xts ? BlockMode::ecb : BlockMode::cbc, direction, keys.data),
                     .iv = keys.iv.is_empty() ? nullptr
                                              : openssl::make_aes(BlockMode::ecb, Direction::encrypt, keys.iv.expose()),
                     .ivs = std::vector<AesBlock>(sectors),
                     .last_blocks = std::vector<AesBlock>(is_xts ? 0 : sectors),
                     .masks = std::vector<Word>(is_xts ? largest_batch / sizeof(Word) : 0)};
}

class OpensslSectors final : public SectorCipher {
public:
    OpensslSectors(const SectorCipherSpec& spec, const KeyParts& keys)
        : spec_{spec}, numbers_{spec}, sector_bytes_{spec.sector.bytes()},
          decrypting_{prepare(spec, Direction::decrypt, keys)}, encrypting_{prepare(spec, Direction::encrypt, keys)}
    {
    }

    void decrypt_into(SectorIndex first, ByteView source, std::span<std::byte> target,
                      TargetMemory /*memory*/) const override
    {
        require_whole_sectors(source, target);
        run(decrypting_, Direction::decrypt, first, source, target);
    }
    void encrypt(SectorIndex first, std::span<std::byte> data) const override
    {
        require_whole_sectors(data, data);
        run(encrypting_, Direction::encrypt, first, data, data);
    }
    [[nodiscard]] const SectorCipherSpec& spec() const noexcept override { return spec_; }

private:
    void run(WorkspacePool& pool, Direction direction, SectorIndex first, ByteView source,
             std::span<std::byte> target) const
    {
        auto workspace = pool.take();
        while (!source.empty()) {
            const auto count = std::min(source.size(), std::max(batch_bytes, sector_bytes_));
            const auto batch = target.first(count);
            if (source.data() != batch.data()) {
                std::ranges::copy(source.first(count), batch.begin());
            }
            const auto ivs = std::span{workspace->ivs}.first(count / sector_bytes_);
            fill_ivs(*workspace, first, ivs);
            if (spec_.mode == CipherMode::xts) {
                pass_xts(*workspace, ivs, batch);
            } else if (direction == Direction::decrypt) {
                decrypt_cbc(*workspace, ivs, batch);
            } else {
                encrypt_cbc(*workspace, ivs, batch);
            }
            first.value += count / iv_sector_bytes;
            source = source.subspan(count);
            target = target.subspan(count);
        }
        pool.give_back(std::move(workspace));
    }

    void fill_ivs(const Workspace& workspace, SectorIndex first, std::span<AesBlock> ivs) const
    {
        numbers_.fill(first, ivs);
        if (workspace.iv) {
            const auto bytes = std::as_writable_bytes(ivs);
            openssl::transform(*workspace.iv, bytes, bytes);
        }
    }

    void decrypt_cbc(Workspace& workspace, std::span<const AesBlock> ivs, std::span<std::byte> batch) const
    {
        const auto last_blocks = std::span{workspace.last_blocks}.first(ivs.size());
        for (std::size_t i = 0; i < ivs.size(); ++i) {
            const auto last = batch.subspan(((i + 1) * sector_bytes_) - block_bytes, block_bytes);
            std::ranges::copy(last, last_blocks[i].begin());
        }
        openssl::set_iv(*workspace.data, ivs.front());
        openssl::transform(*workspace.data, batch, batch);
        for (std::size_t i = 1; i < ivs.size(); ++i) {
            const auto first_block = batch.subspan(i * sector_bytes_, block_bytes);
            xor_block(first_block, last_blocks[i - 1]);
            xor_block(first_block, ivs[i]);
        }
    }

    void encrypt_cbc(const Workspace& workspace, std::span<const AesBlock> ivs, std::span<std::byte> batch) const
    {
        for (const auto& iv : ivs) {
            const auto sector = batch.first(sector_bytes_);
            openssl::set_iv(*workspace.data, iv);
            openssl::transform(*workspace.data, sector, sector);
            batch = batch.subspan(sector_bytes_);
        }
    }

    void pass_xts(Workspace& workspace, std::span<const AesBlock> ivs, std::span<std::byte> batch) const
    {
        const auto masks = std::span{workspace.masks}.first(batch.size() / sizeof(Word));
        const auto words_in_sector = sector_bytes_ / sizeof(Word);
        for (std::size_t i = 0; i < ivs.size(); ++i) {
            fill_xts_masks(ivs[i], masks.subspan(i * words_in_sector, words_in_sector));
        }
        xor_words(batch, masks);
        openssl::transform(*workspace.data, batch, batch);
        xor_words(batch, masks);
    }

    SectorCipherSpec spec_;
    IvNumbers numbers_;
    std::size_t sector_bytes_;
    mutable WorkspacePool decrypting_;
    mutable WorkspacePool encrypting_;
};

} // namespace

std::unique_ptr<const SectorCipher> make_openssl_sectors(const SectorCipherSpec& spec, ByteView key)
{
    return std::make_unique<const OpensslSectors>(spec, split_key(spec, key));
}

} // namespace salvage::crypto::sector

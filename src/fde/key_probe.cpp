// The probe of searches: everything is read before, a question costs a few AES blocks a place.
//
// Under CBC no mapping has to be known: what proves a key are bytes behind the first 16 of a sector, which all mappings
// decipher alike.  So all places are deciphered in one go, without any IV.  Under XTS and Adiantum every mapping is
// tried.
#include <algorithm>
#include <utility>

#include "fde/places.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

constexpr std::uint64_t small_sector = 512;
constexpr std::uint64_t large_sector = 4096;

/// A place with the raw bytes that a judgement needs: its own sector, and the large sector around it.
struct Window {
    SuperblockPlace place;
    Bytes small;
    Bytes large; ///< empty where it cannot be read whole
};

class PlacesProbe final : public KeyProbe {
public:
    PlacesProbe(crypto::CipherMode mode, std::vector<crypto::SectorCipherSpec> mappings, std::vector<Window> windows,
                std::optional<ByteCount> volume)
        : is_cbc_{mode == crypto::CipherMode::cbc}, mappings_{std::move(mappings)}, windows_{std::move(windows)},
          volume_{volume}
    {
        for (const auto& window : windows_) {
            sectors_.insert(sectors_.end(), window.small.begin(), window.small.end());
        }
    }

    /// Adds the footer's hash of the first block, which is at `first_block`.
    void add_hash(std::array<std::byte, 32> hash, Bytes first_block, std::vector<crypto::SectorCipherSpec> mappings)
    {
        hash_ = hash;
        first_block_ = std::move(first_block);
        hash_mappings_ = std::move(mappings);
    }

    [[nodiscard]] bool accepts(ByteView key) const override
    {
        const bool shows =
            is_cbc_
                ? shows_superblock_without_iv(key)
                : std::ranges::any_of(mappings_, [&](const auto& mapping) { return shows_superblock(mapping, key); });
        return shows ||
               std::ranges::any_of(hash_mappings_, [&](const auto& mapping) { return has_hash(mapping, key); });
    }

private:
    [[nodiscard]] bool shows_superblock_without_iv(ByteView key) const
    {
        if (key.size() != 16 && key.size() != 32) {
            return false; // a key of a size this cipher does not take
        }
        Bytes plain(sectors_.size());
        crypto::aes_cbc_decrypt(key, {}, sectors_, plain);
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            const auto sector = ByteView{plain}.subspan(i * small_sector, small_sector);
            if (windows_[i].place.format == SuperblockPlace::Format::fat) {
                // What tells a FAT lies within the first 16 bytes, too: only its signature can be asked for here.
                if (sector[510] == std::byte{0x55} && sector[511] == std::byte{0xAA} &&
                    std::ranges::any_of(mappings_,
                                        [&](const auto& mapping) { return shows_superblock(mapping, key); })) {
                    return true;
                }
            } else if (judge(windows_[i].place, sector, volume_).bits >= proof_bits) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] bool shows_superblock(const crypto::SectorCipherSpec& mapping, ByteView key) const
    {
        const auto cipher = crypto::make_sector_cipher(mapping, key);
        if (!cipher.has_value()) {
            return false; // a key of a size this cipher does not take
        }
        Bytes plain;
        return std::ranges::any_of(windows_, [&](const Window& window) {
            const bool is_large = mapping.sector != sector_512();
            plain = is_large ? window.large : window.small;
            if (plain.empty()) {
                return false;
            }
            const auto sector_bytes = is_large ? large_sector : small_sector;
            const auto start = window.place.at / sector_bytes * sector_bytes;
            (*cipher)->decrypt(SectorIndex{start / small_sector}, plain);
            const auto bytes = ByteView{plain}.subspan(window.place.at - start, small_sector);
            return judge(window.place, bytes, volume_).bits >= proof_bits;
        });
    }

    [[nodiscard]] bool has_hash(const crypto::SectorCipherSpec& mapping, ByteView key) const
    {
        const auto cipher = crypto::make_sector_cipher(mapping, key);
        if (!cipher.has_value()) {
            return false;
        }
        auto plain = first_block_;
        (*cipher)->decrypt(SectorIndex{0}, plain);
        return crypto::sha256(plain) == hash_;
    }

    bool is_cbc_;
    std::vector<crypto::SectorCipherSpec> mappings_;
    std::vector<Window> windows_;
    Bytes sectors_; ///< the small sectors of all windows, one after another
    std::optional<ByteCount> volume_;
    std::array<std::byte, 32> hash_{};
    Bytes first_block_;
    std::vector<crypto::SectorCipherSpec> hash_mappings_;
};

/// Empty where the bytes cannot be read.  Errors: io and others.
Result<Bytes> read_or_nothing(const io::ByteSource& source, std::uint64_t at, std::uint64_t count)
{
    auto bytes = io::read_bytes(source, ByteOffset{at}, ByteCount{count});
    if (!bytes.has_value()) {
        const auto code = bytes.error().code;
        if (code == ErrorCode::unreadable || code == ErrorCode::truncated) {
            return Bytes{};
        }
    }
    return bytes;
}

Result<std::vector<Window>> read_windows(const io::ByteSource& userdata, std::uint64_t end)
{
    std::vector<Window> out;
    for (const auto& place : superblock_places(end)) {
        Window window{.place = place, .small = {}, .large = {}};
        window.small = SALVAGE_TRY(read_or_nothing(userdata, place.at, small_sector));
        const auto large_start = place.at / large_sector * large_sector;
        if (large_start + large_sector <= end) {
            window.large = SALVAGE_TRY(read_or_nothing(userdata, large_start, large_sector));
        }
        // Under the cipher an area that was wiped is noise, under none it is: it can show nothing.
        if (!is_all_zero(window.small)) {
            out.push_back(std::move(window));
        }
    }
    return out;
}

} // namespace

Result<std::unique_ptr<const KeyProbe>> make_key_probe(const CryptoFooter& footer, const io::ByteSource& userdata,
                                                       SectorIndex disk_lba)
{
    const auto named = SALVAGE_TRY(crypto::parse_cipher_name(footer.cipher));
    const auto extent = cipher_extent(footer);
    auto end = std::min(extent.mapped.value_or(userdata.size()), userdata.size()).value;
    if (extent.encrypted_upto) {
        end = std::min(end, extent.encrypted_upto->value);
    }
    auto windows = SALVAGE_TRY(read_windows(userdata, end));
    const auto mappings = possible_mappings(named, disk_lba);
    auto first_block = end < large_sector || !footer.hash_first_block
                           ? Bytes{}
                           : SALVAGE_TRY(read_or_nothing(userdata, 0, large_sector));
    if (windows.empty() && first_block.empty()) {
        auto error = io::unreadable_at(userdata, ByteOffset{0});
        error.what = "the start of userdata cannot be read, so no key can be tried on it";
        error.why = "neither the first superblock nor a backup of one can be read, or all of them are zeros";
        error.hint = "read the first 8 KiB of userdata again, or those at 128 MiB";
        return error;
    }
    auto probe = std::make_unique<PlacesProbe>(named.mode, mappings, std::move(windows), extent.mapped);
    if (!first_block.empty()) {
        probe->add_hash(*footer.hash_first_block, std::move(first_block), mappings);
    }
    return std::unique_ptr<const KeyProbe>{std::move(probe)};
}

} // namespace salvage::fde

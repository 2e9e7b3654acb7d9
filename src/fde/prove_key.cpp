// Proving a master key on userdata.
//
// Under CBC, all mappings agree on the bytes of a sector behind its first 16, so one look tells whether the key is
// right at all.  Which mapping it is, the first 16 bytes tell: every mapping is judged, and the best evidence wins.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "fde/places.hpp"
#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

constexpr ByteCount first_block{4096};
constexpr unsigned hash_bits = 256;
/// Pointers to bitmaps and table in an ext's group descriptor.
constexpr std::size_t group_pointers = 3;
constexpr std::uint64_t looked_at = 16;

/// What one mapping shows.
struct Sight {
    std::optional<SuperblockPlace> place;
    Evidence evidence;
    bool is_hash_right{};
    bool is_start_unreadable{}; ///< the place of the first superblock of ext and f2fs

    [[nodiscard]] bool is_proof() const noexcept { return is_hash_right || evidence.bits >= proof_bits; }
    /// Nothing that another mapping could do better.
    [[nodiscard]] bool is_perfect() const noexcept { return is_proof() && evidence.is_whole(); }
    [[nodiscard]] unsigned strength() const noexcept
    {
        return (is_hash_right ? hash_bits : 0U) + evidence.bits + (evidence.is_whole() ? 1U : 0U);
    }
};

/// The bytes, or nothing where they cannot be read or lie beyond the end.  Errors: io and others.
Result<std::optional<Bytes>> read_if_possible(const io::ByteSource& source, std::uint64_t at, std::uint64_t count)
{
    auto bytes = io::read_bytes(source, ByteOffset{at}, ByteCount{count});
    if (bytes.has_value()) {
        return std::optional{std::move(*bytes)};
    }
    const auto code = bytes.error().code;
    if (code == ErrorCode::unreadable || code == ErrorCode::truncated) {
        return std::optional<Bytes>{};
    }
    return bytes.error();
}

class Prover {
public:
    Prover(const CryptoFooter& footer, ByteView key, const io::ByteSource& userdata)
        : footer_{&footer}, key_{key}, userdata_{&userdata}, extent_{cipher_extent(footer)},
          places_{superblock_places(cipher_end())}
    {
    }

    Result<std::optional<KeyProof>> prove(const crypto::SectorCipherSpec& named, SectorIndex disk_lba)
    {
        const auto mappings = possible_mappings(named, disk_lba);
        auto best_mapping = mappings.front();
        auto best = SALVAGE_TRY(look(best_mapping));
        const bool may_differ = named.mode != crypto::CipherMode::cbc || best.is_proof() || footer_->hash_first_block;
        for (std::size_t i = 1; i < mappings.size() && may_differ && !best.is_perfect(); ++i) {
            auto sight = SALVAGE_TRY(look(mappings[i]));
            if (sight.strength() > best.strength()) {
                best = std::move(sight);
                best_mapping = mappings[i];
            }
        }
        if (best.is_proof()) {
            return std::optional{proof_of(best, best_mapping)};
        }
        if (best.is_start_unreadable) {
            return unreadable_start();
        }
        return std::optional<KeyProof>{};
    }

private:
    [[nodiscard]] std::uint64_t mapped_bytes() const { return extent_.mapped.value_or(userdata_->size()).value; }

    /// Evidence counts only where the cipher is: plain text proves no key.
    [[nodiscard]] std::uint64_t cipher_end() const
    {
        const auto end = std::min(mapped_bytes(), userdata_->size().value);
        return extent_.encrypted_upto ? std::min(end, extent_.encrypted_upto->value) : end;
    }

    [[nodiscard]] VolumeSpec volume_of(const crypto::SectorCipherSpec& mapping, std::uint64_t length) const
    {
        return {.cipher = mapping,
                .length = ByteCount{length / mapping.sector.bytes() * mapping.sector.bytes()},
                .encrypted_upto = extent_.encrypted_upto};
    }

    Result<Sight> look(const crypto::SectorCipherSpec& mapping) const
    {
        // The view lives no longer than this call, and userdata longer.
        const io::SourcePtr borrowed{io::SourcePtr{}, userdata_};
        const auto volume = volume_of(mapping, std::min(mapped_bytes(), userdata_->size().value));
        const auto plain = SALVAGE_TRY(make_decrypting(borrowed, volume, key_));
        Sight sight = SALVAGE_TRY(look_at_places(*plain));
        sight.is_hash_right = SALVAGE_TRY(is_hash_right(*plain));
        return sight;
    }

    Result<Sight> look_at_places(const io::ByteSource& plain) const
    {
        Sight best;
        best.is_start_unreadable = true; // until it is read
        for (const auto& place : places_) {
            const bool is_at_start = place.at <= f2fs_second_at;
            if (!is_at_start && best.evidence.bits >= proof_bits) {
                break; // backups are for damaged starts
            }
            const auto bytes = SALVAGE_TRY(read_place(plain, place));
            if (!bytes) {
                continue;
            }
            best.is_start_unreadable = best.is_start_unreadable && place.at != superblock_at;
            const auto evidence = judge(place, *bytes, extent_.mapped);
            if (evidence.bits > best.evidence.bits) {
                best.evidence = evidence;
                best.place = place;
            }
        }
        SALVAGE_TRY(add_second_block(plain, best.evidence));
        return best;
    }

    static Result<std::optional<Bytes>> read_place(const io::ByteSource& plain, const SuperblockPlace& place)
    {
        constexpr std::uint64_t least = 512;
        auto bytes = SALVAGE_TRY(read_if_possible(plain, place.at, place.size));
        if (!bytes && place.size > least) {
            return read_if_possible(plain, place.at, least);
        }
        return bytes;
    }

    /// What stands at the start of the second block, the only check of the IV of a sector of 4096 bytes that is not the
    /// first: an ext's first group descriptor, the empty bytes before f2fs's second copy.  The bits are a floor: they
    /// only order mappings that the superblock does not tell apart.
    Result<> add_second_block(const io::ByteSource& plain, Evidence& evidence) const
    {
        const bool is_f2fs = evidence.filesystem == "f2fs";
        const auto at = is_f2fs ? first_block.value : evidence.group_table;
        if (at == 0 || evidence.block_bytes == 0 || at + looked_at > cipher_end()) {
            return {};
        }
        const auto bytes = SALVAGE_TRY(read_if_possible(plain, at, looked_at));
        if (!bytes) {
            return {};
        }
        const auto blocks = evidence.size.value / evidence.block_bytes;
        for (std::size_t i = 0; i < group_pointers; ++i) {
            const auto block = load_le<std::uint32_t>(ByteView{*bytes}.subspan(4 * i));
            const bool is_sane = is_f2fs ? block == 0 : block != 0 && block < blocks;
            ++evidence.checked_fields;
            evidence.sane_fields += is_sane ? 1U : 0U;
            evidence.bits += is_sane ? 4U : 0U;
        }
        return {};
    }

    Result<bool> is_hash_right(const io::ByteSource& plain) const
    {
        if (!footer_->hash_first_block || cipher_end() < first_block.value) {
            return false;
        }
        const auto bytes = SALVAGE_TRY(read_if_possible(plain, 0, first_block.value));
        return bytes && crypto::sha256(*bytes) == *footer_->hash_first_block;
    }

    [[nodiscard]] Error unreadable_start() const
    {
        auto error = io::unreadable_at(*userdata_, ByteOffset{0});
        error.what = "the start of userdata cannot be read, so no key can be proven on it";
        error.why = places_.empty() ? "it ends before the first superblock, or encryption was stopped before it"
                                    : "no superblock at the start can be read, and no backup of one appears";
        error.hint = "read the first 8 KiB of userdata again, or those at 128 MiB";
        return error;
    }

    [[nodiscard]] KeyProof proof_of(const Sight& sight, const crypto::SectorCipherSpec& mapping) const
    {
        KeyProof out;
        out.volume = volume_of(mapping, volume_bytes(sight.evidence));
        out.strength_bits = sight.is_hash_right ? hash_bits : std::min(sight.evidence.bits, hash_bits);
        if (sight.evidence.bits >= proof_bits) {
            out.filesystem = sight.evidence.filesystem;
            out.facts.push_back(superblock_fact(sight));
            add_size_fact(sight.evidence, out);
        }
        if (sight.place && sight.place->is_backup && sight.evidence.bits >= proof_bits) {
            out.facts.push_back(
                fmt::format("the first superblock, at {}, {}: the key is right, and the start of userdata is damaged",
                            format_offset(ByteOffset{superblock_at}),
                            sight.is_start_unreadable ? "cannot be read" : "does not appear under this key"));
        }
        add_hash_fact(sight, out);
        add_mapping_fact(sight, mapping, out);
        add_extent_facts(out);
        return out;
    }

    /// fs_size, but no more than userdata has, unless the filesystem shows that the rest is missing from the dump.
    [[nodiscard]] std::uint64_t volume_bytes(const Evidence& evidence) const
    {
        const auto there = std::max(userdata_->size().value, evidence.is_whole() ? evidence.size.value : 0);
        return std::min(mapped_bytes(), there);
    }

    static std::string superblock_fact(const Sight& sight)
    {
        const auto& evidence = sight.evidence;
        std::string text = fmt::format(
            "{} {} at {}: {}{} of {} fields sane", evidence.filesystem,
            sight.place->is_backup ? "backup superblock" : "superblock", format_offset(ByteOffset{sight.place->at}),
            evidence.has_magic ? "magic, " : "no magic, ", evidence.sane_fields, evidence.checked_fields);
        if (evidence.is_checksum_right) {
            text += *evidence.is_checksum_right ? ", checksum agrees" : ", checksum differs";
        }
        return text;
    }

    void add_size_fact(const Evidence& evidence, KeyProof& out) const
    {
        if (extent_.mapped && evidence.size > *extent_.mapped) {
            out.facts.push_back(fmt::format("the filesystem says it has {}, the footer's fs_size is {}",
                                            format_size_exact(evidence.size), format_size_exact(*extent_.mapped)));
        }
        if (evidence.is_whole() && evidence.size > userdata_->size()) {
            out.facts.push_back(fmt::format("the filesystem says it has {}, of which {} are here",
                                            format_size_exact(evidence.size), format_size_exact(userdata_->size())));
        }
    }

    void add_hash_fact(const Sight& sight, KeyProof& out) const
    {
        if (sight.is_hash_right) {
            out.facts.emplace_back("the first 4096 bytes have the SHA-256 that the footer keeps as hash_first_block");
        } else if (footer_->hash_first_block) {
            out.facts.emplace_back(
                "the footer's hash_first_block differs: the first 4096 bytes were changed after it was written");
        }
    }

    void add_mapping_fact(const Sight& sight, const crypto::SectorCipherSpec& mapping, KeyProof& out) const
    {
        const auto named = crypto::parse_cipher_name(footer_->cipher);
        if (named.has_value() && mapping != *named) {
            out.facts.push_back(fmt::format("the mapping is {}, found by trying: the footer names {}",
                                            crypto::to_string(mapping), printable(footer_->cipher)));
        }
        if (!sight.is_hash_right && !sight.evidence.is_whole()) {
            out.facts.emplace_back("not everything in the superblock fits: it is damaged, or the IV rule is an unknown "
                                   "one, and then the first 16 bytes of every sector are noise");
        }
    }

    void add_extent_facts(KeyProof& out) const
    {
        if (extent_.encrypted_upto) {
            out.facts.push_back(fmt::format("flag 0x2: encryption stopped part-way, userdata is plain from {} on",
                                            format_offset(ByteOffset{extent_.encrypted_upto->value})));
        }
        if (extent_.has_unknown_end) {
            out.facts.emplace_back("flag 0x2: encryption stopped part-way, and the footer does not say where; all of "
                                   "userdata is deciphered, and what was plain becomes noise");
        }
    }

    const CryptoFooter* footer_;
    ByteView key_;
    const io::ByteSource* userdata_;
    CipherExtent extent_;
    std::vector<SuperblockPlace> places_;
};

} // namespace

Result<std::optional<KeyProof>> prove_key(const CryptoFooter& footer, ByteView key, const io::ByteSource& userdata,
                                          SectorIndex disk_lba)
{
    const auto named = SALVAGE_TRY(crypto::parse_cipher_name(footer.cipher));
    return Prover{footer, key, userdata}.prove(named, disk_lba);
}

} // namespace salvage::fde

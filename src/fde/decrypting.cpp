// Userdata in the clear: a view that deciphers whole sectors as they are read.
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "salvage/fde/unlock.hpp"

namespace salvage::fde {
namespace {

/// Read and deciphered at a time: what was read is still in the second-level cache when it is deciphered.
constexpr std::uint64_t piece_bytes = 256ULL << 10U;

class DecryptingSource final : public io::ByteSource {
public:
    DecryptingSource(io::SourcePtr raw, const VolumeSpec& volume, std::unique_ptr<const crypto::SectorCipher> cipher)
        : raw_{std::move(raw)}, cipher_{std::move(cipher)}, length_{volume.length.value},
          sector_bytes_{volume.cipher.sector.bytes()},
          cipher_end_{std::min(length_, round_up(volume.encrypted_upto.value_or(volume.length).value))},
          present_{std::min(length_, raw_->size().value)}, deciphered_{round_down(std::min(cipher_end_, present_))}
    {
    }

    [[nodiscard]] ByteCount size() const noexcept override { return ByteCount{length_}; }

    Result<> read_at(ByteOffset at, std::span<std::byte> into) const override
    {
        SALVAGE_TRY(io::check_range(*this, at, ByteCount{into.size()}));
        const auto ciphered = into.first(before(cipher_end_, at.value, into.size()));
        SALVAGE_TRY(read_ciphered(at.value, ciphered));
        return read_plain(at.value + ciphered.size(), into.subspan(ciphered.size()));
    }

    Result<std::vector<io::Extent>> extents(ByteRange range) const override
    {
        SALVAGE_TRY(io::check_range(*this, range.start(), range.size()));
        std::vector<io::Extent> out;
        SALVAGE_TRY(add_ciphered_extents(range.intersection(between(0, deciphered_)), out));
        add(out, range.intersection(between(deciphered_, cipher_end_)), io::ExtentKind::unreadable);
        const auto plain = range.intersection(between(cipher_end_, std::max(cipher_end_, present_)));
        if (!plain.is_empty()) {
            std::ranges::copy(SALVAGE_TRY(raw_->extents(plain)), std::back_inserter(out));
        }
        add(out, range.intersection(between(std::max(cipher_end_, present_), length_)), io::ExtentKind::unreadable);
        return io::merged(std::move(out));
    }

    [[nodiscard]] Location locate(ByteOffset at) const override
    {
        auto location = raw_->locate(at);
        location.chain.push_back(Place{.source = "decrypted", .at = at});
        return location;
    }

private:
    [[nodiscard]] std::uint64_t round_down(std::uint64_t at) const noexcept { return at - (at % sector_bytes_); }
    [[nodiscard]] std::uint64_t round_up(std::uint64_t at) const noexcept
    {
        return round_down(checked_add(at, sector_bytes_ - 1).value_or(at));
    }
    static ByteRange between(std::uint64_t start, std::uint64_t end) noexcept
    {
        return ByteRange::between(ByteOffset{start}, ByteOffset{end});
    }
    static void add(std::vector<io::Extent>& extents, ByteRange range, io::ExtentKind kind)
    {
        if (!range.is_empty()) {
            extents.push_back(io::Extent{.range = range, .kind = kind});
        }
    }
    /// How many of `count` bytes at `at` lie before `end`.
    static std::size_t before(std::uint64_t end, std::uint64_t at, std::size_t count) noexcept
    {
        return at >= end ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(end - at, count));
    }

    Result<> read_ciphered(std::uint64_t at, std::span<std::byte> into) const
    {
        while (!into.empty()) {
            if (at >= deciphered_) {
                return io::unreadable_at(*this, ByteOffset{at});
            }
            const auto done = SALVAGE_TRY(read_piece(at, into));
            at += done;
            into = into.subspan(done);
        }
        return {};
    }

    /// Fills the front of `into`: whole sectors in place, or a part of one sector by way of a buffer.
    Result<std::size_t> read_piece(std::uint64_t at, std::span<std::byte> into) const
    {
        const auto skipped = at % sector_bytes_;
        const auto whole =
            round_down(std::min({std::uint64_t{into.size()}, deciphered_ - round_down(at), piece_bytes}));
        if (skipped == 0 && whole != 0) {
            SALVAGE_TRY(decipher(at, into.first(whole), at));
            return static_cast<std::size_t>(whole);
        }
        Bytes sector(sector_bytes_);
        SALVAGE_TRY(decipher(at - skipped, sector, at));
        const auto wanted = ByteView{sector}.subspan(skipped);
        const auto taken = wanted.first(std::min(wanted.size(), into.size()));
        std::ranges::copy(taken, into.begin());
        return taken.size();
    }

    /// Requires: `at` at a sector's start, `into` whole sectors below deciphered_.  `wanted_at` is where the caller's
    /// part of them begins.
    Result<> decipher(std::uint64_t at, std::span<std::byte> into, std::uint64_t wanted_at) const
    {
        auto read = raw_->read_at(ByteOffset{at}, into);
        if (!read.has_value()) {
            return first_bad_byte(between(at, at + into.size()), wanted_at, std::move(read).error());
        }
        cipher_->decrypt(SectorIndex{at / 512}, into);
        return {};
    }

    /// An unreadable byte of the raw source makes its whole cipher sector unreadable here.
    [[nodiscard]] Error first_bad_byte(ByteRange sectors, std::uint64_t wanted_at, Error raw_error) const
    {
        if (raw_error.code == ErrorCode::unreadable) {
            const auto extents = raw_->extents(sectors);
            for (const auto& extent : extents.value_or(std::vector<io::Extent>{})) {
                if (extent.kind == io::ExtentKind::unreadable) {
                    const auto bad_sector = round_down(extent.range.start().value);
                    return io::unreadable_at(*this, ByteOffset{std::max(bad_sector, wanted_at)});
                }
            }
        }
        return std::move(raw_error).in("reading sectors to decipher them");
    }

    Result<> read_plain(std::uint64_t at, std::span<std::byte> into) const
    {
        const auto there = into.first(before(present_, at, into.size()));
        if (!there.empty()) {
            SALVAGE_TRY(raw_->read_at(ByteOffset{at}, there));
        }
        if (there.size() != into.size()) {
            return io::unreadable_at(*this, ByteOffset{at + there.size()});
        }
        return {};
    }

    /// Holes decipher to noise, so they are data; an unreadable byte takes its whole sector with it.
    Result<> add_ciphered_extents(ByteRange range, std::vector<io::Extent>& out) const
    {
        if (range.is_empty()) {
            return {};
        }
        const auto sectors = between(round_down(range.start().value), round_up(range.end().value));
        auto at = range.start();
        for (const auto& extent : SALVAGE_TRY(raw_->extents(sectors))) {
            if (extent.kind != io::ExtentKind::unreadable) {
                continue;
            }
            const auto start = ByteOffset{round_down(extent.range.start().value)};
            const auto bad = between(std::max(start, at).value, round_up(extent.range.end().value)).intersection(range);
            if (bad.is_empty()) {
                continue;
            }
            add(out, ByteRange::between(at, bad.start()), io::ExtentKind::data);
            add(out, bad, io::ExtentKind::unreadable);
            at = bad.end();
        }
        add(out, ByteRange::between(at, range.end()), io::ExtentKind::data);
        return {};
    }

    io::SourcePtr raw_;
    std::unique_ptr<const crypto::SectorCipher> cipher_;
    std::uint64_t length_;
    std::uint64_t sector_bytes_;
    std::uint64_t cipher_end_; ///< plain from here on
    std::uint64_t present_;    ///< the raw source has nothing of the volume from here on
    std::uint64_t deciphered_; ///< whole sectors below cipher_end_ that the raw source has
};

} // namespace

Result<io::SourcePtr> make_decrypting(io::SourcePtr userdata, const VolumeSpec& volume, ByteView key)
{
    auto cipher = SALVAGE_TRY(crypto::make_sector_cipher(volume.cipher, key));
    return std::make_shared<const DecryptingSource>(std::move(userdata), volume, std::move(cipher));
}

} // namespace salvage::fde

// MBR and chains of EBRs as MediaTek phones before GPT have them.  docs/formats/mbr-ebr.md.
//
// Two readings of a logical partition's start exist: relative to its own EBR (a real MT6572) and relative to the MBR
// (one published generator).  Both are tried on every EBR and the one that fits is taken:
//   score = 4 for each partition that begins with a known magic, -2 for each that overlaps what is already placed,
//           -2 for each that ends beyond the dump; equal scores go to the own EBR, as the standard has it.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "magics.hpp"
#include "names.hpp"
#include "note.hpp"
#include "probes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

constexpr std::uint64_t sector_bytes = 512; // eMMC; UFS phones never had an MBR alone
constexpr std::size_t entries_at = 446;
constexpr std::size_t entry_bytes = 16;
constexpr std::size_t entries = 4;
// A size that means "to the end of the flash": sector 0xFFFFFFFF, less the place of the EBR it was computed for (EBR2
// of an MT6577).  2 TiB less 128 GiB of 512-byte sectors: no flash of that time comes near.
constexpr std::uint64_t endless = 0xF0000000;
// MediaTek has EBR1 and EBR2; other makers one EBR a partition.
constexpr std::size_t max_chain = 64;

constexpr std::uint8_t type_empty = 0x00;
constexpr std::uint8_t type_protective = 0xEE;
constexpr std::array extended_types{std::uint8_t{0x05}, std::uint8_t{0x0F}, std::uint8_t{0x85}};

struct MbrEntry {
    std::uint8_t status{};
    std::uint8_t type{};
    std::uint64_t start{}; ///< sectors, relative to something
    std::uint64_t count{};

    [[nodiscard]] bool is_used() const noexcept { return type != type_empty && (count != 0 || start != 0); }
    [[nodiscard]] bool is_extended() const noexcept
    {
        return std::ranges::find(extended_types, type) != extended_types.end();
    }
    [[nodiscard]] bool is_endless() const noexcept { return count == endless || start + count >= endless; }
};
using MbrSector = std::array<MbrEntry, entries>;

bool has_boot_signature(ByteView sector) noexcept
{
    return sector.size() >= sector_bytes && sector[510] == std::byte{0x55} && sector[511] == std::byte{0xAA};
}

MbrSector parse_sector(ByteView sector)
{
    MbrSector out;
    for (std::size_t i = 0; i < entries; ++i) {
        const auto entry = sector.subspan(entries_at + (i * entry_bytes), entry_bytes);
        out[i] = {.status = std::to_integer<std::uint8_t>(entry[0]),
                  .type = std::to_integer<std::uint8_t>(entry[4]),
                  .start = load_le<std::uint32_t>(entry.subspan(8)),
                  .count = load_le<std::uint32_t>(entry.subspan(12))};
    }
    return out;
}

/// A FAT or NTFS boot sector ends in 55 AA too; its code begins with a jump and its name stands at fixed places.
bool is_filesystem_boot_sector(ByteView sector) noexcept
{
    const auto text = as_text(sector);
    const bool has_jump = sector[0] == std::byte{0xEB} || sector[0] == std::byte{0xE9};
    return has_jump && (text.substr(3, 4) == "NTFS" || text.substr(3, 5) == "EXFAT" || text.substr(54, 3) == "FAT" ||
                        text.substr(82, 3) == "FAT");
}

bool is_plausible(const MbrSector& sector) noexcept
{
    const bool has_status =
        std::ranges::all_of(sector, [](const MbrEntry& entry) { return entry.status == 0x00 || entry.status == 0x80; });
    const bool has_starts =
        std::ranges::all_of(sector, [](const MbrEntry& entry) { return !entry.is_used() || entry.start != 0; });
    return has_status && has_starts && std::ranges::any_of(sector, &MbrEntry::is_used);
}

bool is_protective(const MbrSector& sector) noexcept
{
    return std::ranges::any_of(sector, [](const MbrEntry& entry) { return entry.type == type_protective; });
}

/// What is known of a partition while the chain is walked; sectors.
struct Piece {
    MbrEntry entry;
    std::uint64_t start{};
};

std::uint64_t end_of(const Piece& piece) noexcept
{
    return piece.entry.is_endless() ? piece.start + 1 : piece.start + piece.entry.count;
}

/// Walks MBR, EBR1, EBR2 … of one file.
class Chain {
public:
    explicit Chain(const Input& input) : input_{&input}, notes_{input.path}, table_{make_table("mbr", input.path)} {}

    Result<ProbeResult> walk(const MbrSector& first, std::string_view ebr_name)
    {
        table_.sector_size = sector_512();
        if (!ebr_name.empty()) {
            table_.dialect = fmt::format("{} alone", ebr_name);
            add_lone_ebr(first, ebr_name);
            return finish();
        }
        std::optional<std::uint64_t> next;
        for (std::size_t slot = 0; slot < first.size(); ++slot) {
            const auto& entry = first[slot];
            if (entry.is_used()) {
                add({.entry = entry, .start = entry.start}, "primary", fmt::format("p{}", slot + 1));
                next = entry.is_extended() && !next ? std::optional{entry.start} : next;
            }
        }
        SALVAGE_TRY(walk_ebrs(next));
        table_.dialect = fmt::format("MBR and {} EBR{}", ebrs_, ebrs_ == 1 ? "" : "s");
        return finish();
    }

private:
    ProbeResult finish()
    {
        table_.findings = notes_.take();
        return found(std::move(table_));
    }

    /// An EBR in a file of its own does not know where it stood.
    void add_lone_ebr(const MbrSector& sector, std::string_view ebr_name)
    {
        for (std::size_t slot = 0; slot < sector.size(); ++slot) {
            const auto& entry = sector[slot];
            if (entry.is_used()) {
                add({.entry = entry, .start = entry.start}, "logical", fmt::format("{}.{}", ebr_name, slot + 1));
                table_.partitions.back().is_start_known = false;
                table_.partitions.back().attributes.emplace_back("relative_to", ebr_name);
            }
        }
        notes_.note("ebr-alone", fmt::format("This is one EBR ({}): its partitions count from its own place, which the "
                                             "MBR or the scatter file tells.",
                                             ebr_name));
    }

    Result<> walk_ebrs(std::optional<std::uint64_t> next)
    {
        const auto extended = next;
        std::set<std::uint64_t> seen;
        while (next) {
            const auto at = *next;
            if (!seen.insert(at).second || seen.size() > max_chain) {
                notes_.warn("ebr-loop",
                            fmt::format("The chain of EBRs comes back to sector {}; it was left there.", at),
                            {.numbers = {{"sector", at}, {"ebrs", ebrs_}}});
                return {};
            }
            const auto sector = SALVAGE_TRY(read_ebr(at));
            if (!sector) {
                return {};
            }
            ++ebrs_;
            next = SALVAGE_TRY(add_ebr(*sector, at, *extended));
        }
        return {};
    }

    Result<std::optional<MbrSector>> read_ebr(std::uint64_t at)
    {
        const auto offset = at * sector_bytes; // at is below 2^34
        const auto bytes = SALVAGE_TRY(read_if_readable(*input_, ByteOffset{offset}, ByteCount{sector_bytes}));
        const FindingPlace where{.source = input_->path, .offset = ByteOffset{offset}, .partition = {}};
        if (!bytes) {
            notes_.warn("ebr-unreadable", fmt::format("The EBR at sector {} could not be read.", at), {.where = where});
        } else if (bytes->size() < sector_bytes) {
            notes_.note("ebr-not-in-file",
                        fmt::format("The EBR at sector {} is not in this file; give it too, or the whole dump.", at),
                        {.where = where});
        } else if (!has_boot_signature(*bytes)) {
            notes_.warn("ebr-no-signature",
                        fmt::format("There is no EBR at sector {}: 55 AA is missing at its end.", at),
                        {.where = where});
        } else {
            return std::optional{parse_sector(*bytes)};
        }
        return std::optional<MbrSector>{};
    }

    /// Places the logical partitions of one EBR; the sector of the next EBR, if it names one.
    Result<std::optional<std::uint64_t>> add_ebr(const MbrSector& sector, std::uint64_t at, std::uint64_t extended)
    {
        const auto own = pieces_of(sector, at);
        const auto from_mbr = pieces_of(sector, 0);
        const auto own_score = SALVAGE_TRY(score(own));
        const auto mbr_score = SALVAGE_TRY(score(from_mbr));
        const bool is_own = own_score >= mbr_score;
        const Numbers numbers{{"ebr_sector", at}};
        const Words words{{"score_own_ebr", fmt::format("{}", own_score)}, {"score_mbr", fmt::format("{}", mbr_score)}};
        if (is_own) {
            notes_.note("ebr-relative-to-own",
                        fmt::format("Partitions of the EBR at sector {} count from that EBR.", at),
                        {.numbers = numbers, .words = words});
        } else {
            notes_.warn("ebr-relative-to-mbr",
                        fmt::format("Partitions of the EBR at sector {} count from the MBR: only so do they fit.", at),
                        {.numbers = numbers, .words = words});
        }
        for (const auto& piece : is_own ? own : from_mbr) {
            add(piece, "logical", fmt::format("p{}", next_logical_++)); // as Linux numbers them
        }
        const auto* const link =
            std::ranges::find_if(sector, [](const MbrEntry& entry) { return entry.is_used() && entry.is_extended(); });
        // A link counts from the first EBR, as the standard has it; MediaTek's EBR1 to EBR2 does too (MT6577 pair).
        return link != sector.end() ? std::optional{(is_own ? extended : 0) + link->start} : std::nullopt;
    }

    static std::vector<Piece> pieces_of(const MbrSector& sector, std::uint64_t base)
    {
        std::vector<Piece> out;
        for (const auto& entry : sector) {
            if (entry.is_used() && !entry.is_extended()) {
                out.push_back({.entry = entry, .start = base + entry.start});
            }
        }
        return out;
    }

    Result<int> score(const std::vector<Piece>& pieces) const
    {
        int out = 0;
        for (const auto& piece : pieces) {
            const bool is_beyond = end_of(piece) * sector_bytes > input_->size().value;
            const bool is_overlapping = std::ranges::any_of(placed_, [&](const Piece& other) {
                return piece.start < end_of(other) && other.start < end_of(piece);
            });
            const auto head = SALVAGE_TRY(
                read_if_readable(*input_, ByteOffset{piece.start * sector_bytes}, ByteCount{magic_window_bytes}));
            const bool has_magic = head && recognise(*head).has_value();
            out += (has_magic ? 4 : 0) - (is_beyond ? 2 : 0) - (is_overlapping ? 2 : 0);
        }
        return out;
    }

    void add(const Piece& piece, std::string_view rank, std::string_view name)
    {
        auto partition = make_partition(name, "mbr");
        partition.start = ByteOffset{piece.start * sector_bytes};
        partition.is_size_known = !piece.entry.is_endless() && !piece.entry.is_extended();
        partition.size = ByteCount{partition.is_size_known ? piece.entry.count * sector_bytes : 0};
        partition.attributes = {{"mbr_type", fmt::format("{:#04x}", piece.entry.type)},
                                {"rank", piece.entry.is_extended() ? "extended" : std::string{rank}},
                                {"mbr_start_sector", fmt::format("{}", piece.entry.start)},
                                {"mbr_sectors", fmt::format("{}", piece.entry.count)}};
        if (piece.entry.is_endless() && !piece.entry.is_extended()) {
            notes_.note("mbr-size-open-ended",
                        fmt::format("Partition {} claims everything up to sector 0xFFFFFFFF: it ends where the flash "
                                    "or the next one does.",
                                    partition.name),
                        {.where = {.source = {}, .offset = {}, .partition = partition.name},
                         .numbers = {{"start_sector", piece.start}, {"sectors", piece.entry.count}}});
        }
        if (!piece.entry.is_extended()) {
            placed_.push_back(piece);
        }
        table_.partitions.push_back(std::move(partition));
    }

    const Input* input_;
    Notes notes_;
    Table table_;
    std::vector<Piece> placed_;
    std::size_t ebrs_{0};
    std::size_t next_logical_{5};
};

/// "EBR1" of ".../wiko__EBR1" or "EBR1.bin": a lone sector does not say of itself whether it is an MBR or an EBR.
std::string ebr_name_in(std::string_view path)
{
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    auto name = lowered(path.substr(std::min(path.find_last_of("/\\") + 1, path.size())));
    name = name.substr(0, name.find('.'));
    const auto at = name.rfind("ebr");
    if (at == std::string::npos || (at > 0 && is_letter(name[at - 1]))) {
        return {};
    }
    const auto digits = std::string_view{name}.substr(at + 3);
    return digits.size() <= 2 && std::ranges::all_of(digits, is_digit) ? fmt::format("EBR{}", digits) : std::string{};
}

} // namespace

Result<ProbeResults> probe_mbr(const Input& input)
{
    const auto bytes =
        SALVAGE_TRY(read_if_readable(input, ByteOffset{0}, ByteCount{sector_bytes}).in("reading the MBR"));
    if (!bytes || !has_boot_signature(*bytes) || is_filesystem_boot_sector(*bytes)) {
        return ProbeResults{};
    }
    const auto sector = parse_sector(*bytes);
    if (!is_plausible(sector) || is_protective(sector)) {
        return ProbeResults{}; // a protective MBR says that a GPT follows, and that is asked first
    }
    // Only files that hold little more than the sector are judged by their name.
    const auto ebr_name = input.size().value <= 64 * sector_bytes * 16 ? ebr_name_in(input.path) : std::string{};
    return ProbeResults{SALVAGE_TRY(Chain{input}.walk(sector, ebr_name).in("walking the chain of EBRs"))};
}

} // namespace salvage::partition

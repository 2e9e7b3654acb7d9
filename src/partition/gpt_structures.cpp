// GPT's header and entries, from bytes to values.
#include "gpt_structures.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "crc32.hpp"
#include "utf16.hpp"

namespace salvage::partition {
namespace {

constexpr std::size_t crc_field_at = 16;
constexpr std::size_t name_at = 56;
constexpr std::size_t max_name_units = 36;
constexpr std::uint32_t max_header_bytes = 4096; // the header must fit in its sector
constexpr std::uint32_t max_entry_bytes = 4096;  // ours: 128 and 256 exist

/// The header's CRC is computed with its own field as zero.
std::uint32_t header_crc(ByteView header)
{
    Bytes copy{header.begin(), header.end()};
    std::ranges::fill(std::span{copy}.subspan(crc_field_at, sizeof(std::uint32_t)), std::byte{0});
    return crc32(copy);
}

} // namespace

std::string to_string(const Guid& guid)
{
    const ByteView bytes{guid};
    return fmt::format("{:08X}-{:04X}-{:04X}-{:04X}-{:04X}{:08X}", load_le<std::uint32_t>(bytes),
                       load_le<std::uint16_t>(bytes.subspan(4)), load_le<std::uint16_t>(bytes.subspan(6)),
                       load_be<std::uint16_t>(bytes.subspan(8)), load_be<std::uint16_t>(bytes.subspan(10)),
                       load_be<std::uint32_t>(bytes.subspan(12)));
}

Result<GptHeader> parse_gpt_header(ByteView sector)
{
    ByteReader reader{sector};
    const auto signature = SALVAGE_TRY(reader.take(gpt_signature.size()).in("reading the GPT signature"));
    if (as_text(signature) != gpt_signature) {
        return malformed(ByteOffset{0}, "this is no GPT header",
                         fmt::format("found {}, expected \"EFI PART\"", to_spaced_hex(signature)));
    }
    if (sector.size() < gpt_header_bytes) {
        return truncated(ByteOffset{sector.size()}, "the GPT header is cut short",
                         fmt::format("{} of its {} bytes are there", sector.size(), gpt_header_bytes));
    }
    GptHeader header;
    header.revision = SALVAGE_TRY(reader.le<std::uint32_t>());     // 0x08
    header.header_bytes = SALVAGE_TRY(reader.le<std::uint32_t>()); // 0x0C HeaderSize
    header.stored_crc = SALVAGE_TRY(reader.le<std::uint32_t>());   // 0x10 HeaderCRC32
    SALVAGE_TRY(reader.skip(4));                                   // 0x14 Reserved
    header.own_lba = SALVAGE_TRY(reader.le<std::uint64_t>());      // 0x18 MyLBA
    header.other_lba = SALVAGE_TRY(reader.le<std::uint64_t>());    // 0x20 AlternateLBA
    header.first_usable_lba = SALVAGE_TRY(reader.le<std::uint64_t>());
    header.last_usable_lba = SALVAGE_TRY(reader.le<std::uint64_t>());
    header.disk_guid = SALVAGE_TRY(reader.array<16>());           // 0x38
    header.entries_lba = SALVAGE_TRY(reader.le<std::uint64_t>()); // 0x48 PartitionEntryLBA
    header.entry_count = SALVAGE_TRY(reader.le<std::uint32_t>()); // 0x50
    header.entry_bytes = SALVAGE_TRY(reader.le<std::uint32_t>()); // 0x54
    header.entries_crc = SALVAGE_TRY(reader.le<std::uint32_t>()); // 0x58
    if (header.header_bytes < gpt_header_bytes || header.header_bytes > max_header_bytes) {
        return malformed(
            ByteOffset{0x0C}, "the GPT header's size makes no sense",
            fmt::format("found {}, expected {} to {}", header.header_bytes, gpt_header_bytes, max_header_bytes));
    }
    if (header.entry_bytes < gpt_entry_bytes || header.entry_bytes > max_entry_bytes ||
        !std::has_single_bit(header.entry_bytes)) {
        return malformed(ByteOffset{0x54}, "the GPT's entry size makes no sense",
                         fmt::format("found {}, expected 128, 256 … {}", header.entry_bytes, max_entry_bytes));
    }
    // A larger header may reach beyond the bytes given; then the CRC covers what is there and will not match.
    header.computed_crc = header_crc(sector.first(std::min<std::size_t>(header.header_bytes, sector.size())));
    return header;
}

GptEntry parse_gpt_entry(ByteView entry)
{
    GptEntry out;
    std::ranges::copy(entry.first(16), out.type.begin());
    std::ranges::copy(entry.subspan(16, 16), out.unique.begin());
    out.first_lba = load_le<std::uint64_t>(entry.subspan(32));
    out.last_lba = load_le<std::uint64_t>(entry.subspan(40));
    out.attributes = load_le<std::uint64_t>(entry.subspan(48));
    out.name = utf8_from_utf16(entry.subspan(name_at, 2 * max_name_units), std::endian::little);
    return out;
}

} // namespace salvage::partition

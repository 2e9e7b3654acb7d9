// Layout and partition tables.  UEFI 2.10 §5.3 (GPT); MediaTek's ptgen and the PMT of its little kernel (MBR era).
#include "sample_phone_table.hpp"

#include <algorithm>
#include <array>
#include <ranges>

#include "sample_phone_crypto.hpp"

namespace salvage::rescue::sample {
namespace {

constexpr std::size_t gpt_entries = 128;
constexpr std::size_t gpt_entry_bytes = 128;
constexpr std::size_t gpt_entry_lbas = gpt_entries * gpt_entry_bytes / lba_bytes;
/// EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, the type of every MediaTek partition, as stored.
constexpr std::array<std::uint8_t, 16> basic_data{0xA2, 0xA0, 0xD0, 0xEB, 0xE5, 0xB9, 0x33, 0x44,
                                                  0x87, 0xC0, 0x68, 0xB6, 0xB7, 0x26, 0x99, 0xC7};

/// The article's phone up to `metadata`: 0x3bc8000 is where its owner found the footer.
constexpr std::array gpt_front{
    Slot{.name = "pgpt", .start = 0, .size = 0x80000, .operation = "INVISIBLE", .is_in_table = false},
    Slot{.name = "proinfo", .start = 0x80000, .size = 0x300000, .operation = "PROTECTED"},
    Slot{.name = "nvram", .start = 0x380000, .size = 0x500000, .operation = "BINREGION"},
    Slot{.name = "protect1", .start = 0x880000, .size = 0xA00000, .type = "EXT4_IMG", .operation = "PROTECTED"},
    Slot{.name = "protect2", .start = 0x1280000, .size = 0xA00000, .type = "EXT4_IMG", .operation = "PROTECTED"},
    Slot{.name = "lk", .start = 0x1C80000, .size = 0x80000, .file = "lk.bin"},
    Slot{.name = "para", .start = 0x1D00000, .size = 0x80000, .operation = "INVISIBLE"},
    Slot{.name = "boot", .start = 0x1D80000, .size = 0x1000000, .file = "boot.img"},
    Slot{.name = "recovery", .start = 0x2D80000, .size = 0xA00000, .file = "recovery.img"},
    Slot{.name = "secro", .start = 0x3780000, .size = 0x408000, .file = "secro.img"},
    Slot{.name = "seccfg", .start = 0x3B88000, .size = 0x40000, .operation = "INVISIBLE"},
    Slot{.name = "metadata", .start = 0x3BC8000, .size = 0x2000000, .operation = "INVISIBLE"},
    Slot{.name = "system", .start = 0x6000000, .size = 0x1000000, .type = "EXT4_IMG", .file = "system.img"},
    Slot{.name = "cache", .start = 0x7000000, .size = 0x800000, .type = "EXT4_IMG", .file = "cache.img"},
};

constexpr std::array mbr_front{
    Slot{.name = "MBR", .start = 0, .size = 0x80000, .file = "MBR"},
    Slot{.name = "EBR1", .start = 0x80000, .size = 0x80000, .file = "EBR1"},
    Slot{.name = "PRO_INFO", .start = 0x100000, .size = 0x300000, .operation = "PROTECTED"},
    Slot{.name = "NVRAM", .start = 0x400000, .size = 0x500000, .operation = "BINREGION"},
    Slot{.name = "PROTECT_F", .start = 0x900000, .size = 0xA00000, .type = "EXT4_IMG", .operation = "PROTECTED"},
    Slot{.name = "PROTECT_S", .start = 0x1300000, .size = 0xA00000, .type = "EXT4_IMG", .operation = "PROTECTED"},
    Slot{.name = "SECCFG", .start = 0x1D00000, .size = 0x20000, .operation = "INVISIBLE"},
    Slot{.name = "UBOOT", .start = 0x1D20000, .size = 0x60000, .file = "lk.bin"},
    Slot{.name = "BOOTIMG", .start = 0x1D80000, .size = 0x1000000, .file = "boot.img"},
    Slot{.name = "RECOVERY", .start = 0x2D80000, .size = 0x1000000, .file = "recovery.img"},
    Slot{.name = "SEC_RO", .start = 0x3D80000, .size = 0x600000, .type = "EXT4_IMG", .file = "secro.img"},
    Slot{.name = "MISC", .start = 0x4380000, .size = 0x80000, .operation = "INVISIBLE"},
    Slot{.name = "LOGO", .start = 0x4400000, .size = 0x300000, .file = "logo.bin"},
    Slot{.name = "EXPDB", .start = 0x4700000, .size = 0xA00000, .operation = "INVISIBLE"},
    Slot{.name = "ANDROID", .start = 0x5100000, .size = 0x1000000, .type = "EXT4_IMG", .file = "system.img"},
    Slot{.name = "CACHE", .start = 0x6100000, .size = 0x800000, .type = "EXT4_IMG", .file = "cache.img"},
};

/// CRC-32 of IEEE 802.3, reflected: the one GPT uses.
std::uint32_t crc32(ByteView bytes)
{
    std::uint32_t crc = 0xFFFFFFFF;
    for (const auto byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

template <std::unsigned_integral T>
void put(Bytes& area, std::size_t at, T value)
{
    store_le<T>(std::span{area}.subspan(at, sizeof(T)), value);
}

void put(Bytes& area, std::size_t at, ByteView bytes)
{
    std::ranges::copy(bytes, area.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_mbr_entry(Bytes& sector, std::size_t index, std::uint8_t type, std::uint32_t first, std::uint32_t count)
{
    const auto at = 446 + (index * 16);
    sector.at(at + 4) = std::byte{type};
    put<std::uint32_t>(sector, at + 8, first);
    put<std::uint32_t>(sector, at + 12, count);
    put<std::uint16_t>(sector, 510, 0xAA55);
}

Bytes make_gpt_entries(const Plan& plan, Random& random)
{
    Bytes entries(gpt_entries * gpt_entry_bytes);
    std::size_t at = 0;
    for (const auto& slot : plan.slots) {
        if (!slot.is_in_table) {
            continue;
        }
        put(entries, at, std::as_bytes(std::span{basic_data}));
        put(entries, at + 16, random.bytes(16));
        put<std::uint64_t>(entries, at + 32, slot.start / lba_bytes);
        put<std::uint64_t>(entries, at + 40, ((slot.start + slot.size) / lba_bytes) - 1);
        for (std::size_t i = 0; i < slot.name.size(); ++i) {
            put<std::uint16_t>(entries, at + 56 + (2 * i), static_cast<std::uint8_t>(slot.name[i]));
        }
        at += gpt_entry_bytes;
    }
    return entries;
}

struct HeaderPlace {
    std::uint64_t own;
    std::uint64_t other;
    std::uint64_t entries;
};

Bytes make_gpt_header(const HeaderPlace& place, std::uint64_t last_lba, ByteView disk_guid, std::uint32_t entries_crc)
{
    constexpr std::size_t header_bytes = 92;
    Bytes header(lba_bytes);
    put(header, 0, as_bytes("EFI PART"));
    put<std::uint32_t>(header, 8, 0x00010000);
    put<std::uint32_t>(header, 12, header_bytes);
    put<std::uint64_t>(header, 24, place.own);
    put<std::uint64_t>(header, 32, place.other);
    put<std::uint64_t>(header, 40, 2 + gpt_entry_lbas);
    put<std::uint64_t>(header, 48, last_lba - gpt_entry_lbas - 1);
    put(header, 56, disk_guid);
    put<std::uint64_t>(header, 72, place.entries);
    put<std::uint32_t>(header, 80, gpt_entries);
    put<std::uint32_t>(header, 84, gpt_entry_bytes);
    put<std::uint32_t>(header, 88, entries_crc);
    put<std::uint32_t>(header, 16, crc32(ByteView{header}.first(header_bytes)));
    return header;
}

/// One copy of the PMT: signature, version, 88-byte records, signature at the end.  Offsets count from the user area's
/// start.
Bytes make_pmt(const Plan& plan, std::uint32_t signature)
{
    constexpr std::size_t pmt_bytes = 0x1000;
    constexpr std::size_t record_bytes = 88;
    Bytes out(pmt_bytes);
    put<std::uint32_t>(out, 0, signature);
    put(out, 4, as_bytes("1.0"));
    std::size_t at = 8;
    for (const auto& slot : plan.slots) {
        if (slot.is_in_table) {
            put(out, at, as_bytes(slot.name));
            put<std::uint64_t>(out, at + 64, slot.size);
            put<std::uint64_t>(out, at + 72, slot.start);
            at += record_bytes;
        }
    }
    put<std::uint32_t>(out, pmt_bytes - 4, signature);
    return out;
}

} // namespace

const Slot& Plan::at(std::string_view name) const
{
    return *std::ranges::find(slots, name, &Slot::name);
}

Names names_of(SamplePhoneSpec::Era era)
{
    return era == SamplePhoneSpec::Era::gpt ? Names{.system = "system", .cache = "cache", .userdata = "userdata"}
                                            : Names{.system = "ANDROID", .cache = "CACHE", .userdata = "USRDATA"};
}

Plan make_plan(const SamplePhoneSpec& spec)
{
    const bool is_gpt = spec.era == SamplePhoneSpec::Era::gpt;
    Plan plan;
    if (is_gpt) {
        plan.slots.assign(gpt_front.begin(), gpt_front.end());
    } else {
        plan.slots.assign(mbr_front.begin(), mbr_front.end());
    }
    const auto append = [&](Slot slot) {
        slot.start = plan.slots.back().start + plan.slots.back().size;
        plan.slots.push_back(slot);
    };
    append({.name = names_of(spec.era).userdata,
            .size = spec.userdata_size.value,
            .type = "EXT4_IMG",
            .file = "userdata.img"});
    if (is_gpt) {
        append({.name = "flashinfo", .size = 0x1000000, .operation = "RESERVED", .is_reserved = true});
        append({.name = "sgpt", .size = 0x80000, .operation = "RESERVED", .is_in_table = false, .is_reserved = true});
    } else {
        append({.name = "BMTPOOL", .size = 0x1500000, .operation = "RESERVED", .is_reserved = true});
    }
    plan.device_size = plan.slots.back().start + plan.slots.back().size;
    return plan;
}

Result<> write_gpt(ImageFile& dump, const Plan& plan, std::uint64_t seed)
{
    auto random = SALVAGE_TRY(Random::make(seed, "gpt"));
    const auto last_lba = (plan.device_size / lba_bytes) - 1;
    const auto entries = make_gpt_entries(plan, random);
    const auto disk_guid = random.bytes(16);
    Bytes protective(lba_bytes);
    put_mbr_entry(protective, 0, 0xEE, 1, static_cast<std::uint32_t>(std::min<std::uint64_t>(last_lba, 0xFFFFFFFF)));
    const auto primary =
        make_gpt_header({.own = 1, .other = last_lba, .entries = 2}, last_lba, disk_guid, crc32(entries));
    const auto backup_entries = last_lba - gpt_entry_lbas;
    const auto backup =
        make_gpt_header({.own = last_lba, .other = 1, .entries = backup_entries}, last_lba, disk_guid, crc32(entries));
    SALVAGE_TRY(dump.write_at(ByteOffset{0}, protective));
    SALVAGE_TRY(dump.write_at(ByteOffset{lba_bytes}, primary));
    SALVAGE_TRY(dump.write_at(ByteOffset{2 * lba_bytes}, entries));
    SALVAGE_TRY(dump.write_at(ByteOffset{backup_entries * lba_bytes}, entries));
    return dump.write_at(ByteOffset{last_lba * lba_bytes}, backup);
}

Result<> write_mbr_and_pmt(ImageFile& dump, const Plan& plan)
{
    // As on a real MT6572: an extended partition to the end of the numbers, and primaries for what the preloader wants.
    constexpr std::uint32_t endless = 0xFFFFFFFF;
    const auto lba = [](std::uint64_t bytes) { return static_cast<std::uint32_t>(bytes / lba_bytes); };
    const auto& ebr1 = plan.at("EBR1");
    Bytes mbr(lba_bytes);
    put_mbr_entry(mbr, 0, 0x05, lba(ebr1.start), endless);
    std::size_t index = 1;
    for (const auto* const name : {"PROTECT_F", "PROTECT_S", "SEC_RO"}) {
        put_mbr_entry(mbr, index++, 0x83, lba(plan.at(name).start), lba(plan.at(name).size));
    }
    // Logical partitions count from their own EBR; the last one claims everything up to sector 0xFFFFFFFF.
    Bytes ebr(lba_bytes);
    const auto relative = [&](std::string_view name) { return lba(plan.at(name).start - ebr1.start); };
    put_mbr_entry(ebr, 0, 0x83, relative("ANDROID"), lba(plan.at("ANDROID").size));
    put_mbr_entry(ebr, 1, 0x83, relative("CACHE"), lba(plan.at("CACHE").size));
    put_mbr_entry(ebr, 2, 0x83, relative("USRDATA"), endless - relative("USRDATA"));
    SALVAGE_TRY(dump.write_at(ByteOffset{0}, mbr));
    SALVAGE_TRY(dump.write_at(ByteOffset{ebr1.start}, ebr));
    const ByteOffset pmt_at{plan.device_size - 0x100000};
    constexpr std::uint32_t signature = 0x50547631;        // "PTv1", stored as "1vTP"
    constexpr std::uint32_t mirror_signature = 0x4D505431; // "MPT1", stored as "1TPM"
    SALVAGE_TRY(dump.write_at(pmt_at, make_pmt(plan, signature)));
    return dump.write_at(pmt_at + ByteCount{0x1000}, make_pmt(plan, mirror_signature));
}

} // namespace salvage::rescue::sample

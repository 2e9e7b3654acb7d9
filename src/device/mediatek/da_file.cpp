// The table of MediaTek's download agent files.  Spec: docs/formats/da-file.md.
#include "salvage/device/da_file.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "device/mediatek/chips.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device {
namespace {

constexpr std::string_view file_magic = "MTK_DOWNLOAD_AGENT";
constexpr std::uint64_t id_at = 0x20;
constexpr std::size_t id_bytes = 0x40;
constexpr std::uint64_t marker_at = 0x64;
constexpr std::uint32_t marker = 0x22668899;
constexpr std::uint64_t entries_at = 0x6C;
constexpr std::size_t long_entry_bytes = 0xDC;
constexpr std::size_t short_entry_bytes = 0xD8;
constexpr std::uint16_t entry_magic = 0xDADA;
constexpr std::size_t max_regions = 10;     // what fits into an entry
constexpr std::uint32_t max_entries = 1024; // MediaTek's own have less than 100
constexpr std::uint16_t usual_page_bytes = 512;

std::uint16_t word_at(ByteView file, std::size_t at)
{
    return at + 2 <= file.size() ? load_le<std::uint16_t>(file.subspan(at)) : std::uint16_t{0};
}

/// Files of 2013 and before have no software version in their entries, and nothing says so but where things lie.
std::size_t entry_bytes_of(ByteView file, std::uint32_t count)
{
    const auto second = [&](std::size_t entry_bytes) {
        return count > 1 && word_at(file, entries_at + entry_bytes) == entry_magic;
    };
    if (second(long_entry_bytes)) {
        return long_entry_bytes;
    }
    if (second(short_entry_bytes)) {
        return short_entry_bytes;
    }
    // One entry alone: the page size is in the eighth or in the twelfth byte.
    const bool is_short =
        word_at(file, entries_at + 8) == usual_page_bytes && word_at(file, entries_at + 12) != usual_page_bytes;
    return is_short ? short_entry_bytes : long_entry_bytes;
}

Result<DaRegion> parse_region(ByteReader& reader)
{
    DaRegion region;
    region.file_offset = SALVAGE_TRY(reader.le<std::uint32_t>());
    region.length = SALVAGE_TRY(reader.le<std::uint32_t>());
    region.load_address = SALVAGE_TRY(reader.le<std::uint32_t>());
    region.unsigned_length = SALVAGE_TRY(reader.le<std::uint32_t>());
    region.signature_length = SALVAGE_TRY(reader.le<std::uint32_t>());
    return region;
}

Result<DaEntry> parse_entry(ByteView bytes)
{
    ByteReader reader{bytes};
    const auto magic = SALVAGE_TRY(reader.le<std::uint16_t>());
    if (magic != entry_magic) {
        return malformed(ByteOffset{0}, "an entry of the DA file does not begin with its mark",
                         fmt::format("found {:#06x}, expected {:#06x}", magic, entry_magic));
    }
    DaEntry entry;
    entry.da_code = SALVAGE_TRY(reader.le<std::uint16_t>());
    entry.hw_sub_code = SALVAGE_TRY(reader.le<std::uint16_t>());
    entry.hw_version = SALVAGE_TRY(reader.le<std::uint16_t>());
    if (bytes.size() == long_entry_bytes) {
        entry.sw_version = SALVAGE_TRY(reader.le<std::uint16_t>());
        SALVAGE_TRY(reader.skip(2)); // reserved
    }
    entry.page_bytes = SALVAGE_TRY(reader.le<std::uint16_t>());
    SALVAGE_TRY(reader.skip(4)); // reserved; entry_region_index: the stages are 1 and 2 on phones
    const auto count_at = reader.position();
    const auto count = SALVAGE_TRY(reader.le<std::uint16_t>());
    if (count > max_regions) {
        return malformed(count_at, "an entry of the DA file has more parts than fit into it",
                         fmt::format("found {}, expected {} or less", count, max_regions));
    }
    for (std::uint16_t i = 0; i < count; ++i) {
        const auto region = SALVAGE_TRY(parse_region(reader));
        entry.regions.push_back(region);
    }
    return entry;
}

Result<ByteView> bytes_of(const DaRegion& region, ByteView file, std::string_view which)
{
    const ByteOffset at{region.file_offset};
    if (region.length == 0 || region.signature_length > region.length) {
        return malformed(at, fmt::format("the {} stage in the DA file has impossible sizes", which),
                         fmt::format("{} bytes, {} of them signature", region.length, region.signature_length));
    }
    if (std::uint64_t{region.file_offset} + region.length > file.size()) {
        return Error{truncated(at, fmt::format("the DA file ends before the {} stage does", which),
                               fmt::format("{} bytes are needed there, the file has {}", region.length, file.size()))}
            .with_hint("the copy is incomplete: get the file anew");
    }
    return file.subspan(region.file_offset, region.length);
}

} // namespace

Result<DaFile> parse_da_file(ByteView file)
{
    ByteReader reader{file};
    const auto magic = SALVAGE_TRY(reader.take(file_magic.size()).in("reading the DA file's magic"));
    if (as_text(magic) != file_magic) {
        return Error{malformed(ByteOffset{0}, "this is no MediaTek download agent file",
                               fmt::format("found {}, expected \"{}\"", to_spaced_hex(magic), file_magic))}
            .with_hint("the file is called MTK_AllInOne_DA….bin and comes with the phone maker's flash tool");
    }
    DaFile out;
    SALVAGE_TRY(reader.seek(ByteOffset{id_at}));
    out.id = SALVAGE_TRY(reader.fixed_text(id_bytes));
    out.generation = out.id.find("MTK_DA_v6") == std::string::npos ? DaGeneration::binary : DaGeneration::xml;
    out.version = SALVAGE_TRY(reader.le<std::uint32_t>());
    const auto found_marker = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (found_marker != marker) {
        return malformed(ByteOffset{marker_at}, "the DA file's header lacks its mark",
                         fmt::format("found {:#010x}, expected {:#010x}", found_marker, marker));
    }
    const auto count_at = reader.position();
    const auto count = SALVAGE_TRY(reader.le<std::uint32_t>());
    if (count > max_entries) {
        return malformed(count_at, "the DA file claims too many entries",
                         fmt::format("found {}, expected {} or less", count, max_entries));
    }
    const auto entry_bytes = entry_bytes_of(file, count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto at = reader.position();
        const auto bytes =
            SALVAGE_TRY(reader.take(entry_bytes).in(fmt::format("reading entry {} of {}", i + 1, count)));
        auto entry = SALVAGE_TRY(parse_entry(bytes).at({}, at).in(fmt::format("reading entry {} of {}", i + 1, count)));
        out.entries.push_back(std::move(entry));
    }
    return out;
}

Result<DaEntry> choose_agent(const DaFile& file, const MediatekIdentity& identity)
{
    const auto code = da_code_of(identity.hw_code);
    const DaEntry* best = nullptr;
    const auto versions = [](const DaEntry& entry) { return std::tie(entry.hw_version, entry.sw_version); };
    for (const auto& entry : file.entries) {
        const bool fits =
            entry.da_code == code && entry.hw_version <= identity.hw_version && entry.sw_version <= identity.sw_version;
        if (fits && (best == nullptr || versions(*best) < versions(entry))) {
            best = &entry;
        }
    }
    if (best != nullptr) {
        return *best;
    }
    std::vector<std::string> codes;
    codes.reserve(file.entries.size());
    for (const auto& entry : file.entries) {
        codes.push_back(fmt::format("{:04x}", entry.da_code));
    }
    std::ranges::sort(codes);
    const auto doubles = std::ranges::unique(codes);
    codes.erase(doubles.begin(), doubles.end());
    return not_found(
        "the DA file has no agent for this phone",
        fmt::format("wanted {:04x} with hardware version up to {:#x} and software version up to {:#x}; the "
                    "file is for {}",
                    code, identity.hw_version, identity.sw_version, fmt::join(codes, ", ")),
        "use the DA file that comes with the phone maker's flash tool for this model");
}

Result<DaStages> stages_of(const DaEntry& entry, ByteView file)
{
    // Region 0 describes the agent; mtkclient and penumbra both load 1 and 2.
    if (entry.regions.size() < 3) {
        return malformed(ByteOffset{entries_at}, "the agent in the DA file has no second stage",
                         fmt::format("found {} parts, expected 3 or more", entry.regions.size()));
    }
    DaStages stages{.first_region = entry.regions[1], .second_region = entry.regions[2], .first = {}, .second = {}};
    stages.first = SALVAGE_TRY(bytes_of(stages.first_region, file, "first"));
    stages.second = SALVAGE_TRY(bytes_of(stages.second_region, file, "second"));
    return stages;
}

} // namespace salvage::device

// A download agent file of random bytes.  Layout: docs/formats/da-file.md.
#include <algorithm>
#include <array>

#include "salvage/device/phone.hpp"

namespace salvage::device {
namespace {

constexpr std::size_t entries_at = 0x6C;
constexpr std::size_t entry_bytes = 0xDC;
constexpr std::size_t regions_at = 20;
constexpr std::size_t region_bytes = 20;
constexpr std::uint32_t signature_bytes = 0x100;

struct Stage {
    std::uint32_t length;
    std::uint32_t address;
    std::uint32_t signature;
};
// What stands before the stages, the first stage into SRAM, the second into DRAM.  0x100 bytes short of a whole number
// of packets, so that the end of an upload is looked at.
constexpr std::array stages{Stage{.length = 0x100, .address = 0x50000000, .signature = 0},
                            Stage{.length = 0x8000, .address = 0x00200000, .signature = signature_bytes},
                            Stage{.length = 0x20000, .address = 0x40000000, .signature = signature_bytes}};

void put_text(std::span<std::byte> into, std::string_view text)
{
    std::ranges::copy(as_bytes(text), into.begin());
}

} // namespace

Bytes make_synthetic_agents(std::uint16_t da_code, Entropy& entropy)
{
    constexpr std::size_t first_stage_at = entries_at + entry_bytes;
    std::size_t total = first_stage_at;
    for (const auto& stage : stages) {
        total += stage.length;
    }
    Bytes file(total);
    const std::span all{file};
    ignore(entropy.fill(all.subspan(first_stage_at)), "zeros serve as well: nobody runs this");
    put_text(all, "MTK_DOWNLOAD_AGENT");
    put_text(all.subspan(0x20), "MTK_AllInOne_DA_v3 synthetic, for a simulated phone");
    store_le<std::uint32_t>(all.subspan(0x60), 4);
    store_le<std::uint32_t>(all.subspan(0x64), 0x22668899);
    store_le<std::uint32_t>(all.subspan(0x68), 1);
    const auto entry = all.subspan(entries_at, entry_bytes);
    store_le<std::uint16_t>(entry, 0xDADA);
    store_le<std::uint16_t>(entry.subspan(2), da_code);
    store_le<std::uint16_t>(entry.subspan(12), 512); // page size
    store_le<std::uint16_t>(entry.subspan(18), static_cast<std::uint16_t>(stages.size()));
    std::size_t at = first_stage_at;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const auto region = entry.subspan(regions_at + i * region_bytes, region_bytes);
        store_le<std::uint32_t>(region, static_cast<std::uint32_t>(at));
        store_le<std::uint32_t>(region.subspan(4), stages[i].length);
        store_le<std::uint32_t>(region.subspan(8), stages[i].address);
        store_le<std::uint32_t>(region.subspan(12), stages[i].length - stages[i].signature);
        store_le<std::uint32_t>(region.subspan(16), stages[i].signature);
        at += stages[i].length;
    }
    return file;
}

} // namespace salvage::device

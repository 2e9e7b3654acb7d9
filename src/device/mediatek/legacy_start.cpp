// From the first byte of a legacy agent to a session with its second stage.  Source: see legacy_words.hpp.
#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "device/mediatek/legacy_config.hpp"
#include "device/mediatek/legacy_session.hpp"
#include "device/mediatek/legacy_storage.hpp"
#include "device/mediatek/legacy_transfer.hpp"
#include "device/mediatek/legacy_words.hpp"
#include "salvage/core/text.hpp"

namespace salvage::device::legacy {
namespace {

// Real ones tell of a handful.
constexpr std::uint16_t max_nand_ids = 256;

Error out_of_line(std::string_view what, const std::string& why)
{
    return Error{ErrorCode::malformed,
                 std::string{what},
                 why,
                 std::nullopt,
                 "unplug the phone, switch it off, and plug it in again",
                 {}};
}

Result<> drop(Wire& wire, std::size_t count)
{
    Bytes bytes(count);
    return wire.read(bytes);
}

/// What the first stage says unasked: the ids of NAND chips and of the eMMC.
Result<> hear_first_stage(Wire& wire)
{
    const auto first = SALVAGE_TRY(wire.read_byte());
    if (first != first_byte) {
        return out_of_line("the download agent does not come up",
                           fmt::format("found {:#04x}, expected 0xc0", std::to_integer<unsigned>(first)));
    }
    SALVAGE_TRY(wire.read_be<std::uint32_t>()); // status of the search for NAND
    const auto ids = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    if (ids > max_nand_ids) {
        return out_of_line("the download agent tells of too many NAND chips",
                           fmt::format("found {}, expected {} or less", ids, max_nand_ids));
    }
    SALVAGE_TRY(drop(wire, 2 * std::size_t{ids}));
    // Status of the search for eMMC, and its CID, which the second stage tells again.
    SALVAGE_TRY(drop(wire, 4 + 16));
    SALVAGE_TRY(wire.write_byte(ack));
    return drop(wire, 3);
}

Result<> configure(Wire& wire, const MediatekIdentity& identity)
{
    for (const auto& field : stage_config(identity)) {
        SALVAGE_TRY(wire.write(field));
    }
    const auto status = SALVAGE_TRY(wire.read_be<std::uint32_t>());
    if (status == wants_dram_settings) {
        return unsupported("the download agent wants DRAM settings",
                           "their form differs from chip to chip in agents of this age",
                           "plug the phone in without holding a key, so that its preloader answers");
    }
    if (status != 0) {
        return Error{ErrorCode::refused,
                     "the phone refuses the configuration of its agent",
                     fmt::format("status {:#x}", status),
                     std::nullopt,
                     {},
                     {}};
    }
    return drop(wire, 4 * words_behind_status(identity.hw_code));
}

Result<> load_second_stage(Wire& wire, const DaStages& stages)
{
    SALVAGE_TRY(wire.write_be<std::uint32_t>(stages.second_region.load_address));
    SALVAGE_TRY(wire.write_be<std::uint32_t>(static_cast<std::uint32_t>(stages.second.size())));
    SALVAGE_TRY(wire.write_be<std::uint32_t>(stage_packet_bytes));
    SALVAGE_TRY(expect_ack(wire, "the second stage"));
    for (std::size_t at = 0; at < stages.second.size(); at += stage_packet_bytes) {
        const auto left = stages.second.size() - at;
        SALVAGE_TRY(wire.write(stages.second.subspan(at, std::min<std::size_t>(left, stage_packet_bytes))));
        SALVAGE_TRY(expect_ack(wire, "a piece of the second stage"));
    }
    SALVAGE_TRY(wire.write_byte(ack));
    return expect_ack(wire, "to start the second stage");
}

/// The count of ids stands behind a size of 64 bits in newer agents, of 32 in older ones; those count nothing where the
/// newer do, and four of the bytes taken are ids already.
Result<> pass_nand_info(Wire& wire)
{
    std::array<std::byte, nand_info_bytes> bytes{};
    SALVAGE_TRY(wire.read(bytes));
    const ByteView info{bytes};
    std::size_t id_bytes = 2 * std::size_t{load_be<std::uint16_t>(info.subspan(15))};
    if (id_bytes == 0) {
        id_bytes = 2 * std::size_t{load_be<std::uint16_t>(info.subspan(11))};
        id_bytes -= std::min<std::size_t>(id_bytes, 4);
    }
    if (id_bytes > 2 * std::size_t{max_nand_ids}) {
        return out_of_line("the download agent tells of too many NAND chips", fmt::format("found {}", id_bytes / 2));
    }
    return drop(wire, id_bytes + nand_tail_bytes);
}

Result<StorageInfo> hear_second_stage(Wire& wire, std::uint16_t hw_code)
{
    SALVAGE_TRY(drop(wire, nor_info_bytes));
    SALVAGE_TRY(pass_nand_info(wire));
    std::array<std::byte, emmc_info_bytes> emmc{};
    SALVAGE_TRY(wire.read(emmc));
    auto info = SALVAGE_TRY(parse_emmc_info(emmc).in("reading what the phone says of its eMMC"));
    SALVAGE_TRY(drop(wire, sd_info_bytes));
    std::array<std::byte, ram_info_bytes> ram{};
    SALVAGE_TRY(wire.read(ram));
    SALVAGE_TRY(add_ram_info(ram, info));
    SALVAGE_TRY(drop(wire, bytes_before_pass(hw_code)));
    std::array<std::byte, pass_info_bytes> pass{};
    SALVAGE_TRY(wire.read(pass));
    if (pass.front() != ack) {
        return out_of_line("the download agent's second stage does not come up",
                           fmt::format("found {}, expected 5A first", to_spaced_hex(pass)));
    }
    if (info.kind == StorageKind::unknown) {
        return unsupported("the phone has no eMMC", "NAND and NOR flashes are not read by Salvage");
    }
    return info;
}

} // namespace

Result<std::unique_ptr<AgentSession>> start(Wire& wire, const DaStages& stages, const MediatekIdentity& identity)
{
    SALVAGE_TRY(hear_first_stage(wire).in("starting the first stage"));
    SALVAGE_TRY(configure(wire, identity).in("configuring the agent"));
    SALVAGE_TRY(load_second_stage(wire, stages).in("loading the second stage"));
    auto info = SALVAGE_TRY(hear_second_stage(wire, identity.hw_code).in("starting the second stage"));
    return make_session(wire, std::move(info));
}

} // namespace salvage::device::legacy

// From the first byte of an XFlash agent to a session with its second stage.
#include <array>

#include <fmt/format.h>

#include "device/mediatek/brom.hpp"
#include "device/mediatek/xflash_link.hpp"
#include "device/mediatek/xflash_session.hpp"
#include "device/mediatek/xflash_storage.hpp"
#include "device/mediatek/xflash_transfer.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/preloader_image.hpp"

namespace salvage::device::xflash {
namespace {

constexpr std::uint32_t max_text_bytes = 256;

/// Log level info, over the UART; host is a Linux; no UFS provisioning.
constexpr std::array<std::uint32_t, 5> environment{2, 1, 1, 0, 0};
constexpr std::uint32_t two_reset_keys = 0x68;

template <std::size_t N>
Bytes words(const std::array<std::uint32_t, N>& values)
{
    Bytes out(4 * N);
    for (std::size_t i = 0; i < N; ++i) {
        store_le<std::uint32_t>(std::span{out}.subspan(4 * i), values[i]);
    }
    return out;
}

Result<> expect_sync(Link& link, std::string_view step)
{
    const auto answer = SALVAGE_TRY(link.status());
    // The second stage may say plain success instead.
    if (answer == sync || answer == 0) {
        return {};
    }
    return refusal(step, answer);
}

/// No status between these commands and what belongs to them, unlike all others.
Result<> set_up(Wire& wire, Link& link)
{
    const auto first = SALVAGE_TRY(wire.read_byte());
    if (first != first_byte) {
        return Error{ErrorCode::malformed,
                     "the download agent does not come up",
                     fmt::format("found {:#04x}, expected {:#04x}", std::to_integer<unsigned>(first),
                                 std::to_integer<unsigned>(first_byte)),
                     std::nullopt,
                     "the DA file may be for another phone",
                     {}};
    }
    SALVAGE_TRY(link.send_word(sync));
    SALVAGE_TRY(link.send(Command::setup_environment));
    SALVAGE_TRY(link.send(words(environment)));
    SALVAGE_TRY(link.expect_okay("the environment"));
    SALVAGE_TRY(link.send(Command::setup_hardware));
    SALVAGE_TRY(link.send_word(0));
    SALVAGE_TRY(link.expect_okay("the set-up of its hardware"));
    return expect_sync(link, "to synchronise");
}

/// "preloader" or "brom": who loaded the first stage.
Result<std::string> loaded_by(Link& link)
{
    const auto answer = SALVAGE_TRY(link.get(Control::get_connection_agent, "the question who loaded it"));
    if (!answer || answer->size() > max_text_bytes) {
        return std::string{"preloader"};
    }
    return std::string{as_text(*answer)};
}

Result<> bring_up_dram(Link& link, const std::optional<Bytes>& preloader)
{
    if (!preloader) {
        return invalid_argument("the phone is in BROM mode, where its DRAM is not up",
                                "the settings for it are in the phone's own preloader",
                                "give the preloader_….bin of exactly this model's firmware, or a dump of its boot1");
    }
    const auto settings = SALVAGE_TRY(find_dram_settings(*preloader).in("reading the preloader image"));
    SALVAGE_TRY(link.send(Command::init_external_ram));
    SALVAGE_TRY(link.expect_okay("to set up its DRAM"));
    SALVAGE_TRY(link.send_word(static_cast<std::uint32_t>(settings.bytes.size())));
    SALVAGE_TRY(link.send(settings.bytes));
    const auto answer = SALVAGE_TRY(link.status());
    if (answer != 0) {
        return Error{refusal("the DRAM settings", answer)}.with_hint(
            "the preloader image is for another variant of this phone");
    }
    return {};
}

Result<> load_second_stage(Link& link, const DaStages& stages)
{
    const auto image = stages.second_unsigned();
    SALVAGE_TRY(link.send(Command::boot_to));
    SALVAGE_TRY(link.expect_okay("to load the second stage"));
    std::array<std::byte, 16> parameter{};
    store_le<std::uint64_t>(parameter, stages.second_region.load_address);
    store_le<std::uint64_t>(std::span{parameter}.subspan(8), image.size());
    SALVAGE_TRY(link.send(parameter));
    SALVAGE_TRY(link.send(image));
    SALVAGE_TRY(link.expect_okay("the second stage"));
    return expect_sync(link, "to start the second stage").in("starting the second stage");
}

Result<> refuse_authentication(Link& link)
{
    const auto answer = SALVAGE_TRY(link.get(Control::get_sla_enabled, "the question for SLA"));
    if (answer && !is_all_zero(*answer)) {
        return brom::authentication_demanded("its download agent answered that SLA is enabled");
    }
    return {};
}

Result<StorageInfo> storage_of(Link& link)
{
    const auto emmc = SALVAGE_TRY(link.get(Control::get_emmc_info, "the question for its eMMC"));
    if (emmc) {
        auto info = SALVAGE_TRY(parse_emmc_info(*emmc).in("reading what the phone says of its eMMC"));
        if (info.kind != StorageKind::unknown) {
            return info;
        }
    }
    const auto ufs = SALVAGE_TRY(link.get(Control::get_ufs_info, "the question for its UFS"));
    if (ufs) {
        auto info = SALVAGE_TRY(parse_ufs_info(*ufs).in("reading what the phone says of its UFS"));
        if (info.kind != StorageKind::unknown) {
            return info;
        }
    }
    return unsupported("the phone has neither eMMC nor UFS", "NAND and NOR flashes are not read by Salvage");
}

Result<StorageInfo> ask_storage(Link& link)
{
    const auto ram = SALVAGE_TRY(link.get(Control::get_ram_info, "the question for its memory"));
    auto info = SALVAGE_TRY(storage_of(link));
    if (ram) {
        add_ram_info(*ram, info);
    }
    return info;
}

Result<PacketLengths> ask_packet_lengths(Link& link)
{
    const auto answer = SALVAGE_TRY(link.get(Control::get_packet_length, "the question for its packet lengths"));
    if (!answer) {
        return PacketLengths{.write = max_packet_bytes / 4, .read = max_packet_bytes / 4};
    }
    return parse_packet_lengths(*answer);
}

} // namespace

Result<std::unique_ptr<AgentSession>> start(Wire& wire, const DaStages& stages, const MediatekOptions& options)
{
    Link link{wire};
    SALVAGE_TRY(set_up(wire, link).in("starting the first stage"));
    SALVAGE_TRY(link.get(Control::get_expire_date, "the question for its expiry"));
    SALVAGE_TRY(link.set(Control::set_reset_key, two_reset_keys, "the reset keys"));
    SALVAGE_TRY(link.set(Control::set_checksum_level, 0, "the checksum level"));
    const auto loader = SALVAGE_TRY(loaded_by(link));
    if (loader.starts_with("brom")) {
        SALVAGE_TRY(bring_up_dram(link, options.preloader).in("bringing the DRAM up"));
    }
    SALVAGE_TRY(load_second_stage(link, stages));
    SALVAGE_TRY(refuse_authentication(link));
    auto info = SALVAGE_TRY(ask_storage(link));
    const auto lengths = SALVAGE_TRY(ask_packet_lengths(link));
    return make_session(link, std::move(info), lengths);
}

} // namespace salvage::device::xflash

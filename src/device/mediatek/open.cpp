// From a cable to a flash that can be read.
#include <fmt/format.h>

#include "device/mediatek/agent_flash.hpp"
#include "device/mediatek/brom.hpp"
#include "device/mediatek/legacy_session.hpp"
#include "device/mediatek/xflash_session.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/da_file.hpp"
#include "salvage/device/mediatek.hpp"

namespace salvage::device {
namespace {

Result<MediatekIdentity> meet(Wire& wire)
{
    SALVAGE_TRY(brom::shake_hands(wire).in("shaking hands with the phone"));
    return brom::identify(wire).in("asking the phone what it is");
}

std::string joined(const std::vector<std::string>& words)
{
    std::string out;
    for (const auto& each : words) {
        out += out.empty() ? each : "; " + each;
    }
    return out;
}

/// A preloader that only wants the agent signed gets the user's: its maker may have signed it.  All other demands are
/// for what the user does not have.
Result<> refuse_authentication(const MediatekIdentity& identity)
{
    constexpr std::uint32_t hopeless = brom::serial_link_authorization | brom::root_certificate;
    const bool is_brom = identity.mode == MediatekIdentity::Mode::brom;
    if ((identity.target_config & hopeless) != 0 || (is_brom && demands_authentication(identity.target_config))) {
        return brom::authentication_demanded(fmt::format("target config {:#x}: {}", identity.target_config,
                                                         joined(target_config_words(identity.target_config))));
    }
    return {};
}

ChipProtocol protocol_of(const MediatekIdentity& identity, const DaFile& file)
{
    if (file.generation == DaGeneration::xml) {
        return ChipProtocol::xml;
    }
    const auto* const chip = find_chip(identity.hw_code);
    return chip == nullptr ? ChipProtocol::xflash : chip->protocol;
}

/// What cannot work is refused before anything is loaded into the phone.
Result<> check_mode(const MediatekIdentity& identity, ChipProtocol protocol, const MediatekOptions& options)
{
    if (protocol == ChipProtocol::xml) {
        return unsupported("this phone's agents speak XML (V6)",
                           fmt::format("hardware code {:#06x} {}", identity.hw_code, identity.chip),
                           "Salvage speaks to XFlash (V5) and legacy (V3) agents");
    }
    if (identity.mode != MediatekIdentity::Mode::brom) {
        return {};
    }
    if (protocol == ChipProtocol::legacy) {
        return unsupported("a phone of this age in BROM mode is not supported",
                           "its DRAM settings go over in a form that differs from chip to chip",
                           "plug it in without holding a key, so that its preloader answers");
    }
    if (!options.preloader) {
        return invalid_argument("the phone is in BROM mode, where its DRAM is not up",
                                "the settings for it are in the phone's own preloader",
                                "give the preloader_….bin of exactly this model's firmware with --preloader, or plug "
                                "it in without holding a key, so that its preloader answers");
    }
    return {};
}

Result<std::unique_ptr<AgentSession>> load_agent(Wire& wire, const MediatekOptions& options, const RunContext& context)
{
    const auto file = SALVAGE_TRY(parse_da_file(options.agents).in("reading the DA file"));
    const auto identity = SALVAGE_TRY(meet(wire));
    context.log->write("mediatek.identified",
                       fmt::format("hardware code {:#06x} {}, target config {:#x}, {} mode", identity.hw_code,
                                   identity.chip, identity.target_config,
                                   identity.mode == MediatekIdentity::Mode::brom ? "BROM" : "preloader"));
    SALVAGE_TRY(refuse_authentication(identity));
    const auto protocol = protocol_of(identity, file);
    SALVAGE_TRY(check_mode(identity, protocol, options));
    const auto entry = SALVAGE_TRY(choose_agent(file, identity));
    const auto stages = SALVAGE_TRY(stages_of(entry, options.agents).in("reading the DA file"));
    SALVAGE_TRY(brom::send_agent(wire, stages.first_region, stages.first).in("sending the first stage"));
    SALVAGE_TRY(brom::jump_to_agent(wire, stages.first_region.load_address).in("starting the first stage"));
    context.log->write("mediatek.agent-started", fmt::format("{} for {:04x}", printable(file.id), entry.da_code));
    return protocol == ChipProtocol::legacy ? legacy::start(wire, stages, identity)
                                            : xflash::start(wire, stages, options);
}

} // namespace

Result<MediatekIdentity> identify_mediatek(Transport& transport, const MediatekOptions& options,
                                           const RunContext& context)
{
    Wire wire{transport, options.silence};
    wire.heed(context.stop);
    return meet(wire);
}

Result<std::unique_ptr<FlashWriter>> open_mediatek(std::unique_ptr<Transport> transport, const MediatekOptions& options,
                                                   const RunContext& context)
{
    if (options.agents.empty()) {
        return invalid_argument("no download agent file is given", {},
                                "give the MTK_AllInOne_DA….bin of the phone maker's flash tool");
    }
    auto wire = std::make_unique<Wire>(*transport, options.silence);
    wire->heed(context.stop);
    auto session = SALVAGE_TRY(load_agent(*wire, options, context));
    return make_agent_flash(std::move(transport), std::move(wire), std::move(session));
}

} // namespace salvage::device

// A simulated MediaTek phone, from the plug to the goodbye.
#include "device/phone/mediatek_line.hpp"

namespace salvage::device {

Result<> run_mediatek_phone(Transport& cable, PhoneFlash& flash, const MediatekPhoneOptions& options, Waiter& waiter,
                            const RunContext& context)
{
    FaultyCable faulty{cable, options.faults, waiter, context};
    phone::Phone phone{.line = phone::Line{faulty, context},
                       .flash = &flash,
                       .options = &options,
                       .waiter = &waiter,
                       .log = context.log};
    if (!options.is_brom) {
        SALVAGE_TRY(phone::greet(cable, context).in("greeting the host"));
    }
    SALVAGE_TRY(phone::run_preloader(phone).in("playing the preloader"));
    context.log->write("phone.agent-started", "the host loaded an agent; it is not looked at, and ours answers");
    // What an agent is made of plays no part here: which one answers is an option.
    return options.protocol == AgentProtocol::xflash ? phone::run_xflash_agent(phone).in("playing the XFlash agent")
                                                     : phone::run_legacy_agent(phone).in("playing the legacy agent");
}

} // namespace salvage::device

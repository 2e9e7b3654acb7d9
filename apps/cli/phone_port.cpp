// Waiting for a MediaTek phone and opening it.
#include "phone_port.hpp"

#include <fmt/format.h>

#include "salvage/device/da_file.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::cli {
namespace {

// Download agent files hold a few MiB; preloader images less than one.
constexpr ByteCount max_agents_bytes{64ULL << 20U};
constexpr ByteCount max_preloader_bytes{16ULL << 20U};

Result<Bytes> read_whole(const std::string& path, ByteCount limit)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    return io::read_all(*file, limit);
}

} // namespace

void PhonePortOptions::add_to(CLI::App& verb)
{
    const auto* const group = "The phone";
    verb.add_flag("--usb", is_usb, "a MediaTek phone on USB: start this, then plug the cable in")->group(group);
    verb.add_option("--usb-port", usb_port, "the same, on this socket only (1-2)")->group(group);
    verb.add_option("--serial", serial, "the phone's terminal (/dev/ttyACM0)")->group(group);
    verb.add_option("--da", agents_file, "your download agent file (MTK_AllInOne_DA.bin)")->group(group);
    verb.add_option("--preloader", preloader_file, "the phone's own preloader image, for a phone in BROM")
        ->group(group);
    verb.add_option("--wait", wait_seconds, "how many seconds to wait for the phone")
        ->capture_default_str()
        ->group(group);
}

Result<PhonePortOptions::OpenWriter> PhonePortOptions::writer(Session& session) const
{
    if (agents_file.empty()) {
        return invalid_argument("no download agent file is given",
                                "a phone's flash is read by a small program that its maker wrote, and we ship none",
                                "give --da FILE: the MTK_AllInOne_DA.bin of the phone's SP Flash Tool");
    }
    device::MediatekOptions options;
    options.agents = SALVAGE_TRY(read_whole(agents_file, max_agents_bytes).in("reading the download agent file"));
    // Before a phone is waited for: a broken file is no reason to plug a cable.
    SALVAGE_TRY(device::parse_da_file(options.agents).at(agents_file, {}).in("reading the download agent file"));
    if (!preloader_file.empty()) {
        options.preloader = SALVAGE_TRY(read_whole(preloader_file, max_preloader_bytes).in("reading the preloader"));
    }
    const device::PortChoice choice{.route = device::PortChoice::Route::automatic,
                                    .tty = serial,
                                    .usb_port = usb_port,
                                    .patience = std::chrono::seconds{wait_seconds}};
    return [options = std::move(options), choice,
            &session](const RunContext& context) -> Result<std::unique_ptr<device::FlashWriter>> {
        session.say("waiting for the phone: switch it off, then plug the cable in\n");
        const auto notice = [&session](std::string_view text) { session.say(fmt::format("{}\n", text)); };
        auto transport = SALVAGE_TRY(device::wait_for_mediatek(choice, notice, context));
        session.say(fmt::format("found {}\n", transport->name()));
        return device::open_mediatek(std::move(transport), options, context);
    };
}

Result<device::Connect> PhonePortOptions::reader(Session& session) const
{
    auto open = SALVAGE_TRY(writer(session));
    return [open = std::move(open)](const RunContext& context) -> Result<std::unique_ptr<device::FlashReader>> {
        return Result<std::unique_ptr<device::FlashReader>>{SALVAGE_TRY(open(context))};
    };
}

} // namespace salvage::cli

// phone: a phone made of software, for rehearsing a rescue.
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "fastboot_place.hpp"
#include "salvage/core/text.hpp"
#include "salvage/device/function_fs.hpp"
#include "salvage/device/mediatek.hpp"
#include "salvage/device/phone.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/simulate.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

namespace fs = std::filesystem;

struct PhoneOptions {
    std::string image;
    std::string boot1;
    std::string boot2;
    bool is_writable{false};
    std::vector<std::string> bad_areas;
    std::string pty_link;
    std::string terminal;
    std::string function_fs;
    std::string gadget;
    std::string fastboot;
    std::string protocol{"xflash"};
    std::string hw_code{"0x326"};
    bool is_brom{false};
    bool is_unlocked{false};
    bool does_owner_press_yes{false};
    bool is_once{false};
    std::string agents_out;
    device::PhoneFaults faults;
};

Result<> write_agents(const PhoneOptions& options, std::uint16_t hw_code, Session& session)
{
    const auto context = session.context();
    const auto agents = device::make_synthetic_agents(device::da_code_of(hw_code), *context.entropy);
    SALVAGE_TRY(io::write_file_atomically(options.agents_out, agents, io::Existing::refuse));
    session.say(fmt::format("{}: a download agent file that only this simulator takes; it holds no program\n",
                            options.agents_out));
    return {};
}

/// The link that a person names as the port: it always leads to the terminal of the moment, as /dev/ttyACM0 would.
Result<> point_link(const std::string& link, const std::string& target)
{
    std::error_code problem;
    if (fs::is_symlink(link, problem)) {
        fs::remove(link, problem);
    }
    fs::create_symlink(target, link, problem);
    if (problem) {
        return from_errno(problem.value(), "the link to the phone's terminal cannot be made", link);
    }
    return {};
}

using Cable = std::unique_ptr<device::Transport>;

Result<Cable> plug_in(const PhoneOptions& options, device::GadgetKind kind, Session& session, const RunContext& context)
{
    if (!options.function_fs.empty()) {
        return device::open_function_fs({.mount = options.function_fs, .gadget = options.gadget}, kind, context.stop);
    }
    if (!options.terminal.empty()) {
        return device::open_serial(options.terminal);
    }
    auto terminal = SALVAGE_TRY(device::open_pseudo_terminal());
    SALVAGE_TRY(point_link(options.pty_link, terminal.path));
    session.print(fmt::format("{}\n", options.pty_link));
    return std::move(terminal.phone);
}

/// Plays one end of the phone again and again; `play` takes the cable.
template <typename Play>
Result<> serve(const PhoneOptions& options, device::GadgetKind kind, Session& session, const RunContext& context,
               const Play& play)
{
    while (!context.is_stopped()) {
        auto cable = SALVAGE_TRY(plug_in(options, kind, session, context));
        session.say("phone: the cable is plugged in\n");
        const auto played = play(*cable);
        cable.reset();
        session.say(played.has_value() ? std::string{"phone: the host let it go\n"}
                                       : fmt::format("phone: {}\n", to_string(played.error())));
        if (options.is_once) {
            return {};
        }
    }
    return {};
}

Result<> serve_mediatek(const PhoneOptions& options, device::PhoneFlash& flash, Session& session,
                        const RunContext& context)
{
    const auto hw_code = SALVAGE_TRY(parse_quantity(options.hw_code));
    device::MediatekPhoneOptions phone{.hw_code = static_cast<std::uint16_t>(hw_code),
                                       .protocol = options.protocol == "legacy" ? device::AgentProtocol::legacy
                                                                                : device::AgentProtocol::xflash,
                                       .is_brom = options.is_brom,
                                       .faults = options.faults};
    const auto play = [&](device::Transport& cable) {
        auto played = device::run_mediatek_phone(cable, flash, phone, device::real_waiter(), context);
        phone.faults = phone.faults.lasting();
        return played;
    };
    return serve(options, device::GadgetKind::mediatek, session, context, play);
}

Result<> serve_fastboot(const PhoneOptions& options, rescue::SimulatedPhone& phone, Session& session,
                        const RunContext& context)
{
    auto place = SALVAGE_TRY(parse_fastboot_server(options.fastboot));
    device::FastbootPhoneOptions fastboot{
        .partitions = phone.partitions, .does_owner_press_yes = options.does_owner_press_yes, .faults = options.faults};
    fastboot.faults.is_bootloader_locked = !options.is_unlocked;
    if (place.medium == "functionfs") {
        const auto play = [&](device::Transport& cable) {
            auto played = device::run_fastboot_phone(cable, *phone.flash, fastboot, device::real_waiter(), context);
            fastboot.faults = fastboot.faults.lasting();
            return played;
        };
        return serve(options, device::GadgetKind::fastboot, session, context, play);
    }
    auto server = SALVAGE_TRY(place.medium == "udp" ? device::FastbootServer::listen_udp(place.host, place.port)
                                                    : device::FastbootServer::listen_tcp(place.host, place.port));
    place.port = server.port();
    session.print(to_string(place) + "\n");
    return server.run(*phone.flash, fastboot, device::real_waiter(), context);
}

Result<> run_phone(const PhoneOptions& options, Session& session)
{
    const auto hw_code = SALVAGE_TRY(parse_quantity(options.hw_code));
    if (!options.agents_out.empty()) {
        SALVAGE_TRY(write_agents(options, static_cast<std::uint16_t>(hw_code), session));
    }
    const bool has_cable = !options.pty_link.empty() || !options.terminal.empty() || !options.function_fs.empty();
    if (options.image.empty() || (!has_cable && options.fastboot.empty())) {
        return options.agents_out.empty()
                   ? Result<>{invalid_argument("the phone has no flash, or no cable", {},
                                               "give --image and one of --pty, --terminal, --functionfs, --fastboot")}
                   : Result<>{};
    }
    const auto optional_path = [](const std::string& text) {
        return text.empty() ? std::optional<fs::path>{} : std::optional<fs::path>{text};
    };
    auto phone = SALVAGE_TRY(
        rescue::open_simulated_phone({.image = options.image,
                                      .boot1 = optional_path(options.boot1),
                                      .boot2 = optional_path(options.boot2),
                                      .images = options.is_writable ? rescue::SimulateRequest::Images::written_to
                                                                    : rescue::SimulateRequest::Images::kept,
                                      .bad_areas = options.bad_areas}));
    const auto context = session.context();
    return options.fastboot.empty() ? serve_mediatek(options, *phone.flash, session, context)
                                    : serve_fastboot(options, phone, session, context);
}

void add_faults(CLI::App& verb, device::PhoneFaults& faults)
{
    const auto* const group = "What goes wrong, at the N-th byte that the phone sends (from 0; with --fastboot: that "
                              "crosses the cable, commands, data and answers alike)";
    verb.add_option("--disconnect-at", faults.disconnect_at, "the cable is pulled")->group(group);
    verb.add_option("--stall-at", faults.stall_at, "the phone falls silent")->group(group);
    verb.add_option("--lose-byte-at", faults.lose_byte_at, "this byte is lost")->group(group);
    verb.add_option("--short-packet-at", faults.short_packet_at, "the transfer is cut here")->group(group);
    verb.add_option("--flip-bit-at", faults.flip_bit_at, "a bit of this byte is turned")->group(group);
    verb.add_option("--error-status-at", faults.error_status_at, "the next status is an error")->group(group);
    verb.add_option("--bytes-a-second", faults.bytes_a_second, "a slow link, all the time")->group(group);
    verb.add_flag("--demand-authentication", faults.demand_authentication, "SLA and DAA are demanded")->group(group);
    verb.add_option("--refuse", faults.refused_partitions, "fastboot: no download for this partition (repeatable)")
        ->group(group);
}

} // namespace

void add_phone(CLI::App& app, Session& session)
{
    auto& phone =
        verb(app, "phone", "A phone made of software over an image file, to rehearse a rescue with",
             "salvage phone --image demo.img --pty /tmp/phone --make-agents /tmp/da.bin   (in another terminal: "
             "salvage read --serial /tmp/phone --da /tmp/da.bin -o dump.bin)");
    const auto options = std::make_shared<PhoneOptions>();
    phone.add_option("--image", options->image, "the user area of its flash");
    phone.add_option("--boot1", options->boot1, "its first boot region");
    phone.add_option("--boot2", options->boot2, "its second boot region");
    phone.add_flag("--writable", options->is_writable, "the images are changed; without it every write is refused");
    phone.add_option("--bad-area", options->bad_areas, "unreadable: REGION:OFFSET+SIZE");
    phone.add_option("--pty", options->pty_link, "a pseudo terminal, and a link to it under this name");
    phone.add_option("--terminal", options->terminal, "this terminal is the phone's end (/dev/ttyGS0)");
    auto* const gadget = phone.add_option("--gadget", options->gadget, "the USB gadget's folder in configfs");
    phone.add_option("--functionfs", options->function_fs, "a USB gadget: the FunctionFS mount (tools/gadget.sh)")
        ->needs(gadget);
    phone.add_option("--fastboot", options->fastboot, "be in fastboot: tcp:PORT, tcp:ADDRESS:PORT, udp:…, functionfs");
    phone.add_option("--protocol", options->protocol, "of its download agent")
        ->check(CLI::IsMember({"xflash", "legacy"}));
    phone.add_option("--hw-code", options->hw_code, "of its chip");
    phone.add_flag("--brom", options->is_brom, "it is in BROM, not in the preloader");
    phone.add_flag("--unlocked", options->is_unlocked, "fastboot: its bootloader is unlocked");
    phone.add_flag("--owner-says-yes", options->does_owner_press_yes, "fastboot: \"oem unlock\" is confirmed");
    phone.add_flag("--once", options->is_once, "end when the cable is pulled");
    phone.add_option("--make-agents", options->agents_out, "write a download agent file that this phone takes");
    add_faults(phone, options->faults);
    on_chosen(phone, session, options, run_phone);
}

} // namespace salvage::cli

// Waiting for a phone to be plugged in.
#include "salvage/device/ports.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace salvage::device {
namespace {

using Opened = Result<std::unique_ptr<Transport>>;

constexpr std::chrono::milliseconds look_again{20};

/// Says a thing once, however often it is so.
class Once {
public:
    explicit Once(const Notice& notice) : notice_{&notice} {}
    void say(const std::string& text)
    {
        if (text != last_ && *notice_) {
            (*notice_)(text);
        }
        last_ = text;
    }

private:
    const Notice* notice_;
    std::string last_;
};

/// Asks `look` again and again: a transport, nothing yet, or an error that waiting does not mend.
template <typename Look>
Opened wait_until(const Look& look, std::chrono::seconds patience, std::string_view what, const RunContext& context)
{
    const auto end = context.clock->now() + patience;
    std::optional<Error> last;
    while (!context.is_stopped()) {
        auto found = look();
        if (found.has_value()) {
            return found;
        }
        const auto& error = found.error();
        if (error.code == ErrorCode::invalid_argument) {
            return found;
        }
        if (error.code != ErrorCode::not_found || !last) {
            last = error;
        }
        if (context.clock->now() >= end) {
            return Error{.code = last->code,
                         .what = fmt::format("no {} came within {} s", what, patience.count()),
                         .why = to_string(*last),
                         .where = {},
                         .hint = last->hint.empty() ? "start this first, then plug the cable into the phone that is "
                                                      "switched off"
                                                    : last->hint,
                         .trail = {}};
        }
        std::this_thread::sleep_for(look_again);
    }
    return cancelled("waiting for the phone");
}

Opened open_either(const UsbDevice& device, PortChoice::Route route)
{
    if (route == PortChoice::Route::tty) {
        return device.tty.empty() ? Opened{not_found("the kernel made no terminal of the phone", device.port)}
                                  : open_serial(device.tty);
    }
    auto opened = open_usb(device, UsbInterface::cdc_data);
    if (opened.has_value() || route == PortChoice::Route::usb || device.tty.empty() ||
        opened.error().code == ErrorCode::disconnected) {
        return opened;
    }
    return open_serial(device.tty);
}

Opened look_for_mediatek(const PortChoice& choice, Once& notice)
{
    if (!choice.tty.empty()) {
        return open_serial(choice.tty);
    }
    for (const auto& device : list_usb_devices()) {
        const auto role = mediatek_role(device);
        if (role.empty() || (!choice.usb_port.empty() && device.port != choice.usb_port)) {
            continue;
        }
        auto opened = open_either(device, choice.route);
        if (!opened.has_value()) {
            notice.say(to_string(opened.error()));
        }
        return opened;
    }
    return not_found("no MediaTek phone is plugged in");
}

} // namespace

Opened wait_for_mediatek(const PortChoice& choice, const Notice& notice, const RunContext& context)
{
    Once once{notice};
    return wait_until([&] { return look_for_mediatek(choice, once); }, choice.patience, "MediaTek phone", context);
}

Opened wait_for_fastboot(const std::string& serial, std::chrono::seconds patience, const Notice& notice,
                         const RunContext& context)
{
    Once once{notice};
    const auto look = [&]() -> Opened {
        auto there = list_usb_devices();
        std::erase_if(there, [&](const UsbDevice& one) {
            return !one.has_fastboot || (!serial.empty() && one.serial != serial);
        });
        if (there.empty()) {
            return not_found("no phone in fastboot is plugged in");
        }
        if (there.size() > 1) {
            std::vector<std::string> serials;
            serials.reserve(there.size());
            for (const auto& one : there) {
                serials.push_back(one.serial.empty() ? one.port : one.serial);
            }
            return invalid_argument("several phones are in fastboot", fmt::format("{}", fmt::join(serials, ", ")),
                                    "name one by its serial number");
        }
        auto opened = open_usb(there.front(), UsbInterface::fastboot);
        if (!opened.has_value()) {
            once.say(to_string(opened.error()));
        }
        return opened;
    };
    return wait_until(look, patience, "phone in fastboot", context);
}

} // namespace salvage::device

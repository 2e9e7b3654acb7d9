// How a simulated phone lets a host in.  Sources: the preloader of the Aquaris E4.5, core/handshake_usb.c (usb_listen)
// and core/download.c (usbdl_check_start_command), as bq published it; mtkclient, Library/Port.py (run_handshake).
#include "device/mediatek/brom_words.hpp"
#include "device/phone/mediatek_line.hpp"

namespace salvage::device::phone {
namespace {

// So long may a tool take for the knock once it has shown itself; one that has lost its step knocks every 5 ms, and is
// counted, for the clock of a test is not this thread's.
constexpr Timeout knock_window{300};
constexpr unsigned max_knock_bytes = 64;
constexpr auto first_knock = brom::handshake.front();

/// A boot ROM answers each byte with its complement; a wrong one begins anew, and the first may be repeated.
Result<> answer_as_boot_rom(Line& line)
{
    for (std::size_t next = 0; next < brom::handshake.size();) {
        const auto got = SALVAGE_TRY(line.read_byte());
        if (got != first_knock && got != brom::handshake[next]) {
            next = 0;
            continue;
        }
        SALVAGE_TRY(line.write_byte(~got));
        next = got == first_knock ? 1 : next + 1;
    }
    return {};
}

enum class Knock : std::uint8_t { complete, late };

/// A preloader says the complement of the byte that is due, and answers any other with the byte behind it and begins
/// anew.  NOTE: a first byte that is repeated gets no answer here, where the E4.5 says A1: the harder case for a host.
Result<Knock> answer_start_command(Line& line)
{
    std::size_t next = 0;
    for (unsigned bytes = 0; bytes < max_knock_bytes && next < brom::handshake.size(); ++bytes) {
        const auto got = SALVAGE_TRY(line.read_byte_within(knock_window));
        if (!got) {
            return Knock::late;
        }
        if (*got == first_knock && next > 0) {
            next = 1;
            continue;
        }
        const bool is_due = *got == brom::handshake[next];
        const auto behind = static_cast<std::byte>(std::to_integer<unsigned>(*got) + 1);
        SALVAGE_TRY(line.write_byte(is_due ? ~*got : behind));
        next = is_due ? next + 1 : 0;
    }
    return next == brom::handshake.size() ? Knock::complete : Knock::late;
}

/// The first A0 only tells a preloader that a tool is there; it is not answered, and the knock comes behind it.
/// NOTE: a real one also drops what lies in its buffer behind that byte, which is a matter of milliseconds.
Result<> answer_as_preloader(Line& line)
{
    for (auto knock = Knock::late; knock == Knock::late;) {
        const auto got = SALVAGE_TRY(line.read_byte());
        if (got == first_knock) {
            knock = SALVAGE_TRY(answer_start_command(line));
        }
    }
    return {};
}

} // namespace

Result<> greet(Transport& cable, const RunContext& context)
{
    // A pseudo terminal takes nothing before somebody holds it.
    constexpr Timeout slice{50};
    const bool is_terminal = cable.packet_bytes() == 1;
    while (is_terminal && !context.is_stopped()) {
        const auto said = cable.write(as_bytes("READY"), slice);
        if (said.has_value() || said.error().code != ErrorCode::timed_out) {
            return said;
        }
    }
    return {};
}

Result<> answer_knock(Phone& phone)
{
    return phone.options->is_brom ? answer_as_boot_rom(phone.line) : answer_as_preloader(phone.line);
}

} // namespace salvage::device::phone

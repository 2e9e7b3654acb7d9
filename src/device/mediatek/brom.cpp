// Commands of the boot ROM and the preloader.  Sources: see brom_words.hpp.
#include "device/mediatek/brom.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device::brom {
namespace {

// A preloader listens for some 300 ms and answers at once; who is late is asked again.
constexpr Timeout knock_patience{100};
constexpr Timeout quiet{20};
// ME_ID has 16 bytes, SOC_ID 32.
constexpr std::uint32_t max_id_bytes = 256;
// An agent is uploaded in the medium's packets, with an empty one after each of these.
constexpr std::size_t upload_group_bytes = 0x2000;
constexpr std::size_t stream_piece_bytes = 0x400;
// What a preloader may have said since it was plugged in lies in the terminal's buffer (4 KiB) and the cable's.
constexpr std::size_t max_greeting_bytes = 8192;
// A boot ROM has it always; a preloader from this version on.
constexpr std::uint8_t last_version_without_ids = 2;

Error unexpected_answer(std::string_view step, ByteView found, ByteView expected)
{
    return Error{ErrorCode::malformed,
                 fmt::format("the phone answered {} wrongly", step),
                 fmt::format("found {}, expected {}", to_spaced_hex(found), to_spaced_hex(expected)),
                 std::nullopt,
                 "unplug the phone, switch it off, and plug it in again",
                 {}};
}

Result<> echo(Wire& wire, ByteView bytes, std::string_view step)
{
    SALVAGE_TRY(wire.write(bytes));
    Bytes answer(bytes.size());
    SALVAGE_TRY(wire.read(answer));
    return std::ranges::equal(answer, bytes) ? Result<>{} : Result<>{unexpected_answer(step, answer, bytes)};
}

Result<> echo(Wire& wire, Command command, std::string_view step)
{
    return echo(wire, std::array{static_cast<std::byte>(command)}, step);
}

template <std::unsigned_integral T>
Result<> echo_be(Wire& wire, T value, std::string_view step)
{
    std::array<std::byte, sizeof(T)> bytes{};
    store_be<T>(bytes, value);
    return echo(wire, bytes, step);
}

Error bad_status(std::string_view step, std::uint16_t status)
{
    return Error{ErrorCode::refused,
                 fmt::format("the phone refuses {}", step),
                 fmt::format("status {:#06x}, expected 0xff or less", status),
                 std::nullopt,
                 {},
                 {}};
}

Result<> expect_good_status(Wire& wire, std::string_view step)
{
    const auto status = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    return status <= max_good_status ? Result<>{} : Result<>{bad_status(step, status)};
}

enum class Knock : std::uint8_t { answered, unanswered };

/// A preloader that sees somebody listen says "READY" every 20 ms until it hears the first knock.
constexpr bool is_greeting(std::byte byte) noexcept
{
    constexpr std::string_view greeting = "READY";
    return greeting.find(static_cast<char>(byte)) != std::string_view::npos;
}

/// The answer to one byte; nothing where none comes in time, or only greetings, which are passed over.
Result<std::optional<std::byte>> answer_to_knock(Wire& wire)
{
    // While greetings come no read waits in vain, so a stop is looked for here.
    for (std::size_t i = 0; i < max_greeting_bytes && !wire.is_stopped(); ++i) {
        std::array<std::byte, 1> answer{};
        const auto got = wire.read_within(answer, knock_patience);
        if (!got.has_value()) {
            return got.error().code == ErrorCode::timed_out ? Result<std::optional<std::byte>>{std::nullopt}
                                                            : Result<std::optional<std::byte>>{got.error()};
        }
        if (!is_greeting(answer[0])) {
            return std::optional{answer[0]};
        }
    }
    return std::optional<std::byte>{};
}

/// One run over the four bytes.
Result<Knock> knock(Wire& wire)
{
    for (const auto each : handshake) {
        SALVAGE_TRY(wire.write_byte(each));
        if (SALVAGE_TRY(answer_to_knock(wire)) != ~each) {
            return Knock::unanswered;
        }
    }
    return Knock::answered;
}

Result<> write_register(Wire& wire, const Watchdog& watchdog)
{
    const bool is_wide = watchdog.bytes == 4;
    SALVAGE_TRY(echo(wire, is_wide ? Command::write32 : Command::write16, "the write to the watchdog"));
    SALVAGE_TRY(echo_be<std::uint32_t>(wire, watchdog.address, "the watchdog's address"));
    SALVAGE_TRY(echo_be<std::uint32_t>(wire, 1, "the count of words for the watchdog"));
    SALVAGE_TRY(expect_good_status(wire, "the write to the watchdog"));
    if (is_wide) {
        SALVAGE_TRY(echo_be<std::uint32_t>(wire, watchdog.value, "the watchdog's value"));
    } else {
        SALVAGE_TRY(echo_be<std::uint16_t>(wire, static_cast<std::uint16_t>(watchdog.value), "the watchdog's value"));
    }
    return expect_good_status(wire, "the watchdog's value");
}

/// A phone that does not let its watchdog be stopped restarts after a while; that is seen then.
Result<> stop_watchdog(Wire& wire, const Chip* chip)
{
    if (chip == nullptr || chip->watchdog.address == 0) {
        return {};
    }
    auto written = write_register(wire, chip->watchdog);
    if (!written.has_value() && written.error().code != ErrorCode::refused) {
        return written;
    }
    return {};
}

Result<std::uint32_t> target_config(Wire& wire)
{
    SALVAGE_TRY(echo(wire, Command::get_target_config, "the question for its target config"));
    const auto flags = SALVAGE_TRY(wire.read_be<std::uint32_t>());
    SALVAGE_TRY(expect_good_status(wire, "the question for its target config"));
    return flags;
}

Result<std::byte> boot_loader_version(Wire& wire)
{
    SALVAGE_TRY(wire.write_byte(static_cast<std::byte>(Command::get_boot_loader_version)));
    return wire.read_byte();
}

Result<> versions(Wire& wire, MediatekIdentity& identity)
{
    SALVAGE_TRY(echo(wire, Command::get_hw_sw_version, "the question for its versions"));
    identity.hw_sub_code = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    identity.hw_version = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    identity.sw_version = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    return expect_good_status(wire, "the question for its versions");
}

/// ME_ID or SOC_ID, asked for right behind the boot loader's version.  Nothing from a phone that does not tell.
Result<Bytes> long_id(Wire& wire, Command command, std::string_view step)
{
    SALVAGE_TRY(boot_loader_version(wire));
    SALVAGE_TRY(wire.write_byte(static_cast<std::byte>(command)));
    const auto first = SALVAGE_TRY(wire.read_byte());
    if (first != static_cast<std::byte>(command)) {
        SALVAGE_TRY(wire.drain(quiet));
        return Bytes{};
    }
    const auto length = SALVAGE_TRY(wire.read_be<std::uint32_t>());
    if (length > max_id_bytes) {
        return Error{ErrorCode::malformed,
                     fmt::format("the phone answered {} with an impossible length", step),
                     fmt::format("found {}, expected {} or less", length, max_id_bytes),
                     std::nullopt,
                     {},
                     {}};
    }
    Bytes id(length);
    SALVAGE_TRY(wire.read(id));
    const auto status = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    return status == 0 ? id : Bytes{};
}

/// In the medium's packets, with empty packets between groups and at the end: preloaders count on a short packet.
Result<> upload(Wire& wire, ByteView bytes)
{
    const auto packet = wire.transport().packet_bytes();
    const auto piece_bytes = packet > 1 ? packet : stream_piece_bytes;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto piece = bytes.subspan(sent, std::min(piece_bytes, bytes.size() - sent));
        SALVAGE_TRY(wire.write(piece));
        sent += piece.size();
        if (sent % upload_group_bytes == 0) {
            SALVAGE_TRY(wire.write({}));
        }
    }
    return wire.write({});
}

} // namespace

std::uint16_t upload_checksum(ByteView bytes) noexcept
{
    std::uint16_t sum = 0;
    std::size_t at = 0;
    for (; at + 2 <= bytes.size(); at += 2) {
        sum = static_cast<std::uint16_t>(sum ^ load_le<std::uint16_t>(bytes.subspan(at)));
    }
    return at < bytes.size() ? static_cast<std::uint16_t>(sum ^ std::to_integer<std::uint16_t>(bytes[at])) : sum;
}

Error authentication_demanded(std::string_view why)
{
    return Error{ErrorCode::refused,
                 "the phone demands authentication before it takes a download agent",
                 std::string{why},
                 std::nullopt,
                 "only its maker can answer that: an authorised service centre can read or repair it; Salvage has no "
                 "way around it, and another route (fastboot, recovery, the flash chip in a reader) may be open",
                 {}};
}

Result<> shake_hands(Wire& wire)
{
    // A preloader takes the first knock for a sign of life and answers the second.
    const auto attempts = std::max<std::int64_t>(wire.silence() / knock_patience, 1);
    for (std::int64_t i = 0; i < attempts; ++i) {
        if (wire.is_stopped()) {
            return cancelled("knocking at the phone was stopped");
        }
        if (SALVAGE_TRY(knock(wire)) == Knock::answered) {
            return {};
        }
        SALVAGE_TRY(wire.drain(quiet));
    }
    return Error{
        ErrorCode::timed_out,
        "the phone does not answer",
        fmt::format("knocked {} times at {} in {} ms", attempts, wire.transport().name(), wire.silence().count()),
        std::nullopt,
        "switch the phone off (hold the power key for 10 seconds), start Salvage, then plug the cable in; "
        "ModemManager must not touch the port",
        {}};
}

Result<MediatekIdentity> identify(Wire& wire)
{
    MediatekIdentity identity;
    SALVAGE_TRY(echo(wire, Command::get_hw_code, "the question for its chip"));
    identity.hw_code = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    SALVAGE_TRY(wire.read_be<std::uint16_t>()); // a version or a status; sources differ, and both ignore it
    const auto* const chip = find_chip(identity.hw_code);
    identity.chip = chip == nullptr ? std::string{} : std::string{chip->name};
    SALVAGE_TRY(stop_watchdog(wire, chip).in("stopping the watchdog"));
    identity.target_config = SALVAGE_TRY(target_config(wire));
    const auto version = SALVAGE_TRY(boot_loader_version(wire));
    const bool is_brom = version == static_cast<std::byte>(Command::get_boot_loader_version);
    identity.mode = is_brom ? MediatekIdentity::Mode::brom : MediatekIdentity::Mode::preloader;
    identity.bootloader_version = std::to_integer<std::uint8_t>(version);
    SALVAGE_TRY(wire.write_byte(static_cast<std::byte>(Command::get_version)));
    identity.brom_version = std::to_integer<std::uint8_t>(SALVAGE_TRY(wire.read_byte()));
    SALVAGE_TRY(versions(wire, identity));
    if (is_brom || identity.bootloader_version > last_version_without_ids) {
        identity.me_id = SALVAGE_TRY(long_id(wire, Command::get_me_id, "the question for its ME_ID"));
        if (!identity.me_id.empty()) {
            identity.soc_id = SALVAGE_TRY(long_id(wire, Command::get_soc_id, "the question for its SOC_ID"));
        }
    }
    return identity;
}

Result<> send_agent(Wire& wire, const DaRegion& region, ByteView bytes)
{
    Bytes padded;
    if (bytes.size() % 2 != 0) {
        padded.assign(bytes.begin(), bytes.end());
        padded.push_back(std::byte{0});
        bytes = padded;
    }
    SALVAGE_TRY(echo(wire, Command::send_da, "the announcement of the agent"));
    SALVAGE_TRY(echo_be<std::uint32_t>(wire, region.load_address, "the agent's address"));
    SALVAGE_TRY(echo_be<std::uint32_t>(wire, static_cast<std::uint32_t>(bytes.size()), "the agent's length"));
    SALVAGE_TRY(echo_be<std::uint32_t>(wire, region.signature_length, "the length of the agent's signature"));
    const auto status = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    if (status == status_sla_required) {
        return authentication_demanded("it answered SEND_DA with status 0x1d0d: SLA required");
    }
    if (status > max_good_status) {
        return bad_status("the agent", status);
    }
    SALVAGE_TRY(upload(wire, bytes));
    const auto checksum = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    const auto expected = upload_checksum(bytes);
    const auto verdict = SALVAGE_TRY(wire.read_be<std::uint16_t>());
    if (verdict > max_good_status) {
        return Error{bad_status("the agent after it was sent", verdict)}.with_hint(
            "the agent's signature is not for this phone: use the DA file of the maker's flash tool for this model");
    }
    // Some phones report no checksum.
    if (checksum != 0 && checksum != expected) {
        return Error{ErrorCode::malformed,
                     "the agent did not reach the phone unharmed",
                     fmt::format("its checksum is {:#06x} there, {:#06x} here", checksum, expected),
                     std::nullopt,
                     "try another cable or port, without a hub",
                     {}};
    }
    return {};
}

Result<> jump_to_agent(Wire& wire, std::uint32_t address)
{
    SALVAGE_TRY(echo(wire, Command::jump_da, "the start of the agent"));
    SALVAGE_TRY(wire.write_be<std::uint32_t>(address));
    const auto answered = SALVAGE_TRY(wire.read_be<std::uint32_t>());
    if (answered != address) {
        return Error{ErrorCode::malformed,
                     "the phone starts the agent at another address",
                     fmt::format("found {:#x}, expected {:#x}", answered, address),
                     std::nullopt,
                     {},
                     {}};
    }
    // At once: behind this status the agent itself begins to talk.
    return expect_good_status(wire, "the start of the agent");
}

} // namespace salvage::device::brom

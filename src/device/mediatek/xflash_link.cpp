// Packets of XFlash download agents.  Sources: see xflash_words.hpp.
#include "device/mediatek/xflash_link.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::device::xflash {
namespace {

// Answers to questions have less than 200 bytes.
constexpr std::uint32_t max_answer_bytes = 4096;
// An agent that logs over USB says a line at a time; one that says nothing else for this long is broken.
constexpr std::uint32_t max_log_bytes = 64U << 10U;
constexpr unsigned max_logs_in_a_row = 10000;

struct StatusWords {
    std::uint32_t status;
    std::string_view words;
};

// Sorted.  Source: mtkclient, Library/error.py.
constexpr std::array known_statuses{
    StatusWords{0xC0010001, "an error"},
    StatusWords{0xC0010002, "aborted"},
    StatusWords{0xC0010003, "the command is not supported"},
    StatusWords{0xC0010004, "the control code is not supported"},
    StatusWords{0xC0010005, "the protocol was broken"},
    StatusWords{0xC001000F, "writing failed"},
    StatusWords{0xC0010010, "reading failed"},
    StatusWords{0xC0020004, "downloads are forbidden"},
    StatusWords{0xC0020007, "the image's signature is wrong"},
    StatusWords{0xC002000C, "writing is not allowed"},
    StatusWords{0xC002002D, "the image is older than allowed"},
    StatusWords{0xC0020053, "the agent is older than allowed"},
    StatusWords{0xC0040003, "the checksum is wrong"},
    StatusWords{0xC0040009, "the kind of storage is unknown"},
    StatusWords{0xC004000A, "the memory test failed"},
};
static_assert(std::ranges::is_sorted(known_statuses, {}, &StatusWords::status));

Error no_packet(std::string_view what, const std::string& why)
{
    return Error{ErrorCode::malformed,
                 std::string{what},
                 why,
                 std::nullopt,
                 "unplug the phone, switch it off, and plug it in again",
                 {}};
}

} // namespace

std::string status_words(std::uint32_t status)
{
    const auto* const found = std::ranges::lower_bound(known_statuses, status, {}, &StatusWords::status);
    const bool is_known = found != known_statuses.end() && found->status == status;
    return fmt::format("status {:#010x}{}{}", status, is_known ? ", " : "", is_known ? found->words : "");
}

Error refusal(std::string_view step, std::uint32_t status)
{
    return Error{
        ErrorCode::refused, fmt::format("the phone refuses {}", step), status_words(status), std::nullopt, {}, {}};
}

Result<> Link::send(ByteView payload)
{
    std::array<std::byte, header_bytes> header{};
    const std::span all{header};
    store_le<std::uint32_t>(all, packet_magic);
    store_le<std::uint32_t>(all.subspan(4), kind_protocol);
    store_le<std::uint32_t>(all.subspan(8), static_cast<std::uint32_t>(payload.size()));
    SALVAGE_TRY(wire_->write(header));
    return wire_->write(payload);
}

Result<> Link::send_word(std::uint32_t word)
{
    std::array<std::byte, 4> bytes{};
    store_le<std::uint32_t>(bytes, word);
    return send(bytes);
}

Result<std::uint32_t> Link::next_length(std::uint32_t max_bytes)
{
    Bytes log;
    for (unsigned logs = 0; logs < max_logs_in_a_row; ++logs) {
        std::array<std::byte, header_bytes> bytes{};
        SALVAGE_TRY(wire_->read(bytes));
        const ByteView header{bytes};
        const auto magic = load_le<std::uint32_t>(header);
        const auto kind = load_le<std::uint32_t>(header.subspan(4));
        const auto length = load_le<std::uint32_t>(header.subspan(8));
        if (magic != packet_magic || (kind != kind_protocol && kind != kind_log)) {
            return no_packet("the phone sent no packet where one is due",
                             fmt::format("found {}, expected EF EE EE FE and a kind of 1 or 2", to_spaced_hex(header)));
        }
        const auto limit = kind == kind_log ? max_log_bytes : max_bytes;
        if (length > limit) {
            return no_packet("the phone announces a packet that is too long",
                             fmt::format("found {} bytes, expected {} or less", length, limit));
        }
        if (kind == kind_protocol) {
            return length;
        }
        log.resize(length);
        SALVAGE_TRY(wire_->read(log));
        if (wire_->is_stopped()) {
            return cancelled("waiting for the phone was stopped");
        }
    }
    return no_packet("the phone's agent says nothing but logs", fmt::format("{} in a row", max_logs_in_a_row));
}

Result<Bytes> Link::receive(std::uint32_t max_bytes)
{
    const auto length = SALVAGE_TRY(next_length(max_bytes));
    Bytes bytes(length);
    SALVAGE_TRY(payload(bytes));
    return bytes;
}

Result<std::uint32_t> Link::status()
{
    const auto bytes = SALVAGE_TRY(receive(max_answer_bytes));
    if (bytes.size() == 2) {
        return std::uint32_t{load_le<std::uint16_t>(bytes)};
    }
    if (bytes.size() != 4) {
        return no_packet("the phone sent something else where a status is due",
                         fmt::format("found {} bytes, expected 2 or 4", bytes.size()));
    }
    const auto status = load_le<std::uint32_t>(bytes);
    // Some agents acknowledge with the magic.
    return status == packet_magic ? 0 : status;
}

Result<> Link::expect_okay(std::string_view step)
{
    const auto answer = SALVAGE_TRY(status());
    return answer == 0 ? Result<>{} : Result<>{refusal(step, answer)};
}

Result<Link::Known> Link::control(Control code, std::string_view step)
{
    SALVAGE_TRY(send(Command::device_control));
    SALVAGE_TRY(expect_okay(step));
    SALVAGE_TRY(send_word(static_cast<std::uint32_t>(code)));
    const auto answer = SALVAGE_TRY(status());
    if (answer == status_unsupported_control) {
        return Known::no;
    }
    if (answer != 0) {
        return refusal(step, answer);
    }
    return Known::yes;
}

Result<std::optional<Bytes>> Link::get(Control code, std::string_view step)
{
    if (SALVAGE_TRY(control(code, step)) == Known::no) {
        return std::optional<Bytes>{};
    }
    auto answer = SALVAGE_TRY(receive(max_answer_bytes));
    SALVAGE_TRY(expect_okay(step));
    return std::optional{std::move(answer)};
}

Result<> Link::set(Control code, std::uint32_t value, std::string_view step)
{
    if (SALVAGE_TRY(control(code, step)) == Known::no) {
        return {};
    }
    SALVAGE_TRY(send_word(value));
    return expect_okay(step);
}

} // namespace salvage::device::xflash

// Fastboot's messages over TCP.
#include "tcp_messages.hpp"

#include <utility>

#include <fmt/format.h>

namespace salvage::device {
namespace {

constexpr std::string_view greeting = "FB01";
/// Up to this size a message and its length go out as one.
constexpr std::size_t small_bytes = 4096;

/// "FB" and two digits; ends of different versions speak the lower one, and there is none below 1.
bool is_greeting(ByteView bytes)
{
    const auto text = as_text(bytes);
    const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    return text.starts_with("FB") && is_digit(text[2]) && is_digit(text[3]) && text.substr(2) != "00";
}

} // namespace

TcpMessages::TcpMessages(SocketHandle socket) : socket_{std::move(socket)}
{
    send_at_once(socket_);
}

Result<> TcpMessages::greet(Timeout timeout)
{
    const Deadline deadline{timeout};
    SALVAGE_TRY(send_stream(socket_, as_bytes(greeting), timeout).in("greeting the other end"));
    std::array<std::byte, greeting.size()> answer{};
    for (std::size_t have = 0; have < answer.size();) {
        have += SALVAGE_TRY(
            receive_stream(socket_, std::span{answer}.subspan(have), deadline.left()).in("waiting for a greeting"));
    }
    if (!is_greeting(answer)) {
        return malformed(ByteOffset{0}, "the other end does not speak fastboot",
                         fmt::format("found {}, expected \"FB01\"", to_spaced_hex(answer)));
    }
    return {};
}

Result<> TcpMessages::send(ByteView bytes, Timeout timeout)
{
    Bytes head(length_bytes);
    store_be<std::uint64_t>(head, bytes.size());
    if (bytes.size() <= small_bytes) {
        head.insert(head.end(), bytes.begin(), bytes.end());
        return send_stream(socket_, head, timeout);
    }
    SALVAGE_TRY(send_stream(socket_, head, timeout));
    return send_stream(socket_, bytes, timeout);
}

Result<> TcpMessages::begin(const Deadline& deadline)
{
    while (!is_under_way()) {
        length_have_ += SALVAGE_TRY(receive_stream(socket_, std::span{length_}.subspan(length_have_), deadline.left()));
        left_ = load_be<std::uint64_t>(length_);
    }
    return {};
}

Result<Bytes> TcpMessages::receive(std::size_t most, Timeout timeout)
{
    const Deadline deadline{timeout};
    SALVAGE_TRY(begin(deadline));
    if (left_ > most - std::min(most, part_.size())) {
        return malformed(ByteOffset{0}, "the other end sent a message that is too long",
                         fmt::format("found {} bytes, expected {} at most", left_ + part_.size(), most));
    }
    while (left_ != 0) {
        std::array<std::byte, 512> piece{};
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size()));
        const auto got = SALVAGE_TRY(receive_stream(socket_, std::span{piece}.first(wanted), deadline.left()));
        part_.insert(part_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
        left_ -= got;
    }
    length_have_ = 0;
    return std::exchange(part_, {});
}

Result<std::size_t> TcpMessages::receive_some(std::span<std::byte> into, Timeout timeout)
{
    const Deadline deadline{timeout};
    SALVAGE_TRY(begin(deadline));
    if (left_ == 0) {
        return malformed(ByteOffset{0}, "the other end sent an empty message where data was due");
    }
    const auto most = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_)));
    const auto got = SALVAGE_TRY(receive_stream(socket_, most, deadline.left()));
    left_ -= got;
    if (left_ == 0) {
        length_have_ = 0;
    }
    return got;
}

} // namespace salvage::device
